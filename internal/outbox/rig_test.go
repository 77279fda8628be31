package outbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/outbox"
)

const ms = time.Millisecond

// rig is one engine that is moved by hand.
type rig struct {
	*testing.T
	space *outbox.Space[int]
	o     *outbox.Outbox[int]
	m     *outbox.Map
	now   time.Duration
	n     int
}

// change changes the settings of a rig.
type change = func(*outbox.Config, *outbox.SpaceLimits)

// packs has aggregates of so many bytes made.
func packs(by outbox.Aggregation, bytes int) change {
	return func(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.Aggregation, cfg.AggregateMaxBytes = by, bytes }
}

// inOrder has order kept, with aggregates of 1,000 bytes, if there are any.
func inOrder(by outbox.Aggregation) change {
	return func(cfg *outbox.Config, limits *outbox.SpaceLimits) {
		cfg.Ordered = true
		packs(by, 1000)(cfg, limits)
	}
}

func atOnce(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.Linger = 0 }

// newRig returns an engine that knows a stream of four shards, without pace.
func newRig(t *testing.T, changes ...change) *rig {
	t.Helper()
	cfg, limits := config(), outbox.SpaceLimits{Bytes: 1 << 20, Calls: 4}
	cfg.BytesPerSecond, cfg.RecordsPerSecond = 0, 0
	cfg.Linger = 100 * ms
	for _, change := range changes {
		change(&cfg, &limits)
	}
	r := &rig{T: t, space: outbox.NewSpace[int](limits), m: evenMap(t, 4), now: 1000 * time.Second}
	r.o = outbox.New(r.space, cfg)
	r.o.Next(r.now) // asks
	r.o.Learn(outbox.View{Map: r.m, Distribution: outbox.ByKey}, r.now)
	return r
}

// in returns the decimal hash key number i of a shard.
func in(shard, i int) string {
	k := hashkey.Even(4)[shard].Start
	k.Lo = uint64(i)
	return k.String()
}

// offer offers a record of a hash key. Owners count up from 0.
func (r *rig) offer(hash string, size int) (*outbox.Waiter[int], bool, error) {
	r.Helper()
	k, err := hashkey.Parse(hash)
	if err != nil {
		r.Fatal(err)
	}
	it := outbox.Item[int]{Record: outbox.Record{PartitionKey: "k", ExplicitHashKey: hash, Data: make([]byte, size)}, Hash: k, Owner: r.n}
	r.n++
	return r.o.Offer(&it, r.now)
}

// put offers records of a hash key that must be accepted.
func (r *rig) put(hash string, size, n int) {
	r.Helper()
	for range n {
		if w, _, err := r.offer(hash, size); w != nil || err != nil {
			r.Fatalf("offer = %v, %v, want the record accepted", w, err)
		}
	}
}

// call returns the next call, which must be there.
func (r *rig) call() *outbox.Call[int] {
	r.Helper()
	step := r.o.Next(r.now)
	if step.Call == nil {
		r.Fatalf("no call at %v, wait until %v", r.now, step.Wait)
	}
	return step.Call
}

// idle checks that there is no call, and returns the moment of the next look.
func (r *rig) idle() time.Duration {
	r.Helper()
	step := r.o.Next(r.now)
	if step.Call != nil {
		r.Fatalf("a call of %s at %v, want none", show(step.Call), r.now)
	}
	return step.Wait
}

// show returns the owners of a call, by entry.
func show(c *outbox.Call[int]) string {
	var entries [][]int
	for i := range c.Entries {
		var owners []int
		for _, it := range c.Range(i) {
			owners = append(owners, it.Owner)
		}
		entries = append(entries, owners)
	}
	return fmt.Sprint(entries)
}

func (r *rig) wantCall(want string) *outbox.Call[int] {
	r.Helper()
	c := r.call()
	if got := show(c); got != want {
		r.Errorf("call = %s, want %s", got, want)
	}
	return c
}

// later returns the call that goes after a second.
func (r *rig) later(want string) *outbox.Call[int] {
	r.Helper()
	r.now += time.Second
	return r.wantCall(want)
}

// stored ends a call with everything stored where it was predicted.
func (r *rig) stored(c *outbox.Call[int]) (admitted []*outbox.Waiter[int]) {
	r.Helper()
	return r.end(c, nil, nil)
}

// end ends a call: some entries fail, the others are stored.
func (r *rig) end(c *outbox.Call[int], whole *outbox.Failure, failed map[int]*outbox.Failure) (admitted []*outbox.Waiter[int]) {
	r.Helper()
	for i := range c.Entries {
		c.Entries[i].Place = outbox.Place{Shard: c.Entries[i].Shard(), Sequence: "1"}
		c.Entries[i].Failure = failed[i]
	}
	return r.o.Settle(c, whole, r.now)
}

// land ends a call of one entry, which is stored in that shard.
func (r *rig) land(c *outbox.Call[int], shard string) {
	r.Helper()
	c.Entries[0].Place = outbox.Place{Shard: shard, Sequence: "7"}
	r.o.Settle(c, nil, r.now)
}

// done ends a call with everything stored, and releases it. It returns who gets in.
func (r *rig) done(c *outbox.Call[int]) (admitted []*outbox.Waiter[int]) {
	r.Helper()
	admitted = r.stored(c)
	more, _ := r.o.Release(c, r.now)
	return append(admitted, more...)
}

// wait offers a record of a hash key that must wait for room.
func (r *rig) wait(hash string, size int) *outbox.Waiter[int] {
	r.Helper()
	w, _, err := r.offer(hash, size)
	if w == nil || err != nil {
		r.Fatalf("offer = %v, %v, want to wait", w, err)
	}
	return w
}

// room is a change for newRig: a space of so many bytes, and no Linger.
func room(bytes int, fail bool) change {
	return func(cfg *outbox.Config, limits *outbox.SpaceLimits) {
		limits.Bytes, limits.Fail, cfg.Linger = bytes, fail, 0
	}
}

// split splits an open shard and tells the engine. Its children are called as it is, with -low and -high.
func (r *rig) split(at int) {
	r.Helper()
	var listing []outbox.Shard
	for i := range r.m.Len() {
		s := r.m.Open(i)
		if i != at {
			listing = append(listing, s)
			continue
		}
		middle, _ := s.Range.Middle()
		low, high, _ := s.Range.Split(middle)
		s.Closed = true
		listing = append(listing, s, outbox.Shard{ID: s.ID + "-low", Range: low}, outbox.Shard{ID: s.ID + "-high", Range: high})
	}
	m, err := outbox.NewMap(listing)
	if err != nil {
		r.Fatal(err)
	}
	r.m = m
	r.o.Learn(outbox.View{Map: m, Distribution: outbox.ByKey}, r.now)
}

// verdicts returns owner:verdict of all items.
func verdicts(c *outbox.Call[int]) string {
	var text strings.Builder
	for i := range c.Items {
		it := &c.Items[i]
		fmt.Fprintf(&text, "%d:%s", it.Owner, [...]string{"waiting", "landed", "stored", "refused", "expired", "given up", "unordered"}[it.Verdict])
		if it.Ambiguous {
			text.WriteString("?")
		}
		text.WriteString(" ")
	}
	return text.String()
}

func (r *rig) wantVerdicts(c *outbox.Call[int], want string) {
	r.Helper()
	if c == nil {
		r.Fatalf("nothing is answered, want %s", want)
	}
	if got := verdicts(c); got != want+" " {
		r.Errorf("verdicts = %s, want %s", got, want)
	}
}

var throttled = &outbox.Failure{Err: errThrottled, Retryable: true, Throttled: true}
