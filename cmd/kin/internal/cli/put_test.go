package cli_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinstream/kin/cmd/kin/internal/cli"
	"github.com/kinstream/kin/kintest"
)

// putObject is what kin put prints with -o json.
type putObject struct {
	Lines            int                `json:"lines"`
	Put              int                `json:"put"`
	Failed           int                `json:"failed"`
	Bytes            int64              `json:"bytes"`
	Seconds          float64            `json:"seconds"`
	RecordsPerSecond float64            `json:"records_per_second"`
	Entries          uint64             `json:"kinesis_records"`
	Throttled        uint64             `json:"throttled"`
	Explanation      *explanationObject `json:"explanation"`
	Errors           map[string]struct {
		Count     int    `json:"count"`
		FirstLine int    `json:"first_line"`
		Reason    string `json:"reason"`
	} `json:"errors"`
}

// putServer is a server with a stream of the given shards, named orders.
func putServer(t *testing.T, shards int) (*kintest.Server, []string) {
	t.Helper()
	server, url := serve(t)
	if err := server.CreateStream("orders", shards); err != nil {
		t.Fatal(err)
	}
	return server, []string{"--endpoint", url, "put", "orders"}
}

// stored is the data and keys of all records, sorted.
func stored(server *kintest.Server) (data, keys []string) {
	for _, rec := range server.Records("orders") {
		data = append(data, string(rec.Data))
		keys = append(keys, rec.PartitionKey)
	}
	slices.Sort(data)
	slices.Sort(keys)
	return data, keys
}

func TestPut_stores_each_line_with_a_key_of_its_own(t *testing.T) {
	t.Parallel()
	server, put := putServer(t, 2)
	out := mustRun(t, "b\r\n\na\nlast", put...)
	if !strings.HasPrefix(out, "put 4 records, 6 B in ") {
		t.Errorf("output = %q", out)
	}
	data, keys := stored(server)
	if want := []string{"", "a", "b", "last"}; !slices.Equal(data, want) {
		t.Errorf("stored = %q, want %q", data, want)
	}
	if len(slices.Compact(keys)) != 4 {
		t.Errorf("keys = %q, want four", keys)
	}
}

func TestPut_uses_the_keys_that_it_is_told(t *testing.T) {
	t.Parallel()
	server, put := putServer(t, 2)
	mustRun(t, "a\nb\n", append(put, "--key", "k", "--explicit-hash-key", "340282366920938463463374607431768211455")...)
	for _, rec := range server.Records("orders") {
		if rec.PartitionKey != "k" || rec.ShardID != "shardId-000000000001" {
			t.Errorf("record = %s in %s, want k in the second shard", rec.PartitionKey, rec.ShardID)
		}
	}
}

func TestPut_takes_key_and_data_from_fields(t *testing.T) {
	t.Parallel()
	server, put := putServer(t, 1)
	lines := `{"id":17,"body":"text"}
{"id":"x","body":{"a":1}}
{"id":true,"body_base64":"` + base64.StdEncoding.EncodeToString([]byte{0xff, 0}) + `"}
`
	mustRun(t, lines, append(put, "--key-field", "id", "--data-field", "body")...)
	data, keys := stored(server)
	if want := []string{"text", `{"a":1}`, "\xff\x00"}; !slices.Equal(data, want) {
		t.Errorf("stored = %q, want %q", data, want)
	}
	if want := []string{"17", "true", "x"}; !slices.Equal(keys, want) {
		t.Errorf("keys = %q, want %q", keys, want)
	}
}

