package coord_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/lease"
)

func TestOperator(t *testing.T) {
	t.Parallel()
	t.Run("a reset takes the lease, and what its owner does afterwards is not stored", func(t *testing.T) {
		t.Parallel()
		w, a := alone(t, 2)
		a.progress(0, 100)
		w.run(61 * time.Second)
		if got := w.row(0).Checkpoint; got != after(100) {
			t.Fatalf("checkpoint = %s, want %s", got, after(100))
		}
		epoch := a.reading[shardKey(0)]
		a.progress(0, 200)
		w.change(func(l *lease.Lease) { l.Owner, l.Epoch, l.Checkpoint = "", l.Epoch+1, lease.TrimHorizon })
		a.progress(0, 300)
		delete(a.done, shardKey(0))
		w.until(3*time.Second, "it is read again", func() bool { return a.reading[shardKey(0)] > epoch })
		if got := a.holding(shardKey(0)).Done; got != lease.TrimHorizon || a.noted(coord.LeaseLost) != 1 {
			t.Errorf("reading begins at %s, leases lost = %d; want TRIM_HORIZON and 1", got, a.noted(coord.LeaseLost))
		}
		a.tell(coord.Progress{Key: shardKey(0), Epoch: epoch, Checkpoint: after(400), Now: true})
		w.run(2 * time.Second)
		if got := w.row(0).Checkpoint; got != lease.TrimHorizon {
			t.Errorf("checkpoint = %s after the former reading went on, want TRIM_HORIZON", got)
		}
	})
	t.Run("a reset at any moment of a change of the owner takes the lease", func(t *testing.T) {
		t.Parallel()
		for delay := time.Duration(0); delay <= 24*time.Millisecond; delay += time.Millisecond {
			w, a := alone(t, 1)
			a.progress(0, 100)
			a.tell(coord.Progress{Key: shardKey(0), Epoch: a.reading[shardKey(0)], Checkpoint: after(101), Now: true})
			w.run(delay)
			w.change(func(l *lease.Lease) { l.Owner, l.Epoch, l.Checkpoint = "", l.Epoch+1, lease.TrimHorizon })
			delete(a.done, shardKey(0))
			w.run(2 * time.Minute)
			if l := w.row(0); l.Checkpoint != lease.TrimHorizon || l.Owner != "a" || a.reading[shardKey(0)] != l.Epoch {
				t.Errorf("reset %v after the change was asked for: row %+v, read at epoch %d", delay, l, a.reading[shardKey(0)])
			}
		}
	})
	t.Run("a reset while the lease is handed over takes it, and no hand-over is noted", func(t *testing.T) {
		t.Parallel()
		w, a := alone(t, 1)
		a.progress(0, 100)
		w.delay = func(string) time.Duration { return 40 * time.Millisecond }
		a.tell(coord.Leave{})
		w.until(5*time.Second, "the lease is given back", func() bool { return a.holding(shardKey(0)).State == coord.Releasing })
		w.change(func(l *lease.Lease) { l.Owner, l.Epoch, l.Checkpoint = "", l.Epoch+1, lease.TrimHorizon })
		w.until(5*time.Second, "a has left", func() bool { return a.left != nil })
		left, ok := errors.AsType[*coord.LeaveError](leftErr(a))
		if !ok || len(left.Kept) != 1 || a.noted(coord.LeaseHandedOver) != 0 || w.row(0).Checkpoint != lease.TrimHorizon {
			t.Errorf("left with %v, handed over %d, row %+v; want a LeaveError with 1 lease, none, and the reset", leftErr(a), a.noted(coord.LeaseHandedOver), w.row(0))
		}
	})
	t.Run("a pin that crosses a checkpoint costs neither", func(t *testing.T) {
		t.Parallel()
		for delay := time.Duration(0); delay <= 24*time.Millisecond; delay += time.Millisecond {
			w := newWorld(t, 4)
			w.startAll(2, 4, 0)
			w.run(20 * time.Second)
			a := w.owner(0)
			a.done[shardKey(0)] = after(7)
			a.tell(coord.Progress{Key: shardKey(0), Epoch: a.reading[shardKey(0)], Checkpoint: after(7), Load: -1, Now: true})
			w.run(delay)
			w.change(func(l *lease.Lease) { l.Pin = a.m.ID() })
			w.run(2 * time.Second)
			if l := w.row(0); l.Checkpoint != after(7) || l.Pin != a.m.ID() || l.Owner != a.m.ID() || a.noted(coord.LeaseLost) > 0 {
				t.Errorf("pin %v after the change was asked for: row %+v", delay, l)
			}
		}
	})
	t.Run("a pin to another worker moves the shard there, with what was done", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 4)
		w.startAll(2, 4, 0)
		w.run(20 * time.Second)
		a := w.owner(0)
		b := w.nodes[0]
		if b == a {
			b = w.nodes[1]
		}
		a.progress(0, 9)
		w.change(func(l *lease.Lease) { l.Pin = b.m.ID() })
		w.until(4*time.Second, "the other reads it", func() bool { return w.owner0(0) == b })
		if l := w.row(0); l.Checkpoint != after(9) || l.Epoch != 2 {
			t.Errorf("row = %+v, want %s at epoch 2", l, after(9))
		}
	})
	t.Run("a worker that is drained gives everything away, and gets it back afterwards", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 6)
		w.startAll(3, 6, 0)
		w.run(20 * time.Second)
		a := w.nodes[0]
		g := w.gaps(6)
		if err := w.store.Drain(t.Context(), group, a.m.ID(), true); err != nil {
			t.Fatal(err)
		}
		g.run(7 * time.Second)
		if len(a.reading) != 0 || g.longest > time.Second {
			t.Errorf("a reads %d, the longest gap is %v; want none, and at most 1s", len(a.reading), g.longest)
		}
		if err := w.store.Drain(t.Context(), group, a.m.ID(), false); err != nil {
			t.Fatal(err)
		}
		w.until(7*time.Second, "all share again", func() bool { return w.even(6) })
	})
	t.Run("a worker deleted by force stops at the next look and joins again", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 6)
		w.startAll(3, 6, 0)
		w.run(20 * time.Second)
		if _, err := w.store.Forget(t.Context(), group, w.nodes[0].m.ID(), lease.AnyBeat); err != nil {
			t.Fatal(err)
		}
		w.run(12 * time.Second)
		if !w.even(6) {
			t.Errorf("not all is read\n%s", w)
		}
	})
}

