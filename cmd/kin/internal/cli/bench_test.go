package cli_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/kinstream/kin/cmd/kin/internal/cli"
	"github.com/kinstream/kin/kintest"
)

// getObject is what kin bench get prints with -o json.
type getObject struct {
	Client    string  `json:"client"`
	Records   int64   `json:"records"`
	Bytes     int64   `json:"bytes"`
	Seconds   float64 `json:"seconds"`
	Reading   float64 `json:"read_seconds"`
	PerSecond float64 `json:"records_per_second"`
	BytesPerS float64 `json:"bytes_per_second"`
	CPU       float64 `json:"cpu_us_per_record"`
	Lag       *int64  `json:"lag_ms"`
	Tip       bool    `json:"reached_tip"`
	Loads     []struct {
		Run       string      `json:"load"`
		Read      int64       `json:"read"`
		Lowest    int64       `json:"lowest"`
		Highest   int64       `json:"highest"`
		Missing   int64       `json:"missing"`
		Doubled   int64       `json:"doubled"`
		Reordered int64       `json:"reordered"`
		Stored    delayObject `json:"stored_after_ms"`
		Delay     delayObject `json:"read_after_ms"`
	} `json:"loads"`
}

func TestBenchPut_measures_both_clients_with_the_same_records(t *testing.T) {
	t.Parallel()
	server, bench := loadServer(t, 2, "bench", "put")
	server.Inject(kintest.Fault{
		Operation: "PutRecords", Times: 2,
		Records: func(i int) string {
			if i%2 == 0 {
				return "ProvisionedThroughputExceededException"
			}
			return ""
		},
	})
	all := objects[loadObject](t, mustRun(t, "", append(bench, "--duration", "300ms", "--rate", "2000/s", "--against", "sdk", "-o", "json")...))
	if len(all) != 2 || all[0].Client != "kin" || all[1].Client != "sdk" {
		t.Fatalf("results = %+v, want kin and sdk", all)
	}
	var stored int64
	for _, r := range all {
		stored += r.Stored
		if r.Stored == 0 || r.Failed != 0 || r.Stored != r.Records || r.PerSecond <= 0 || r.Delay.P50 <= 0 || r.Calls == 0 {
			t.Errorf("%s = %+v", r.Client, r)
		}
	}
	if all[0].Explanation == nil || all[0].Throttled == 0 {
		t.Errorf("kin = %+v, want records throttled and an explanation", all[0])
	}
	if n := int64(len(server.Records("orders"))); n != stored {
		t.Errorf("%d records in the stream, want %d", n, stored)
	}
}

func TestBenchPut_puts_again_what_the_service_refused_to_the_SDK(t *testing.T) {
	t.Parallel()
	server, bench := loadServer(t, 1, "bench", "put")
	args := append(bench, "--duration", "200ms", "--rate", "500/s", "--against", "sdk", "-o", "json")
	mustRun(t, "", args...)
	before := len(server.Records("orders"))
	server.Inject(kintest.Fault{Operation: "PutRecords", Records: func(int) string { return "ProvisionedThroughputExceededException" }})
	r := run(t.Context(), "", append(args, "--give-up-after", "150ms")...)
	all := objects[loadObject](t, r.out)
	if r.code != 6 || len(all) != 2 || all[1].Stored != 0 || all[1].Failed == 0 || all[1].Failed != all[1].Records ||
		all[1].Errors["ProvisionedThroughputExceededException"].First != 1 || all[1].Throttled < all[1].Failed {
		t.Errorf("code = %d, results = %+v", r.code, all)
	}
	if after := len(server.Records("orders")); after != before {
		t.Errorf("%d records stored, want none", after-before)
	}
}

func TestBenchPut_has_a_table_for_people(t *testing.T) {
	t.Parallel()
	_, bench := loadServer(t, 1, "bench", "put")
	out := mustRun(t, "", append(bench, "--duration", "100ms", "--rate", "200/s", "--against", "sdk")...)
	for _, text := range []string{"kin", "sdk", "RATIO", "records/s", "CPU per record", "throttled", "delay p99.9", "kin is limited by "} {
		if !strings.Contains(out, text) {
			t.Errorf("output = %q, want %q in it", out, text)
		}
	}
}

func TestBenchPut_says_what_it_measured_when_it_is_stopped(t *testing.T) {
	t.Parallel()
	server, bench := loadServer(t, 1, "bench", "put")
	ctx, stop := context.WithCancel(t.Context())
	stopAfter(server, 5, stop)
	r := run(ctx, "", append(bench, "--duration", "10m", "--rate", "1000/s", "--against", "sdk", "-o", "json")...)
	all := objects[loadObject](t, r.out)
	if r.code != 130 || len(all) != 1 || all[0].Stored < 5 || all[0].Stored != all[0].Records || !strings.Contains(r.err, "stopped by a signal") {
		t.Errorf("code = %d, results = %+v, it said %q", r.code, all, r.err)
	}
}

