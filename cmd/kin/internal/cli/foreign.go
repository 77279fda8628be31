package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// foreignError says that what answered is no Kinesis endpoint: a web server, a
// proxy, the server of another service.
type foreignError struct {
	status      int
	contentType string
	server      string
	err         error // what the SDK made of the answer; nil if it took it for a good one
}

func (e *foreignError) Error() string {
	text := fmt.Sprintf("answered %d with %s", e.status, e.contentType)
	if e.server != "" {
		text += " (server: " + e.server + ")"
	}
	return text
}

func (e *foreignError) Unwrap() error { return e.err }

// addForeignCheck adds the step that looks at the type of each answer. Without
// it an HTML page is an "UnknownError", and an operation without output even
// succeeds: the SDK does not read a body that it does not need.
func addForeignCheck(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("kinForeignCheck", foreignCheck), middleware.Before)
}

func foreignCheck(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	middleware.DeserializeOutput, middleware.Metadata, error,
) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	resp, ok := out.RawResponse.(*smithyhttp.Response)
	if !ok || resp == nil {
		return out, metadata, err
	}
	if contentType := resp.Header.Get("Content-Type"); isForeign(contentType, err != nil) {
		err = &foreignError{status: resp.StatusCode, contentType: contentType, server: resp.Header.Get("Server"), err: err}
	}
	return out, metadata, err
}

// isForeign says whether Kinesis would not answer with this type. An answer
// without a body needs none. Of good answers only pages are refused: some
// emulators are careless with the type of an empty one.
func isForeign(contentType string, failed bool) bool {
	t := strings.ToLower(contentType)
	switch {
	case t == "", strings.Contains(t, "amz"), strings.Contains(t, "json"), strings.Contains(t, "cbor"):
		return false
	case strings.Contains(t, "html"), strings.Contains(t, "xml"):
		return true
	}
	return failed
}
