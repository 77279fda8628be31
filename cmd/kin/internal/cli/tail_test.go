package cli_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/cmd/kin/internal/cli"
	"github.com/kinstream/kin/kintest"
)

// tailObject is what kin tail prints with -o json.
type tailObject struct {
	Shard       string    `json:"shard"`
	Sequence    string    `json:"sequence"`
	SubSequence *int      `json:"sub_sequence"`
	Key         string    `json:"key"`
	Time        time.Time `json:"time"`
	Data        *string   `json:"data"`
	Base64      []byte    `json:"data_base64"`
}

// tailServer is a server with a stream of one shard that holds r0 to r9 with
// the keys k0 and k1 in turn.
func tailServer(t *testing.T) (*kintest.Server, []string) {
	t.Helper()
	server, url := serve(t)
	if err := server.CreateStream("orders", 1); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		put(t, server, fmt.Sprintf("k%d", i%2), fmt.Sprintf("r%d", i))
	}
	return server, []string{"--endpoint", url, "tail", "orders"}
}

func put(t *testing.T, server *kintest.Server, key, data string) kintest.Placed {
	t.Helper()
	placed, err := server.Put("orders", key, []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return placed
}

func TestTail_prints_the_data_line_by_line(t *testing.T) {
	t.Parallel()
	_, tail := tailServer(t)
	got := mustRun(t, "", append(tail, "--from", "trim-horizon", "--until", "tip")...)
	if want := "r0\nr1\nr2\nr3\nr4\nr5\nr6\nr7\nr8\nr9\n"; got != want {
		t.Errorf("output = %q, want %q", got, want)
	}
}

func TestTail_follows_keys_and_limits(t *testing.T) {
	t.Parallel()
	_, tail := tailServer(t)
	tail = append(tail, "--from", "1h")
	if got, want := mustRun(t, "", append(tail, "--until", "tip", "--key", "k1")...), "r1\nr3\nr5\nr7\nr9\n"; got != want {
		t.Errorf("one key = %q, want %q", got, want)
	}
	if got, want := mustRun(t, "", append(tail, "-n", "3")...), "r0\nr1\nr2\n"; got != want {
		t.Errorf("three = %q, want %q", got, want)
	}
	if got := mustRun(t, "", append(tail, "--until", "2h")...); got != "" {
		t.Errorf("until before it began = %q, want nothing", got)
	}
}

func TestTail_goes_on_from_the_position_of_a_record(t *testing.T) {
	t.Parallel()
	server, tail := tailServer(t)
	fifth := server.Records("orders")[4]
	got := mustRun(t, "", append(tail, "--until", "tip", "--shard", "shardId-000000000000",
		"--from", "AFTER_SEQUENCE_NUMBER:"+fifth.SequenceNumber)...)
	if want := "r5\nr6\nr7\nr8\nr9\n"; got != want {
		t.Errorf("output = %q, want %q", got, want)
	}
	wantFailure(t, run(t.Context(), "", append(tail, "--shard", "shardId-000000000007")...), 5, `no shard "shardId-000000000007"`, "kin stream describe")
}

func TestTail_prints_everything_about_a_record_when_asked(t *testing.T) {
	t.Parallel()
	server, tail := tailServer(t)
	put(t, server, "odd key", "\xff\x00")
	put(t, server, "<&>", "two\nlines")
	tail = append(tail, "--from", "trim-horizon", "--until", "tip")
	long := strings.Split(mustRun(t, "", append(tail, "-l")...), "\n")
	if ok, _ := regexp.MatchString(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3} shardId-000000000000 \d+ "k0" r0$`, long[0]); !ok {
		t.Errorf("first line = %q", long[0])
	}
	if !strings.HasSuffix(long[10], `"odd key" "\xff\x00"`) || !strings.HasSuffix(long[11], `"<&>" "two\nlines"`) {
		t.Errorf("lines of odd records = %q", long[10:])
	}
	all := objects[tailObject](t, mustRun(t, "", append(tail, "-o", "json")...))
	if len(all) != 12 {
		t.Fatalf("%d objects, want 12", len(all))
	}
	if r := all[0]; r.Shard != "shardId-000000000000" || r.Sequence == "" || r.Key != "k0" || *r.Data != "r0" || time.Since(r.Time) > time.Hour {
		t.Errorf("first object = %+v", r)
	}
	if r := all[10]; r.Data != nil || string(r.Base64) != "\xff\x00" {
		t.Errorf("object of bytes = %+v", r)
	}
	if r := all[11]; *r.Data != "two\nlines" || r.Key != "<&>" {
		t.Errorf("object of two lines = %+v", r)
	}
}

func TestTail_follows_until_it_is_stopped_across_a_reshard(t *testing.T) {
	t.Parallel()
	server, tail := tailServer(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out, errs lockedBuffer
	ended := make(chan int)
	go func() {
		ended <- cli.Run(ctx, append(tail, "--from", "trim-horizon"), cli.IO{In: strings.NewReader(""), Out: &out, Err: &errs})
	}()
	waitFor := func(text string) {
		t.Helper()
		if err := out.waitFor(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	waitFor("r9\n")
	if err := server.Reshard("orders", 2); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		put(t, server, strconv.Itoa(i), fmt.Sprintf("new%d.", i))
	}
	for i := range 20 {
		waitFor(fmt.Sprintf("new%d.\n", i))
	}
	stop()
	if code := <-ended; code != 0 || errs.String() != "" {
		t.Errorf("code = %d, it said %q; want 0 and nothing", code, errs.String())
	}
	lines := strings.Fields(out.String())
	slices.Sort(lines)
	if n := len(slices.Compact(lines)); n != 30 {
		t.Errorf("%d different records, want 30", n)
	}
}

func TestTail_output_is_input_for_put(t *testing.T) {
	t.Parallel()
	server, tail := tailServer(t)
	put(t, server, "k0", "\xff\x00")
	if err := server.CreateStream("copy", 2); err != nil {
		t.Fatal(err)
	}
	lines := mustRun(t, "", append(tail, "--from", "trim-horizon", "--until", "tip", "-o", "json")...)
	mustRun(t, lines, "put", "copy", "--endpoint", tail[1], "--key-field", "key", "--data-field", "data")
	content := func(stream string) (all []string) {
		for _, rec := range server.Records(stream) {
			all = append(all, rec.PartitionKey+" "+string(rec.Data))
		}
		slices.Sort(all)
		return all
	}
	if got, want := content("copy"), content("orders"); !slices.Equal(got, want) {
		t.Errorf("copy = %q, want %q", got, want)
	}
}
