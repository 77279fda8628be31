package cli_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kinstream/kin/cmd/kin/internal/cli"
)

// startedServer is what kin serve prints first with -o json.
type startedServer struct {
	Endpoint string `json:"endpoint"`
	Region   string `json:"region"`
	CABundle string `json:"ca_bundle"`
	Data     string `json:"data"`
}

// startServe runs kin serve until the test ends, or until stop is called, which
// returns its exit code and what it said.
func startServe(t *testing.T, args ...string) (started startedServer, stop func() (int, string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	running, ended := context.WithCancel(context.WithoutCancel(t.Context())) // cleaning up waits for it
	var out, errs lockedBuffer
	code := 0
	go func() {
		defer ended()
		code = cli.Run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0", "-o", "json", "--state-delay", "0s"}, args...),
			cli.IO{In: strings.NewReader(""), Out: &out, Err: &errs})
	}()
	stop = func() (int, string) {
		cancel()
		<-running.Done()
		return code, errs.String()
	}
	t.Cleanup(func() { stop() })
	if err := out.waitFor(running, "\n"); err != nil {
		t.Fatalf("kin serve ended with %d: %s", code, &errs)
	}
	return objects[startedServer](t, out.String())[0], stop
}

func TestServe_serves_what_other_commands_do_until_it_is_stopped(t *testing.T) {
	t.Parallel()
	started, stop := startServe(t, "--stream", "orders:3", "--stream", "one")
	url := started.Endpoint
	if got := mustRun(t, "", "stream", "describe", "orders", "--endpoint", url); !strings.Contains(got, "3 open") {
		t.Errorf("orders =\n%s", got)
	}
	mustRun(t, "a\n", "put", "one", "--endpoint", url)
	if got := mustRun(t, "", "tail", "one", "--from", "trim-horizon", "--until", "tip", "--endpoint", url); got != "a\n" {
		t.Errorf("tail = %q, want a", got)
	}
	if code, said := stop(); code != 0 || !strings.Contains(said, "stopping") {
		t.Errorf("code = %d, it said %q", code, said)
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
	if err := out.waitFor(t.Context(), "AWS_SECRET_ACCESS_KEY"); err != nil {
		t.Fatal(err)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("code = %d, want 0", code)
	}
	for _, text := range []string{"Kinesis at http://127.0.0.1:", "export AWS_ENDPOINT_URL_KINESIS=http://127.0.0.1:", "export AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1 AWS_ACCESS_KEY_ID="} {
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
	started, stop := startServe(t, "--data", dir, "--stream", "orders:2")
	mustRun(t, "a\nb\n", "put", "orders", "--endpoint", started.Endpoint)
	wantFailure(t, run(t.Context(), "", "serve", "--listen", "127.0.0.1:0", "--data", dir), 2, "in use by another")
	if code, _ := stop(); code != 0 {
		t.Fatalf("code = %d, want 0", code)
	}
	started, _ = startServe(t, "--data", dir, "--stream", "orders:2")
	got := strings.Fields(mustRun(t, "", "tail", "orders", "--from", "trim-horizon", "--until", "tip", "--endpoint", started.Endpoint))
	if len(got) != 2 {
		t.Errorf("after a restart: %q, want a and b", got)
	}
	file := filepath.Join(dir, "..", "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, run(t.Context(), "", "serve", "--listen", "127.0.0.1:0", "--data", file), 2, "--data "+file)
}

func TestServe_speaks_TLS_with_a_certificate_that_clients_can_trust(t *testing.T) { // not parallel: it sets variables of the process
	started, _ := startServe(t, "--tls", "--stream", "orders")
	url := started.Endpoint
	if !strings.HasPrefix(url, "https://") {
		t.Fatalf("url = %s, want https", url)
	}
	wantFailure(t, run(t.Context(), "", "stream", "list", "--endpoint", url), 3, "certificate is not trusted", "AWS_CA_BUNDLE")
	t.Setenv("AWS_CA_BUNDLE", started.CABundle)
	if got := mustRun(t, "", "stream", "list", "--endpoint", url); !strings.Contains(got, "orders") {
		t.Errorf("streams = %q, want orders", got)
	}
}

func TestServe_enforces_limits_when_asked(t *testing.T) {
	t.Parallel()
	started, _ := startServe(t, "--limits", "--stream", "orders")
	line := strings.Repeat("x", 900_000) + "\n"
	r := run(t.Context(), strings.Repeat(line, 8), "put", "orders", "--give-up-after", "1s", "--endpoint", started.Endpoint)
	if r.code != 6 || !strings.Contains(r.err, "ProvisionedThroughputExceeded") {
		t.Errorf("8 MB into one shard = code %d, it said %q", r.code, r.err)
	}
}
