package cli_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/kintest"
)

// commands that ask the endpoint something, each in its own way.
var askingCommands = [][]string{
	{"stream", "list"},
	{"stream", "create", "orders"},
	{"stream", "describe", "orders"},
	{"stream", "reshard", "orders", "--shards", "2"},
	{"stream", "delete", "orders", "--yes"},
	{"put", "orders"},
	{"tail", "orders"},
	{"consume", "orders", "--group", "billing", "--store", "memory:"},
}

func eachAsking(t *testing.T, check func(t *testing.T, args []string)) {
	t.Helper()
	for _, args := range askingCommands {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			check(t, args)
		})
	}
}

func TestEndpoint_that_is_down_is_one_line_for_every_command(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	listener.Close() // nothing listens there any more
	eachAsking(t, func(t *testing.T, args []string) {
		t.Helper()
		wantFailure(t, run(t.Context(), "a\n", append(args, "--endpoint", url)...), 3, "nothing listens at "+url, "kin serve")
	})
}

func TestEndpoint_that_is_a_web_server_is_one_line_for_every_command(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 404, 403} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.Header().Set("Server", "acme")
				w.WriteHeader(status)
				fmt.Fprint(w, "<html>hello</html>")
			}))
			t.Cleanup(web.Close)
			eachAsking(t, func(t *testing.T, args []string) {
				t.Helper()
				wantFailure(t, run(t.Context(), "a\n", append(args, "--endpoint", web.URL)...), 3,
					"is not a Kinesis endpoint", "text/html", "acme", "check --endpoint")
			})
		})
	}
}

