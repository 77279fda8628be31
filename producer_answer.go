package kin

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
)

// putFailure is why an attempt did not store a record, or a whole call none.
type putFailure struct {
	err       error
	code      string // of the service, if it gave one
	retryable bool   // another attempt may succeed
	ambiguous bool   // the records may have been stored
	throttled bool   // because of a throughput limit
	content   bool   // the service did not like the records, perhaps only one of them
}

// Codes that are not in the lists of the SDK. Those of retryableCodes pass without
// anybody changing the call: keys are throttled, credentials are renewed, clocks
// are corrected by the SDK, streams become active.
var (
	retryableCodes = map[string]bool{
		"KMSThrottlingException": true, "ResourceInUseException": true,
		"ExpiredToken": true, "ExpiredTokenException": true,
		"RequestExpired": true, "RequestTimeTooSkewed": true, "RequestTimeout": true, "RequestTimeoutException": true,
	}
	contentCodes = map[string]bool{
		"ValidationException": true, "InvalidArgumentException": true,
		"SerializationException": true, "RequestEntityTooLarge": true,
	}
)

// failedCall says what the error of a call means for its records. sent says
// whether the request may have left this process.
func failedCall(err error, sent bool) *putFailure {
	f := &putFailure{err: err}
	api, isAPI := errors.AsType[smithy.APIError](err)
	if isAPI {
		f.code = api.ErrorCode()
	}
	status := 0
	if answer, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); ok {
		status = answer.HTTPStatusCode()
	}
	_, f.throttled = retry.DefaultThrottleErrorCodes[f.code]
	f.throttled = f.throttled || f.code == "KMSThrottlingException" || status == http.StatusTooManyRequests

	switch {
	case !sent:
		f.retryable = !neverSendable(err)
	case status >= 300 && status < 500, status == 0 && isAPI && api.ErrorFault() != smithy.FaultServer:
		// The service has refused the call as a whole: nothing was stored.
		var hinted interface{ RetryableError() bool }
		f.retryable = f.throttled || retryableCodes[f.code] || status == http.StatusRequestTimeout ||
			errors.As(err, &hinted) && hinted.RetryableError()
		f.content = !f.retryable && (contentCodes[f.code] || status == http.StatusRequestEntityTooLarge)
	default:
		// Server faults, broken connections, timeouts, answers that make no sense.
		f.retryable, f.ambiguous = true, true
	}
	return f
}

// neverSendable says whether the SDK could not even make a request of the call,
// and could not next time.
func neverSendable(err error) bool {
	if _, ok := errors.AsType[*smithy.SerializationError](err); ok {
		return true
	}
	_, ok := errors.AsType[smithy.InvalidParamsError](err)
	return ok
}

// failedRecord says what the error of one record in an answered call means.
func failedRecord(code, message string) *putFailure {
	if code == "ProvisionedThroughputExceededException" {
		return &putFailure{
			err:  &types.ProvisionedThroughputExceededException{Message: &message},
			code: code, retryable: true, throttled: true,
		}
	}
	// InternalFailure is the only other code that is documented. The service does
	// not know what went wrong, so neither do we whether the record is stored.
	return &putFailure{
		err:  &smithy.GenericAPIError{Code: code, Message: message, Fault: smithy.FaultServer},
		code: code, retryable: true, ambiguous: true,
	}
}

// errNoPlace is the failure of a record that was neither stored nor refused.
var errNoPlace = errors.New("answer has neither a sequence number nor an error code for the record")

// judge gives every record of a call its verdict. It returns the records of the
// answer, of which there are as many as items, or why the call failed as a whole.
func (p *Producer) judge(items []pending, out *kinesis.PutRecordsOutput, whole *putFailure) ([]types.PutRecordsResultEntry, *putFailure) {
	if whole == nil {
		got := 0
		if out != nil {
			got = len(out.Records)
		}
		if got == len(items) {
			for i := range items {
				p.judgeRecord(&items[i], &out.Records[i])
			}
			return out.Records, nil
		}
		whole = &putFailure{
			err:       fmt.Errorf("answer has %d records for a call of %d", got, len(items)),
			retryable: true, ambiguous: true,
		}
	}
	for i := range items {
		p.fail(&items[i], whole)
	}
	return nil, whole
}

func (p *Producer) judgeRecord(it *pending, answer *types.PutRecordsResultEntry) {
	switch {
	case answer.ErrorCode != nil && *answer.ErrorCode != "":
		message := ""
		if answer.ErrorMessage != nil {
			message = *answer.ErrorMessage
		}
		p.fail(it, failedRecord(*answer.ErrorCode, message))
	case answer.SequenceNumber == nil || answer.ShardId == nil || *answer.SequenceNumber == "" || *answer.ShardId == "":
		p.fail(it, &putFailure{err: errNoPlace, retryable: true, ambiguous: true})
	default:
		it.attempts++
		it.verdict = stored
	}
}

func (p *Producer) fail(it *pending, f *putFailure) {
	it.attempts++
	it.last = f
	it.ambiguous = it.ambiguous || f.ambiguous
	it.verdict = refused
	if f.retryable && (!f.ambiguous || p.cfg.WhenAmbiguous == RetryAmbiguous) {
		it.verdict = tryAgain
	}
}

// errorOf is the error that answers a record whose verdict is not to be stored.
func (p *Producer) errorOf(it *pending) *PutError {
	e := &PutError{Stream: p.cfg.Stream, Record: it.rec, Ambiguous: it.ambiguous, Attempts: it.attempts}
	var reason error
	switch it.verdict {
	case expired:
		reason = ErrExpired
	case givenUp:
		reason = ErrClosed
	case undecided, stored, refused, tryAgain, halved:
	}
	if it.last == nil {
		e.Err = reason
		return e
	}
	e.Code, e.Err, e.Hint = it.last.code, it.last.err, putHint(it.last)
	if reason != nil {
		e.Err = &gaveUpError{reason: reason, cause: it.last.err}
	}
	return e
}

// gaveUpError is why a record that failed was not tried again.
type gaveUpError struct {
	reason error // a sentinel
	cause  error // of the latest attempt's failure
}

func (e *gaveUpError) Error() string   { return e.reason.Error() + ": " + causeText(e.cause) }
func (e *gaveUpError) Unwrap() []error { return []error{e.reason, e.cause} }

// putHint says what may help against a failure.
func putHint(f *putFailure) string {
	if f.code == "ProvisionedThroughputExceededException" {
		return "the shard of this key takes no more: spread the partition keys, or add shards"
	}
	return commonHint(f.code, f.err, permissions{stream: "kinesis:PutRecords", key: "kms:GenerateDataKey"})
}

// tracker watches one call to know whether its request may have left the process.
// Any client that ignores SDK options is taken to have sent it.
type tracker struct {
	inner   kinesis.HTTPClient
	applied atomic.Bool // the SDK took our options: Do is called before anything is sent
	called  atomic.Bool // Do was called
	asked   atomic.Bool // net/http asked for a connection
	got     atomic.Bool // and got one
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
	t.called.Store(true)
	return t.inner.Do(r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GetConn: func(string) { t.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.got.Store(true) },
	})))
}

// sent says whether the request may have been sent, given the error of the call.
func (t *tracker) sent(err error) bool {
	switch {
	case !t.applied.Load():
	case !t.called.Load():
		return false
	case t.asked.Load() && !t.got.Load():
		return false
	}
	op, ok := errors.AsType[*net.OpError](err)
	return !ok || op.Op != "dial"
}
