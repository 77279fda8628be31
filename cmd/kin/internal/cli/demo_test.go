package cli_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/cmd/kin/internal/cli"
	"github.com/kinstream/kin/kintest"
)

// demoObject is what kin demo prints with -o json.
type demoObject struct {
	Put              int64   `json:"put"`
	Read             int64   `json:"read"`
	Lost             int64   `json:"lost"`
	Doubled          int64   `json:"doubled"`
	Reordered        int64   `json:"reordered"`
	Altered          int64   `json:"altered"`
	Foreign          int64   `json:"foreign"`
	Failed           int64   `json:"failed"`
	Clean            bool    `json:"clean"`
	Interrupted      bool    `json:"interrupted"`
	Bytes            int64   `json:"bytes"`
	Passes           int64   `json:"passes"`
	Keys             int     `json:"keys"`
	OpenShards       []int   `json:"open_shards"`
	Seconds          float64 `json:"seconds"`
	PutPerSecond     float64 `json:"put_records_per_second"`
	PutMBPerSecond   float64 `json:"put_mb_per_second"`
	ReadPerSecond    float64 `json:"read_records_per_second"`
	ReadMBPerSecond  float64 `json:"read_mb_per_second"`
	RecordsPerSecond float64 `json:"records_per_second"`
	MBPerSecond      float64 `json:"mb_per_second"`
	Input            string  `json:"input"`
}

func TestDemo_of_its_own_text_is_clean(t *testing.T) {
	t.Parallel()
	r := run(t.Context(), "", "demo", "--act", "records", "--passes", "1", "-o", "json")
	if r.code != 0 {
		t.Fatalf("code = %d, it said %s", r.code, r.err)
	}
	all := objects[demoObject](t, r.out)
	got := all[len(all)-1]
	if got.Put != 111_711 || got.Read != got.Put || !got.Clean || got.Lost+got.Doubled+got.Reordered+got.Altered+got.Foreign+got.Failed != 0 {
		t.Errorf("account = %+v", got)
	}
	if len(got.OpenShards) != 3 || got.OpenShards[1] != 8 || got.OpenShards[2] != 4 || got.RecordsPerSecond <= 0 || got.MBPerSecond <= 0 {
		t.Errorf("account = %+v", got)
	}
	if !strings.Contains(r.err, "100 %") || strings.Contains(r.err+r.out, "\x1b") {
		t.Errorf("progress = %q, want lines without escape codes", r.err)
	}
}

func TestDemo_of_a_short_file_has_records_around_each_reshard(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(path, []byte(strings.Repeat("same line\n\n", 50)), 0o600); err != nil {
		t.Fatal(err)
	}
	out := mustRun(t, "", "demo", "--act", "records", "--passes", "2", "--input", path, "--shards", "2", "--keys", "7")
	for _, text := range []string{"2 -> 4 -> 2 shards", "put                     200 ", "read                    200 ", "lost                      0\n", "doubled                   0\n", "out of order              0\n", "clean: "} {
		if !strings.Contains(out, text) {
			t.Errorf("account has no %q:\n%s", text, out)
		}
	}
}

// groupDemoObject is what act two of kin demo prints with -o json.
type groupDemoObject struct {
	Act         string  `json:"act"`
	Put         int64   `json:"put"`
	Handled     int64   `json:"handled"`
	Lost        int64   `json:"lost"`
	Doubled     int64   `json:"doubled"`
	MayDouble   int64   `json:"may_be_doubled"`
	Reordered   int64   `json:"reordered"`
	Altered     int64   `json:"altered"`
	Foreign     int64   `json:"foreign"`
	Failed      int64   `json:"failed"`
	Clean       bool    `json:"clean"`
	Interrupted bool    `json:"interrupted"`
	Shards      int     `json:"shards"`
	Workers     int     `json:"workers"`
	Owners      int     `json:"changes_of_owner"`
	Stored      int     `json:"checkpoints_at_the_end"`
	LeaseTTL    float64 `json:"lease_ttl_seconds"`
	LongestGap  float64 `json:"longest_gap_seconds"`
	GapShard    string  `json:"longest_gap_shard"`
	GapLimit    float64 `json:"longest_gap_limit_seconds"`
	CrashLimit  float64 `json:"crash_gap_limit_seconds"`
	CrashGap    float64 `json:"crash_gap_seconds"`
	CrashShard  string  `json:"crash_gap_shard"`
	Settled     []struct {
		Event   string  `json:"event"`
		Seconds float64 `json:"seconds"`
	} `json:"settled"`
	Seconds float64 `json:"seconds"`
}

