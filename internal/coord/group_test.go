package coord_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/coord"
)

// gaps measures for how long shards are not read.
type gaps struct {
	w       *world
	lastly  []time.Duration
	longest time.Duration
	shard   int
}

func (w *world) gaps(shards int) *gaps {
	g := &gaps{w: w, lastly: make([]time.Duration, shards)}
	for i := range g.lastly {
		g.lastly[i] = w.now
	}
	return g
}

// run lets time pass.
func (g *gaps) run(d time.Duration) {
	for until := g.w.now + d; g.w.now < until; {
		g.w.run(10 * time.Millisecond)
		g.look()
	}
}

func (g *gaps) look() {
	for i := range g.lastly {
		switch g.w.readers(i) {
		case 0:
			if gap := g.w.now - g.lastly[i]; gap > g.longest {
				g.longest, g.shard = gap, i
			}
			continue
		case 1:
		default:
			g.w.t.Fatalf("at %v shard %d is read twice\n%s", g.w.now, i, g.w)
		}
		g.lastly[i] = g.w.now
	}
}

// startAll starts n workers and waits until they share all shards. Their names have a seed in
// them, so that everything that depends on chance differs.
func (w *world) startAll(n, shards, seed int) {
	w.t.Helper()
	for i := range n {
		w.start(fmt.Sprintf("w%d-%d", i, seed))
	}
	w.until(5*time.Second, "all is shared", func() bool { return w.even(shards) })
}

func TestGroupStarts(t *testing.T) {
	t.Parallel()
	t.Run("one worker reads everything at once", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 4)
		w.start("a")
		w.until(time.Second, "all is read", func() bool { return w.even(4) })
	})
	t.Run("ten workers share 100 shards evenly within 5 seconds", func(t *testing.T) {
		t.Parallel()
		for seed := range 20 {
			w := newWorld(t, 100)
			for i := range 10 {
				w.start(fmt.Sprintf("w%d-%d", i, seed))
				w.run(time.Duration(seed) * 20 * time.Millisecond)
			}
			w.until(5*time.Second, "all is shared", func() bool { return w.even(100) })
		}
	})
}

// TestFirstLeases counts what workers that start together write.
func TestFirstLeases(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T, workers, shards, seed int) (w *world, written *int) {
		w, written = newWorld(t, shards), new(int)
		w.refuse = func(u coord.Update) bool {
			for _, c := range u.Changes {
				if c.Old.Revision == 0 {
					*written++
				}
			}
			return false
		}
		for i := range workers {
			w.start(fmt.Sprintf("w%d-%d", i, seed))
		}
		return w, written
	}
	t.Run("are written by one of the workers", func(t *testing.T) {
		t.Parallel()
		for seed := range 20 {
			w, written := start(t, 10, 100, seed)
			w.until(time.Second, "all is shared", func() bool { return w.even(100) })
			w.run(20 * time.Second)
			listings := 0
			for _, n := range w.nodes {
				listings += n.calls["List"]
			}
			if *written != 100 || listings != 1 {
				t.Errorf("seed %d: leases were written %d times after %d listings, want 100 and 1", seed, *written, listings)
			}
		}
	})
	t.Run("are written by others if that one dies", func(t *testing.T) {
		t.Parallel()
		w, _ := start(t, 10, 100, 0)
		var dead *node
		w.watch = func() {
			for _, n := range w.nodes {
				if dead == nil && n.calls["List"] > 0 {
					dead, n.stopped = n, true
				}
			}
		}
		w.until(time.Second, "one has begun", func() bool { return dead != nil })
		w.until(8*time.Second, "there are leases", func() bool { return len(w.rows().Leases) == 100 })
		w.until(ttl, "the others share them", func() bool { return w.even(100) })
	})
	t.Run("are written by one also when that takes long", func(t *testing.T) {
		t.Parallel()
		w, written := start(t, 3, 900, 0)
		w.delay = func(op string) time.Duration {
			if op == "Update" {
				return 4 * time.Second
			}
			return 0
		}
		w.until(30*time.Second, "all is shared", func() bool { return w.even(900) })
		if *written != 900 {
			t.Errorf("leases were written %d times, want 900", *written)
		}
	})
}