func TestEndpoint_of_another_service_is_one_line(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"JSON of something else": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"message":"no route"}`)
		},
		"an operation that it does not know": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"UnknownOperationException"}`)
		},
		"XML of an object store": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `<Error><Code>MethodNotAllowed</Code></Error>`)
		},
		"JSON that is cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			fmt.Fprint(w, `{"StreamDescriptionSummary":{"Stre`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := httptest.NewServer(answer)
			t.Cleanup(other.Close)
			r := run(t.Context(), "", "stream", "describe", "orders", "--endpoint", other.URL)
			if r.code != 3 && r.code != 1 {
				t.Errorf("code = %d, want 3 or 1", r.code)
			}
			wantFailure(t, r, r.code, "check --endpoint")
		})
	}
}

func TestEndpoint_that_never_answers_does_not_hang_a_command(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	eachAsking(t, func(t *testing.T, args []string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		r := run(ctx, "a\n", append(args, "--timeout", "50ms", "--endpoint", "http://"+listener.Addr().String())...)
		wantFailure(t, r, 3, "no answer from", "50ms", "--timeout")
	})
}

func TestEndpoint_that_hangs_up_or_speaks_no_HTTP_is_one_line(t *testing.T) {
	t.Parallel()
	for name, greeting := range map[string]string{"hangs up": "", "speaks something else": "220 mail ready\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { listener.Close() })
			go func() {
				for {
					c, err := listener.Accept()
					if err != nil {
						return
					}
					c.Read(make([]byte, 1)) // so that the client is waiting for an answer
					fmt.Fprint(c, greeting)
					c.Close()
				}
			}()
			wantFailure(t, run(t.Context(), "", "stream", "list", "--endpoint", "http://"+listener.Addr().String()), 3, "--endpoint")
		})
	}
}

func TestEndpoint_with_the_wrong_scheme_is_one_line(t *testing.T) {
	t.Parallel()
	_, url := serve(t)
	wantFailure(t, run(t.Context(), "", "stream", "list", "--endpoint", strings.Replace(url, "http:", "https:", 1)), 3,
		"does not speak TLS", "http://")
	for _, bad := range []string{"127.0.0.1:4567", "localhost", "ftp://x", "http://", "::"} {
		wantFailure(t, run(t.Context(), "", "stream", "list", "--endpoint", bad), 2, "is not a URL", "http://127.0.0.1:4567")
	}
}

func TestEndpoint_with_an_untrusted_certificate_is_one_line(t *testing.T) {
	t.Parallel()
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // of the handshakes that the client ends
	web.StartTLS()
	t.Cleanup(web.Close)
	wantFailure(t, run(t.Context(), "", "stream", "list", "--endpoint", web.URL), 3, "certificate is not trusted", "AWS_CA_BUNDLE")
}

func TestHost_that_does_not_exist_is_one_line(t *testing.T) {
	t.Parallel()
	r := run(t.Context(), "", "stream", "list", "--endpoint", "http://no-such-host.invalid")
	if strings.Contains(r.err, "no credentials") || strings.Contains(r.err, "AWS credentials") {
		wantFailure(t, r, 4) // an endpoint elsewhere needs credentials before it needs a host
		return
	}
	wantFailure(t, r, 3, "no-such-host.invalid")
}

func TestStream_that_does_not_exist_is_one_line_for_every_command(t *testing.T) {
	t.Parallel()
	_, url := serve(t)
	for _, args := range askingCommands[2:] {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			wantFailure(t, run(t.Context(), "a\n", append(args, "--endpoint", url)...), 5, "orders", "not found", "kin stream list")
		})
	}
}

func TestService_errors_say_what_to_do(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code string
		exit int
		text string
	}{
		{"AccessDeniedException", 4, "IAM policy"},
		{"UnrecognizedClientException", 4, "AWS_ACCESS_KEY_ID"},
		{"InvalidSignatureException", 4, "clock"},
		{"ExpiredTokenException", 4, "sign in again"},
		{"LimitExceededException", 1, "limit of the service"},
		{"ValidationException", 2, "a message"},
	} {
		t.Run(c.code, func(t *testing.T) {
			t.Parallel()
			server, url := serve(t)
			server.Inject(kintest.Fault{Operation: "DescribeStreamSummary", Error: c.code, Message: "a message"})
			wantFailure(t, run(t.Context(), "", "stream", "describe", "orders", "--endpoint", url), c.exit, "a message", c.text)
		})
	}
}

func TestWrong_use_is_one_line_and_code_2(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args string
		text string
	}{
		{"bogus", "unknown command"},
		{"stream bogus", "unknown command"},
		{"stream create", "STREAM is missing"},
		{"stream create a b", `"b" is too much`},
		{"stream create a --shards x", "--shards"},
		{"stream create a --shards 0", "at least 1"},
		{"stream create a --shards 2 --on-demand", "on-demand"},
		{"stream reshard a", "--shards is missing"},
		{"stream list --bogus", "--bogus"},
		{"stream list -o yaml", "use text or json"},
		{"stream list --timeout 0s", "--timeout"},
		{"stream list --profile nope", `profile "nope" does not exist`},
		{"stream list --region eu/central --endpoint http://127.0.0.1:1", "is not the name of a region"},
		{"stream list", "no region"},
		{"tail a --from yesterday --endpoint http://127.0.0.1:1", "trim-horizon"},
		{"tail a --from AFTER_SEQUENCE_NUMBER:5 --endpoint http://127.0.0.1:1", "--shard"},
		{"tail a --until later --endpoint http://127.0.0.1:1", "tip"},
		{"put a --file /no/such/file --endpoint http://127.0.0.1:1", "/no/such/file"},
		{"put a --key k --key-field f --endpoint http://127.0.0.1:1", "key-field"},
		{"demo --input /no/such/file", "/no/such/file"},
		{"demo --shards 0", "--shards 0"},
		{"demo --endpoint http://127.0.0.1:1", "brings its own server"},
		{"serve --stream :4", "has no name"},
		{"serve --stream a:b", "number of shards"},
		{"serve --listen nowhere", "--listen nowhere"},
		{"serve --cert /no/such/file --key /no/such/file --listen 127.0.0.1:0", "/no/such/file"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			wantFailure(t, run(t.Context(), "", strings.Fields(c.args)...), 2, c.text)
		})
	}
}

func TestCredentials_that_are_missing_are_one_line_and_quick(t *testing.T) {
	t.Parallel()
	start := time.Now()
	wantFailure(t, run(t.Context(), "", "stream", "list", "--region", "eu-central-1"), 4,
		"no AWS credentials found", "AWS_ACCESS_KEY_ID", "--profile", "kin serve")
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestProfiles_give_region_endpoint_and_credentials(t *testing.T) { // not parallel: it sets variables of the process
	server, url := serve(t)
	if err := server.CreateStream("orders", 1); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "config")
	text := "[profile here]\nregion = eu-west-3\nendpoint_url = " + url + "\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", config)
	if out := mustRun(t, "", "stream", "list", "--profile", "here", "--region", "us-east-1"); !strings.Contains(out, "orders") {
		t.Errorf("streams = %q, want orders among them", out)
	}
	// kintest keeps streams by region: the profile's region has none.
	if out := mustRun(t, "", "stream", "list", "--profile", "here"); strings.Contains(out, "orders") {
		t.Errorf("streams in another region = %q, want none", out)
	}
}

func TestEndpoint_is_taken_from_the_variables_of_AWS(t *testing.T) { // not parallel: it sets variables of the process
	server, url := serve(t)
	if err := server.CreateStream("orders", 1); err != nil {
		t.Fatal(err)
	}
	for _, variable := range []string{"AWS_ENDPOINT_URL_KINESIS", "AWS_ENDPOINT_URL"} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, url)
			if out := mustRun(t, "", "stream", "list"); !strings.Contains(out, "orders") {
				t.Errorf("streams = %q, want orders among them", out)
			}
		})
	}
}

func TestCABundle_of_the_environment_is_used(t *testing.T) { // not parallel: it sets variables of the process
	t.Setenv("AWS_CA_BUNDLE", filepath.Join(t.TempDir(), "missing.pem"))
	wantFailure(t, run(t.Context(), "", "stream", "list", "--endpoint", "http://127.0.0.1:1"), 2, "AWS configuration", "missing.pem")
}
