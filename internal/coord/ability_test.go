package coord_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/lease"
)

// lit returns how many shards are read by nodes that the service answers.
func (w *world) lit() int {
	count := 0
	for _, n := range w.nodes {
		if !n.dark && !n.stopped && n.left == nil {
			count += len(n.reading)
		}
	}
	return count
}

// epochs returns the sum of all epochs: how often leases have moved.
func (w *world) epochs() int64 {
	var sum int64
	for _, l := range w.rows().Leases {
		sum += l.Epoch
	}
	return sum
}

func TestWorkersThatCannotRead(t *testing.T) {
	t.Parallel()
	t.Run("give their shards to those that can, after two TTLs, and not before", func(t *testing.T) {
		t.Parallel()
		for seed := range 10 {
			w := newWorld(t, 10)
			w.startAll(3, 10, seed)
			w.run(30 * time.Second)
			moves := w.epochs()
			w.nodes[0].darken(true)
			took := w.until(3*ttl, "the others read all", func() bool { return w.lit() == 10 })
			if took < 2*ttl || took > 2*ttl+ttl/4 {
				t.Errorf("seed %d: the others read all after %v, want 20s and a little more", seed, took)
			}
			if n := w.epochs() - moves; n > 4 {
				t.Errorf("seed %d: %d leases moved, want those of one worker", seed, n)
			}
			if n := len(w.nodes[0].reading); n != 0 {
				t.Errorf("seed %d: the worker still reads %d shards, want none", seed, n)
			}
			w.run(5 * time.Minute)
			w.nodes[0].darken(false)
			w.until(ttl, "all is shared again", func() bool { return w.even(10) })
		}
	})
	t.Run("stay where they are when the service answers nobody, and when it comes back", func(t *testing.T) {
		t.Parallel()
		for seed := range 20 {
			w := newWorld(t, 12)
			w.startAll(4, 12, seed)
			w.run(30 * time.Second)
			moves := w.epochs()
			for i, n := range w.nodes {
				w.after(time.Duration(i*seed)*150*time.Millisecond, func() { n.darken(true) })
				w.after(3*time.Minute+time.Duration(i*seed)*150*time.Millisecond, func() { n.dark = false })
			}
			w.run(6 * time.Minute)
			if n := w.epochs() - moves; n != 0 {
				t.Errorf("seed %d: leases moved %d times, want never", seed, n)
			}
			for _, row := range w.rows().Workers {
				if row.Unable() {
					t.Errorf("seed %d: %s is still unable", seed, row.ID)
				}
			}
		}
	})
	t.Run("stay where they are also when plans take long", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 1200)
		w.startAll(4, 1200, 1)
		w.run(30 * time.Second)
		if n := w.blackout(100 * time.Millisecond); n != 0 {
			t.Errorf("leases moved %d times, want never", n)
		}
	})
	t.Run("stay where they are also when plans wait for loads that fail", func(t *testing.T) {
		t.Parallel()
		for seed := range 20 {
			w := newWorld(t, 12)
			w.startAll(4, 12, seed)
			w.run(30 * time.Second)
			w.fault = func(_ *node, op string) (bool, error) {
				if op == "Load" && w.now%(4*time.Second) > time.Second {
					return false, errors.New("too slow")
				}
				return true, nil
			}
			for i := range 1800 {
				w.after(time.Duration(i)*50*time.Millisecond, w.announce)
			}
			if n := w.blackout(time.Duration(seed) * 300 * time.Millisecond); n != 0 {
				t.Errorf("seed %d: leases moved %d times, want never", seed, n)
			}
		}
	})
	t.Run("keep their shards when the last one that could read dies", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 12)
		w.startAll(3, 12, 1)
		w.run(30 * time.Second)
		moves := w.epochs()
		w.nodes[0].darken(true)
		w.nodes[1].darken(true)
		w.run(ttl)
		w.nodes[2].stopped = true // for good
		w.run(time.Minute)
		if n := w.epochs() - moves; n != 4 {
			t.Errorf("leases moved %d times, want those of the dead one, 4", n)
		}
	})
	t.Run("give nothing to those that read nothing and can't either", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 2)
		w.startAll(2, 2, 1)
		for i := range 5 {
			w.start(fmt.Sprint("spare", i))
		}
		w.run(30 * time.Second)
		moves := w.epochs()
		for _, n := range w.nodes {
			n.darken(true)
		}
		w.run(5 * time.Minute)
		if n := w.epochs() - moves; n != 0 {
			t.Errorf("leases moved %d times, want never", n)
		}
		for _, n := range w.nodes {
			if n.noted(coord.Unable) != 1 {
				t.Errorf("%s found out %d times, want once", n.name, n.noted(coord.Unable))
			}
		}
	})
	t.Run("come back later each time when it does not last", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 4)
		w.startAll(2, 4, 1)
		w.run(30 * time.Second)
		bad := w.nodes[0]
		var away []time.Duration
		for range 5 {
			bad.darken(true)
			w.until(3*ttl, "the other reads all", func() bool { return w.lit() == 4 })
			bad.darken(false)
			away = append(away, w.until(time.Hour, "it is back", func() bool { return w.even(4) }))
		}
		for i := range away {
			least := time.Duration(0)
			if i > 0 {
				least = ttl << (i - 1)
			}
			if away[i] < least || away[i] > least+ttl {
				t.Errorf("the times it was away are %v, want about 0s, 10s, 20s, 40s, 80s", away)
				break
			}
		}
	})
	t.Run("keep what nobody else can have", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 6)
		limit := func(c *coord.Config) { c.Capacity = 4 }
		a, b := w.start("a", limit), w.start("b", limit)
		w.until(ttl, "all is shared", func() bool { return w.even(6) })
		w.run(30 * time.Second)
		a.darken(true)
		w.run(time.Minute)
		if got := fmt.Sprint(len(a.reading), len(b.reading)); got != "2 4" {
			t.Errorf("they read %s shards, want 2 4", got)
		}
		if row := w.rows().Workers[0]; !row.Unable() || row.Limit() != 4 {
			t.Errorf("the row is %+v, want that of an unable worker with a limit of 4", row)
		}
	})
	t.Run("are not drained, and stay drained if they were", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 4)
		w.startAll(2, 4, 1)
		w.run(30 * time.Second)
		a := w.nodes[0]
		a.darken(true)
		w.run(time.Minute)
		if row := w.worker(a); row.Draining || !row.Unable() {
			t.Errorf("the row is %+v, want it unable and not draining", row)
		}
		if err := w.store.Drain(t.Context(), group, a.m.ID(), true); err != nil {
			t.Fatal(err)
		}
		w.run(30 * time.Second)
		a.darken(false)
		w.run(2 * time.Minute)
		if row := w.worker(a); !row.Draining || row.Unable() || len(a.reading) != 0 {
			t.Errorf("it reads %d, and its row is %+v; want 0, and it draining and able", len(a.reading), row)
		}
	})
	t.Run("take what nobody can read, and read it as soon as that can be", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 4)
		w.startAll(2, 4, 1)
		w.run(30 * time.Second)
		for _, n := range w.nodes {
			n.darken(true)
		}
		w.run(time.Minute)
		w.nodes[1].stopped = true // for good
		w.until(2*ttl, "the other has all", func() bool { return len(w.nodes[0].reading) == 4 })
	})
}

// blackout has the service answer nobody for a minute, one worker a while after the other, and returns
// how often leases have moved because of that.
func (w *world) blackout(apart time.Duration) int64 {
	moves := w.epochs()
	for i, n := range w.nodes {
		w.after(time.Duration(i)*apart, func() { n.darken(true) })
		w.after(time.Minute+time.Duration(i)*apart, func() { n.dark = false })
	}
	w.run(2 * time.Minute)
	return w.epochs() - moves
}

// announce raises the version, and changes nothing that a plan follows from.
func (w *world) announce() {
	w.t.Helper()
	if err := w.store.Drain(w.t.Context(), group, w.nodes[0].m.ID(), false); err != nil {
		w.t.Fatal(err)
	}
}

// worker returns the row of a node.
func (w *world) worker(n *node) lease.Worker {
	w.t.Helper()
	for _, row := range w.rows().Workers {
		if row.ID == n.m.ID() {
			return row
		}
	}
	w.t.Fatalf("%s has no row\n%s", n.name, w)
	return lease.Worker{}
}
