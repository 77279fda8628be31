package kintest

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/internal/sdkjson"
)

// TB is the part of testing.TB that [New] needs.
type TB interface {
	Helper()
	Cleanup(fn func())
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// New starts a server for a test on a network in memory, and stops it when the test ends. configure may change what it does:
// without it streams are ACTIVE at once, nothing is throttled and nothing is written to disk. It works inside a synctest
// bubble, where hours of polling pass in a moment.
func New(t TB, configure ...func(*Config)) *Server {
	t.Helper()
	var config Config
	for _, change := range configure {
		change(&config)
	}
	s, err := NewServer(config)
	if err != nil {
		t.Fatalf("%v", err)
		return nil
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Logf("%v", err)
		}
	})
	return s
}

// Client returns a client of the SDK that talks to the server in memory: with a region, with credentials that belong to the
// server's account, and with the SDK's own retries. opts change its options after that.
//
// Its subscriptions can be read at the same time. Those of other clients share a decoder inside of the SDK, which the race
// detector reports.
func (s *Server) Client(opts ...func(*kinesis.Options)) *kinesis.Client {
	all := append([]func(*kinesis.Options){func(o *kinesis.Options) {
		o.Protocol = sdkjson.New()
	}}, opts...)
	return kinesis.NewFromConfig(s.AWSConfig(), all...)
}

// AWSConfig returns what Client makes its clients from.
func (s *Server) AWSConfig() aws.Config {
	account := s.config.Account
	return aws.Config{
		Region:       s.config.Region,
		BaseEndpoint: new(memoryURL),
		HTTPClient:   s.HTTPClient(),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: account, SecretAccessKey: "kintest", Source: "kintest"}, nil
		}),
	}
}

// HTTPClient returns a client that reaches the in-memory network whatever host the URL names, over HTTP/1.1. It saves the SDK
// from a race of its own: the SDK closes a request's body when the answer's header comes, its closed body then reports io.EOF as
// an error of WriteTo, and net/http takes that as a reason to close the connection under the answer. Requests here have a
// body without WriteTo.
func (s *Server) HTTPClient() *http.Client {
	return s.front.client.get(s)
}

// Dial connects to the in-memory network, for clients that bring their own HTTP transport. network and address are ignored.
func (s *Server) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return s.listenInMemory().DialContext(ctx, network, address)
}

// httpClient is made once per server, so that all clients share its connections.
type httpClient struct {
	once      sync.Once
	client    *http.Client
	transport *http.Transport
}

// Sizes of the client's transport: many goroutines of one process talk to one host, in large messages.
const (
	idleConnections = 256
	ioBuffer        = 64 << 10
)

func (c *httpClient) get(s *Server) *http.Client {
	c.once.Do(func() {
		c.transport = &http.Transport{
			DialContext:         s.Dial,
			MaxIdleConns:        idleConnections,
			MaxIdleConnsPerHost: idleConnections,
			WriteBufferSize:     ioBuffer,
			ReadBufferSize:      ioBuffer,
			DisableCompression:  true,
		}
		c.client = &http.Client{Transport: plainBody{c.transport}}
	})
	return c.client
}

// closeIdle lets go of the connections. A server that is closed must not be waited for by a client that it made itself.
func (c *httpClient) closeIdle() {
	c.once.Do(func() {}) // after it, client and transport don't change
	if c.transport != nil {
		c.transport.CloseIdleConnections()
	}
}

// plainBody sends requests whose body has Read and Close and nothing else; see HTTPClient.
type plainBody struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (p plainBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return p.next.RoundTrip(r)
	}
	plain := *r // a RoundTripper must not change the request that it was given
	plain.Body = struct {
		io.Reader
		io.Closer
	}{r.Body, r.Body}
	return p.next.RoundTrip(&plain)
}

// CloseIdleConnections is for http.Client.CloseIdleConnections.
func (p plainBody) CloseIdleConnections() {
	if c, ok := p.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