func TestBenchGet_reads_all_with_both_clients(t *testing.T) {
	t.Parallel()
	_, bench := loadServer(t, 3, "bench", "get")
	mustRun(t, "", append(bench[:2:2], "load", "orders", "--count", "500", "--rate", "max")...)
	all := objects[getObject](t, mustRun(t, "", append(bench, "--duration", "1m", "--against", "sdk", "-o", "json")...))
	if len(all) != 2 {
		t.Fatalf("results = %+v, want two", all)
	}
	for _, r := range all {
		if r.Records != 500 || r.Bytes != 500<<10 || !r.Tip || r.PerSecond <= 0 || r.Lag == nil {
			t.Errorf("%s = %+v, want 500 records up to the tip", r.Client, r)
		}
	}
	out := mustRun(t, "", append(bench, "--duration", "1m", "--check", "--from", "1h")...)
	for _, text := range []string{"records/s", "to the tip", "yes", "MISSING", "1 to 500"} {
		if !strings.Contains(out, text) {
			t.Errorf("output = %q, want %q in it", out, text)
		}
	}
}

func TestBenchGet_counts_until_the_last_record_and_reads_to_an_empty_answer(t *testing.T) {
	t.Parallel()
	server, bench := loadServer(t, 1, "bench", "get")
	mustRun(t, "", append(bench[:2:2], "load", "orders", "--count", "50", "--rate", "max")...)
	for _, pace := range []string{"auto", "service", "none"} {
		before := server.CallCount("GetRecords")
		all := objects[getObject](t, mustRun(t, "", append(bench, "--duration", "1m", "--pace", pace, "--against", "sdk", "-o", "json")...))
		for _, r := range all {
			if r.Records != 50 || !r.Tip || r.Reading <= 0 || r.Reading >= r.Seconds || r.PerSecond < 49/r.Reading || r.PerSecond > 51/r.Reading {
				t.Errorf("--pace %s: %s = %+v, want 50 records, a second counted until the last one", pace, r.Client, r)
			}
		}
		if calls := server.CallCount("GetRecords") - before; calls != 4 {
			t.Errorf("--pace %s: %d calls of GetRecords, want 4: the records and an empty answer for each client", pace, calls)
		}
	}
	wantFailure(t, run(t.Context(), "", append(bench, "--pace", "fast")...), 2, `--pace "fast"`)
}

func TestBenchGet_check_finds_what_is_missing_doubled_and_out_of_order(t *testing.T) {
	t.Parallel()
	_, put := putServer(t, 1)
	line := func(n string) string {
		return `{"load":"aaaaaaaa","n":` + n + `,"t":1763752203123456789,"pad":""}` + "\n"
	}
	// 1 and 6 are missing, 3 comes twice, 4 comes after 5.
	mustRun(t, line("2")+line("3")+line("3")+line("5")+line("4")+line("7")+"something else\n", append(put, "--key", "k", "--ordered")...)
	get := append(put[:2:2], "bench", "get", "orders", "--check", "-o", "json")
	r := run(t.Context(), "", get...)
	all := objects[getObject](t, r.out)
	if len(all) != 1 || len(all[0].Loads) != 1 {
		t.Fatalf("results = %+v, want one load", all)
	}
	got := all[0].Loads[0]
	if r.code != 6 || got.Read != 6 || got.Lowest != 2 || got.Highest != 7 || got.Missing != 2 || got.Doubled != 1 || got.Reordered != 1 {
		t.Errorf("code = %d, load = %+v", r.code, got)
	}
	if !strings.Contains(r.err, "2 records missing") {
		t.Errorf("it said %q", r.err)
	}
}

func TestBenchGet_reads_what_comes_for_as_long_as_it_is_told(t *testing.T) {
	t.Parallel()
	_, bench := loadServer(t, 1, "bench", "get")
	mustRun(t, "old\n", append(bench[:2:2], "put", "orders")...)
	all := objects[getObject](t, mustRun(t, "", append(bench, "--from", "latest", "--duration", "200ms", "--against", "sdk", "-o", "json")...))
	for _, r := range all {
		if r.Records != 0 || r.Tip {
			t.Errorf("%s = %+v, want nothing and no tip", r.Client, r)
		}
	}
}

func TestBenchGet_says_what_it_read_when_it_is_stopped(t *testing.T) {
	t.Parallel()
	_, bench := loadServer(t, 1, "bench", "get")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out, errs lockedBuffer
	var running sync.WaitGroup
	running.Go(func() {
		if err := errs.waitFor(t.Context(), " read "); err == nil {
			stop()
		}
	})
	code := cli.Run(ctx, append(bench, "--from", "latest", "--duration", "10m", "-o", "json"), cli.IO{In: strings.NewReader(""), Out: &out, Err: &errs})
	running.Wait()
	if all := objects[getObject](t, out.String()); code != 130 || len(all) != 1 || all[0].Tip || !strings.Contains(errs.String(), "stopped by a signal: 0 records read") {
		t.Errorf("code = %d, results = %+v, it said %q", code, all, errs.String())
	}
}
