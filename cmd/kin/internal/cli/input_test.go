package cli_test

import (
	"bytes"
	"compress/gzip"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFlags_with_bad_values_are_refused_before_anything_is_done(t *testing.T) {
	t.Parallel()
	_, put := putServer(t, 1)
	for _, c := range []struct {
		args  []string
		texts []string
	}{
		{append(put, "--key", strings.Repeat("k", 257)), []string{"--key has 257 characters", "at most 256"}},
		{append(put, "--key", "\xff"), []string{"--key is no UTF-8"}},
		{append(put, "--explicit-hash-key", "abc"), []string{`--explicit-hash-key "abc"`, "decimal"}},
		{append(put, "--explicit-hash-key", "-1"), []string{`--explicit-hash-key "-1"`}},
		{append(put, "--explicit-hash-key", "007"), []string{"leading zeros"}},
		{append(put, "--explicit-hash-key", "340282366920938463463374607431768211456"), []string{"2^128-1"}},
		{append(put, "--give-up-after", "-3s"), []string{"--give-up-after -3s", "at least 100ms"}},
		{[]string{"tail", "orders", "-n", "-1"}, []string{"-n -1"}},
		{[]string{"serve", "--sync"}, []string{"--sync without --data", "--data"}},
		{[]string{"serve", "--max-bytes", "-5"}, []string{"--max-bytes -5"}},
		{[]string{"serve", "--state-delay", "-1s"}, []string{"--state-delay -1s"}},
		{[]string{"serve", "--listen", "127.0.0.1:0", "--stream", "x y:1"}, []string{"--stream x y: a name has", "orders:4"}},
		{[]string{"serve", "--listen", "127.0.0.1:0", "--stream", "z:20000"}, []string{"--stream z: 20000 shards, want"}},
		{[]string{"demo", "--input", os.DevNull}, []string{os.DevNull + " is a pipe or a device", "to a file"}},
		{[]string{"stream", "list", "extra"}, []string{`"extra" is too much`}},
	} {
		wantFailure(t, run(t.Context(), "a\n", c.args...), 2, c.texts...)
	}
}

func TestGzipFile_that_is_damaged_is_named(t *testing.T) {
	t.Parallel()
	var whole bytes.Buffer
	zip := gzip.NewWriter(&whole)
	for i := range 5000 {
		zip.Write([]byte(strings.Repeat("a line ", i%7) + "\n"))
	}
	zip.Close()
	wrong := bytes.Clone(whole.Bytes())
	wrong[len(wrong)-8] ^= 1 // the checksum
	_, put := putServer(t, 1)
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"cut":   {whole.Bytes()[:whole.Len()/2], "is a gzip file that is cut off"},
		"wrong": {wrong, "is a damaged gzip file"},
	} {
		path := filepath.Join(t.TempDir(), name+".gz")
		if err := os.WriteFile(path, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{append(put, "--file", path), {"demo", "--passes", "1", "--input", path}} {
			r := run(t.Context(), "", args...)
			if last := lastLine(r.err); r.code != 2 || !strings.Contains(last, path+" "+c.want) {
				t.Errorf("kin %v = code %d, it said %q; want %q", args, r.code, last, c.want)
			}
			if strings.Contains(r.out, "\nlost") {
				t.Errorf("kin %v calls lost what it has not read:\n%s", args, r.out)
			}
		}
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func TestMessage_of_the_service_loses_its_full_stop_before_the_hint(t *testing.T) {
	t.Parallel()
	_, put := putServer(t, 1)
	endpoint := put[:2]
	wantFailure(t, run(t.Context(), "", append(endpoint, "stream", "describe", "nope")...), 5, "not found; is it in")
	wantFailure(t, run(t.Context(), "", append(endpoint, "stream", "create", "orders")...), 1, "already exists; kin stream describe")
}

func TestProxy_without_its_server_is_not_called_another_service(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
	}))
	t.Cleanup(proxy.Close)
	wantFailure(t, run(t.Context(), "a\n", "put", "orders", "--endpoint", proxy.URL), 3, proxy.URL+" answered 502 with text/html", "try again")
}

func TestServer_of_TLS_asked_without_it_is_one_line(t *testing.T) {
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
			c.Read(make([]byte, 1))
			c.Close() // as TLS does with what is no handshake
		}
	}()
	wantFailure(t, run(t.Context(), "", "stream", "list", "--endpoint", "http://"+listener.Addr().String()), 3, "https://")
}

func TestVersion_is_a_flag_too(t *testing.T) {
	t.Parallel()
	if got, want := mustRun(t, "", "--version"), mustRun(t, "", "version"); got != want || !strings.HasPrefix(got, "kin ") {
		t.Errorf("--version = %q, want %q", got, want)
	}
}
