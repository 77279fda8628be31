package topology_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/topology"
)

// stream is a model of the service: a growing history of shards, some of which
// have been trimmed.
type stream struct {
	r       *rand.Rand
	shards  []topology.Shard // all that ever were, by number
	closed  []string         // those that are closed and not trimmed, in the order of closing
	trimmed map[string]bool
	lacked  map[string]int // how often a listing lacked a shard
}

func newStream(r *rand.Rand) *stream {
	s := &stream{r: r, trimmed: map[string]bool{}, lacked: map[string]int{}}
	for _, hashes := range hashkey.Even(1 + r.IntN(4)) {
		s.add(hashes)
	}
	return s
}

func (s *stream) add(hashes hashkey.Range, parents ...int) {
	child := topology.Shard{ID: fmt.Sprintf("shardId-%012d", len(s.shards)), Range: hashes}
	for _, p := range parents {
		s.shards[p].Closed = true
		s.closed = append(s.closed, s.shards[p].ID)
		child.Parents = append(child.Parents, s.shards[p].ID)
	}
	s.shards = append(s.shards, child)
}

func (s *stream) number(id string) int {
	return slices.IndexFunc(s.shards, func(x topology.Shard) bool { return x.ID == id })
}

// reshard splits a random open shard or merges two neighbours.
func (s *stream) reshard() {
	var open []int
	for i, x := range s.shards {
		if !x.Closed {
			open = append(open, i)
		}
	}
	i := open[s.r.IntN(len(open))]
	for _, j := range open {
		if merged, ok := s.shards[i].Range.Merge(s.shards[j].Range); ok && s.r.IntN(2) == 0 {
			s.add(merged, i, j)
			return
		}
	}
	at, ok := s.shards[i].Range.Middle()
	if !ok {
		return
	}
	low, high, _ := s.shards[i].Range.Split(at)
	s.add(low, i)
	s.add(high, i)
}

// young says whether a shard is one of the newest, which listings may lack.
func (s *stream) young(number int) bool { return number >= len(s.shards)-4 }

// trim removes the closed shard that was closed first, as retention does: that is much longer than
// listings are old, so none of its children is young.
func (s *stream) trim() {
	if len(s.closed) == 0 {
		return
	}
	for i, x := range s.shards {
		if s.young(i) && slices.Contains(x.Parents, s.closed[0]) {
			return
		}
	}
	s.trimmed[s.closed[0]] = true
	s.closed = s.closed[1:]
}

