package coord_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

// split closes a shard of the first stream and adds its two children, of which it returns what
// the service would say at its end.
func (w *world) split(shard int) []topology.Shard {
	parent := &w.shards[stream1][shard]
	middle, _ := parent.Range.Middle()
	low, high, _ := parent.Range.Split(middle)
	parent.Closed = true
	n := len(w.shards[stream1])
	children := []topology.Shard{
		{ID: shardKey(n).Shard, Parents: []string{parent.ID}, Range: low},
		{ID: shardKey(n + 1).Shard, Parents: []string{parent.ID}, Range: high},
	}
	w.shards[stream1] = append(w.shards[stream1], children...)
	return children
}

// merge closes two shards and adds their child.
func (w *world) merge(shard, adjacent int) topology.Shard {
	all := w.shards[stream1]
	joined, _ := all[shard].Range.Merge(all[adjacent].Range)
	all[shard].Closed, all[adjacent].Closed = true, true
	child := topology.Shard{
		ID: shardKey(len(all)).Shard, Parents: []string{all[shard].ID, all[adjacent].ID}, Range: joined,
	}
	w.shards[stream1] = append(all, child)
	return child
}

// splitAndMerge splits the first of two shards into 2 and 3 and merges 3 with the other one into 4, which
// it returns. No listing shows any of them yet: so nobody knows the other parent of 4.
func (w *world) splitAndMerge() topology.Shard {
	children := w.split(0)
	child := w.merge(3, 1)
	w.hidden = map[string]bool{children[0].ID: true, children[1].ID: true, child.ID: true}
	return child
}