func TestHandOver(t *testing.T) {
	t.Parallel()
	t.Run("to a worker that joins leaves no shard unread for a second", func(t *testing.T) {
		t.Parallel()
		for seed := range 20 {
			w := newWorld(t, 20)
			w.startAll(2, 20, seed)
			g := w.gaps(20)
			w.run(time.Duration(seed) * 100 * time.Millisecond)
			w.start("late")
			g.run(8 * time.Second)
			if !w.even(20) {
				t.Fatalf("seed %d: not shared evenly after 8s\n%s", seed, w)
			}
			if g.longest > time.Second {
				t.Errorf("seed %d: shard %d was unread for %v, want at most 1s", seed, g.shard, g.longest)
			}
		}
	})
	t.Run("of a stream that its owner reads no more leaves no shard unread for a second", func(t *testing.T) {
		t.Parallel()
		for seed := range 20 {
			w := newWorld(t, 12)
			w.startAll(6, 12, seed)
			w.run(20*time.Second + time.Duration(seed)*97*time.Millisecond)
			g := w.gaps(12)
			w.nodes[0].tell(coord.Streams{})
			g.run(8 * time.Second)
			if n := len(w.nodes[0].reading); n != 0 || g.longest > time.Second {
				t.Errorf("seed %d: shard %d was unread for %v, want at most 1s; who gave it up reads %d", seed, g.shard, g.longest, n)
			}
		}
	})
	t.Run("of a lease that we can't read goes on to the third one at once", func(t *testing.T) {
		t.Parallel()
		text, err := os.ReadFile("testdata/standin.txt")
		if err != nil {
			t.Fatal(err)
		}
		const start = "start 2:"
		if got := playScript(t, config("a"), string(text)); !strings.Contains(got, start) {
			t.Fatalf("we don't read it anyway:\n%s", got)
		}
		full := config("a")
		full.Capacity = 2
		if got := playScript(t, full, string(text)); strings.Contains(got, start) {
			t.Errorf("we read more than we may:\n%s", got)
		}
		other := strings.Replace(string(text), "\n1080ms", "\n1075ms streams\n1080ms", 1)
		if got := playScript(t, config("a"), other); strings.Contains(got, start) {
			t.Errorf("we read what is not ours to read:\n%s", got)
		}
	})
	t.Run("a rolling restart of ten workers leaves no shard unread for a second", func(t *testing.T) {
		t.Parallel()
		for seed := range 2 {
			w := newWorld(t, 100)
			w.startAll(10, 100, seed)
			g := w.gaps(100)
			for i, old := range w.nodes {
				old.tell(coord.Leave{})
				for at := w.now; old.left == nil; g.run(10 * time.Millisecond) {
					if w.now-at > 10*time.Second {
						t.Fatalf("seed %d: %s is still there after 10s\n%s", seed, old.name, w)
					}
				}
				if old.left.Err != nil {
					t.Fatalf("seed %d: %s left with %v", seed, old.name, old.left.Err)
				}
				w.start(fmt.Sprintf("new%d-%d", i, seed))
				g.run(2 * time.Second)
			}
			g.run(8 * time.Second)
			if !w.even(100) {
				t.Errorf("seed %d: not shared evenly at the end\n%s", seed, w)
			}
			if g.longest > time.Second {
				t.Errorf("seed %d: shard %d was unread for %v, want at most 1s", seed, g.shard, g.longest)
			}
		}
	})
}

func TestDeadWorker(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 5, 10} {
		t.Run(fmt.Sprintf("one of %d is replaced within the TTL and 2 seconds", n), func(t *testing.T) {
			t.Parallel()
			var longest, sum time.Duration
			const seeds = 40
			for seed := range seeds {
				w := newWorld(t, 3*n)
				w.startAll(n, 3*n, seed)
				w.run(20*time.Second + time.Duration(seed)*173*time.Millisecond)
				w.nodes[seed%n].stopped = true
				took := w.until(ttl+2*time.Second, "the others read all", func() bool { return w.even(3 * n) })
				longest, sum = max(longest, took), sum+took
			}
			t.Logf("longest %v, mean %v", longest, sum/seeds)
		})
	}
}

func TestOutage(t *testing.T) {
	t.Parallel()
	t.Run("of a minute costs nobody a lease", func(t *testing.T) {
		t.Parallel()
		for _, ops := range []string{"all", "writes", "reads", "beats"} {
			for seed := range 5 {
				outage(t, ops, seed)
			}
		}
	})
}

func outage(t *testing.T, ops string, seed int) {
	w := newWorld(t, 30)
	w.startAll(6, 30, seed)
	w.run(20 * time.Second)
	before := w.rows()
	down := map[string]map[string]bool{
		"writes": {"Beat": true, "Update": true, "Forget": true, "Join": true, "Drain": true},
		"reads":  {"Poll": true, "Load": true},
		"beats":  {"Beat": true},
	}
	w.fault = func(_ *node, op string) (bool, error) {
		if ops == "all" || down[ops][op] {
			return false, errDown
		}
		return true, nil
	}
	w.run(time.Minute)
	for _, n := range w.nodes {
		if ops != "reads" && n.trust > w.now {
			t.Errorf("%s trusts its leases after a minute without a heartbeat", n.name)
		}
	}
	w.fault = nil
	w.run(20 * time.Second)
	after := w.rows()
	for i, l := range after.Leases {
		if l.Owner != before.Leases[i].Owner || l.Epoch != before.Leases[i].Epoch {
			t.Fatalf("%s down, seed %d: %s is now %s/%d, was %s/%d", ops, seed, l.Shard, l.Owner, l.Epoch,
				before.Leases[i].Owner, before.Leases[i].Epoch)
		}
	}
	for _, n := range w.nodes {
		if n.trust < w.now || !w.even(30) {
			t.Errorf("%s down, seed %d: %s does not go on\n%s", ops, seed, n.name, w)
		}
	}
}

func TestIdleCost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 100)
	w.startAll(10, 100, 0)
	w.run(time.Minute)
	for _, n := range w.nodes {
		clear(n.calls)
		n.steps = 0
	}
	w.run(time.Hour)
	calls, steps := map[string]int{}, 0
	for _, n := range w.nodes {
		for op, count := range n.calls {
			calls[op] += count
		}
		steps += n.steps
	}
	requests := calls["Poll"] + 3*calls["Load"] + calls["Beat"] + 2*calls["Update"] + 2*calls["Forget"] + calls["PutStream"]
	t.Logf("%d requests of the store, %v, %d steps", requests, calls, steps)
	if requests > 20_000 {
		t.Errorf("requests of the store in an idle hour = %d, want at most 20000: %v", requests, calls)
	}
	if calls["List"] > 70 {
		t.Errorf("listings in an hour = %d, want about 60", calls["List"])
	}
	if steps > 60_000 {
		t.Errorf("steps in an idle hour = %d: the Machines spin", steps)
	}
}