// list is a ListShards result. A stale one lacks some of the newest shards, of any
// generation, and may show their parents as open. Each shard is lacking at most twice.
func (s *stream) list(stale bool) []topology.Shard {
	var list []topology.Shard
	for i, x := range s.shards {
		if s.trimmed[x.ID] {
			continue
		}
		if stale && s.young(i) && len(x.Parents) > 0 && s.lacked[x.ID] < 2 && s.r.IntN(2) == 0 {
			s.lacked[x.ID]++
			continue
		}
		if stale && s.r.IntN(4) == 0 && s.young(i) {
			x.Closed = false
		}
		list = append(list, x)
	}
	s.r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// children is what the end of a shard says.
func (s *stream) children(id string) []topology.Shard {
	var list []topology.Shard
	for _, x := range s.shards {
		if slices.Contains(x.Parents, id) {
			x.Closed = false // it is not said there
			list = append(list, x)
		}
	}
	return list
}

// caller reads a stream by a Graph and keeps its own books of it.
type caller struct {
	t     *testing.T
	s     *stream
	g     *topology.Graph
	begun map[string]bool
	done  map[string]bool
}

// beginSome begins a random part of what is ready and checks that it may.
func (c *caller) beginSome() {
	c.t.Helper()
	for _, x := range c.g.Ready() {
		if c.s.r.IntN(3) == 0 {
			continue
		}
		if c.begun[x.ID] {
			c.t.Fatalf("%s is ready a second time", x.ID)
		}
		c.begun[x.ID] = true
		for _, p := range c.s.shards[c.s.number(x.ID)].Parents {
			if !c.done[p] && (c.begun[p] || !c.s.trimmed[p]) {
				c.t.Fatalf("%s begins before its parent %s is done", x.ID, p)
			}
		}
		c.g.Begin(x.ID)
	}
}

// finishSome ends a random part of the closed shards that are being read.
func (c *caller) finishSome() {
	for _, x := range c.s.shards {
		if !x.Closed || !c.begun[x.ID] || c.done[x.ID] || c.s.r.IntN(2) == 0 {
			continue
		}
		if c.s.r.IntN(4) > 0 { // some servers say nothing about children
			c.g.Children(c.s.children(x.ID))
		}
		c.done[x.ID] = true
		c.g.Finish(x.ID)
	}
}

func TestRandomHistoryIsReadOnceAndInOrder(t *testing.T) {
	t.Parallel()
	r := newRand(t)
	for range 400 {
		s := newStream(r)
		for range r.IntN(10) {
			s.reshard()
		}
		for range r.IntN(3) {
			s.trim()
		}
		c := &caller{t: t, s: s, g: topology.New(topology.AtHorizon), begun: map[string]bool{}, done: map[string]bool{}}
		c.g.List(0, s.list(false))
		for step := range 60 {
			switch r.IntN(6) {
			case 0:
				s.reshard()
			case 1:
				c.g.List(time.Duration(step)*time.Minute, s.list(r.IntN(2) == 0))
			default:
				c.beginSome()
				c.finishSome()
			}
		}
		c.readAll()
	}
}

// readAll ends the history and reads what is left: everything that is not trimmed
// must have been read.
func (c *caller) readAll() {
	c.t.Helper()
	c.g.List(time.Hour, c.s.list(false))
	for range 1000 {
		c.beginSome()
		c.finishSome()
	}
	for _, x := range c.s.shards {
		if !c.begun[x.ID] && !c.s.trimmed[x.ID] {
			c.t.Fatalf("%s was never read; it is %v", x.ID, c.g.State(x.ID))
		}
		if want := x.Closed && c.begun[x.ID]; want != (c.g.State(x.ID) == topology.Done) {
			c.t.Fatalf("%s is %v, want done: %v", x.ID, c.g.State(x.ID), want)
		}
	}
	if holes, overlaps := c.g.Coverage(); holes != nil || overlaps != nil {
		c.t.Fatalf("holes %v, overlaps %v in a complete listing", holes, overlaps)
	}
	if missing := c.g.Missing(); missing != nil {
		c.t.Fatalf("missing %v after a complete listing", missing)
	}
}

// twin is a Graph without any bookkeeping: it works out everything from what it
// was told.
type twin struct {
	told    map[string]topology.Shard
	settled map[string]bool
	doubts  map[string][]time.Duration // when listings were made that could not settle it
	state   map[string]topology.State
}

func (w *twin) tell(now time.Duration, list []topology.Shard, listing bool) {
	for _, x := range list {
		w.told[x.ID] = x
		if w.state[x.ID] == topology.Unknown {
			w.state[x.ID] = topology.Waiting
		}
	}
	for _, x := range list {
		if !listing || w.settled[x.ID] {
			continue
		}
		if w.doubted(x, list) {
			w.doubts[x.ID] = append(w.doubts[x.ID], now)
		}
		at := w.doubts[x.ID]
		w.settled[x.ID] = !w.doubted(x, list) || len(at) > 2 && at[len(at)-1] >= at[0]+time.Minute
	}
}

// doubted says whether an older shard owned a key of x that no known parent of x
// owned. It tries the ends of all ranges as keys.
func (w *twin) doubted(x topology.Shard, list []topology.Shard) bool {
	older := slices.Clone(list)
	var keys []hashkey.Key
	for id, o := range w.told {
		keys = append(keys, o.Range.Start, o.Range.End)
		if w.state[id] != topology.Done {
			older = append(older, o)
		}
	}
	var known []topology.Shard
	for _, p := range x.Parents {
		if o, ok := w.told[p]; ok {
			known = append(known, o)
		}
	}
	if len(known) == len(x.Parents) {
		return false
	}
	return slices.ContainsFunc(keys, func(k hashkey.Key) bool {
		owns := func(o topology.Shard) bool { return o.Range.Contains(k) }
		return owns(x) && !slices.ContainsFunc(known, owns) && slices.ContainsFunc(older, func(o topology.Shard) bool {
			return o.ID < x.ID && !slices.Contains(x.Parents, o.ID) && owns(o)
		})
	})
}

func (w *twin) ready() []string {
	var ids []string
	for id, x := range w.told {
		blocked := slices.ContainsFunc(x.Parents, func(p string) bool {
			if _, known := w.told[p]; !known {
				return !w.settled[id]
			}
			return w.state[p] != topology.Done
		})
		if w.state[id] == topology.Waiting && !blocked {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func TestGraphAgreesWithItsNaiveTwin(t *testing.T) {
	t.Parallel()
	r := newRand(t)
	for range 100 {
		s := newStream(r)
		g := topology.New(topology.AtHorizon)
		w := &twin{
			told: map[string]topology.Shard{}, settled: map[string]bool{},
			doubts: map[string][]time.Duration{}, state: map[string]topology.State{},
		}
		var now time.Duration
		for step := range 80 {
			now += time.Duration(r.Int64N(int64(10 * time.Second)))
			tellBoth(now, s, g, w)
			var got []string
			for _, x := range g.Ready() {
				got = append(got, x.ID)
			}
			if want := w.ready(); !slices.Equal(got, want) {
				t.Fatalf("step %d: ready = %v, want %v", step, got, want)
			}
		}
	}
}

// tellBoth does one random thing to the stream, or tells both the same.
func tellBoth(now time.Duration, s *stream, g *topology.Graph, w *twin) {
	id := s.shards[s.r.IntN(len(s.shards))].ID
	switch s.r.IntN(8) {
	case 0, 1:
		s.reshard()
	case 2:
		s.trim()
	case 3:
		list := s.list(true)
		g.List(now, list)
		w.tell(now, list, true)
	case 4:
		list := s.children(id)
		g.Children(list)
		w.tell(now, list, false)
	case 5, 6:
		for _, x := range g.Ready() {
			g.Begin(x.ID)
			w.state[x.ID] = topology.Reading
		}
	default:
		if w.state[id] == topology.Reading {
			g.Finish(id)
			w.state[id] = topology.Done
		}
	}
}

func BenchmarkTenThousandShards(b *testing.B) {
	var first []topology.Shard
	for i, hashes := range hashkey.Even(10_000) {
		first = append(first, topology.Shard{ID: fmt.Sprintf("shardId-%012d", i), Range: hashes})
	}
	b.ReportAllocs()
	for b.Loop() {
		g := topology.New(topology.AtHorizon)
		g.List(0, first)
		for _, x := range g.Ready() {
			g.Begin(x.ID)
		}
		for i, x := range first {
			at, _ := x.Range.Middle()
			low, high, _ := x.Range.Split(at)
			g.Children([]topology.Shard{
				{ID: fmt.Sprintf("shardId-%012d", 10_000+2*i), Range: low, Parents: []string{x.ID}},
				{ID: fmt.Sprintf("shardId-%012d", 10_001+2*i), Range: high, Parents: []string{x.ID}},
			})
			g.Finish(x.ID)
			for _, c := range g.Ready() {
				g.Begin(c.ID)
			}
		}
		if holes, overlaps := g.Coverage(); holes != nil || overlaps != nil {
			b.Fatal(holes, overlaps)
		}
	}
}
