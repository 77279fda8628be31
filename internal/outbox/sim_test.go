package outbox_test

import (
	"container/heap"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kinstream/kin/aggregate"
	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/outbox"
)

var (
	errThrottled = errors.New("throttled")
	errInternal  = &outbox.Failure{Err: errors.New("internal failure"), Retryable: true, Ambiguous: true}
	errCut       = &outbox.Failure{Err: errors.New("connection cut"), Retryable: true, Ambiguous: true}
	errNoRoute   = &outbox.Failure{Err: errors.New("no route"), Retryable: true}
	errContent   = &outbox.Failure{Err: errors.New("invalid"), Content: true}
)

// packedSize returns the exact size of the data of an entry.
func packedSize(items []outbox.Item[int]) int {
	var b aggregate.Builder
	for i := range items {
		r := &items[i].Record
		b.Add(aggregate.UserRecord{PartitionKey: r.PartitionKey, ExplicitHashKey: r.ExplicitHashKey, Data: r.Data})
	}
	return b.Size()
}

// sim runs outboxes against one service under virtual time. Nothing in it depends on
// anything but its seed.
type sim struct {
	tb     testing.TB
	random *rand.Rand
	now    time.Duration
	events events
	n      int

	service *service
	limits  outbox.SpaceLimits
	space   *outbox.Space[int]
	boxes   []*outbox.Outbox[int]

	trouble        trouble
	latency        time.Duration
	callBytes      int  // that a call may have; 0: not checked
	exact          bool // tell Settle the exact sizes, and hold the estimates against them
	records        []record
	waiting        map[*outbox.Waiter[int]]bool
	flushes        map[<-chan struct{}]bool
	byKey          map[hashkey.Key][]int // records by key, in the order of acceptance
	highest        int                   // bytes held
	sent, estimate int                   // bytes of entries
	admitted       func(owner int)       // for runs that keep no records: the owner is who offers
	stored         int
	longest        time.Duration // from acceptance to answer
}

// record is what is known of one record that was offered; its owner is its index.
type record struct {
	hash     hashkey.Key
	poison   bool
	accepted bool
	refused  error
	answers  int
	verdict  outbox.Verdict
	maybe    bool
	place    outbox.Place
	sub      int
}

// trouble is how often what goes wrong.
type trouble struct {
	lost, internal  float64 // of entries: stored but reported failed; not stored, nobody knows
	cut, noRoute    float64 // of calls
	torn, unlearned float64 // of listings
	noMap           bool
	slowCalls       bool
	slowWay         time.Duration // that calls take at most on their way there, each another
	slowView        time.Duration
}

func newSim(tb testing.TB, seed uint64, shards int, limits outbox.SpaceLimits) *sim {
	random := rand.New(rand.NewPCG(seed, 1))
	return &sim{
		tb: tb, random: random, service: newService(random, shards), limits: limits,
		space: outbox.NewSpace[int](limits), latency: 20 * time.Millisecond,
		waiting: map[*outbox.Waiter[int]]bool{}, flushes: map[<-chan struct{}]bool{}, byKey: map[hashkey.Key][]int{},
	}
}

func (s *sim) box(cfg outbox.Config) *outbox.Outbox[int] {
	cfg.Random = s.random.Float64
	o := outbox.New(s.space, cfg)
	s.boxes = append(s.boxes, o)
	return o
}

// event is something that happens at its moment.
type event struct {
	at time.Duration
	n  int // in the order of their making
	do func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].n < e[j].n
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func (s *sim) after(d time.Duration, do func()) {
	s.n++
	heap.Push(&s.events, event{s.now + d, s.n, do})
}

// run lets time pass until end, or until nothing is left to happen.
func (s *sim) run(end time.Duration) {
	for {
		wait := s.pump()
		at := end
		if len(s.events) > 0 {
			at = min(at, s.events[0].at)
		}
		at = min(at, wait)
		if at >= end {
			s.now = max(s.now, end)
			return
		}
		s.now = max(s.now, at)
		for len(s.events) > 0 && s.events[0].at <= s.now {
			heap.Pop(&s.events).(event).do()
		}
	}
}

// pump does what the outboxes want until they want nothing more.
func (s *sim) pump() (wait time.Duration) {
	for again := true; again; {
		again, wait = false, outbox.Never
		for _, o := range s.boxes {
			step := o.Next(s.now)
			s.settle(step.Admitted)
			if step.Ask {
				s.after(s.trouble.slowView+time.Duration(s.random.IntN(100))*time.Millisecond, func() { s.view(o) })
			}
			if step.Over != nil {
				s.answer(o, step.Over)
			}
			if step.Call != nil {
				s.send(o, step.Call)
			}
			again = again || step.Call != nil || step.Over != nil || len(step.Admitted) > 0
			wait = min(wait, step.Wait)
		}
		again = again || wait <= s.now
	}
	s.highest = max(s.highest, s.space.Gauges().Bytes)
	return wait
}

func (s *sim) view(o *outbox.Outbox[int]) {
	if s.random.Float64() < s.trouble.unlearned {
		o.Unlearned(s.now)
		return
	}
	v := outbox.View{Distribution: outbox.ByKey}
	if s.service.auto {
		v.Distribution = outbox.Auto
	}
	if !s.trouble.noMap {
		m, err := outbox.NewMap(s.service.listing(s.random.Float64() < s.trouble.torn))
		if err != nil {
			o.Unlearned(s.now)
			return
		}
		v.Map = m
	}
	o.Learn(v, s.now)
}

