package fetch

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsretry "github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
)

// Class is what an error means for the next attempt.
type Class uint8

const (
	// Unknown is an error that came from neither the service nor the network as
	// far as can be told: settings, credentials, an endpoint that can't be built.
	Unknown Class = iota
	// Throttled is a refusal because of the rate: nothing was done.
	Throttled
	// Transient is expected to go away: failures of the service or the network,
	// time-outs, answers that can't be read. The call may have been done.
	Transient
	// Expired is a shard iterator or list token that is too old.
	Expired
	// NotFound is a stream, shard or consumer that does not exist.
	NotFound
	// Terminal is refused for good: wrong arguments, no access, no key.
	Terminal
)

// String names c for logs and metrics.
func (c Class) String() string {
	switch c {
	case Throttled:
		return "throttled"
	case Transient:
		return "transient"
	case Expired:
		return "expired"
	case NotFound:
		return "not found"
	case Terminal:
		return "terminal"
	case Unknown:
	}
	return "unknown"
}

// Classify says what err means. It must not be asked about the end of the
// caller's own context, which only the caller can tell from a call's time limit:
// a context error is Transient here.
func Classify(err error) Class {
	if class, ok := classifyCode(Code(err)); ok {
		return class
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Transient
	}
	// An answer that was cut, also one that was about to say what is wrong.
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return Transient
	}
	// NXDOMAIN must be asked before the SDK's rules, which know only yes and no:
	// a name that is gone for a moment is Transient to a reader that has read.
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return Unknown
	}
	if awsretry.IsErrorRetryables(awsretry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary {
		return Transient
	}
	return classifyStatus(err)
}

// Code returns the service's name for err, or "" if err did not come from the service.
func Code(err error) string {
	// Not AsType: smithy.APIError embeds error, so the type argument is an interface.
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// Answered says whether err shows that the service answers this caller, as throttling does, and
// what it says of one stream or shard. It does not if there is no answer, or one that is no use
// to anybody, or one that refuses the caller.
func Answered(err error) bool {
	code := Code(err)
	class, known := classifyCode(code)
	switch {
	case code == "":
		return Classify(err) == Throttled // by something in between
	case !known:
		return classifyStatus(err) != Transient
	case class == Transient:
		return code == "ResourceInUseException"
	case class == Terminal:
		return !refusesCaller(code)
	}
	return true
}

// refusesCaller says whether a refusal is about who calls, and not about what is called.
func refusesCaller(code string) bool {
	switch code {
	case "AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "InvalidClientTokenId",
		"MissingAuthenticationToken", "MissingAuthenticationTokenException", "OptInRequired", "IncompleteSignature":
		return true
	}
	return curable(code)
}

func classifyCode(code string) (Class, bool) {
	switch code {
	case "ProvisionedThroughputExceededException", "KMSThrottlingException", "LimitExceededException",
		"ThrottlingException", "Throttling", "ThrottledException", "RequestLimitExceeded",
		"RequestThrottled", "RequestThrottledException", "TooManyRequestsException", "SlowDown":
		return Throttled, true
	case "InternalFailureException", "InternalFailure", "InternalServerError", "ServiceUnavailable",
		"ServiceUnavailableException", "RequestTimeout", "RequestTimeoutException", "ResourceInUseException":
		// ResourceInUseException: a stream that is just being created or changed.
		return Transient, true
	case "ExpiredIteratorException", "ExpiredNextTokenException":
		return Expired, true
	case "ResourceNotFoundException":
		return NotFound, true
	case "InvalidArgumentException", "ValidationException", "SerializationException", "UnknownOperationException",
		"AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "InvalidClientTokenId",
		"MissingAuthenticationToken", "MissingAuthenticationTokenException", "IncompleteSignature",
		"InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed",
		"ExpiredToken", "ExpiredTokenException", "OptInRequired",
		"KMSAccessDeniedException", "KMSDisabledException", "KMSInvalidStateException", "KMSNotFoundException",
		"KMSOptInRequired", "DryRunOperationException":
		return Terminal, true
	}
	return Unknown, false
}

// curable says whether a refusal of the caller's identity may be cured by the refusal
// itself: from the date of the answer the SDK learns how wrong this machine's clock is
// and signs the next call with the right time, and credentials that have expired are
// renewed. So one more attempt is worth it, and not two.
func curable(code string) bool {
	switch code {
	case "InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed",
		"ExpiredToken", "ExpiredTokenException":
		return true
	}
	return false
}

// classifyStatus judges by the HTTP status alone: what answered may not be the
// service but something in between, or something else altogether.
func classifyStatus(err error) Class {
	status, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err)
	if !ok {
		return Unknown
	}
	switch code := status.HTTPStatusCode(); {
	case code == http.StatusTooManyRequests:
		return Throttled
	case code == http.StatusRequestTimeout, code >= http.StatusInternalServerError, code < http.StatusMultipleChoices:
		// Below 300: an answer that could not be read.
		return Transient
	default:
		return Terminal
	}
}
