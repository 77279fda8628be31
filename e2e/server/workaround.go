package server

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// hideWriteTo keeps net/http from calling WriteTo of the SDK's request body, which
// answers io.EOF as an error once the SDK has closed it. Against a fast server
// that closes the connection under the response.
type hideWriteTo struct{ next http.RoundTripper }

func (h hideWriteTo) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody {
		req = req.Clone(req.Context())
		req.Body = struct {
			io.Reader
			io.Closer
		}{req.Body, req.Body}
	}
	return h.next.RoundTrip(req)
}

// addInitialResponse puts the message that an event stream has to begin with in
// front of a SubscribeToShard answer. Without it the SDK gives up.
type addInitialResponse struct{ next http.RoundTripper }

func (a addInitialResponse) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := a.next.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasSuffix(req.Header.Get("X-Amz-Target"), ".SubscribeToShard") {
		return resp, err
	}
	var frame bytes.Buffer
	err = eventstream.NewEncoder().Encode(&frame, eventstream.Message{
		Headers: eventstream.Headers{
			{Name: ":message-type", Value: eventstream.StringValue("event")},
			{Name: ":event-type", Value: eventstream.StringValue("initial-response")},
			{Name: ":content-type", Value: eventstream.StringValue("application/x-amz-json-1.1")},
		},
		Payload: []byte("{}"),
	})
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(&frame, resp.Body), resp.Body}
	return resp, nil
}
