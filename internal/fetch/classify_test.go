package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/kinstream/kin/internal/fetch"
)

// operation wraps err as the SDK wraps the error of an operation.
func operation(err error) error {
	return &smithy.OperationError{ServiceID: "Kinesis", OperationName: "GetRecords", Err: err}
}

func response(status int, err error) error {
	return operation(&awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
		Err:      err,
	}})
}

func TestClassify(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		err  error
		want fetch.Class
	}{
		"a shard's limit":               {response(400, &types.ProvisionedThroughputExceededException{}), fetch.Throttled},
		"the key service's limit":       {response(400, &types.KMSThrottlingException{}), fetch.Throttled},
		"a limit of the control plane":  {response(400, &types.LimitExceededException{}), fetch.Throttled},
		"a throttle of a proxy":         {response(429, errors.New("slow down")), fetch.Throttled},
		"a modelled internal failure":   {response(500, &types.InternalFailureException{}), fetch.Transient},
		"an unmodelled one":             {response(500, &smithy.GenericAPIError{Code: "InternalFailure"}), fetch.Transient},
		"an empty 503":                  {response(503, errors.New("empty")), fetch.Transient},
		"a stream that changes":         {response(400, &types.ResourceInUseException{}), fetch.Transient},
		"an answer that is cut":         {response(200, &smithy.DeserializationError{Err: io.ErrUnexpectedEOF}), fetch.Transient},
		"a refusal that is cut":         {response(400, &smithy.DeserializationError{Err: io.ErrUnexpectedEOF}), fetch.Transient},
		"an answer that is garbage":     {response(200, &smithy.DeserializationError{Err: errors.New("invalid character '<'")}), fetch.Transient},
		"a refused connection":          {operation(&smithyhttp.RequestSendError{Err: &url.Error{Op: "Post", Err: syscall.ECONNREFUSED}}), fetch.Transient},
		"a connection that was reset":   {operation(&net.OpError{Op: "read", Err: syscall.ECONNRESET}), fetch.Transient},
		"a time-out of ours":            {operation(fmt.Errorf("canceled, %w", context.DeadlineExceeded)), fetch.Transient},
		"an old iterator":               {response(400, &types.ExpiredIteratorException{}), fetch.Expired},
		"an old list token":             {response(400, &types.ExpiredNextTokenException{}), fetch.Expired},
		"no such stream":                {response(400, &types.ResourceNotFoundException{}), fetch.NotFound},
		"a wrong argument":              {response(400, &types.InvalidArgumentException{}), fetch.Terminal},
		"no access":                     {response(400, &types.AccessDeniedException{}), fetch.Terminal},
		"no access to the key":          {response(400, &types.KMSAccessDeniedException{}), fetch.Terminal},
		"unknown credentials":           {response(400, &smithy.GenericAPIError{Code: "UnrecognizedClientException"}), fetch.Terminal},
		"credentials that have expired": {response(400, &smithy.GenericAPIError{Code: "ExpiredTokenException"}), fetch.Terminal},
		"a page of some other server":   {response(404, errors.New("not found")), fetch.Terminal},
		"a host that does not exist":    {operation(&smithyhttp.RequestSendError{Err: &net.DNSError{IsNotFound: true}}), fetch.Unknown},
		"a missing region":              {operation(errors.New("an AWS region is required, but was not found")), fetch.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fetch.Classify(tt.err); got != tt.want {
				t.Errorf("Classify(%v) = %v, want %v", tt.err, got, tt.want)
			}
		})
	}
}

func TestAnswered(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"a shard's limit":                 {response(400, &types.ProvisionedThroughputExceededException{}), true},
		"a throttle of a proxy":           {response(429, errors.New("slow down")), true},
		"an old iterator":                 {response(400, &types.ExpiredIteratorException{}), true},
		"no such stream":                  {response(400, &types.ResourceNotFoundException{}), true},
		"a stream that changes":           {response(400, &types.ResourceInUseException{}), true},
		"a wrong argument":                {response(400, &types.InvalidArgumentException{}), true},
		"no access to the key":            {response(400, &types.KMSAccessDeniedException{}), true},
		"a refusal of an unknown kind":    {response(400, &smithy.GenericAPIError{Code: "SomethingNew"}), true},
		"a failure of an unknown kind":    {response(500, &smithy.GenericAPIError{Code: "SomethingNew"}), false},
		"no access":                       {response(400, &types.AccessDeniedException{}), false},
		"unknown credentials":             {response(400, &smithy.GenericAPIError{Code: "UnrecognizedClientException"}), false},
		"credentials that have expired":   {response(400, &smithy.GenericAPIError{Code: "ExpiredTokenException"}), false},
		"a failure":                       {response(500, &types.InternalFailureException{}), false},
		"an empty 503":                    {response(503, errors.New("empty")), false},
		"a page of some other server":     {response(404, errors.New("not found")), false},
		"an answer that is cut":           {response(200, &smithy.DeserializationError{Err: io.ErrUnexpectedEOF}), false},
		"a refused connection":            {operation(&smithyhttp.RequestSendError{Err: &url.Error{Op: "Post", Err: syscall.ECONNREFUSED}}), false},
		"a time-out of ours":              {operation(fmt.Errorf("canceled, %w", context.DeadlineExceeded)), false},
		"a host that does not exist":      {operation(&smithyhttp.RequestSendError{Err: &net.DNSError{IsNotFound: true}}), false},
		"credentials that can't be found": {operation(errors.New("get credentials: none")), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fetch.Answered(tt.err); got != tt.want {
				t.Errorf("Answered(%v) = %v, want %v", tt.err, got, tt.want)
			}
		})
	}
}
