package coord_test

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/memstore"
)

const (
	stream1 = "arn:aws:kinesis:eu-central-1:123456789012:stream/one"
	stream2 = "arn:aws:kinesis:eu-central-1:123456789012:stream/two"
	ttl     = 10 * time.Second
	group   = "g"
)

var created = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// world runs Machines against a store in memory under a clock of its own. One goroutine does
// everything, so a run follows from what the test does.
type world struct {
	t       testing.TB
	store   *memstore.Store
	now     time.Duration
	due     tasks
	tasks   uint64
	spins   int // Ticks at the same time
	nodes   []*node
	shards  map[string][]topology.Shard // by stream
	latency time.Duration               // of a call
	// fault says what becomes of a call: it is made or not, and answered with an error or not.
	fault func(n *node, op string) (made bool, err error)
	// hidden are shards that no listing shows yet.
	hidden map[string]bool
	// delay says how much longer a call takes, half of it there, half of it back.
	delay func(op string) time.Duration
	// watch is called after each Step of a node, if it is set.
	watch func()
	// refuse says that the store fails with all of an Update.
	refuse func(coord.Update) bool
}

// node is a worker of a world.
type node struct {
	w       *world
	name    string
	m       *coord.Machine
	stopped bool          // it gets no time any more: killed, or paused
	handler time.Duration // how long a handler takes to finish; negative: it never does
	stuck   lease.Key     // the shard whose handler never does
	reading map[lease.Key]int64
	done    map[lease.Key]lease.Checkpoint
	trust   time.Duration
	calls   map[string]int
	notes   []coord.Note
	flushed map[int64]error
	failed  map[string]error
	left    *coord.Left
	missed  []coord.Event // while it was paused
	steps   int
	dark    bool // the service does not answer it
}

type task struct {
	at    time.Duration
	order uint64
	do    func()
}

type tasks []task

func (q tasks) Len() int { return len(q) }
func (q tasks) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[i].at, q[j].at), cmp.Compare(q[i].order, q[j].order)) < 0
}
func (q tasks) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *tasks) Push(x any)   { *q = append(*q, x.(task)) }
func (q *tasks) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

func newWorld(t testing.TB, shards int) *world {
	w := &world{t: t, store: memstore.New(), latency: 10 * time.Millisecond, shards: map[string][]topology.Shard{}}
	w.shards[stream1] = evenShards(shards)
	return w
}

// alone returns a world in which one worker reads all shards.
func alone(t testing.TB, shards int) (*world, *node) {
	w := newWorld(t, shards)
	a := w.start("a")
	w.run(5 * time.Second)
	return w, a
}

func evenShards(n int) []topology.Shard {
	shards := make([]topology.Shard, n)
	for i, r := range hashkey.Even(n) {
		shards[i] = topology.Shard{ID: fmt.Sprintf("shardId-%012d", i), Range: r}
	}
	return shards
}

func shardKey(i int) lease.Key {
	return lease.Key{Stream: stream1, Shard: fmt.Sprintf("shardId-%012d", i)}
}

func config(name string) coord.Config {
	return coord.Config{
		ID: name, TTL: ttl, CheckpointEvery: time.Minute, ListEvery: time.Minute,
		Streams: []coord.StreamConfig{{ARN: stream1, CreatedAt: created, Start: lease.TrimHorizon}},
	}
}

// start adds a worker.
func (w *world) start(name string, change ...func(*coord.Config)) *node {
	c := config(name)
	for _, f := range change {
		f(&c)
	}
	n := &node{
		w: w, name: name, m: coord.New(c), reading: map[lease.Key]int64{}, done: map[lease.Key]lease.Checkpoint{}, calls: map[string]int{},
		flushed: map[int64]error{}, failed: map[string]error{}, handler: 5 * time.Millisecond,
	}
	w.nodes = append(w.nodes, n)
	n.tell(coord.Tick{})
	return n
}

// after has something happen later.
func (w *world) after(d time.Duration, do func()) {
	w.tasks++
	heap.Push(&w.due, task{at: w.now + d, order: w.tasks, do: do})
}

// run lets time pass.
func (w *world) run(d time.Duration) {
	until := w.now + d
	for {
		at, n := until+1, (*node)(nil)
		for _, other := range w.nodes {
			if wake := other.m.Wake(); !other.stopped && other.left == nil && wake < at {
				at, n = wake, other
			}
		}
		switch {
		case len(w.due) > 0 && w.due[0].at <= min(at, until):
			next := heap.Pop(&w.due).(task)
			w.now = max(w.now, next.at)
			next.do()
		case at <= until:
			if at > w.now {
				w.now, w.spins = at, 0
			}
			if w.spins++; w.spins > 100*len(w.nodes) {
				w.t.Fatalf("%s spins\n%s", n.name, w)
			}
			n.tell(coord.Tick{})
		default:
			w.now = until
			return
		}
	}
}