func TestDemo_of_a_group_loses_nothing_when_workers_come_die_and_leave(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(path, []byte(strings.Repeat("same line\n\n", 50)), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t.Context(), "", "demo", "--act", "group", "--input", path, "--shards", "2", "--keys", "100", "-o", "json")
	if r.code != 0 {
		t.Fatalf("code = %d, it said %s\n%s", r.code, r.err, r.out)
	}
	got := objects[groupDemoObject](t, r.out)[0]
	if !got.Clean || got.Put < 50_000 || got.Handled != got.Put || got.Lost+got.Reordered+got.Altered+got.Foreign+got.Failed != 0 || got.Doubled > got.MayDouble {
		t.Errorf("account = %+v", got)
	}
	if got.Act != "group" || got.Shards != 4 || got.Stored != 4 || got.Workers != 4 || len(got.Settled) != 4 || got.Owners < 8 || got.CrashGap < 1 {
		t.Errorf("account = %+v", got)
	}
	if !strings.Contains(r.err, "a dead, b") || strings.Contains(r.err+r.out, "\x1b") {
		t.Errorf("progress = %q, want lines without escape codes", r.err)
	}
}

func TestDemo_of_a_group_is_not_clean_if_a_shard_is_not_read_for_long(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		steady, crash time.Duration
		slowness      float64
		want          string
	}{
		{6 * time.Second, 10 * time.Second, 1, ""},
		{11 * time.Second, 19 * time.Second, 2, ""},
		{13 * time.Second, 0, 2, "; shardId-1 was not read for 13.0 s while workers came and left: 1 s are promised, and 12 s are the limit"},
		{6100 * time.Millisecond, 0, 1, "; shardId-1 was not read for 6.1 s while workers came and left: 1 s are promised, and 6 s are the limit"},
		{0, 10100 * time.Millisecond, 1, "; shardId-2 was not read for 10.1 s after the kill: 5 s are promised, and 10 s are the limit"},
	} {
		clean, late, err := cli.GroupGaps(c.steady, c.crash, c.slowness)
		if err != nil || late != c.want || clean != (c.want == "") {
			t.Errorf("%v and %v: clean = %v, %q, %v; want %q", c.steady, c.crash, clean, late, err, c.want)
		}
	}
}

func TestDemo_refuses_files_that_cannot_be_records(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty, long := filepath.Join(dir, "empty"), filepath.Join(dir, "long")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(long, []byte("a\n"+strings.Repeat("x", 1<<20)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, run(t.Context(), "", "demo", "--input", empty), 2, "is empty")
	r := run(t.Context(), "", "demo", "--passes", "1", "--input", long)
	if r.code != 2 || !strings.Contains(r.err, "line 2 has 1.0 MiB") {
		t.Errorf("a long line = code %d, it said %q", r.code, r.err)
	}
}

func TestDemo_ends_with_its_account_when_it_is_stopped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer cancel()
	r := run(ctx, "", "demo", "--duration", "1h", "-o", "json")
	if r.code != 130 || !strings.Contains(r.err, "stopped by a signal") {
		t.Errorf("code = %d, it said %q", r.code, r.err)
	}
	if all := objects[demoObject](t, r.out); len(all) != 1 || !all[0].Interrupted {
		t.Errorf("output = %q, want one object", r.out)
	}
}