func TestShardEnds(t *testing.T) {
	t.Parallel()
	t.Run("children have leases before the parent is finished, and are read at once", func(t *testing.T) {
		t.Parallel()
		w, a := alone(t, 2)
		w.watch = func() {
			if l := w.row(0); l.Finished() && (w.row(2).Revision == 0 || w.row(3).Revision == 0) {
				t.Fatal("the parent is finished and a child has no lease")
			}
			if w.readers(2)+w.readers(3) > 0 && !w.row(0).Finished() {
				t.Fatal("a child is read before its parent is finished")
			}
		}
		a.end(0, w.split(0)...)
		took := w.until(200*time.Millisecond, "the children are read", func() bool { return w.readers(2)+w.readers(3) == 2 })
		if l := w.row(0); l.Owner != "" || l.Checkpoint != lease.ShardEnd || w.row(2).Checkpoint != lease.TrimHorizon {
			t.Errorf("after %v the parent is %+v, the child %+v", took, l, w.row(2))
		}
	})
	t.Run("the child of a merge waits for both parents", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 4)
		w.startAll(2, 4, 0)
		w.run(12 * time.Second)
		child := w.merge(0, 1)
		w.owner(0).end(0, child)
		w.run(30 * time.Second)
		if w.readers(4) != 0 || !w.row(0).Finished() || w.row(4).Revision == 0 {
			t.Fatalf("readers of the child = %d, rows %+v, %+v", w.readers(4), w.row(0), w.row(4))
		}
		w.owner(1).end(1, child)
		w.until(8*time.Second, "the child is read", func() bool { return w.readers(4) == 1 })
	})
	t.Run("children that the service does not name are found by a listing soon", func(t *testing.T) {
		t.Parallel()
		w, a := alone(t, 2)
		w.split(0)
		a.end(0)
		w.until(3*time.Second, "the children are read", func() bool { return w.readers(2)+w.readers(3) == 2 })
	})
	t.Run("a child with a parent that nobody knows yet is waited for, although listings are old", func(t *testing.T) {
		t.Parallel()
		w, a := alone(t, 2)
		child := w.splitAndMerge()
		lists := a.calls["List"]
		a.end(1, child)
		w.run(20 * time.Second)
		if w.row(1).Finished() || a.calls["List"]-lists > 8 {
			t.Fatalf("finished before its child has a lease, or %d listings\n%s", a.calls["List"]-lists, w)
		}
		w.hidden = nil
		w.until(20*time.Second, "the child has a lease and the parent is finished", func() bool {
			return w.row(4).Revision > 0 && w.row(1).Finished()
		})
		if w.readers(4) != 0 {
			t.Error("the child is read before its other parent")
		}
	})
	t.Run("what a listing shows is written before the listing proves anything", func(t *testing.T) {
		t.Parallel()
		w, a := alone(t, 2)
		child := w.splitAndMerge()
		a.end(1, child)
		w.run(10 * time.Second)
		w.fault = func(_ *node, op string) (bool, error) { return op != "List", nil }
		w.run(55 * time.Second) // listings enough, and time enough
		w.fault, w.hidden = nil, nil
		w.until(time.Minute, "the parent is finished", func() bool { return w.row(1).Finished() })
		if w.row(4).Revision == 0 {
			t.Errorf("the child has no lease\n%s", w)
		}
	})
	t.Run("an owner that dies at any moment of it leaves no child out", func(t *testing.T) {
		t.Parallel()
		for delay := time.Duration(0); delay <= 60*time.Millisecond; delay += 2 * time.Millisecond {
			w := newWorld(t, 4)
			w.startAll(2, 4, 0)
			w.run(12 * time.Second)
			a := w.owner(0)
			children := w.split(0)
			a.end(0, children...)
			w.run(delay)
			a.stopped = true
			w.run(13 * time.Second)
			if w.readers(0) == 1 { // the next owner comes to the end again
				w.owner(0).end(0, children...)
			}
			w.until(5*time.Second, "the children are read", func() bool {
				return w.readers(4) == 1 && w.readers(5) == 1 && w.row(0).Finished()
			})
		}
	})
	t.Run("a lost answer at any of its steps makes it happen once", func(t *testing.T) {
		t.Parallel()
		for lost := range 4 {
			w, a := alone(t, 1)
			n := 0
			w.fault = func(_ *node, op string) (bool, error) {
				if op != "Update" {
					return true, nil
				}
				if n++; n == lost+1 {
					return true, errDown
				}
				return true, nil
			}
			a.end(0, w.split(0)...)
			w.until(3*time.Second, "the children are read", func() bool { return len(a.reading) == 2 })
			if a.noted(coord.LeaseFinished) != 1 || w.row(0).Revision != 3 {
				t.Errorf("answer %d lost: finished %d times, row %+v", lost, a.noted(coord.LeaseFinished), w.row(0))
			}
		}
	})
	t.Run("an end that can't be stored yet is handed over with all that is done", func(t *testing.T) {
		t.Parallel()
		w, a := alone(t, 2)
		child := w.splitAndMerge()
		a.done[shardKey(1)] = after(7) // of which no Progress tells
		a.end(1, child)
		w.run(5 * time.Second)
		a.tell(coord.Leave{})
		w.until(5*time.Second, "a has left", func() bool { return a.left != nil })
		if l := w.row(1); leftErr(a) != nil || l.Owner != "" || l.Checkpoint != after(7) {
			t.Errorf("left with %v, row %+v; want nil, and %s without an owner", leftErr(a), l, after(7))
		}
	})
	t.Run("an end that crosses a stop is an end", func(t *testing.T) {
		t.Parallel()
		w, a := alone(t, 4)
		a.handler = -1
		w.start("b")
		w.until(10*time.Second, "a is to stop some", func() bool {
			return a.holding(shardKey(2)).State == coord.Stopping || a.holding(shardKey(0)).State == coord.Stopping
		})
		shard := 0
		if a.holding(shardKey(2)).State == coord.Stopping {
			shard = 2
		}
		epoch := a.reading[shardKey(shard)]
		a.end(shard, w.split(shard)...)
		a.tell(coord.Stopped{Key: shardKey(shard), Epoch: epoch, Checkpoint: after(1)}) // of no meaning any more
		w.until(3*time.Second, "it is finished", func() bool { return w.row(shard).Finished() })
	})
}

