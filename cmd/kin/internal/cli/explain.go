package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// failure is an error that already says what a person is told: what happened,
// what to do about it, and the exit code.
type failure struct {
	code exitCode
	what string
	hint string // "" if there is nothing to do
	err  error  // the cause, if there is one
}

func (f *failure) Error() string {
	if f.hint == "" {
		return f.what
	}
	return strings.TrimSuffix(f.what, ".") + "; " + f.hint // the service ends its messages with a full stop
}

func (f *failure) Unwrap() error { return f.err }

// malformedHTTP is in all errors of net/http about answers that are no HTTP; they
// have no type.
const malformedHTTP = "malformed HTTP"

func usageErr(what, hint string) error { return &failure{code: exitUsage, what: what, hint: hint} }

// explain turns any error of a command into its line and its exit code. It is
// the only place that knows the errors of the SDK and of the network.
func (a *app) explain(ctx context.Context, err error) (string, exitCode) {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.Error(), f.code
	}
	if errors.Is(err, errNobodyReads) {
		return "", exitNobodyReads
	}
	if ctx.Err() != nil {
		return "stopped by a signal", exitInterrupted
	}
	if stored, ok := errors.AsType[*storeError](err); ok {
		f := a.storeFailure(stored)
		return f.Error(), f.code
	}
	f := groupFailure(err)
	if f == nil {
		f = a.networkFailure(err)
	}
	if f == nil {
		f = a.serviceFailure(err)
	}
	if f == nil {
		f = fileFailure(err)
	}
	if f == nil {
		f = &failure{code: exitFailed, what: oneLine(err.Error())}
	}
	return f.Error(), f.code
}

// networkFailure explains an endpoint that cannot be reached, does not answer,
// or is no Kinesis. It returns nil for other errors.
func (a *app) networkFailure(err error) *failure {
	unreachable := func(what, hint string) *failure {
		return &failure{code: exitUnreachable, what: what, hint: hint, err: err}
	}
	text := err.Error()
	if foreign, ok := errors.AsType[*foreignError](err); ok {
		if foreign.status >= http.StatusInternalServerError {
			return unreachable(fmt.Sprintf("%v %v", a.target, foreign), "a proxy whose server is away, or no Kinesis endpoint? try again, or check --endpoint")
		}
		return unreachable(fmt.Sprintf("%v is not a Kinesis endpoint: it %v", a.target, foreign), "check --endpoint")
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		hint := "check --endpoint"
		if a.target.endpoint == "" {
			hint = fmt.Sprintf("is %s a region, and is there a network?", a.target.region)
		}
		return unreachable("no such host: "+dns.Name, hint)
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return unreachable(fmt.Sprintf("%v: its certificate is not trusted: %v", a.target, certificate.Err), "name its authority's PEM file in AWS_CA_BUNDLE")
	}
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case notTLS, strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return unreachable(fmt.Sprintf("%v does not speak TLS", a.target), "try http:// in --endpoint")
	case strings.Contains(text, malformedHTTP):
		return unreachable(fmt.Sprintf("%v does not speak HTTP", a.target), "check --endpoint, or try https:// in it")
	case errors.Is(err, syscall.ECONNREFUSED):
		return unreachable(fmt.Sprintf("nothing listens at %v", a.target), "is the server started (kin serve), and is --endpoint right?")
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return unreachable(fmt.Sprintf("no way to %v", a.target), "is there a network?")
	case isTimeout(err):
		return unreachable(fmt.Sprintf("no answer from %v in %v", a.target, a.flags.timeout), "check the network and --endpoint, or give it more --timeout")
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return unreachable(fmt.Sprintf("%v ended the connection without an answer", a.target), a.wrongPlaceHint())
	}
	if garbled, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		return unreachable(fmt.Sprintf("%v is not a Kinesis endpoint: its answer cannot be read: %v", a.target, oneLine(garbled.Err.Error())), "check --endpoint")
	}
	if unsent, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return unreachable(fmt.Sprintf("the connection to %v failed: %v", a.target, oneLine(unsent.Err.Error())), a.wrongPlaceHint())
	}
	return nil
}

