package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kinstream/kin/cmd/kin/internal/cli"
	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/memstore"
)

// consumeFixture is a stream of two shards, and a store that all commands of a test share.
type consumeFixture struct {
	t      *testing.T
	server *kintest.Server
	store  lease.Store
	url    string
}

func newConsume(t *testing.T) consumeFixture {
	t.Helper()
	server, url := serve(t)
	if err := server.CreateStream("orders", 2); err != nil {
		t.Fatal(err)
	}
	return consumeFixture{t, server, memstore.New(), url}
}

// put puts records with the data r<from> to r<to-1>, each with its own key.
func (f consumeFixture) put(from, to int) {
	f.t.Helper()
	for i := from; i < to; i++ {
		put(f.t, f.server, strconv.Itoa(i), fmt.Sprintf("r%d", i))
	}
}

func (f consumeFixture) args(args ...string) []string {
	return append([]string{"consume", "orders", "--group", "billing", "--endpoint", f.url, "--ttl", "3s"}, args...)
}

func (f consumeFixture) run(args ...string) result {
	f.t.Helper()
	var out, err lockedBuffer
	code := cli.RunWithStore(f.t.Context(), f.store, f.args(args...), cli.IO{In: strings.NewReader(""), Out: &out, Err: &err})
	return result{out.String(), err.String(), code}
}

// worker is a kin consume that runs until stop is called.
type worker struct {
	out, err lockedBuffer
	stop     context.CancelFunc
	ended    chan int
}

func (f consumeFixture) start(args ...string) *worker {
	f.t.Helper()
	w := &worker{ended: make(chan int, 1)}
	var ctx context.Context
	ctx, w.stop = context.WithCancel(context.Background())
	f.t.Cleanup(w.stop)
	go func() {
		w.ended <- cli.RunWithStore(ctx, f.store, f.args(args...), cli.IO{In: strings.NewReader(""), Out: &w.out, Err: &w.err})
	}()
	return w
}

func (w *worker) waitFor(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := w.out.waitFor(t.Context(), text); err != nil {
			t.Fatalf("no %q: %v; it said %s", text, err, &w.err)
		}
	}
}

// sorted are the lines of all outputs.
func sorted(outs ...string) []string {
	all := strings.Fields(strings.Join(outs, ""))
	slices.SortFunc(all, func(a, b string) int { return len(a)*1000 - len(b)*1000 + strings.Compare(a, b) })
	return all
}

func wantRecords(t *testing.T, from, to int, outs ...string) {
	t.Helper()
	var want []string
	for i := from; i < to; i++ {
		want = append(want, fmt.Sprintf("r%d", i))
	}
	if got := sorted(outs...); !slices.Equal(got, sorted(strings.Join(want, "\n"))) {
		t.Errorf("records = %v, want each of r%d to r%d once", got, from, to-1)
	}
}

func TestConsume_goes_on_where_the_group_was(t *testing.T) {
	t.Parallel()
	f := newConsume(t)
	f.put(0, 20)
	first := f.run("--until", "tip")
	if first.code != 0 || !strings.Contains(first.err, "joined group billing as ") || !strings.Contains(first.err, "nothing more to read: stopping") {
		t.Errorf("code = %d, it said %s", first.code, first.err)
	}
	wantRecords(t, 0, 20, first.out)
	f.put(20, 25)
	if err := f.server.Reshard("orders", 3); err != nil {
		t.Fatal(err)
	}
	f.put(25, 30)
	second := f.run("--until", "tip", "-q", "-l")
	if second.code != 0 || strings.Count(second.err, "\n") != 1 || strings.Count(second.out, "\n") != 10 || !strings.Contains(second.out, `"25" r25`) {
		t.Errorf("second = %+v, want the 10 records that came meanwhile", second)
	}
	if third := f.run("--idle", "300ms"); third.code != 0 || third.out != "" || !strings.Contains(third.err, "no record for 300ms: stopping") {
		t.Errorf("third = %+v, want nothing", third)
	}
}

func TestConsume_prints_objects_and_stops_after_a_number(t *testing.T) {
	t.Parallel()
	f := newConsume(t)
	f.put(0, 20)
	r := f.run("-n", "3", "-o", "json")
	var got []string
	type object struct {
		Stream string
		tailObject
	}
	for _, o := range objects[object](t, r.out) {
		if o.Stream != "orders" || o.Sequence == "" {
			t.Errorf("object = %+v", o)
		}
		got = append(got, *o.Data)
	}
	if r.code != 0 || len(got) != 3 || !strings.Contains(r.err, "printed 3 records: stopping") {
		t.Errorf("code = %d, records = %q, it said %q", r.code, got, r.err)
	}
	rest := f.run("--until", "tip")
	wantRecords(t, 0, 20, strings.Join(got, "\n")+"\n", rest.out)
}

func TestConsume_shares_the_shards_and_hands_them_over(t *testing.T) {
	t.Parallel()
	f := newConsume(t)
	f.put(0, 10)
	a := f.start("--worker", "a")
	for i := range 10 {
		a.waitFor(t, fmt.Sprintf("r%d\n", i))
	}
	b := f.start("--worker", "b")
	if err := a.err.waitFor(t.Context(), "handed shardId-"); err != nil {
		t.Fatal(err)
	}
	if err := b.err.waitFor(t.Context(), "reading shardId-"); err != nil {
		t.Fatal(err)
	}
	f.put(10, 40)
	a.stop()
	if code := <-a.ended; code != 0 {
		t.Errorf("a ended with code %d: %s", code, &a.err)
	}
	f.put(40, 50)
	for i := 40; i < 50; i++ {
		b.waitFor(t, fmt.Sprintf("r%d\n", i))
	}
	b.stop()
	if code := <-b.ended; code != 0 {
		t.Errorf("b ended with code %d: %s", code, &b.err)
	}
	wantRecords(t, 0, 50, a.out.String(), b.out.String())
	if !strings.Contains(b.err.String(), "worker left: a-") {
		t.Errorf("b said %q, want that a left", &b.err)
	}
}

