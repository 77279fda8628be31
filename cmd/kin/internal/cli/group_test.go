package cli_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/cmd/kin/internal/cli"
	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/memstore"
)

// groupFixture is a group "billing" that reads the stream orders, without workers that beat.
type groupFixture struct {
	t      *testing.T
	store  *memstore.Store
	server *kintest.Server
	url    string
	arn    string
}

// newGroup makes a stream with two open shards, made from one that had ended, and leases for them.
func newGroup(t *testing.T) groupFixture {
	t.Helper()
	server, url := serve(t)
	f := groupFixture{t: t, store: memstore.New(), server: server, url: url, arn: "arn:aws:kinesis:us-east-1:000000000000:stream/orders"}
	if err := server.CreateStream("orders", 1); err != nil {
		t.Fatal(err)
	}
	put(t, server, "k", "first")
	if err := server.Reshard("orders", 2); err != nil {
		t.Fatal(err)
	}
	const first = "shardId-000000000000"
	f.lease(lease.Lease{Key: f.key(0), Checkpoint: lease.ShardEnd})
	f.lease(lease.Lease{Key: f.key(1), Parents: []string{first}, Checkpoint: lease.TrimHorizon, Owner: "host-a-1", Epoch: 2})
	f.lease(lease.Lease{Key: f.key(2), Parents: []string{first}, Checkpoint: lease.TrimHorizon, CheckpointAt: time.Now().Add(-90 * time.Minute)})
	if _, err := f.store.PutStream(t.Context(), "billing", lease.Stream{ARN: f.arn, Start: lease.TrimHorizon, Seeded: true, Revision: 1}); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f groupFixture) key(shard int) lease.Key {
	return lease.Key{Stream: f.arn, Shard: []string{"shardId-000000000000", "shardId-000000000001", "shardId-000000000002"}[shard]}
}

func (f groupFixture) lease(l lease.Lease) {
	f.t.Helper()
	if r, err := f.store.Update(f.t.Context(), "billing", []lease.Change{lease.Create(l)}); err != nil || !r[0].Made {
		f.t.Fatalf("lease = %v, %v", r, err)
	}
}

// row is the lease of a shard as it is stored.
func (f groupFixture) row(shard int) lease.Lease {
	f.t.Helper()
	rows, err := f.store.Load(f.t.Context(), "billing")
	if err != nil {
		f.t.Fatal(err)
	}
	for _, l := range rows.Leases {
		if l.Key == f.key(shard) {
			return l
		}
	}
	return lease.Lease{}
}

// join makes a worker whose TTL is so short that looking for its life takes a second. It does
// not beat.
func (f groupFixture) join(id string) lease.Worker {
	f.t.Helper()
	w := lease.Worker{ID: id, Beat: 1, Streams: []string{f.arn}, TTL: time.Second, JoinedAt: time.Now(), Build: "v1"}
	if err := f.store.Join(f.t.Context(), "billing", w); err != nil {
		f.t.Fatal(err)
	}
	return w
}

// beating makes the worker host-a-1, which beats until the test ends.
func (f groupFixture) beating() {
	f.t.Helper()
	w := f.join("host-a-1")
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(ended)
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				_, _ = f.store.Beat(ctx, "billing", w)
			case <-ctx.Done():
				return
			}
		}
	}()
	f.t.Cleanup(func() { cancel(); <-ended })
}

func (f groupFixture) run(args ...string) result {
	f.t.Helper()
	var out, err lockedBuffer
	args = append(args, "--endpoint", f.url)
	code := cli.RunWithStore(f.t.Context(), f.store, args, cli.IO{In: strings.NewReader(""), Out: &out, Err: &err})
	return result{out.String(), err.String(), code}
}

func (f groupFixture) mustRun(args ...string) string {
	f.t.Helper()
	r := f.run(args...)
	if r.code != 0 {
		f.t.Fatalf("kin %s = code %d, it said: %s", strings.Join(args, " "), r.code, r.err)
	}
	return r.out
}

func TestConsume_says_which_lease_TTL_its_group_has(t *testing.T) {
	t.Parallel()
	f := newGroup(t)
	f.beating()
	wantFailure(t, f.run("consume", "orders", "--group", "billing", "--ttl", "20s"), 2, "lease TTL is 20s here but 1s at worker host-a-1", "give --ttl 1s")
}

func TestGroupList_names_groups_with_what_is_stored(t *testing.T) {
	t.Parallel()
	f := newGroup(t)
	f.join("host-a-1")
	out := f.mustRun("group", "list")
	want := "GROUP    STREAMS  WORKERS  SHARDS  OWNED  FINISHED\n" +
		"billing  orders   1        3       1      1\n"
	if out != want {
		t.Errorf("list =\n%swant\n%s", out, want)
	}
	type object struct {
		Group                            string
		Streams                          []string
		Workers, Shards, Owned, Finished int
	}
	if all := objects[object](t, f.mustRun("group", "ls", "-o", "json")); len(all) != 1 || all[0].Group != "billing" || all[0].Shards != 3 || all[0].Streams[0] != "orders" {
		t.Errorf("objects = %+v", all)
	}
	empty := groupFixture{t: t, store: memstore.New(), url: f.url}
	if r := empty.run("group", "list"); r.code != 0 || r.out != "" || !strings.Contains(r.err, "no groups in") {
		t.Errorf("no groups = %+v", r)
	}
}

