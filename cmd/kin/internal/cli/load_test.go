package cli_test

import (
	"context"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinstream/kin/cmd/kin/internal/cli"
	"github.com/kinstream/kin/kintest"
)

// delayObject and explanationObject are parts of what kin load and kin bench put print with -o json.
type (
	delayObject struct {
		P50  float64 `json:"p50"`
		P99  float64 `json:"p99"`
		P999 float64 `json:"p99_9"`
		Max  float64 `json:"max"`
	}
	explanationObject struct {
		Limit  string   `json:"limit"`
		Text   string   `json:"text"`
		Shards []string `json:"shards"`
	}
	errorObject struct {
		Count     int    `json:"count"`
		FirstLine int    `json:"first_line"`
		First     int    `json:"first_record"`
		Reason    string `json:"reason"`
	}
	shardObject struct {
		Shard     string  `json:"shard"`
		Stored    uint64  `json:"stored"`
		Entries   uint64  `json:"kinesis_records"`
		Bytes     uint64  `json:"bytes"`
		Throttled uint64  `json:"throttled"`
		Pace      float64 `json:"pace"`
		Buffered  int     `json:"buffered"`
	}
)

// loadObject is what kin load and kin bench put print with -o json.
type loadObject struct {
	Client      string                 `json:"client"`
	Run         string                 `json:"run"`
	Records     int64                  `json:"records"`
	Stored      int64                  `json:"stored"`
	Failed      int64                  `json:"failed"`
	Bytes       int64                  `json:"bytes"`
	Seconds     float64                `json:"seconds"`
	PerSecond   float64                `json:"records_per_second"`
	BytesPerS   float64                `json:"bytes_per_second"`
	Delay       delayObject            `json:"delay_ms"`
	Calls       int64                  `json:"calls"`
	Entries     int64                  `json:"kinesis_records"`
	Throttled   int64                  `json:"throttled"`
	Share       float64                `json:"throttled_share"`
	CPU         float64                `json:"cpu_us_per_record"`
	Explanation *explanationObject     `json:"explanation"`
	Errors      map[string]errorObject `json:"errors"`
	Shards      []shardObject          `json:"shards"`
}

// loadServer is a server with a stream of the given shards, named orders, and the command line
// of a command on it up to its flags.
func loadServer(t *testing.T, shards int, command ...string) (*kintest.Server, []string) {
	t.Helper()
	server, put := putServer(t, shards)
	return server, append(append(put[:2:2], command...), "orders")
}

func TestLoad_puts_numbered_records_of_the_size_and_count_that_it_is_told(t *testing.T) {
	t.Parallel()
	server, load := loadServer(t, 2, "load")
	// The first record waits until the shards are known: else it counts for none of them.
	out := mustRun(t, "", append(load, "--count", "700", "--rate", "2000/s", "--linger", "5s", "--size", "200", "--keys", "5", "--shards", "--explain", "-o", "json")...)
	got := objects[loadObject](t, out)[0]
	if got.Records != 700 || got.Stored != 700 || got.Failed != 0 || got.Bytes != 700*200 || got.Calls < 2 || got.Entries != 700 ||
		got.Delay.P50 <= 0 || got.Delay.Max < got.Delay.P99 || got.Explanation == nil {
		t.Errorf("result = %+v", got)
	}
	if len(got.Shards) != 2 || got.Shards[0].Stored+got.Shards[1].Stored != 700 {
		t.Errorf("shards = %+v, want two with 700 records", got.Shards)
	}
	seen, keys := map[int64]bool{}, map[string]bool{}
	for _, rec := range server.Records("orders") {
		run, n, _, ok := cli.ParseLoad(rec.Data)
		if !ok || run != got.Run || len(rec.Data) != 200 {
			t.Fatalf("record = %q, want one of run %s with 200 bytes", rec.Data, got.Run)
		}
		seen[n], keys[rec.PartitionKey] = true, true
	}
	if len(seen) != 700 || !seen[1] || !seen[700] || len(keys) != 5 {
		t.Errorf("%d numbers and %d keys, want 1 to 700 and 5", len(seen), len(keys))
	}
}

func TestLoad_has_a_summary_for_people(t *testing.T) {
	t.Parallel()
	_, load := loadServer(t, 1, "load")
	out := mustRun(t, "", append(load, "--count", "3", "--rate", "100/s", "--linger", "5s", "--shards", "--explain")...)
	for _, text := range []string{"put 3 records, 3.0 KiB in ", "numbers 1 to 3", "delay  p50 ", "0 throttled", "limited by ", "SHARD ", "shardId-000000000000  3 "} {
		if !strings.Contains(out, text) {
			t.Errorf("output = %q, want %q in it", out, text)
		}
	}
}

func TestLoad_packs_records_on_request(t *testing.T) {
	t.Parallel()
	server, load := loadServer(t, 1, "load")
	got := objects[loadObject](t, mustRun(t, "", append(load, "--count", "400", "--rate", "max", "--aggregate", "shard", "--ordered", "--linger", "1s", "-o", "json")...))[0]
	if n := len(server.Records("orders")); n > 40 || int64(n) != got.Entries || got.Stored != 400 {
		t.Errorf("%d Kinesis records and %+v, want few", n, got)
	}
	check := objects[getObject](t, mustRun(t, "", append(load[:2:2], "bench", "get", "orders", "--check", "-o", "json")...))[0]
	if len(check.Loads) != 1 || check.Loads[0].Read != 400 || check.Loads[0].Missing+check.Loads[0].Doubled+check.Loads[0].Reordered != 0 {
		t.Errorf("check = %+v, want 400 in order", check.Loads)
	}
}