func TestDemoView_fits_the_terminal(t *testing.T) {
	t.Parallel()
	shards := []cli.DemoShard{
		{"shardId-000000000000", 1000, 1000, 0, true},
		{"shardId-000000000001", 2000, 1990, 12 * time.Millisecond, false},
		{"shardId-000000000002", 2000, 1990, -1, false},
	}
	got := strings.Join(cli.DemoFrame(io.Discard, 80, 24, []int64{0, 1000, 3000, 4000}, shards), "\n")
	want := `kin demo  http://127.0.0.1:4567  a text

put           4,005 records      0.4 MB      13,333 records/s     1.3 MB/s
read          4,000 records      0.4 MB      13,333 records/s     1.3 MB/s
███████████████░░░░░░░░░░░░░░░  0.3 s  pass 2  4 shards
▅█▅

shard                           put         read    behind       lag
shardId-000000000000          1,000        1,000         0     ended
shardId-000000000001          2,000        1,990        10     12 ms
shardId-000000000002          2,000        1,990        10         -`
	if got != want {
		t.Errorf("frame =\n%s\nwant\n%s", got, want)
	}
	small := cli.DemoFrame(io.Discard, 60, 12, []int64{0, 1000}, shards)
	if len(small) > 11 || !strings.Contains(strings.Join(small, "\n"), "1 closed shard read to the end") {
		t.Errorf("frame for 12 rows =\n%s", strings.Join(small, "\n"))
	}
}

func TestDemo_sees_what_a_server_does_wrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault kintest.Fault
		wrong func(r demoObject) bool
	}{
		{
			"stored twice, because an answer was lost",
			kintest.Fault{Operation: "PutRecords", Times: 1, AfterCommit: true, Error: "InternalFailure"},
			func(r demoObject) bool { return r.Doubled > 0 && r.Lost == 0 },
		},
		{
			"answered with the wrong shard",
			kintest.Fault{Operation: "PutRecords", Times: 1, ShardID: func(string) string { return "shardId-000000000099" }},
			func(r demoObject) bool { return r.Altered > 0 && r.Lost == 0 && r.Doubled == 0 },
		},
		{
			"throttled and cut off, which costs nothing",
			kintest.Fault{Operation: "GetRecords", Times: 3, Cut: kintest.CutMidBody},
			func(r demoObject) bool { return r.Clean },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "lines")
			if err := os.WriteFile(path, []byte(strings.Repeat("same line\n", 2000)), 0o600); err != nil {
				t.Fatal(err)
			}
			var out, errs lockedBuffer
			code := cli.RunDemo(t.Context(), cli.IO{Out: &out, Err: &errs}, path, func(s *kintest.Server) { s.Inject(c.fault) })
			r := objects[demoObject](t, out.String())[0]
			if want := map[bool]int{true: 0, false: 6}[r.Clean]; code != want || !c.wrong(r) {
				t.Errorf("code = %d, account = %+v, it said %q", code, r, &errs)
			}
			if !r.Clean && !strings.Contains(errs.String(), "not clean") {
				t.Errorf("it said %q, want it to say that the account is not clean", &errs)
			}
		})
	}
}

func TestGroupView_shows_who_reads_what(t *testing.T) {
	t.Parallel()
	got := strings.Join(cli.GroupFrame(io.Discard, 24), "\n")
	want := `kin demo, act two: a group of workers  http://127.0.0.1:4567

put           1,005 records
handled       1,000 records  7 again, after a crash
3.0 s  worker a is killed

shard                   a killed  b 2       c -       d left       records         last  longest gap
shardId-000000000000    ×         ·         ·         ·                400      2.00 s      0.10 s
shardId-000000000001    ·         ███       ·         ·                300      0.00 s      0.05 s
shardId-000000000002    ·         ███       ·         ·                300      0.00 s      1.50 s`
	if got != want {
		t.Errorf("frame =\n%s\nwant\n%s", got, want)
	}
	if small := cli.GroupFrame(io.Discard, 10); len(small) > 9 || !strings.Contains(small[len(small)-1], "more shard") {
		t.Errorf("frame for 10 rows =\n%s", strings.Join(small, "\n"))
	}
}
