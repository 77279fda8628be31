package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kinstream/kin/kintest"
)

func TestCompletion_offers_the_streams_of_the_endpoint(t *testing.T) {
	t.Parallel()
	_, put := putServer(t, 1)
	for _, args := range [][]string{{"put"}, {"tail"}, {"load"}, {"bench", "put"}, {"bench", "get"}, {"consume"}, {"stream", "describe"}, {"stream", "reshard"}, {"stream", "delete"}} {
		complete := append([]string{"__complete"}, append(args, append(put[:2:2], "")...)...)
		if got, want := run(t.Context(), "", complete...).out, "orders\n:4\n"; got != want {
			t.Errorf("kin %v = %q, want %q", complete, got, want)
		}
	}
	down := []string{"__complete", "tail", "--endpoint", "http://127.0.0.1:1", ""}
	if got, want := run(t.Context(), "", down...).out, ":4\n"; got != want {
		t.Errorf("with nothing listening = %q, want %q", got, want)
	}
}

func TestAnswers_without_content_do_not_make_a_command_wait(t *testing.T) {
	t.Parallel()
	empty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		fmt.Fprint(w, "{}")
	}))
	t.Cleanup(empty.Close)
	for _, args := range [][]string{{"tail", "orders"}, {"put", "orders"}, {"load", "orders"}, {"bench", "put", "orders"}, {"bench", "get", "orders"}, {"stream", "describe", "orders"}} {
		wantFailure(t, run(t.Context(), "a\n", append(args, "--endpoint", empty.URL)...), 3, "the answer", "check --endpoint")
	}
}

func TestTail_says_in_one_readable_line_what_it_tries_again(t *testing.T) {
	t.Parallel()
	server, put := putServer(t, 1)
	mustRun(t, "a\n", put...)
	server.Inject(kintest.Fault{Operation: "GetRecords", Times: 1, Cut: kintest.CutBefore})
	r := run(t.Context(), "", append(put[:2:2], "tail", "orders", "--from", "trim-horizon", "--until", "tip")...)
	if r.code != 0 || r.out != "a\n" {
		t.Errorf("code = %d, out = %q", r.code, r.out)
	}
	if strings.Count(r.err, "\n") != 1 || !strings.Contains(r.err, "op GetRecords, attempt 1, wait ") || strings.Contains(r.err, "StatusCode") ||
		!strings.Contains(r.err, "ended the connection without an answer") {
		t.Errorf("it said %q, want one readable line", r.err)
	}
}
