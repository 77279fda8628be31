package coord_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/lease"
)

// twoOf returns a world in which two workers share 8 shards, and one of them.
func twoOf(t *testing.T) (*world, *node) {
	w := newWorld(t, 8)
	w.startAll(2, 8, 0)
	w.run(20 * time.Second)
	return w, w.nodes[0]
}

// leavesAsItJoins returns a world in which a worker is told to leave when it has called Join, and the store
// answers nothing any more.
func leavesAsItJoins(t *testing.T) (*world, *node) {
	w := newWorld(t, 4)
	a := w.start("a")
	w.fault = func(*node, string) (bool, error) { return a.calls["Join"] == 0, nil }
	w.until(time.Second, "Join is called", func() bool { return a.calls["Join"] == 1 })
	a.tell(coord.Leave{})
	return w, a
}

// cutOff ends the time that a worker has for leaving, and returns the error with which it leaves soon.
func (w *world) cutOff(n *node, soon time.Duration) (left *coord.LeaveError, ok bool) {
	w.t.Helper()
	n.tell(coord.Cut{})
	w.until(soon, "the worker has left", func() bool { return n.left != nil })
	return errors.AsType[*coord.LeaveError](leftErr(n))
}

func TestLeave(t *testing.T) {
	t.Parallel()
	t.Run("a group of one leaves at once", func(t *testing.T) {
		t.Parallel()
		w, a := alone(t, 4)
		a.tell(coord.Leave{})
		took := w.until(100*time.Millisecond, "a has left", func() bool { return a.left != nil })
		s := w.rows()
		if leftErr(a) != nil || len(s.Workers) != 0 {
			t.Errorf("after %v left with %v, workers %v; want nil and none", took, leftErr(a), s.Workers)
		}
		for _, l := range s.Leases {
			if l.Owner != "" {
				t.Errorf("%s is still %s's", l.Shard, l.Owner)
			}
		}
	})
	t.Run("when all leave at about the same time, nobody takes the others for dead", func(t *testing.T) {
		t.Parallel()
		left := 0
		for i := range 20 {
			w := newWorld(t, 4)
			w.startAll(3, 4, 0)
			w.run(30*time.Second + time.Duration(i)*100*time.Millisecond)
			for _, n := range w.nodes {
				n.tell(coord.Leave{})
				w.run(time.Duration(i) * 100 * time.Millisecond)
			}
			w.run(10 * time.Second)
			for _, n := range w.nodes {
				left += n.noted(coord.WorkerLeft)
				if died := n.noted(coord.WorkerDied); died != 0 {
					t.Errorf("run %d: %s notes %d dead workers, want none", i, n.name, died)
				}
			}
		}
		if left == 0 {
			t.Error("nobody notes that a worker left")
		}
	})
	t.Run("before it has joined, it leaves at once", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 4)
		w.fault = func(*node, string) (bool, error) { return false, errDown }
		a := w.start("a")
		w.run(time.Second)
		a.tell(coord.Leave{})
		if a.left == nil || a.left.Err != nil {
			t.Errorf("left = %+v, want at once, and no error", a.left)
		}
	})
	t.Run("while Join is under way, it deletes the row again", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 4)
		w.start("b")
		w.run(time.Second)
		a := w.start("a")
		w.until(time.Second, "Join is called", func() bool { return a.calls["Join"] == 1 && a.m.ID() == "a" })
		a.tell(coord.Leave{})
		w.run(time.Second)
		if leftErr(a) != nil || a.left == nil || len(w.rows().Workers) != 1 {
			t.Errorf("left = %+v, workers = %v; want no error, and one", a.left, w.rows().Workers)
		}
	})
	t.Run("a Join that is made after its time-out is undone, if the store is asked again meanwhile", func(t *testing.T) {
		t.Parallel()
		for late := time.Duration(0); late < 25*time.Millisecond; late += time.Millisecond {
			w := newWorld(t, 4)
			a := w.start("a")
			w.fault = func(_ *node, op string) (bool, error) { return op != "Join", nil }
			w.until(time.Second, "Join is called", func() bool { return a.calls["Join"] == 1 })
			w.after(late, func() {
				if err := w.store.Join(t.Context(), group, lease.Worker{ID: "a", Beat: 1, Streams: []string{stream1}, TTL: ttl}); err != nil {
					t.Error(err)
				}
			})
			a.tell(coord.Leave{})
			took := w.until(200*time.Millisecond, "a has left", func() bool { return a.left != nil })
			if rows := w.rows().Workers; leftErr(a) != nil || len(rows) != 0 || a.noted(coord.WorkerJoined) != 0 {
				t.Errorf("Join made after %v: after %v left with %v, workers %v; want nil, and none", late, took, leftErr(a), rows)
			}
		}
	})
	t.Run("a Join of which nobody can say whether it was made is waited for until the time is over", func(t *testing.T) {
		t.Parallel()
		w, a := leavesAsItJoins(t)
		w.run(20 * time.Second)
		if a.left != nil || a.calls["Join"] != 1 {
			t.Fatalf("left with %v after %d Joins, want not yet, and 1", leftErr(a), a.calls["Join"])
		}
		if left, ok := w.cutOff(a, 2100*time.Millisecond); !ok || !errors.Is(left, errDown) {
			t.Errorf("left with %v, want a LeaveError with the store's error", leftErr(a))
		}
	})
	t.Run("without time, one attempt to undo a Join is enough", func(t *testing.T) {
		t.Parallel()
		w, a := leavesAsItJoins(t)
		if left, ok := w.cutOff(a, 30*time.Millisecond); !ok || !errors.Is(left, errDown) || a.calls["Forget"] != 1 {
			t.Errorf("left with %v after %d attempts, want a LeaveError with the store's error after 1", leftErr(a), a.calls["Forget"])
		}
	})
	t.Run("an answer of Update that never comes is asked for again", func(t *testing.T) {
		t.Parallel()
		w, a := twoOf(t)
		lost := 0
		w.fault = func(n *node, op string) (bool, error) {
			if n == a && op == "Update" && lost < 3 {
				lost++
				return true, errDown
			}
			return true, nil
		}
		a.tell(coord.Leave{})
		w.until(9*time.Second, "a has left", func() bool { return a.left != nil })
		if leftErr(a) != nil || a.noted(coord.LeaseHandedOver) != 4 || lost != 3 {
			t.Errorf("left with %v, handed over %d, lost answers %d; want nil, 4 and 3", leftErr(a), a.noted(coord.LeaseHandedOver), lost)
		}
		for _, l := range w.rows().Leases {
			if l.Owner != w.nodes[1].m.ID() || l.Epoch > 3 {
				t.Errorf("%s is %q's at epoch %d", l.Shard, l.Owner, l.Epoch)
			}
		}
	})
	t.Run("a store that is down keeps it until the time is over, and it says what it kept", func(t *testing.T) {
		t.Parallel()
		w, a := twoOf(t)
		w.fault = func(*node, string) (bool, error) { return false, errDown }
		a.tell(coord.Leave{})
		w.run(20 * time.Second)
		if a.left != nil {
			t.Fatalf("a has left: %v", leftErr(a))
		}
		if left, ok := w.cutOff(a, 2100*time.Millisecond); !ok || len(left.Kept) != 4 || !errors.Is(left, errDown) {
			t.Errorf("left with %v, want a LeaveError with 4 leases and the store's error", leftErr(a))
		}
	})
	t.Run("a handler that never returns is cut off, and the others' leases are handed over", func(t *testing.T) {
		t.Parallel()
		w, a := twoOf(t)
		stuck := a.m.Held()[1].Lease
		a.stuck = stuck.Key
		a.tell(coord.Leave{})
		w.run(15 * time.Second)
		if a.left != nil || len(w.nodes[1].reading) != 7 {
			t.Fatalf("left = %v, the other reads %d; want not yet, and 7\n%s", a.left, len(w.nodes[1].reading), w)
		}
		if left, ok := w.cutOff(a, 3*time.Second); !ok || len(left.CutOff) != 1 || left.CutOff[0] != stuck.Key || len(left.Kept) != 1 {
			t.Errorf("left with %v, want a LeaveError with %s cut off and kept", leftErr(a), stuck.Shard)
		}
	})
	t.Run("the error is that of the call that keeps it, and not one of other times or calls", func(t *testing.T) {
		t.Parallel()
		errUpdate := errors.New("no leases may be written")
		w, a := twoOf(t)
		w.fault = func(n *node, op string) (bool, error) {
			if n == a && op == "Update" {
				return false, errUpdate
			}
			return true, nil
		}
		a.tell(coord.Leave{})
		w.until(10*time.Second, "leases can't be handed over", func() bool { return a.calls["Update"] > 2 })
		a.tell(coord.Cut{})
		w.run(1990 * time.Millisecond)
		a.tell(coord.Forgotten{Worker: w.nodes[1].m.ID(), Err: errDown})
		w.until(3*time.Second, "a has left", func() bool { return a.left != nil })
		left, ok := errors.AsType[*coord.LeaveError](leftErr(a))
		if !ok || len(left.Kept) != 4 || left.Err != errUpdate { //nolint:errorlint // it is that one
			t.Errorf("left with %v, want %v", leftErr(a), errUpdate)
		}
	})
	t.Run("a handler that is cut off is no fault of the store, which failed before", func(t *testing.T) {
		t.Parallel()
		w, a := twoOf(t)
		w.fault = func(*node, string) (bool, error) { return false, errDown }
		w.run(8 * time.Second)
		w.fault = nil
		w.run(20 * time.Second)
		a.handler = -1
		a.tell(coord.Leave{})
		w.run(5 * time.Second)
		if left, ok := w.cutOff(a, 3*time.Second); !ok || len(left.CutOff) != 4 || left.Err != nil {
			t.Errorf("left with %v, want a LeaveError without an error of the store", leftErr(a))
		}
	})
	t.Run("heirs that never look are waited for, but not long", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 9)
		w.startAll(3, 9, 0)
		w.run(20 * time.Second)
		a, b := w.nodes[0], w.nodes[1]
		b.stopped = true
		a.tell(coord.Leave{})
		took := w.until(4*time.Second, "a has left", func() bool { return a.left != nil })
		t.Logf("after %v", took)
		w.until(12*time.Second, "the last one reads all", func() bool { return len(w.nodes[2].reading) == 9 })
	})
	t.Run("forgotten meanwhile, it says that its leases were not handed over", func(t *testing.T) {
		t.Parallel()
		w, a := twoOf(t)
		a.tell(coord.Leave{})
		if gone, err := w.store.Forget(t.Context(), group, a.m.ID(), -1); !gone || err != nil {
			t.Fatalf("Forget = %v, %v", gone, err)
		}
		w.run(5 * time.Second)
		left, ok := errors.AsType[*coord.LeaveError](leftErr(a))
		if !ok || len(left.Kept) != 4 || a.calls["Join"] != 1 {
			t.Errorf("left with %v after %d Joins, want a LeaveError with 4 leases after 1", leftErr(a), a.calls["Join"])
		}
	})
	t.Run("a lease that comes while its row can't be deleted is given back, or nobody's", func(t *testing.T) {
		t.Parallel()
		for at := time.Duration(0); at < 1500*time.Millisecond; at += 5 * time.Millisecond {
			w := newWorld(t, 2)
			w.start("b")
			w.run(5 * time.Second)
			a := w.start("a")
			w.until(10*time.Second, "both read", func() bool { return w.even(2) })
			w.delay = func(op string) time.Duration {
				if op == "Update" {
					return 700 * time.Millisecond
				}
				return 0
			}
			failures := 0
			w.fault = func(n *node, op string) (bool, error) {
				if n == a && op == "Forget" && failures < 2 {
					failures++
					return false, errDown
				}
				return true, nil
			}
			a.tell(coord.Leave{})
			w.until(5*time.Second, "its row is to be deleted", func() bool { return a.calls["Forget"] == 1 })
			w.after(at, func() {
				if a.left == nil {
					w.change(func(l *lease.Lease) { l.Owner, l.Epoch = "a", l.Epoch+1 })
				}
			})
			w.until(10*time.Second, "a has left", func() bool { return a.left != nil })
			w.until(5*time.Second, "b reads all", func() bool { return len(w.nodes[0].reading) == 2 })
			if leftErr(a) != nil {
				t.Errorf("handed over after %v: left with %v, want nil", at, leftErr(a))
			}
		}
	})
	for age := time.Second; age <= 33*time.Second; age *= 2 {
		t.Run(fmt.Sprintf("all at once, they wait for nobody, %v after they began", age), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 20)
			for i := range 10 {
				w.start(fmt.Sprint("w", i))
			}
			w.run(age)
			for i, n := range w.nodes {
				w.after(time.Duration(i)*10*time.Millisecond, func() { n.tell(coord.Leave{}) })
			}
			w.until(time.Second, "all have left", func() bool {
				return !slices.ContainsFunc(w.nodes, func(n *node) bool { return n.left == nil })
			})
		})
	}
	t.Run("all at once, they leave nothing behind", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 30)
		w.startAll(5, 30, 0)
		w.run(7 * time.Second)
		for _, n := range w.nodes {
			n.tell(coord.Leave{})
		}
		w.run(8 * time.Second)
		s := w.rows()
		for _, n := range w.nodes {
			if n.left == nil || n.left.Err != nil {
				t.Errorf("%s left with %+v", n.name, n.left)
			}
		}
		for _, l := range s.Leases {
			if l.Owner != "" {
				t.Errorf("%s is still %s's", l.Shard, l.Owner)
			}
		}
		if len(s.Workers) != 0 {
			t.Errorf("workers = %v, want none", s.Workers)
		}
	})
}

func TestStuckHandler(t *testing.T) {
	t.Parallel()
	w, a := alone(t, 4)
	a.handler = -1
	b := w.start("b")
	w.run(20 * time.Second)
	if len(a.reading) != 4 || len(b.reading) != 0 {
		t.Fatalf("a reads %d, b %d; want 4 and 0", len(a.reading), len(b.reading))
	}
	before := b.calls["Poll"] + b.calls["Load"]
	w.run(time.Minute)
	if n := b.calls["Poll"] + b.calls["Load"] - before; n > 121 {
		t.Errorf("the heir looked %d times in a minute, want at most every half second", n)
	}
	c := w.start("c")
	w.run(5 * time.Second)
	if len(c.reading) != 0 {
		t.Errorf("c reads %d shards, want none: two of a's are on their way to b", len(c.reading))
	}
	for key, epoch := range a.reading {
		if h := a.holding(key); h.State == coord.Stopping {
			a.finish(key, epoch)
		}
	}
	w.until(time.Second, "the heir reads its share", func() bool { return len(b.reading)+len(c.reading) >= 2 })
}

func (n *node) holding(key any) coord.Holding {
	for _, h := range n.m.Held() {
		if h.Lease.Key == key {
			return h
		}
	}
	return coord.Holding{}
}