func TestPut_counts_lines_that_cannot_be_records_and_stores_the_others(t *testing.T) {
	t.Parallel()
	server, put := putServer(t, 1)
	lines := "{\"k\":\"a\"}\nno json\n{\"other\":1}\n{\"k\":[1]}\nnull\n{\"k\":\"" + strings.Repeat("x", 300) + "\"}\n" +
		"{\"k\":\"a\",\"d\":\"" + strings.Repeat("x", 1<<20) + "\"}\n{\"k\":\"z\"}"
	r := run(t.Context(), lines, append(put, "--key-field", "k", "-o", "json")...)
	if r.code != 6 {
		t.Errorf("code = %d, want 6", r.code)
	}
	got := objects[putObject](t, r.out)[0]
	if got.Lines != 8 || got.Put != 2 || got.Failed != 6 {
		t.Errorf("result = %+v, want 2 of 8 put", got)
	}
	for kind, want := range map[string][2]int{"bad line": {4, 2}, "invalid": {1, 6}, "too large": {1, 7}} {
		if e := got.Errors[kind]; e.Count != want[0] || e.FirstLine != want[1] || e.Reason == "" {
			t.Errorf("%s = %+v, want %d, first in line %d", kind, e, want[0], want[1])
		}
	}
	for _, text := range []string{"4 records not stored: bad line (line 2: ", "too large (line 7: 1,048,593 bytes, and the stream takes 1,048,576 with the partition key)", "6 of 8 records not stored"} {
		if !strings.Contains(r.err, text) {
			t.Errorf("it said %q, want %q", r.err, text)
		}
	}
	if data, _ := stored(server); len(data) != 2 {
		t.Errorf("stored = %d records, want 2", len(data))
	}
}

func TestPut_says_what_is_wrong_with_a_line(t *testing.T) {
	t.Parallel()
	_, put := putServer(t, 1)
	for line, want := range map[string]string{
		`[1]`:       "(line 1: not a JSON object: array)",
		`"text"`:    "(line 1: not a JSON object: string)",
		`{"k":""}`:  `(line 1: field "k" is empty, and a partition key must not be)`,
		`{"k":{}}`:  `(line 1: field "k" is neither a string nor a number)`,
		`{"other"`:  "(line 1: not a JSON object: unexpected end of JSON input)",
		`{"j":"x"}`: `(line 1: no field "k")`,
	} {
		if r := run(t.Context(), line+"\n", append(put, "--key-field", "k")...); r.code != 6 || !strings.Contains(r.err, want) {
			t.Errorf("of %s: code = %d, it said %q, want 6 and %q", line, r.code, r.err, want)
		}
	}
}

func TestPut_passes_over_empty_lines_between_objects(t *testing.T) {
	t.Parallel()
	server, put := putServer(t, 1)
	out := mustRun(t, "{\"a\":1}\n\n \r\n{\"a\":2}\n\n", append(put, "--ndjson", "-o", "json")...)
	if got := objects[putObject](t, out)[0]; got.Lines != 5 || got.Put != 2 || got.Failed != 0 {
		t.Errorf("result = %+v, want 2 records of 5 lines", got)
	}
	if data, _ := stored(server); !slices.Equal(data, []string{`{"a":1}`, `{"a":2}`}) {
		t.Errorf("stored = %q", data)
	}
}

func TestPut_refuses_flags_that_are_empty(t *testing.T) {
	t.Parallel()
	server, put := putServer(t, 1)
	for _, flag := range []string{"--key", "--explicit-hash-key", "--key-field", "--data-field", "--file"} {
		wantFailure(t, run(t.Context(), "x\n", append(put, flag, "")...), 2, flag+" is empty")
	}
	if data, _ := stored(server); len(data) != 0 {
		t.Errorf("stored = %q, want nothing", data)
	}
	mustRun(t, "x\n", append(put, "--file", "-")...)
}

func TestPut_says_so_when_its_result_cannot_be_written(t *testing.T) {
	t.Parallel()
	_, put := putServer(t, 1)
	for _, form := range []string{"text", "json"} {
		var errs strings.Builder
		code := cli.Run(t.Context(), append(put, "-o", form), cli.IO{In: strings.NewReader("x\n"), Out: failingWriter{}, Err: &errs})
		if code != 1 || !strings.Contains(errs.String(), errNoRoom.Error()) {
			t.Errorf("-o %s: code = %d, it said %q, want 1 and why", form, code, errs.String())
		}
	}
}

var errNoRoom = errors.New("no room")

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errNoRoom }

