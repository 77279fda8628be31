package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/kinstream/kin/cmd/kin/internal/cli"
	"github.com/kinstream/kin/kintest"
)

// TestMain takes the AWS settings of whoever runs the tests out of the game: no
// profile, no keys, no region, and no metadata service that would be asked for them.
//
// The test binary is also the program of kin consume, in tests of that: see testProgram.
func TestMain(m *testing.M) {
	if name := os.Getenv(testProgramVariable); name != "" {
		os.Exit(testProgram(name))
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			os.Unsetenv(name)
		}
	}
	none := filepath.Join(os.TempDir(), "kin-test-no-such-file")
	os.Setenv("AWS_CONFIG_FILE", none)
	os.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	os.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	m.Run()
}

// result is what a command left behind.
type result struct {
	out, err string
	code     int
}

// run runs the command line with stdin as its input.
func run(ctx context.Context, stdin string, args ...string) result {
	var out, err lockedBuffer
	code := cli.Run(ctx, args, cli.IO{In: strings.NewReader(stdin), Out: &out, Err: &err})
	return result{out.String(), err.String(), code}
}

// mustRun is run for commands that have to succeed.
func mustRun(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	r := run(t.Context(), stdin, args...)
	if r.code != 0 {
		t.Fatalf("kin %s = code %d, want 0; it said: %s", strings.Join(args, " "), r.code, r.err)
	}
	return r.out
}

// wantFailure checks the exit code, and that what was said is one line with all of texts.
func wantFailure(t *testing.T, r result, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("code = %d, want %d; it said: %s", r.code, code, r.err)
	}
	lines := strings.Split(strings.TrimSuffix(r.err, "\n"), "\n")
	if len(lines) != 1 {
		t.Errorf("it said %d lines, want 1:\n%s", len(lines), r.err)
	}
	if !strings.HasPrefix(r.err, "kin") {
		t.Errorf("it said %q, want the name of the command first", r.err)
	}
	for _, text := range texts {
		if !strings.Contains(r.err, text) {
			t.Errorf("it said %q, want it to contain %q", r.err, text)
		}
	}
}

// serve starts a server on a port of this machine and returns it with its URL.
func serve(t *testing.T, configure ...func(*kintest.Config)) (*kintest.Server, string) {
	t.Helper()
	server := kintest.New(t, configure...)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() { server.Serve(listener) })
	t.Cleanup(func() {
		server.Close()
		served.Wait()
	})
	return server, "http://" + listener.Addr().String()
}

// objects decodes output that must be one JSON object per line.
func objects[T any](t *testing.T, out string) []T {
	t.Helper()
	var all []T
	for text := range strings.Lines(out) {
		var v T
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&v); err != nil {
			t.Fatalf("line %q is not the object that was wanted: %v", text, err)
		}
		all = append(all, v)
	}
	return all
}

// lockedBuffer is a buffer that the goroutines of a command may write to, and
// that a test can wait for.
type lockedBuffer struct {
	mu      sync.Mutex
	b       bytes.Buffer
	written chan struct{} // closed at the next write; nil if nobody waits
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.written != nil {
		close(l.written)
		l.written = nil
	}
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// waitFor returns when the buffer contains text, or when ctx ends.
func (l *lockedBuffer) waitFor(ctx context.Context, text string) error {
	return l.waitUntil(ctx, func(all string) bool { return strings.Contains(all, text) })
}

// waitUntil returns when the buffer is as wanted, or when ctx ends.
func (l *lockedBuffer) waitUntil(ctx context.Context, wanted func(string) bool) error {
	for {
		l.mu.Lock()
		if wanted(l.b.String()) {
			l.mu.Unlock()
			return nil
		}
		if l.written == nil {
			l.written = make(chan struct{})
		}
		written := l.written
		l.mu.Unlock()
		select {
		case <-written:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