func TestConsume_is_steered_by_group_commands(t *testing.T) {
	t.Parallel()
	f := newConsume(t)
	f.put(0, 10)
	g := groupFixture{t: t, store: f.store.(*memstore.Store), server: f.server, url: f.url}
	a, b := f.start("--worker", "a"), f.start("--worker", "b")
	for _, w := range []*worker{a, b} {
		if err := w.err.waitFor(t.Context(), "reading shardId-"); err != nil {
			t.Fatal(err)
		}
	}
	type moved struct {
		Shard, Stream, Pin, From, Owner string
		Epoch                           int64
		Seconds                         float64
	}
	for _, to := range []string{"a", "b", "a"} {
		m := objects[moved](t, g.mustRun("group", "move", "billing", "shardId-000000000000", "--to", to, "-o", "json"))[0]
		if !strings.HasPrefix(m.Owner, to+"-") || m.Pin != m.Owner {
			t.Errorf("moved to %s = %+v", to, m)
		}
	}
	g.mustRun("group", "move", "billing", "shardId-000000000000", "--unpin")
	if out := g.mustRun("group", "drain", "billing", "a"); !strings.Contains(out, "has handed over") {
		t.Errorf("drain said %q", out)
	}
	wantFailure(t, g.run("group", "reset", "billing", "--to", "trim-horizon", "--yes"), 7, "is alive")
	for i := range 10 {
		text := fmt.Sprintf("r%d\n", i)
		if !strings.Contains(a.out.String(), text) {
			b.waitFor(t, text)
		}
	}
	before := len(sorted(a.out.String(), b.out.String()))
	g.mustRun("group", "reset", "billing", "--to", "trim-horizon", "--yes", "--force")
	f.put(10, 11)
	// All comes again, to b: the 10 that were done, and the new one.
	if err := b.out.waitUntil(t.Context(), func(all string) bool {
		return len(sorted(a.out.String(), all)) >= before+11
	}); err != nil {
		t.Fatal(err)
	}
	a.stop()
	b.stop()
	if ca, cb := <-a.ended, <-b.ended; ca != 0 || cb != 0 {
		t.Errorf("codes = %d and %d: %s\n%s", ca, cb, &a.err, &b.err)
	}
}

func TestConsume_refuses_what_makes_no_sense(t *testing.T) {
	t.Parallel()
	f := newConsume(t)
	for _, c := range []struct {
		args []string
		code int
		text string
	}{
		{[]string{"--batch", "-1"}, 2, "--batch"},
		{[]string{"--ttl", "1s"}, 2, "--ttl"},
		{[]string{"--from", "AFTER_SEQUENCE_NUMBER:12"}, 2, "kin group reset"},
		{[]string{"--until", "noon"}, 2, "must be tip"},
		{[]string{"--exec", "cat", "--", "cat"}, 2, "--exec and a program"},
		{[]string{"-n", "3", "--", "cat"}, 2, "a program gets the records"},
		{[]string{"-n", "-3"}, 2, "at least 1"},
		{[]string{"--", filepath.Join(t.TempDir(), "nothing")}, 2, "give the path of a program"},
		{[]string{"--worker", "a b"}, 2, "--worker"},
	} {
		wantFailure(t, f.run(c.args...), c.code, c.text)
	}
	wantFailure(t, run(t.Context(), "", "consume", "orders"), 2, "--group is missing")
	wantFailure(t, run(t.Context(), "", "consume", "--group", "x", "--", "cat"), 2, "STREAM is missing")
	wantFailure(t, run(t.Context(), "", "consume", "nosuch", "-g", "x", "--endpoint", f.url), 5, "nosuch")
	wantFailure(t, run(t.Context(), "", "consume", "orders", "-g", "x", "--endpoint", f.url, "--store", "redis:x"), 2, "no such kind of store")
}

func TestConsume_keeps_its_place_in_a_file(t *testing.T) {
	t.Parallel()
	f := newConsume(t)
	f.put(0, 10)
	store := "sqlite:" + filepath.Join(t.TempDir(), "new folder", "groups 100%.db")
	consume := append(f.args("--until", "tip", "-q"), "--store", store)
	wantRecords(t, 0, 10, mustRun(t, "", consume...))
	f.put(10, 12)
	wantRecords(t, 10, 12, mustRun(t, "", consume...))
	if out := mustRun(t, "", "group", "list", "--store", store); !strings.Contains(out, "billing  orders   0        2") {
		t.Errorf("list = %q", out)
	}
	wantFailure(t, run(t.Context(), "", "group", "list", "--store", "sqlite:"+t.TempDir()), 2, "is a directory")
}

func FuzzParseAck(f *testing.F) {
	for _, text := range []string{"17", ` "17" `, `{"id":17}`, `{"id":"17","data":"x"}`, "", "+1", "-1", "0", "1e3", "17.0", `{"id":null}`, "{}", `{"id":`, "99999999999999999999", `""`, `"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := cli.ParseAck([]byte(text))
		if err != nil || id == 0 {
			if err == nil && strings.TrimSpace(text) != "" {
				t.Errorf("%q acknowledges nothing, without an error", text)
			}
			return
		}
		if id < 1 || !strings.Contains(text, strconv.FormatInt(id, 10)) && !json.Valid([]byte(text)) && strings.Trim(text, "0123456789\" \t\r\n\v\f\u0085\u00a0") != "" {
			t.Errorf("%q acknowledges %d", text, id)
		}
	})
}