func TestPut_takes_records_as_large_as_the_stream_does(t *testing.T) {
	t.Parallel()
	server, put := putServer(t, 1)
	just := strings.Repeat("x", 1<<20-1)
	mustRun(t, just+"\n", append(put, "--key", "k")...)
	r := run(t.Context(), just+"x\n", append(put, "--key", "k")...)
	if r.code != 6 || !strings.Contains(r.err, "too large (line 1") {
		t.Errorf("one byte more = %d, %q", r.code, r.err)
	}
	if data, _ := stored(server); len(data) != 1 || data[0] != just {
		t.Errorf("stored = %d records", len(data))
	}
}

func TestPut_reads_files_plain_and_compressed(t *testing.T) {
	t.Parallel()
	server, put := putServer(t, 1)
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	fmt.Fprint(w, "c\nd\n")
	w.Close()
	dir := t.TempDir()
	for name, content := range map[string][]byte{"plain": []byte("a\nb\n"), "zipped.gz": zipped.Bytes(), "empty": nil} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		r := run(t.Context(), "not this", append(put, "--file", path)...)
		if r.code != 0 || !strings.Contains(r.err, "100 %") {
			t.Errorf("%s = %+v", name, r)
		}
	}
	if data, _ := stored(server); strings.Join(data, "") != "abcd" {
		t.Errorf("stored = %q, want a to d", data)
	}
	broken := filepath.Join(dir, "broken.gz")
	if err := os.WriteFile(broken, []byte("\x1f\x8bxx"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, run(t.Context(), "", append(put, "--file", broken)...), 2, "gzip")
	wantFailure(t, run(t.Context(), "", append(put, "--file", dir)...), 2, "is a directory")
}

func TestPut_tries_again_what_was_throttled(t *testing.T) {
	t.Parallel()
	server, put := putServer(t, 1)
	server.Inject(kintest.Fault{
		Operation: "PutRecords", Times: 2,
		Records: func(i int) string {
			if i%2 == 0 {
				return "ProvisionedThroughputExceededException"
			}
			return ""
		},
	})
	mustRun(t, "a\nb\nc\nd\ne\n", put...)
	if data, _ := stored(server); strings.Join(data, "") != "abcde" {
		t.Errorf("stored = %q, want a to e once each", data)
	}
}

func TestPut_gives_up_after_the_time_that_it_is_told(t *testing.T) {
	t.Parallel()
	server, put := putServer(t, 1)
	server.Inject(kintest.Fault{Operation: "PutRecords", Records: func(int) string { return "ProvisionedThroughputExceededException" }})
	r := run(t.Context(), "a\nb\n", append(put, "--give-up-after", "300ms", "-o", "json")...)
	got := objects[putObject](t, r.out)[0]
	if r.code != 6 || got.Put != 0 || got.Errors["ProvisionedThroughputExceededException"].Count != 2 {
		t.Errorf("result = %+v, code %d, it said %q", got, r.code, r.err)
	}
}

func TestPut_stops_reading_when_nothing_more_can_be_stored(t *testing.T) {
	t.Parallel()
	server, put := putServer(t, 1)
	server.Inject(kintest.Fault{Operation: "PutRecords", Error: "AccessDeniedException", Message: "not you"})
	endless, stop := io.Pipe()
	t.Cleanup(func() { endless.Close() })
	go func() {
		for {
			if _, err := stop.Write([]byte("a\n")); err != nil {
				return
			}
		}
	}()
	var out, errs lockedBuffer
	code := cli.Run(t.Context(), put, cli.IO{In: endless, Out: &out, Err: &errs})
	if code != 4 || !strings.Contains(errs.String(), "not you") || !strings.Contains(errs.String(), "IAM policy") {
		t.Errorf("code = %d, it said %q; want 4 and the reason", code, errs.String())
	}
}

