package kintest

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/smithy-go"
)

// call is one request on its way through the server: what the transport knows
// about it. The direct API makes one too.
type call struct {
	ctx      context.Context
	op       string    // operation, "PutRecords"
	account  string    // 12 digits, from the credentials or the configuration
	region   string    // from the credential scope or the configuration
	now      time.Time // when the request was accepted; everything is decided by it
	protocol string    // "json", "cbor" or direct
}

// direct is the protocol of calls by the direct API, which no limit holds for.
const direct = "direct"

// operation is one cold operation: the transport decodes into what newInput
// returns (a pointer to the SDK's input struct), calls run, and writes the
// Serializable (the SDK's output struct), or an empty body if it is nil.
//
// PutRecords, PutRecord and GetRecords are not in the table: the transport calls
// [Server.putRecords], [Server.putRecord] and [Server.getRecords] with the structs
// of internal/proto. SubscribeToShard is not either: [Server.subscribe].
type operation struct {
	name     string
	newInput func() any
	run      func(s *Server, c *call, in any) (smithy.Serializable, error)
}

// answer makes an operation out of a function from the SDK's input to its output.
//
//nolint:errcheck // run gets what newInput made
func answer[In any, Out smithy.Serializable](name string, run func(*Server, *call, *In) (Out, error)) operation {
	return operation{
		name:     name,
		newInput: func() any { return new(In) },
		run: func(s *Server, c *call, in any) (smithy.Serializable, error) {
			if err := validate(name, in); err != nil {
				return nil, err
			}
			out, err := run(s, c, in.(*In))
			if err != nil {
				return nil, err
			}
			return out, nil
		},
	}
}

// act makes an operation out of a function that has no output.
//
//nolint:errcheck // run gets what newInput made
func act[In any](name string, run func(*Server, *call, *In) error) operation {
	return operation{
		name:     name,
		newInput: func() any { return new(In) },
		run: func(s *Server, c *call, in any) (smithy.Serializable, error) {
			if err := validate(name, in); err != nil {
				return nil, err
			}
			return nil, run(s, c, in.(*In))
		},
	}
}

// refuse makes an operation that we don't have.
func refuse[In any](name string) operation {
	return operation{
		name:     name,
		newInput: func() any { return new(In) },
		run: func(*Server, *call, any) (smithy.Serializable, error) {
			return nil, unsupported(name)
		},
	}
}

// apiError is an error in the service's words. Every error that an operation
// returns is one.
type apiError struct {
	Code    string // "ResourceNotFoundException"
	Message string
	Status  int // of HTTP; 400 or 500
}

// Error implements error.
func (e *apiError) Error() string { return e.Code + ": " + e.Message }

// The names of the service's errors.
const (
	codeDryRun            = "DryRunOperationException"
	codeExpiredIterator   = "ExpiredIteratorException"
	codeExpiredNextToken  = "ExpiredNextTokenException"
	codeInternalFailure   = "InternalFailureException"
	codeInvalidArgument   = "InvalidArgumentException"
	codeLimitExceeded     = "LimitExceededException"
	codeResourceInUse     = "ResourceInUseException"
	codeResourceNotFound  = "ResourceNotFoundException"
	codeThroughput        = "ProvisionedThroughputExceededException"
	codeUnknownOperation  = "UnknownOperationException"
	codeUnsupported       = "UnsupportedOperationException"
	codeValidation        = "ValidationException"
	codeSerialization     = "SerializationException"
	putRecordsInternal    = "InternalFailure" // the per-record form of codeInternalFailure
	dryRunMessage         = "The request would have succeeded, but the DryRun parameter was specified."
	unsupportedByUsFormat = "%s is not supported by kintest; see UNSUPPORTED.md."
)

// fail makes an apiError with status 400.
func fail(code, format string, args ...any) *apiError {
	return &apiError{Code: code, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}