func TestStreams(t *testing.T) {
	t.Parallel()
	t.Run("LATEST is the time of the first moment, for all workers and for good", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 4)
		fromLatest := func(c *coord.Config) { c.Streams[0].Start = "LATEST" }
		w.start("a", fromLatest)
		w.start("b", fromLatest)
		w.run(10 * time.Second)
		rows := w.rows()
		start := rows.Streams[0].Start
		if !strings.HasPrefix(string(start), "AT_TIMESTAMP:2026-01-02T00:00:00.") || !rows.Streams[0].Seeded {
			t.Errorf("stream = %+v, want a time in the first second, seeded", rows.Streams[0])
		}
		for _, l := range rows.Leases {
			if l.Checkpoint != start {
				t.Errorf("%s begins at %s, want %s", l.Shard, l.Checkpoint, start)
			}
		}
		w.start("c", fromLatest)
		w.run(10 * time.Second)
		if got := w.rows().Streams[0]; got.Start != start || !w.even(4) {
			t.Errorf("stream = %+v, want it as it was", got)
		}
	})
	t.Run("one worker lists, and another one when it is gone", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 4)
		w.startAll(4, 4, 0)
		w.run(20 * time.Second)
		lists := func() (busy []*node) {
			for _, n := range w.nodes {
				before := n.calls["List"]
				clear(n.calls)
				n.calls["List"] = before
			}
			counts := map[*node]int{}
			for _, n := range w.nodes {
				counts[n] = n.calls["List"]
			}
			w.run(5 * time.Minute)
			for _, n := range w.nodes {
				if n.calls["List"]-counts[n] >= 4 {
					busy = append(busy, n)
				}
			}
			return busy
		}
		busy := lists()
		if len(busy) != 1 {
			t.Fatalf("%d workers list, want 1", len(busy))
		}
		busy[0].stopped = true
		w.run(15 * time.Second)
		again := lists()
		if len(again) != 1 || again[0] == busy[0] {
			t.Fatalf("%d others list, want 1", len(again))
		}
		if err := w.store.Drain(t.Context(), group, again[0].m.ID(), true); err != nil {
			t.Fatal(err)
		}
		w.run(5 * time.Second)
		if third := lists(); len(third) != 1 || third[0] == again[0] {
			t.Errorf("%d workers list, want 1, and not the one that drains", len(third))
		}
	})
	t.Run("a seeding that is given up in the middle is done by the next", func(t *testing.T) {
		t.Parallel()
		for delay := time.Duration(0); delay <= 80*time.Millisecond; delay += 4 * time.Millisecond {
			w := newWorld(t, 6)
			a := w.start("a")
			w.run(delay)
			a.stopped = true
			w.start("b")
			w.run(15 * time.Second)
			if !w.even(6) || !w.rows().Streams[0].Seeded {
				t.Errorf("killed after %v\n%s", delay, w)
			}
		}
	})
	t.Run("one that was created again is not read, and stops no other", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 4)
		w.shards[stream2] = evenShards(2)
		a := w.start("a")
		w.run(5 * time.Second)
		a.tell(coord.Leave{})
		w.run(time.Second)
		b := w.start("b", func(c *coord.Config) {
			c.Streams = []coord.StreamConfig{
				{ARN: stream1, CreatedAt: created.Add(time.Hour), Start: lease.TrimHorizon},
				{ARN: stream2, CreatedAt: created, Start: lease.TrimHorizon},
			}
		})
		w.run(5 * time.Second)
		again, ok := errors.AsType[*coord.RecreatedError](b.failed[stream1])
		if !ok || !again.Stored.Equal(created) || !strings.Contains(again.Error(), stream1) {
			t.Errorf("stream failed with %v, want a RecreatedError", b.failed[stream1])
		}
		if len(b.reading) != 2 || b.left != nil || slices.Contains(w.rows().Workers[0].Streams, stream1) {
			t.Errorf("b reads %d, left %v; want 2, and not\n%s", len(b.reading), b.left, w)
		}
	})
	t.Run("the only one that was created again ends the worker", func(t *testing.T) {
		t.Parallel()
		w, a := alone(t, 4)
		b := w.start("b", func(c *coord.Config) { c.Streams[0].CreatedAt = created.Add(time.Hour) })
		w.run(5 * time.Second)
		if _, ok := errors.AsType[*coord.RecreatedError](leftErr(b)); !ok || len(a.reading) != 4 || len(w.rows().Workers) != 1 {
			t.Errorf("left with %v; a reads %d of 4", leftErr(b), len(a.reading))
		}
	})
	t.Run("leases of shards that are long gone are deleted", func(t *testing.T) {
		t.Parallel()
		w, a := alone(t, 1)
		a.end(0, w.split(0)...)
		w.run(5 * time.Second)
		a.progress(1, 5)
		a.progress(2, 5)
		w.run(2 * time.Minute)
		if w.row(0).Revision == 0 {
			t.Fatal("the lease is gone while the shard is listed")
		}
		w.shards[stream1] = w.shards[stream1][1:]
		w.until(15*time.Minute, "the lease is gone", func() bool { return w.row(0).Revision == 0 })
		w.run(10 * time.Minute)
		if len(w.rows().Leases) != 2 || len(a.reading) != 2 {
			t.Errorf("leases %v\n%s", w.rows().Leases, w)
		}
	})
}