type groupObject struct {
	Group   string `json:"group"`
	Store   string `json:"store"`
	Version int64  `json:"version"`
	Workers []struct {
		ID       string    `json:"id"`
		Life     string    `json:"life"`
		Quiet    float64   `json:"quiet_seconds"`
		Draining bool      `json:"draining"`
		Shards   int       `json:"shards"`
		Capacity int       `json:"capacity"`
		Streams  []string  `json:"streams"`
		TTL      float64   `json:"ttl_seconds"`
		Build    string    `json:"build"`
		Joined   time.Time `json:"joined"`
	} `json:"workers"`
	Streams []struct {
		ARN     string    `json:"arn"`
		Start   string    `json:"start"`
		Seeded  bool      `json:"seeded"`
		Created time.Time `json:"created"`
	} `json:"streams"`
	Shards []struct {
		Stream       string    `json:"stream"`
		Shard        string    `json:"shard"`
		State        string    `json:"state"`
		Owner        string    `json:"owner"`
		Pin          string    `json:"pin"`
		Epoch        int64     `json:"epoch"`
		Checkpoint   string    `json:"checkpoint"`
		CheckpointAt time.Time `json:"checkpoint_time"`
		Age          float64   `json:"checkpoint_age_seconds"`
		Lag          float64   `json:"lag_seconds"`
		LagError     string    `json:"lag_error"`
		Parents      []string  `json:"parents"`
	} `json:"shards"`
}

func TestGroupDescribe_shows_workers_shards_and_lag(t *testing.T) {
	t.Parallel()
	f := newGroup(t)
	f.beating()
	f.join("host-b-1")
	if err := f.store.Drain(t.Context(), "billing", "host-b-1", true); err != nil {
		t.Fatal(err)
	}
	put(t, f.server, "k", "second") // goes to one of the two
	g := objects[groupObject](t, f.mustRun("group", "describe", "billing", "-o", "json"))[0]
	if a, b := g.Workers[0], g.Workers[1]; a.Life != "alive" || a.Shards != 1 || b.Life != "silent" || !b.Draining || b.Quiet <= 0 || a.TTL != 1 {
		t.Errorf("workers = %+v", g.Workers)
	}
	one, two := g.Shards[1], g.Shards[2]
	if one.State != "reading" || one.Owner != "host-a-1" || one.Epoch != 2 || one.Age != -1 || two.State != "unread" || two.Age < 5400 {
		t.Errorf("shards = %+v", g.Shards)
	}
	if lags := one.Lag + two.Lag; one.LagError+two.LagError != "" || one.Lag < 0 || two.Lag < 0 || lags <= 0 || g.Shards[0].Lag != 0 {
		t.Errorf("lags = %v %q and %v %q, want one above 0", one.Lag, one.LagError, two.Lag, two.LagError)
	}
	text := f.mustRun("group", "describe", "billing")
	for _, want := range []string{
		"billing  2 workers, 3 shards", "stream   orders  began trim horizon", "host-a-1  alive", "host-b-1  silent for 0.",
		"shardId-000000000001  reading  host-a-1  2      trim horizon  -", "90 min ago", "1 shard finished (--finished shows them)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("describe has no %q:\n%s", want, text)
		}
	}
	if text = f.mustRun("group", "describe", "billing", "--finished"); !strings.Contains(text, "shardId-000000000000  finished") {
		t.Errorf("describe with --finished =\n%s", text)
	}
}

func TestGroupDescribe_and_list_show_who_cannot_read(t *testing.T) {
	t.Parallel()
	f := newGroup(t)
	w := f.join("host-a-1")
	w.Capacity = ^7
	if _, err := f.store.Beat(t.Context(), "billing", w); err != nil {
		t.Fatal(err)
	}
	if text := f.mustRun("group", "describe", "billing", "--quick"); !strings.Contains(text, "?, can't read") || !strings.Contains(text, "1 of at most 7") {
		t.Errorf("describe does not say that the worker can't read, and takes at most 7 shards:\n%s", text)
	}
	if out := f.mustRun("group", "describe", "billing", "--quick", "-o", "json"); !strings.Contains(out, `"unable":true`) {
		t.Errorf("describe as JSON = %s, want it unable", out)
	}
	if text := f.mustRun("group", "list"); !strings.Contains(text, "1 (1 can't read)") {
		t.Errorf("list does not say that the worker can't read:\n%s", text)
	}
}

