package server

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// Region is where all servers say they are.
const Region = "us-east-1"

// Capabilities says what a server can do of what the service can. They are for
// tests that need an ability at all; how exactly a server does what it does is
// asked by package conformance.
type Capabilities struct {
	StreamARN       bool // takes StreamARN in place of StreamName, in every operation
	FanOut          bool // RegisterStreamConsumer and SubscribeToShard
	InitialResponse bool // begins event streams as the SDK wants it
	CBOR            bool // reads and writes CBOR correctly
	LiveReads       bool // readers at the tip miss nothing while several writers put
}

// Kind is a server that can be started.
type Kind struct {
	Name string
	Capabilities
	start func(tb testing.TB) running
}

// running is what starting a server gives.
type running struct {
	url string
	pid int // 0 if it runs in this process
}

// Kinds returns all servers that implement the service, our own first.
func Kinds() []Kind {
	return []Kind{Kintest(), Kinesalite(), KinesisLocal(), Ferrokinesis()}
}

// Server is a running server.
type Server struct {
	Kind

	URL string
	PID int // 0 if it runs in this process
}

// Start starts a server of this kind on a free port and stops it when tb ends.
func (k Kind) Start(tb testing.TB) *Server {
	tb.Helper()
	r := k.start(tb)
	return &Server{Kind: k, URL: r.url, PID: r.pid}
}

// Client returns an SDK client of the server that makes no retries unless an
// option says so: every answer is seen.
func (s *Server) Client(options ...func(*kinesis.Options)) *kinesis.Client {
	o := kinesis.Options{
		Region:       Region,
		BaseEndpoint: aws.String(s.URL),
		Credentials:  Credentials(),
		HTTPClient:   s.HTTPClient(),
		Retryer:      aws.NopRetryer{},
	}
	return kinesis.New(o, options...)
}

// Credentials are those that all tests use; no server checks them.
func Credentials() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
	})
}

// HTTPClient returns a client for the server that works around what is known to
// be wrong on the way: the race of the SDK's request bodies, and event streams
// that begin without their first message.
func (s *Server) HTTPClient() *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	var rt http.RoundTripper = hideWriteTo{transport}
	if s.FanOut && !s.InitialResponse {
		rt = addInitialResponse{rt}
	}
	return &http.Client{Transport: rt}
}

// Required reports whether a server that is not installed fails a test instead of
// skipping it.
func Required() bool {
	return os.Getenv("CI") == "true" || os.Getenv("KIN_E2E") == "required"
}

// Missing ends the test because what is not installed.
func Missing(tb testing.TB, what string) {
	tb.Helper()
	if Required() {
		tb.Fatalf("%s is not installed; make setup installs it", what)
	}
	tb.Skipf("%s is not installed; make setup installs it", what)
}

// Tools returns the folder that setup.sh installs into.
func Tools(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(Root(tb), ".tools")
}

// Root returns the folder of the workspace: the one with go.work.
func Root(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			tb.Fatal("no go.work above the working directory")
		}
		dir = parent
	}
}

// StateDelay is how long streams take to change their state: long enough to be
// seen, short enough to wait for.
const StateDelay = 50 * time.Millisecond