// offer puts a record, as a caller of Put does.
func (s *sim) offer(o *outbox.Outbox[int], key, explicit string, data []byte) {
	it := outbox.Item[int]{Record: outbox.Record{PartitionKey: key, ExplicitHashKey: explicit, Data: data}, Owner: len(s.records)}
	it.Hash = hashkey.Of(key)
	if explicit != "" {
		it.Hash, _ = hashkey.Parse(explicit)
	}
	r := record{hash: it.Hash, poison: key == "poison"}
	w, _, err := o.Offer(&it, s.now)
	switch {
	case err != nil:
		r.refused = err
	case w != nil:
		s.waiting[w] = true
	default:
		r.accepted = true
		s.byKey[it.Hash] = append(s.byKey[it.Hash], it.Owner)
	}
	s.records = append(s.records, r)
}

// settle takes in which waiting callers are done.
func (s *sim) settle(waiters []*outbox.Waiter[int]) {
	for _, w := range waiters {
		if !s.waiting[w] {
			s.tb.Fatalf("%v: a caller is told that does not wait", s.now)
		}
		delete(s.waiting, w)
		owner := w.Item().Owner
		if s.admitted != nil {
			s.admitted(owner)
			continue
		}
		s.records[owner].accepted, s.records[owner].refused = w.Err == nil, w.Err
		if w.Err == nil {
			s.byKey[w.Item().Hash] = append(s.byKey[w.Item().Hash], owner)
		}
	}
}

// send makes a call: half its time passes on the way there, half on the way back.
func (s *sim) send(o *outbox.Outbox[int], c *outbox.Call[int]) {
	s.check(c)
	half := s.latency/2 - time.Duration(s.random.Int64N(int64(s.latency/5)))
	if s.trouble.slowCalls {
		half += time.Duration(s.random.IntN(60)) * time.Millisecond
		if s.random.IntN(50) == 0 {
			half += time.Second
		}
	}
	var whole *outbox.Failure
	switch p := s.random.Float64(); {
	case p < s.trouble.cut:
		whole = errCut
	case p < s.trouble.cut+s.trouble.noRoute:
		whole = errNoRoute
	}
	for i := range c.Items {
		if s.admitted == nil && s.records[c.Items[i].Owner].poison {
			whole = errContent
		}
	}
	there := half
	if s.trouble.slowWay > 0 {
		there += time.Duration(s.random.Int64N(int64(s.trouble.slowWay)))
	}
	s.after(there, func() {
		if whole == nil || whole == errCut && s.random.IntN(2) == 0 {
			s.arrive(c)
		}
		s.after(half, func() {
			s.settle(o.Settle(c, whole, s.now))
			s.answer(o, c)
		})
	})
}

// arrive stores the entries of a call, in any order.
func (s *sim) arrive(c *outbox.Call[int]) {
	for _, i := range s.random.Perm(len(c.Entries)) {
		e := &c.Entries[i]
		p := s.random.Float64()
		if p < s.trouble.internal {
			e.Failure = errInternal
			continue
		}
		e.Place, e.Failure = s.service.put(c, i, s.now, p < s.trouble.internal+s.trouble.lost)
	}
}

// check holds a call against its bounds.
func (s *sim) check(c *outbox.Call[int]) {
	bytes, items := 0, 0
	for i := range c.Entries {
		e := &c.Entries[i]
		if e.First != items || e.N < 1 {
			s.tb.Fatalf("entry %d covers items from %d on, want from %d", i, e.First, items)
		}
		items += e.N
		bytes += e.Bytes
		e.Packed = entrySize(c.Range(i))
		if !e.Aggregate {
			r := &c.Items[e.First].Record
			e.Packed = len(r.Data) + len(r.PartitionKey)
			if e.N != 1 {
				s.tb.Fatalf("entry of %d items is not to be packed", e.N)
			}
		}
		if s.exact {
			s.sent += e.Packed
			s.estimate += e.Bytes
			if e.Packed > e.Bytes {
				s.tb.Fatalf("entry of %d items has %d bytes, estimated at most %d", e.N, e.Packed, e.Bytes)
			}
		}
	}
	if items != len(c.Items) || bytes != c.Bytes {
		s.tb.Fatalf("entries cover %d items of %d bytes, want %d of %d", items, bytes, len(c.Items), c.Bytes)
	}
	if len(c.Entries) > 500 || len(c.Entries) > 1 && s.callBytes > 0 && c.Bytes > s.callBytes {
		s.tb.Fatalf("call has %d entries of %d bytes", len(c.Entries), c.Bytes)
	}
	if calls := s.space.Gauges().Calls; calls > s.limits.Calls {
		s.tb.Fatalf("calls out = %d, want at most %d", calls, s.limits.Calls)
	}
}

// answer tells the owners, whose callbacks take a moment.
func (s *sim) answer(o *outbox.Outbox[int], c *outbox.Call[int]) {
	for i := range c.Entries {
		for sub, items := 0, c.Range(i); sub < len(items); sub++ {
			it := &items[sub]
			if !it.Verdict.Final() {
				continue
			}
			s.longest = max(s.longest, s.now-it.Accepted())
			if s.admitted == nil {
				r := &s.records[it.Owner]
				r.answers++
				r.verdict, r.maybe, r.place, r.sub = it.Verdict, it.Ambiguous, c.Entries[i].Place, sub
			}
			if it.Verdict == outbox.Stored {
				s.stored++
			}
		}
	}
	s.after(time.Duration(s.random.IntN(5))*time.Millisecond, func() {
		admitted, answered := o.Release(c, s.now)
		s.settle(admitted)
		for _, signal := range answered {
			if !s.flushes[signal] {
				s.tb.Fatalf("%v: a flush is over that nobody asked for", s.now)
			}
			delete(s.flushes, signal)
		}
	})
}

func (s *sim) String() string {
	return fmt.Sprintf("%v: %d records, gauges %+v, %d events", s.now, len(s.records), s.space.Gauges(), len(s.events))
}
