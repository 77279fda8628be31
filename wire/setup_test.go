package wire_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/wire"
)

// staticCredentials sign requests to test servers.
var staticCredentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
})

const (
	typeCBOR = "application/x-amz-cbor-1.1"
	typeJSON = "application/x-amz-json-1.1"
)

// reply is one answer of a test server.
type reply struct {
	status      int
	contentType string
	header      map[string]string
	body        []byte
	hangUp      bool // close the connection instead of answering
}

// request is what a test server was sent.
type request struct {
	operation   string
	contentType string
	body        []byte
	header      http.Header
}

// fakeService answers requests by a function and remembers them.
type fakeService struct {
	url   string // of AWS: its clients are made to come here instead
	local string // its own
	http  *http.Client

	mu       sync.Mutex
	requests []request
}

// serve starts a server that answers each request as answer says.
func serve(t *testing.T, answer func(request) reply) *fakeService {
	t.Helper()
	s := &fakeService{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			hangUp()
		}
		_, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
		r := request{operation, req.Header.Get("Content-Type"), body, req.Header.Clone()}
		s.mu.Lock()
		s.requests = append(s.requests, r)
		s.mu.Unlock()
		a := answer(r)
		if a.hangUp {
			hangUp()
		}
		for name, value := range a.header {
			w.Header().Set(name, value)
		}
		w.Header().Set("Content-Type", a.contentType)
		if a.contentType == "" {
			w.Header()["Content-Type"] = nil
		}
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body)
	}))
	t.Cleanup(server.Close)
	s.url, s.local = "http://kinesis.us-east-1.amazonaws.com", server.URL
	s.http = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}}
	t.Cleanup(s.http.CloseIdleConnections)
	return s
}

// formats returns what was sent, as a word for each request: C for CBOR, J for JSON.
func (s *fakeService) formats() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, r := range s.requests {
		switch r.contentType {
		case typeCBOR:
			b.WriteByte('C')
		case typeJSON:
			b.WriteByte('J')
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}

// client returns a client that believes to talk to AWS, and makes one attempt per
// call.
func (s *fakeService) client(options ...func(*kinesis.Options)) *kinesis.Client {
	return newClient(s.url, append([]func(*kinesis.Options){withHTTP(s.http)}, options...)...)
}

func newClient(url string, options ...func(*kinesis.Options)) *kinesis.Client {
	return kinesis.New(kinesis.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(url), Credentials: staticCredentials, RetryMaxAttempts: 1,
	}, options...)
}

// newCodec returns a codec and the fallbacks that it reports.
func newCodec(t *testing.T, format wire.Format) (*wire.Codec, func() []wire.FallbackInfo) {
	t.Helper()
	var mu sync.Mutex
	var infos []wire.FallbackInfo
	codec, err := wire.New(wire.Config{Format: format, Hooks: wire.Hooks{Fallback: func(i wire.FallbackInfo) {
		mu.Lock()
		defer mu.Unlock()
		infos = append(infos, i)
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return codec, func() []wire.FallbackInfo {
		mu.Lock()
		defer mu.Unlock()
		return infos
	}
}

// sleep lets time pass in a bubble.
func sleep(d time.Duration) { time.Sleep(d) }

// hangUp breaks the connection of a request.
func hangUp() {
	panic(http.ErrAbortHandler)
}