// until lets time pass until something holds, for at most d, and returns how long it took.
func (w *world) until(d time.Duration, what string, holds func() bool) time.Duration {
	w.t.Helper()
	from := w.now
	for !holds() {
		if w.now-from >= d {
			w.t.Fatalf("after %v it is still not so that %s\n%s", d, what, w)
		}
		w.run(10 * time.Millisecond)
	}
	return w.now - from
}

// tell gives an event to a node, and does what it wants.
func (n *node) tell(e coord.Event) {
	if n.stopped {
		n.missed = append(n.missed, e)
		return
	}
	n.steps++
	for _, a := range slices.Clone(n.m.Step(n.w.now, e)) {
		n.do(a)
	}
	if n.w.watch != nil {
		n.w.watch()
	}
}

func (n *node) resume() {
	n.stopped = false
	missed := n.missed
	n.missed = nil
	for _, e := range missed {
		n.tell(e)
	}
}

func (n *node) do(a coord.Action) {
	switch a := a.(type) {
	case coord.StartShard:
		if _, twice := n.reading[a.Lease.Key]; twice {
			n.w.t.Fatalf("%v: %s starts %s, which it reads already", n.w.now, n.name, a.Lease.Shard)
		}
		n.reading[a.Lease.Key] = a.Lease.Epoch
	case coord.StopShard:
		if n.handler >= 0 && n.stuck != a.Key {
			n.w.after(n.handler, func() { n.finish(a.Key, a.Epoch) })
		}
	case coord.Trust:
		n.trust = a.Until
	case coord.Flushed:
		n.flushed[a.Token] = a.Err
	case coord.StreamFailed:
		n.failed[a.Stream] = a.Err
	case coord.Note:
		n.notes = append(n.notes, a)
	case coord.Left:
		n.left = &a
	default:
		n.call(a)
	}
}

// finish answers StopShard.
func (n *node) finish(key lease.Key, epoch int64) {
	if n.reading[key] == epoch && epoch > 0 {
		delete(n.reading, key)
		n.tell(coord.Stopped{Key: key, Epoch: epoch, Checkpoint: n.done[key]})
	}
}

// progress says that the records of a shard are done up to a number.
func (n *node) progress(shard, number int) {
	key := shardKey(shard)
	n.done[key] = after(number)
	n.tell(coord.Progress{Key: key, Epoch: n.reading[key], Checkpoint: n.done[key], Load: -1})
}

func after(number int) lease.Checkpoint {
	return lease.Checkpoint(fmt.Sprint("AFTER_SEQUENCE_NUMBER:", number))
}

// end says that all records of a shard are done.
func (n *node) end(shard int, children ...topology.Shard) {
	key := shardKey(shard)
	epoch := n.reading[key]
	delete(n.reading, key)
	n.tell(coord.Ended{Key: key, Epoch: epoch, Checkpoint: n.done[key], Children: children})
}

// owner returns who reads a shard.
func (w *world) owner(shard int) *node {
	w.t.Helper()
	for _, n := range w.nodes {
		if _, reads := n.reading[shardKey(shard)]; reads {
			return n
		}
	}
	w.t.Fatalf("at %v nobody reads shard %d\n%s", w.now, shard, w)
	return nil
}

// call makes a call: half of the latency there, half of it back.
func (n *node) call(a coord.Action) {
	op := fmt.Sprintf("%T", a)[len("coord."):]
	n.calls[op]++
	made, err := true, error(nil)
	if n.w.fault != nil {
		made, err = n.w.fault(n, op)
	}
	if _, probe := a.(coord.Probe); probe && n.dark {
		made, err = false, errDark
	}
	if u, ok := a.(coord.Update); ok && n.w.refuse != nil && n.w.refuse(u) {
		made, err = false, errDown
	}
	latency := n.w.latency
	if n.w.delay != nil {
		latency += n.w.delay(op)
	}
	n.w.after(latency/2, func() {
		var answer coord.Event
		if made {
			answer = n.w.serve(a)
		}
		if err != nil || !made {
			answer = failure(a, cmp.Or(err, errDown))
		}
		n.w.after(latency/2, func() { n.tell(answer) })
	})
}

var (
	errDown = errors.New("the store is down")
	errDark = errors.New("the service does not answer")
)

// darken makes the service not answer a node, or answer again; one that reads nothing finds out
// only when it asks.
func (n *node) darken(dark bool) {
	n.dark = dark
	if len(n.reading) > 0 {
		n.tell(coord.Served{OK: !dark})
	}
}

// failure is the answer of a call of which nothing is known.
func failure(a coord.Action, err error) coord.Event {
	switch a := a.(type) {
	case coord.Join:
		return coord.Joined{Worker: a.Worker.ID, Err: err}
	case coord.Beat:
		return coord.Beaten{Worker: a.Worker, Err: err}
	case coord.Poll:
		return coord.Polled{Err: err}
	case coord.Load:
		return coord.Loaded{Err: err}
	case coord.Update:
		return coord.Updated{Changes: a.Changes, Err: err}
	case coord.PutStream:
		return coord.StreamPut{Stream: a.Stream, Err: err}
	case coord.Forget:
		return coord.Forgotten{Worker: a.Worker, Err: err}
	case coord.Drain:
		return coord.Drained{Worker: a.Worker, Err: err}
	case coord.List:
		return coord.Listed{Stream: a.Stream, Err: err}
	case coord.Probe:
		return coord.Probed{Err: err}
	}
	panic(fmt.Sprintf("%T", a))
}