// wrongPlaceHint says what to do about a connection that broke. A server of
// TLS ends one that begins with a request.
func (a *app) wrongPlaceHint() string {
	if strings.HasPrefix(a.target.endpoint, "http://") {
		return "is it a Kinesis endpoint, and is it http:// or https://? check --endpoint, or try again"
	}
	return "is it a Kinesis endpoint? check --endpoint, or try again"
}

// serviceFailure explains an error that the service answered with. It returns
// nil for other errors.
func (a *app) serviceFailure(err error) *failure {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return nil
	}
	message := api.ErrorMessage()
	if message == "" {
		message = api.ErrorCode()
	}
	f := &failure{code: exitFailed, what: oneLine(message), err: err}
	switch api.ErrorCode() {
	case "ResourceNotFoundException":
		f.code = exitNotFound
		f.hint = fmt.Sprintf("is it in %v? kin stream list shows what is", a.target)
	case "AccessDeniedException", "AccessDenied", "KMSAccessDeniedException", "OptInRequired", "SubscriptionRequiredException":
		f.code = exitDenied
		f.hint = "the credentials are known but may not do this: look at their IAM policy"
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "MissingAuthenticationTokenException", "IncompleteSignatureException", "IncompleteSignature":
		f.code = exitDenied
		f.hint = fmt.Sprintf("%v does not know these credentials: check AWS_ACCESS_KEY_ID, --profile and --region", a.target)
	case "InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed":
		f.code = exitDenied
		f.hint = "check AWS_SECRET_ACCESS_KEY, and this machine's clock"
	case "ExpiredTokenException", "ExpiredToken":
		f.code = exitDenied
		f.hint = "the session has ended: sign in again (aws sso login), or get new keys"
	case "ResourceInUseException":
		f.hint = "kin stream describe shows its status"
	case "LimitExceededException":
		f.hint = "a limit of the service: wait, or ask AWS for more"
	case "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "KMSThrottlingException":
		f.hint = "throttled: wait, or add shards (kin stream reshard)"
	case "ValidationException", "InvalidArgumentException":
		f.code = exitUsage
		f.hint = "correct the arguments and flags"
	case "UnknownOperationException", "UnknownError":
		f.what = fmt.Sprintf("%v does not know the operation: %s", a.target, f.what)
		f.hint = "is it a Kinesis endpoint? check --endpoint"
	}
	return f
}

// fileFailure explains what the operating system said about a file.
func fileFailure(err error) *failure {
	path, ok := errors.AsType[*fs.PathError](err)
	if !ok {
		return nil
	}
	if errors.Is(err, syscall.ENOSPC) {
		return &failure{code: exitFailed, what: path.Error(), hint: "make room, or write somewhere else", err: err}
	}
	return &failure{code: exitUsage, what: path.Error(), hint: "check the path", err: err}
}

// configErr explains why the AWS configuration cannot be used.
func configErr(err error) error {
	if missing, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
		return usageErr(fmt.Sprintf("profile %q does not exist", missing.Profile), "the profiles are in ~/.aws/config and ~/.aws/credentials")
	}
	return usageErr("AWS configuration: "+oneLine(err.Error()), "check the AWS_ variables and the files in ~/.aws")
}

// credentialsErr explains why there are no credentials.
func credentialsErr(err error) error {
	f := &failure{code: exitDenied, err: err}
	text := oneLine(err.Error())
	noneFound := errors.Is(err, context.DeadlineExceeded) ||
		strings.Contains(text, "IMDS") || strings.Contains(text, "none configured") || strings.Contains(text, "static credentials are empty")
	if noneFound {
		f.what = "no AWS credentials found"
		f.hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --profile, or --endpoint for a local server (kin serve)"
		return f
	}
	f.what = "AWS credentials: " + text
	f.hint = "check --profile, or sign in again"
	return f
}

// isTimeout reports whether err says that something took too long.
func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return true
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// oneLine keeps text on one line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// isDenied reports whether the credentials are good but may not do this.
func isDenied(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && strings.HasPrefix(api.ErrorCode(), "AccessDenied")
}
