package kin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/kinstream/kin/internal/outbox"
)

// Codes that are not in the lists of the SDK. Those of retryableCodes pass without
// anybody changing the call: keys are throttled, credentials are renewed, clocks
// are corrected by the SDK, streams become active.
var (
	retryableCodes = map[string]bool{
		"KMSThrottlingException": true, "ResourceInUseException": true,
		"ExpiredToken": true, "ExpiredTokenException": true,
		"RequestExpired": true, "RequestTimeTooSkewed": true, "RequestTimeout": true, "RequestTimeoutException": true,
	}
	// The service does not know what it did.
	internalCodes = map[string]bool{
		"InternalFailure": true, "InternalFailureException": true, "InternalServerError": true,
		"ServiceUnavailable": true, "ServiceUnavailableException": true,
	}
	contentCodes = map[string]bool{
		"ValidationException": true, "InvalidArgumentException": true,
		"SerializationException": true, "RequestEntityTooLarge": true,
	}
)

// failedCall says what the error of a call means for its records. sent says
// whether the request may have left this process.
func failedCall(err error, sent bool) *outbox.Failure {
	f := &outbox.Failure{Err: err}
	api, isAPI := errors.AsType[smithy.APIError](err)
	if isAPI {
		f.Code = api.ErrorCode()
	}
	status := 0
	if answer, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); ok {
		status = answer.HTTPStatusCode()
	}
	_, f.Throttled = retry.DefaultThrottleErrorCodes[f.Code]
	f.Throttled = f.Throttled || f.Code == "KMSThrottlingException" || status == http.StatusTooManyRequests

	switch {
	case !sent:
		f.Retryable = !neverSendable(err)
	case internalCodes[f.Code]:
		f.Retryable, f.Ambiguous = true, true // whatever status it comes with
	case status >= 300 && status < 500, status == 0 && isAPI && api.ErrorFault() != smithy.FaultServer:
		// The service has refused the call as a whole: nothing was stored.
		var hinted interface{ RetryableError() bool }
		f.Retryable = f.Throttled || retryableCodes[f.Code] || status == http.StatusRequestTimeout ||
			errors.As(err, &hinted) && hinted.RetryableError()
		f.NoStream = f.Code == "ResourceNotFoundException"
		f.Content = !f.Retryable && (contentCodes[f.Code] || status == http.StatusRequestEntityTooLarge)
	default:
		// Server faults, broken connections, timeouts, answers that make no sense.
		f.Retryable, f.Ambiguous = true, true
	}
	return f
}

// wrongClock says whether the service refused the signature of a call for its time alone.
func wrongClock(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() != "InvalidSignatureException" && api.ErrorCode() != "SignatureDoesNotMatch" {
		return false
	}
	message := api.ErrorMessage()
	return strings.Contains(message, "Signature expired") || strings.Contains(message, "Signature not yet current")
}

// neverSendable says whether the SDK could not even make a request of the call,
// and could not next time.
func neverSendable(err error) bool {
	if _, ok := errors.AsType[*smithy.SerializationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[smithy.InvalidParamsError](err); ok {
		return true
	}
	return wrongSettings(err)
}

// wrongSettings says whether the SDK can't tell from the client's settings where to send requests: they never change. Its errors
// of that have no type, and those of a resolver that a program brings along, which may pass, look the same but for their text.
func wrongSettings(err error) bool {
	_, reason, ok := strings.Cut(err.Error(), "failed to resolve service endpoint, ")
	return ok && (strings.HasPrefix(reason, "endpoint rule error, Invalid Configuration: ") || strings.HasPrefix(reason, "Failed to parse uri: "))
}

// failedRecord says what the error of one record in an answered call means.
func failedRecord(code, message string) *outbox.Failure {
	if code == "ProvisionedThroughputExceededException" {
		return &outbox.Failure{
			Err:  &types.ProvisionedThroughputExceededException{Message: &message},
			Code: code, Retryable: true, Throttled: true,
		}
	}
	// InternalFailure is the only other code that is documented. The service does
	// not know what went wrong, so neither do we whether the record is stored.
	return &outbox.Failure{
		Err:  &smithy.GenericAPIError{Code: code, Message: message, Fault: smithy.FaultServer},
		Code: code, Retryable: true, Ambiguous: true,
	}
}

// errNoPlace is the failure of a record that was neither stored nor refused.
var errNoPlace = errors.New("answer has neither a sequence number nor an error code for the record")

// putHint says what may help against a failure.
func putHint(f *outbox.Failure) string {
	hint := commonHint(f.Code, f.Err, permissions{stream: "kinesis:PutRecords", key: "kms:GenerateDataKey"})
	switch f.Code {
	case "ProvisionedThroughputExceededException":
		return "the shard of this key takes no more: spread the partition keys, or add shards"
	case "ResourceNotFoundException":
		return hint + "; one that is being created takes records when it is ACTIVE"
	}
	if hint == "" && errors.Is(f.Err, context.DeadlineExceeded) {
		return "no answer came within CallTimeout"
	}
	return hint
}

// tracker watches one call to know whether its request may have left the process.
// Any client that ignores SDK options is taken to have sent it.
type tracker struct {
	inner   kinesis.HTTPClient
	applied atomic.Bool  // the SDK took our options: Do is called before anything is sent
	called  atomic.Int32 // times that Do was called: more than once by clients that try again themselves
	asked   atomic.Bool  // net/http asked for a connection
	got     atomic.Bool  // and got one
}

// apply is a per-call option of the SDK.
func (t *tracker) apply(o *kinesis.Options) {
	if o.HTTPClient == nil {
		return
	}
	t.inner, o.HTTPClient = o.HTTPClient, t
	t.applied.Store(true)
}

// Do implements [kinesis.HTTPClient].
func (t *tracker) Do(r *http.Request) (*http.Response, error) {
	t.called.Add(1)
	return t.inner.Do(r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GetConn: func(string) { t.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.got.Store(true) },
	})))
}

// sending says whether a request has left this process.
type sending uint8

const (
	notSent   sending = iota
	maybeSent         // once at most
	sentAgain         // perhaps several times: what came of the last one says nothing about the others
)

// sent says whether the request may have been sent, given the error of the call.
func (t *tracker) sent(err error) sending {
	called := t.called.Load()
	switch {
	case !t.applied.Load():
	case called == 0, t.asked.Load() && !t.got.Load():
		return notSent
	case called > 1:
		return sentAgain
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return notSent
	}
	return maybeSent
}