// serve makes a call.
func (w *world) serve(a coord.Action) coord.Event {
	ctx := w.t.Context()
	switch a := a.(type) {
	case coord.Join:
		return coord.Joined{Worker: a.Worker.ID, Err: w.store.Join(ctx, group, a.Worker)}
	case coord.Beat:
		row, err := w.store.Beat(ctx, group, a.Worker)
		row.ID = a.Worker.ID
		return coord.Beaten{Worker: row, Err: err}
	case coord.Poll:
		s, err := w.store.Poll(ctx, group)
		return coord.Polled{Snapshot: s, Err: err}
	case coord.Load:
		s, err := w.store.Load(ctx, group)
		return coord.Loaded{Snapshot: s, Err: err}
	case coord.Update:
		results, err := w.store.Update(ctx, group, a.Changes)
		return coord.Updated{Changes: a.Changes, Results: results, Err: err}
	case coord.PutStream:
		row, err := w.store.PutStream(ctx, group, a.Stream)
		return coord.StreamPut{Stream: row, Err: err}
	case coord.Forget:
		gone, err := w.store.Forget(ctx, group, a.Worker, a.Beat)
		return coord.Forgotten{Worker: a.Worker, Gone: gone, Err: err}
	case coord.Drain:
		return coord.Drained{Worker: a.Worker, Err: w.store.Drain(ctx, group, a.Worker, true)}
	case coord.List:
		shards := slices.DeleteFunc(slices.Clone(w.shards[a.Stream]), func(s topology.Shard) bool { return w.hidden[s.ID] })
		return coord.Listed{Stream: a.Stream, Shards: shards, At: created.Add(24 * time.Hour).Add(w.now)}
	case coord.Probe:
		return coord.Probed{}
	}
	panic(fmt.Sprintf("%T", a))
}

// rows returns all rows of the group.
func (w *world) rows() lease.Snapshot {
	w.t.Helper()
	s, err := w.store.Load(w.t.Context(), group)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// row returns the row of a shard of the first stream.
func (w *world) row(shard int) lease.Lease {
	w.t.Helper()
	for _, l := range w.rows().Leases {
		if l.Key == shardKey(shard) {
			return l
		}
	}
	return lease.Lease{Key: shardKey(shard)}
}

// change changes the row of the first shard, as an operator would.
func (w *world) change(f func(*lease.Lease)) {
	w.t.Helper()
	old := w.row(0)
	l := old
	f(&l)
	results, err := w.store.Update(w.t.Context(), group, []lease.Change{lease.Set(old, l)})
	if err != nil || !results[0].Made {
		w.t.Fatalf("change of %s: made %+v, error %v", old.Shard, results, err)
	}
}

// share returns how many shards each running worker reads.
func (w *world) share() []int {
	var counts []int
	for _, n := range w.nodes {
		if !n.stopped && n.left == nil {
			counts = append(counts, len(n.reading))
		}
	}
	return counts
}

// even says whether n shards are read, each by one worker, all in even shares.
func (w *world) even(n int) bool {
	counts := w.share()
	sum := 0
	for _, c := range counts {
		sum += c
	}
	return sum == n && slices.Max(counts)-slices.Min(counts) <= 1
}

// readers returns how many running workers read a shard.
func (w *world) readers(shard int) int {
	count := 0
	for _, n := range w.nodes {
		if _, reads := n.reading[shardKey(shard)]; reads && !n.stopped && n.left == nil {
			count++
		}
	}
	return count
}

func (n *node) noted(what coord.What) int {
	count := 0
	for _, note := range n.notes {
		if note.What == what {
			count++
		}
	}
	return count
}

// String returns the state of the world for a failing test.
func (w *world) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "at %v\n", w.now)
	for _, n := range w.nodes {
		fmt.Fprintf(&text, "%s as %s reads %d, wakes at %v, stopped %v, left %v, holds", n.name, n.m.ID(), len(n.reading), n.m.Wake(), n.stopped, n.left)
		for i, h := range n.m.Held() {
			if i == 10 {
				text.WriteString(" ...")
				break
			}
			fmt.Fprintf(&text, " %s:%v", h.Lease.Shard, h.State)
		}
		text.WriteString("\n")
	}
	s := w.rows()
	fmt.Fprintf(&text, "version %d\nworkers %+v\nstreams %+v\n", s.Version, s.Workers, s.Streams)
	for i, l := range s.Leases {
		if i == 20 {
			text.WriteString("...\n")
			break
		}
		fmt.Fprintf(&text, "%s %d/%d %q %s parents %v\n", l.Shard, l.Epoch, l.Revision, l.Owner, l.Checkpoint, l.Parents)
	}
	return text.String()
}