func TestGroupDescribe_says_what_it_cannot_know(t *testing.T) {
	t.Parallel()
	f := newGroup(t)
	f.server.Close()
	r := f.run("group", "describe", "billing", "-o", "json")
	if g := objects[groupObject](t, r.out)[0]; r.code != 0 || g.Shards[1].Lag != -1 || g.Shards[1].LagError == "" {
		t.Errorf("code = %d, shard = %+v", r.code, g.Shards[1])
	}
	if strings.Count(r.err, "\n") != 1 || !strings.Contains(r.err, "the lag is not known: nothing listens at") {
		t.Errorf("it said %q, want one line", r.err)
	}
	r = f.run("group", "describe", "billing", "--quick")
	if r.code != 0 || r.err != "" {
		t.Errorf("--quick = code %d, it said %q", r.code, r.err)
	}
	wantFailure(t, f.run("group", "describe", "others"), 5, "no such group: others", "kin group list")
	wantFailure(t, f.run("group", "describe", "a/b"), 2, "a/b")
}

func TestGroupDelete_needs_yes_and_a_group_at_rest(t *testing.T) {
	t.Parallel()
	f := newGroup(t)
	wantFailure(t, f.run("group", "delete", "billing"), 2, "this would delete group billing in memory:", "3 shards of 1 stream", "--yes")
	f.beating()
	wantFailure(t, f.run("group", "delete", "billing", "--yes"), 7, "the group is in use: host-a-1 is alive", "--force")
	if f.row(1).Revision == 0 {
		t.Fatal("the group is gone")
	}
	if out := f.mustRun("group", "delete", "billing", "--yes", "--force"); out != "group billing is deleted\n" {
		t.Errorf("delete said %q", out)
	}
	wantFailure(t, f.run("group", "delete", "billing", "--yes"), 5, "no such group")
}

func TestGroupMove_pins_a_shard_and_waits_for_the_hand_over(t *testing.T) {
	t.Parallel()
	f := newGroup(t)
	f.join("host-a-1")
	f.join("host-b-1")
	const shard = "shardId-000000000001"
	wantFailure(t, f.run("group", "move", "billing", shard, "--to", "host-b", "--wait", "50ms"), 6,
		"is pinned to host-b-1, but after 50ms host-a-1 has it")
	if f.row(1).Pin != "host-b-1" {
		t.Errorf("lease = %+v, want it pinned", f.row(1))
	}
	if out := f.mustRun("group", "move", "billing", shard, "--to", "host-a-1"); !strings.Contains(out, "is pinned to host-a-1, which has it already") {
		t.Errorf("it said %q", out)
	}
	if out := f.mustRun("group", "move", "billing", shard, "--to", "host-a-1", "-o", "json"); !strings.Contains(out, `"stream":"orders"`) {
		t.Errorf("as JSON it said %q, want the name of the stream as in kin group describe", out)
	}
	if out := f.mustRun("group", "move", "billing", shard, "--to", "host-b", "--wait", "0"); !strings.Contains(out, "is pinned to host-b-1; host-a-1 has it still") {
		t.Errorf("it said %q", out)
	}
	if out := f.mustRun("group", "move", "billing", shard, "--unpin"); out != shard+" is not pinned any more\n" || f.row(1).Pin != "" {
		t.Errorf("it said %q, lease = %+v", out, f.row(1))
	}
	wantFailure(t, f.run("group", "move", "billing", shard, "--to", "host-"), 2, "ambiguous", "2 workers")
	wantFailure(t, f.run("group", "move", "billing", shard, "--to", "x"), 5, "x")
	wantFailure(t, f.run("group", "move", "billing", "shardId-000000000009", "--to", "host-a"), 5, "no such shard")
	wantFailure(t, f.run("group", "move", "billing", "shardId-000000000000", "--to", "host-a"), 2, "has been read to its end")
	wantFailure(t, f.run("group", "move", "billing", shard), 2, "no worker is named", "--unpin")
}

func TestGroupDrain_takes_shards_from_a_worker_but_not_from_the_last_one(t *testing.T) {
	t.Parallel()
	f := newGroup(t)
	f.join("host-a-1")
	wantFailure(t, f.run("group", "drain", "billing", "host-a"), 7, "nobody is left to read the shards of host-a-1", "--force")
	f.join("host-b-1")
	wantFailure(t, f.run("group", "drain", "billing", "host-a", "--wait", "50ms"), 6, "host-a-1 is draining, but after 50ms it still has 1 shard")
	rows, err := f.store.Load(t.Context(), "billing")
	if err != nil || !rows.Workers[0].Draining || rows.Workers[1].Draining {
		t.Errorf("workers = %+v, %v", rows.Workers, err)
	}
	type object struct {
		Worker   string
		Draining bool
		Had      int `json:"had_shards"`
		Has      int `json:"has_shards"`
		Seconds  float64
	}
	o := objects[object](t, f.mustRun("group", "drain", "billing", "host-a", "--wait", "0", "-o", "json"))[0]
	if o.Worker != "host-a-1" || !o.Draining || o.Had != 1 || o.Has != 1 {
		t.Errorf("object = %+v", o)
	}
	if out := f.mustRun("group", "drain", "billing", "host-a", "--undo"); out != "host-a-1 may have shards again\n" {
		t.Errorf("it said %q", out)
	}
	if out := f.mustRun("group", "drain", "billing", "host-b"); !strings.HasPrefix(out, "host-b-1 has handed over 0 shards in ") {
		t.Errorf("it said %q", out)
	}
}