func TestPut_packs_lines_and_keeps_the_order_of_keys(t *testing.T) {
	t.Parallel()
	server, put := putServer(t, 2)
	var lines strings.Builder
	for i := range 400 {
		fmt.Fprintf(&lines, "{\"k\":%d,\"i\":%d}\n", i%3, i)
	}
	r := run(t.Context(), lines.String(), append(put, "--key-field", "k", "--data-field", "i", "--aggregate", "shard", "--ordered", "--linger", "1s", "--explain", "-o", "json")...)
	got := objects[putObject](t, r.out)[0]
	if r.code != 0 || got.Put != 400 || got.Entries > 40 || int(got.Entries) != len(server.Records("orders")) || got.Explanation == nil || got.Explanation.Text == "" {
		t.Errorf("code = %d, result = %+v, want few Kinesis records and an explanation; it said %q", r.code, got, r.err)
	}
	last, read := map[string]int{}, 0
	for _, rec := range objects[struct {
		Shard, Sequence, Key, Time, Data string
		SubSequence                      *int `json:"sub_sequence"`
	}](t, mustRun(t, "", append(put[:2:2], "tail", "orders", "--from", "trim-horizon", "--until", "tip", "-o", "json")...)) {
		i, err := strconv.Atoi(rec.Data)
		if before, seen := last[rec.Key]; err != nil || seen && i <= before {
			t.Errorf("key %s: %q came after %d", rec.Key, rec.Data, before)
		}
		last[rec.Key] = i
		read++
	}
	if read != 400 {
		t.Errorf("read %d records, want 400", read)
	}
}

func TestPut_keeps_the_order_of_a_key_when_records_are_refused(t *testing.T) {
	t.Parallel()
	server, put := putServer(t, 1)
	var arrived atomic.Int64
	server.Inject(kintest.Fault{Operation: "PutRecords", Records: func(int) string {
		if n := arrived.Add(1); n == 1 || n == 4 {
			return "ProvisionedThroughputExceededException"
		}
		return ""
	}})
	mustRun(t, "a\nb\nc\nd\ne\n", append(put, "--key", "k", "--ordered", "--linger", "0")...)
	var data strings.Builder
	for _, rec := range server.Records("orders") {
		data.Write(rec.Data)
	}
	if got, want := data.String(), "abcde"; got != want {
		t.Errorf("stored = %q, want %q", got, want)
	}
}

func TestPut_says_in_text_what_limited_it(t *testing.T) {
	t.Parallel()
	_, put := putServer(t, 1)
	r := run(t.Context(), "a\n", append(put, "--explain", "--linger", "0")...)
	if r.code != 0 || !strings.HasPrefix(r.out, "put 1 record, 1 B in ") || !strings.Contains(r.err, "kin put: in all limited by ") {
		t.Errorf("code = %d, output %q, it said %q", r.code, r.out, r.err)
	}
}

func TestPut_stores_what_it_has_read_when_it_is_stopped(t *testing.T) {
	t.Parallel()
	server, put := putServer(t, 1)
	input, feed := io.Pipe()
	t.Cleanup(func() { feed.Close() })
	ctx, stop := context.WithCancel(t.Context())
	var arrived atomic.Int64
	server.Inject(kintest.Fault{Operation: "PutRecords", Records: func(int) string {
		if arrived.Add(1) == 2 {
			stop()
		}
		return ""
	}})
	go fmt.Fprint(feed, "a\nb\n") // and then nothing, but no end either
	var out, errs lockedBuffer
	code := cli.Run(ctx, put, cli.IO{In: input, Out: &out, Err: &errs})
	if code != 130 || !strings.HasPrefix(out.String(), "put 2 records") || !strings.Contains(errs.String(), "stopped by a signal: 2 of 2 lines read were stored") {
		t.Errorf("code = %d, output %q, it said %q", code, out.String(), errs.String())
	}
}

func TestPut_counts_records_that_wait_too_long_for_a_slow_server(t *testing.T) {
	t.Parallel()
	server, put := putServer(t, 1)
	server.Inject(kintest.Fault{Operation: "PutRecords", Delay: 700 * time.Millisecond})
	const calls = 8 * 500 // records that are out at the same time, at most
	r := run(t.Context(), strings.Repeat("a\n", calls+1000), append(put, "--give-up-after", "200ms", "-o", "json")...)
	got := objects[putObject](t, r.out)[0]
	late := got.Errors["not stored in time"]
	if r.code != 6 || got.Lines != calls+1000 || late.Count == 0 || late.Count != got.Failed || got.Put+got.Failed != got.Lines {
		t.Errorf("result = %+v, code %d, it said %q; want code 6 and all lines read", got, r.code, r.err)
	}
}