// owner0 is owner, or nil if there is none.
func (w *world) owner0(shard int) *node {
	if w.readers(shard) == 0 {
		return nil
	}
	return w.owner(shard)
}

func TestCheckpoints(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) (*world, *node) { return alone(t, 3) }
	t.Run("are stored once in CheckpointEvery, however often they move", func(t *testing.T) {
		t.Parallel()
		w, a := setup(t)
		from := w.row(0).Revision
		for i := range 600 {
			a.progress(0, i+1)
			w.run(time.Second)
		}
		if n := w.row(0).Revision - from; n < 9 || n > 10 {
			t.Errorf("writes in 10 minutes = %d, want 9 or 10", n)
		}
	})
	t.Run("are not stored when nothing moved", func(t *testing.T) {
		t.Parallel()
		w, a := setup(t)
		a.progress(0, 5)
		w.run(2 * time.Minute)
		before, calls := w.rows(), a.calls["Update"]
		a.progress(0, 5)
		a.progress(0, 4)
		a.progress(1, 0)
		w.run(5 * time.Minute)
		if got := w.row(0); got.Checkpoint != after(5) || got.Revision != before.Leases[0].Revision {
			t.Errorf("row = %+v, want as it was", got)
		}
		if n := a.calls["Update"] - calls; n != 1 { // shard 1
			t.Errorf("calls of Update = %d, want 1", n)
		}
	})
	t.Run("are stored when asked for, and the one who waits is told", func(t *testing.T) {
		t.Parallel()
		w, a := setup(t)
		a.progress(0, 77)
		epoch := a.reading[shardKey(0)]
		a.tell(coord.Flush{Key: shardKey(0), Epoch: epoch, Token: 1})
		if len(a.flushed) != 0 {
			t.Error("answered before it was stored")
		}
		w.run(20 * time.Millisecond)
		if err, told := a.flushed[1]; !told || err != nil || w.row(0).Checkpoint != after(77) {
			t.Errorf("told %v, %v; row %+v", told, err, w.row(0))
		}
		a.tell(coord.Flush{Key: shardKey(0), Epoch: epoch, Token: 2})
		a.tell(coord.Flush{Key: shardKey(0), Epoch: epoch - 1, Token: 3})
		if err, told := a.flushed[2]; !told || err != nil {
			t.Errorf("nothing to store: told %v, %v; want at once and nil", told, err)
		}
		if err := a.flushed[3]; !errors.Is(err, coord.ErrLost) {
			t.Errorf("another epoch: told %v, want ErrLost", err)
		}
	})
	t.Run("that someone waits for when the lease is lost are told so", func(t *testing.T) {
		t.Parallel()
		w, a := setup(t)
		a.progress(0, 77)
		w.change(func(l *lease.Lease) { l.Owner, l.Epoch = "", l.Epoch+1 })
		a.tell(coord.Flush{Key: shardKey(0), Epoch: a.reading[shardKey(0)], Token: 1})
		w.run(time.Second)
		if err := a.flushed[1]; !errors.Is(err, coord.ErrLost) {
			t.Errorf("told %v, want ErrLost", err)
		}
	})
	t.Run("that failed are tried until they are stored, and never twice", func(t *testing.T) {
		t.Parallel()
		w, a := setup(t)
		from := w.row(0).Revision
		failing := 0
		w.fault = func(_ *node, op string) (bool, error) {
			if op == "Update" && failing < 6 {
				failing++
				return failing%2 == 0, errDown
			}
			return true, nil
		}
		a.progress(0, 1)
		a.tell(coord.Flush{Key: shardKey(0), Epoch: a.reading[shardKey(0)], Token: 1})
		for i := range 20 {
			w.run(time.Second)
			a.progress(0, i+2)
		}
		if l := w.row(0); l.Revision != from+1 || l.Checkpoint != after(1) || failing != 6 {
			t.Errorf("row = %+v after %d failures, want revision %d with %s", l, failing, from+1, after(1))
		}
		if err, told := a.flushed[1]; !told || err != nil {
			t.Errorf("told %v, %v; want nil", told, err)
		}
	})
	t.Run("one change that the store can't make does not hold up others", func(t *testing.T) {
		t.Parallel()
		w, a := setup(t)
		w.refuse = func(u coord.Update) bool {
			for _, c := range u.Changes {
				if c.New.Key == shardKey(0) {
					return true
				}
			}
			return false
		}
		for i := range 3 {
			a.progress(i, 10)
		}
		w.run(61 * time.Second)
		a.progress(1, 20)
		a.progress(2, 20)
		w.run(3 * time.Minute)
		if w.row(1).Checkpoint != after(20) || w.row(2).Checkpoint != after(20) || w.row(0).Checkpoint != lease.TrimHorizon {
			t.Errorf("checkpoints = %s, %s, %s", w.row(0).Checkpoint, w.row(1).Checkpoint, w.row(2).Checkpoint)
		}
	})
}

func TestLoadIsStoredSeldom(t *testing.T) {
	t.Parallel()
	w, a := alone(t, 1)
	changes, last := 0, 0
	for i := range 120 { // two hours, up and down
		a.tell(coord.Progress{Key: shardKey(0), Epoch: 1, Checkpoint: after(i + 1), Load: 5 + i%2})
		w.run(time.Minute)
		if l := w.row(0).Load; l != last {
			changes, last = changes+1, l
		}
	}
	if changes == 0 || changes > 3 || last < 5 {
		t.Errorf("the load changed %d times in two hours to %d, want once or so", changes, last)
	}
}