func TestLoad_says_what_was_not_stored_and_why(t *testing.T) {
	t.Parallel()
	server, load := loadServer(t, 1, "load")
	var arrived atomic.Int64
	server.Inject(kintest.Fault{Operation: "PutRecords", Records: func(int) string {
		if arrived.Add(1) == 1 {
			return ""
		}
		return "ProvisionedThroughputExceededException"
	}})
	r := run(t.Context(), "", append(load, "--count", "20", "--rate", "max", "--linger", "100ms", "--give-up-after", "300ms", "-o", "json")...)
	got := objects[loadObject](t, r.out)[0]
	e := got.Errors["ProvisionedThroughputExceededException"]
	if r.code != 6 || got.Records != 20 || got.Stored != 1 || got.Failed != 19 || e.Count != 19 || e.First != 2 || got.Throttled < 19 {
		t.Errorf("result = %+v, code %d", got, r.code)
	}
	for _, text := range []string{"19 records not stored: ProvisionedThroughputExceededException (record 2: ", "19 of 20 records not stored"} {
		if !strings.Contains(r.err, text) {
			t.Errorf("it said %q, want %q", r.err, text)
		}
	}
}

func TestLoad_counts_no_record_that_found_no_room_until_the_end(t *testing.T) {
	t.Parallel()
	server, load := loadServer(t, 1, "load")
	server.Inject(kintest.Fault{Operation: "PutRecords", Delay: 400 * time.Millisecond})
	got := objects[loadObject](t, mustRun(t, "", append(load, "--rate", "max", "--size", "100KiB", "--duration", "200ms", "-o", "json")...))[0]
	if n := len(server.Records("orders")); got.Failed != 0 || got.Stored != got.Records || int64(n) != got.Records || n == 0 {
		t.Errorf("%d records in the stream, result = %+v", n, got)
	}
}

func TestLoad_ends_at_what_every_record_would_meet(t *testing.T) {
	t.Parallel()
	server, load := loadServer(t, 1, "load")
	server.Inject(kintest.Fault{Operation: "PutRecords", Error: "AccessDeniedException", Message: "not you"})
	r := run(t.Context(), "", append(load, "--duration", "0")...)
	if r.code != 4 || !strings.Contains(r.err, "not you") {
		t.Errorf("code = %d, it said %q", r.code, r.err)
	}
}

// stopAfter cancels when so many records have arrived.
func stopAfter(server *kintest.Server, records int64, stop context.CancelFunc) {
	var arrived atomic.Int64
	server.Inject(kintest.Fault{Operation: "PutRecords", Records: func(int) string {
		if arrived.Add(1) == records {
			stop()
		}
		return ""
	}})
}

func TestLoad_stops_at_a_signal_with_all_that_it_made_stored(t *testing.T) {
	t.Parallel()
	for _, bound := range []struct {
		args []string
		code int
	}{{[]string{"--duration", "0"}, 0}, {[]string{"--duration", "10m"}, 130}, {[]string{"--count", "1000000000"}, 130}} {
		server, load := loadServer(t, 1, "load")
		ctx, stop := context.WithCancel(t.Context())
		stopAfter(server, 10, stop)
		r := run(ctx, "", append(append(load, "--rate", "1000/s", "-o", "json"), bound.args...)...)
		got := objects[loadObject](t, r.out)[0]
		if r.code != bound.code || got.Stored < 10 || got.Stored != got.Records || len(server.Records("orders")) != int(got.Stored) {
			t.Errorf("%v: code = %d, want %d; %+v; it said %q", bound.args, r.code, bound.code, got, r.err)
		}
	}
}

func TestLoad_fails_when_nobody_reads_its_output(t *testing.T) {
	t.Parallel()
	_, load := loadServer(t, 1, "load")
	reader, writer := io.Pipe()
	reader.Close()
	var errs lockedBuffer
	if code := cli.Run(t.Context(), append(load, "--count", "1", "-o", "json"), cli.IO{In: strings.NewReader(""), Out: writer, Err: &errs}); code != 1 {
		t.Errorf("code = %d, want 1; it said %q", code, errs.String())
	}
}

func TestPut_load_and_bench_refuse_what_cannot_be(t *testing.T) {
	t.Parallel()
	_, put := putServer(t, 1)
	base := put[:2:2]
	for _, wrong := range []struct{ args, says string }{
		{"put orders --aggregate all", "use none, shard or key"},
		{"put orders --linger -1s", "--linger"},
		{"put orders --linger 1s --give-up-after 500ms", "give a longer time"},
		{"put orders --in-flight 0", "--in-flight 0"},
		{"put orders --pace fast", "--pace"},
		{"load orders --rate 0", "--rate"},
		{"load orders --size 10", "--size"},
		{"load orders --size 2MiB", "the stream takes 1048576"},
		{"load orders --keys 0", "--keys 0"},
		{"load orders --keys 2000000", "1,000,000"},
		{"load orders --skew -1", "--skew"},
		{"load orders --skew NaN", "--skew"},
		{"load orders --duration -1s", "--duration"},
		{"load orders --count -1", "--count"},
		{"load", "STREAM is missing"},
		{"bench put orders --duration 0", "--duration"},
		{"bench put orders --against kpl", "use sdk"},
		{"bench get orders --duration 0", "--duration"},
		{"bench get orders --against kcl", "use sdk"},
		{"bench get orders --from AFTER_SEQUENCE_NUMBER:1", "one shard"},
		{"bench get orders --from never", "no position"},
	} {
		wantFailure(t, run(t.Context(), "", append(base, strings.Fields(wrong.args)...)...), 2, wrong.says)
	}
	for _, args := range []string{"load other", "bench put other", "bench get other"} {
		wantFailure(t, run(t.Context(), "", append(base, strings.Fields(args)...)...), 5, "other")
	}
}
