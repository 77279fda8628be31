package cli_test

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/cmd/kin/internal/cli"
)

// startServe runs kin serve until the test ends, or until stop is called, which
// returns its exit code. It returns where the server listens.
func startServe(t *testing.T, args ...string) (url string, out, errs *lockedBuffer, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, errs = new(lockedBuffer), new(lockedBuffer)
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0", "-o", "json", "--state-delay", "0s"}, args...),
			cli.IO{In: strings.NewReader(""), Out: out, Err: errs})
	}()
	stop = func() int {
		cancel()
		code := <-ended
		ended <- code
		return code
	}
	t.Cleanup(func() { stop() })
	for !strings.HasSuffix(out.String(), "\n") {
		select {
		case code := <-ended:
			ended <- code
			t.Fatalf("kin serve ended with %d: %s", code, errs)
		default:
			time.Sleep(time.Millisecond) // in a bubble there would be no TCP; ends with the test's own deadline
		}
	}
	var started struct{ Endpoint string }
	if err := json.Unmarshal([]byte(out.String()), &started); err != nil {
		t.Fatalf("first line = %q: %v", out, err)
	}
	return started.Endpoint, out, errs, stop
}

func TestServe_serves_what_other_commands_do_until_it_is_stopped(t *testing.T) {
	t.Parallel()
	url, _, errs, stop := startServe(t, "--stream", "orders:3", "--stream", "one")
	if got := mustRun(t, "", "stream", "describe", "orders", "--endpoint", url); !strings.Contains(got, "3 open") {
		t.Errorf("orders =\n%s", got)
	}
	mustRun(t, "a\n", "put", "one", "--endpoint", url)
	if got := mustRun(t, "", "tail", "one", "--from", "trim-horizon", "--until", "tip", "--endpoint", url); got != "a\n" {
		t.Errorf("tail = %q, want a", got)
	}
	if code := stop(); code != 0 || !strings.Contains(errs.String(), "stopping") {
		t.Errorf("code = %d, it said %q", code, errs)
	}
	wantFailure(t, run(t.Context(), "", "stream", "list", "--endpoint", url), 3, "nothing listens")
}

func TestServe_says_how_to_use_it(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var out, errs lockedBuffer
	ended := make(chan int)
	go func() {
		ended <- cli.Run(ctx, []string{"serve", "--listen", "0.0.0.0:0", "--region", "eu-west-1"}, cli.IO{In: strings.NewReader(""), Out: &out, Err: &errs})
	}()
	for !strings.Contains(out.String(), "AWS_SECRET_ACCESS_KEY") {
		time.Sleep(time.Millisecond) // in a bubble there would be no TCP; ends with the test's own deadline
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("code = %d, want 0", code)
	}
	for _, text := range []string{"Kinesis at http://127.0.0.1:", "export AWS_ENDPOINT_URL_KINESIS=http://127.0.0.1:", "export AWS_REGION=eu-west-1 AWS_ACCESS_KEY_ID="} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("it printed %q, want %q in it", &out, text)
		}
	}
}

func TestServe_refuses_a_port_that_is_taken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	wantFailure(t, run(t.Context(), "", "serve", "--listen", l.Addr().String()), 1, "something listens at", "choose another --listen")
}

func TestServe_keeps_records_in_a_directory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	url, _, _, stop := startServe(t, "--data", dir, "--stream", "orders:2")
	mustRun(t, "a\nb\n", "put", "orders", "--endpoint", url)
	if code := stop(); code != 0 {
		t.Fatalf("code = %d, want 0", code)
	}
	url, _, _, _ = startServe(t, "--data", dir, "--stream", "orders:2")
	got := strings.Fields(mustRun(t, "", "tail", "orders", "--from", "trim-horizon", "--until", "tip", "--endpoint", url))
	if len(got) != 2 {
		t.Errorf("after a restart: %q, want a and b", got)
	}
	file := filepath.Join(dir, "..", "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, run(t.Context(), "", "serve", "--listen", "127.0.0.1:0", "--data", file), 2, "--data "+file)
}

func TestServe_speaks_TLS_with_a_certificate_that_clients_can_trust(t *testing.T) { //nolint:paralleltest // sets variables of the process
	url, out, _, _ := startServe(t, "--tls", "--stream", "orders")
	if !strings.HasPrefix(url, "https://") {
		t.Fatalf("url = %s, want https", url)
	}
	wantFailure(t, run(t.Context(), "", "stream", "list", "--endpoint", url), 3, "certificate is not trusted", "AWS_CA_BUNDLE")
	var started struct {
		File string `json:"ca_bundle"`
	}
	if err := json.Unmarshal([]byte(out.String()), &started); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", started.File)
	if got := mustRun(t, "", "stream", "list", "--endpoint", url); !strings.Contains(got, "orders") {
		t.Errorf("streams = %q, want orders", got)
	}
}

func TestServe_enforces_limits_when_asked(t *testing.T) {
	t.Parallel()
	url, _, _, _ := startServe(t, "--limits", "--stream", "orders")
	line := strings.Repeat("x", 900_000) + "\n"
	r := run(t.Context(), strings.Repeat(line, 8), "put", "orders", "--give-up-after", "200ms", "--endpoint", url)
	if r.code != 6 || !strings.Contains(r.err, "ProvisionedThroughputExceeded") {
		t.Errorf("8 MB into one shard = code %d, it said %q", r.code, r.err)
	}
}
