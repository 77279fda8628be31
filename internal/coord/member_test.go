package coord_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/lease"
)

func TestMembership(t *testing.T) {
	t.Parallel()
	t.Run("a worker that was taken for dead stops everything and joins under a new ID", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 6)
		w.startAll(3, 6, 0)
		w.run(20 * time.Second)
		a := w.nodes[0]
		old := a.m.ID()
		a.stopped = true
		w.until(ttl+2*time.Second, "the others read all", func() bool { return w.even(6) })
		w.run(10 * time.Second)
		if a.trust > w.now {
			t.Errorf("the paused worker trusts its leases until %v, now is %v", a.trust, w.now)
		}
		a.resume()
		w.run(time.Second)
		if want := old + ".2"; a.m.ID() != want {
			t.Errorf("ID = %s, want %s", a.m.ID(), want)
		}
		w.until(6*time.Second, "all share again", func() bool { return w.even(6) })
		if a.noted(coord.LeaseLost) != 2 || a.noted(coord.TrustLapsed) != 1 {
			t.Errorf("leases lost = %d, trust lapsed %d times; want 2 and 1", a.noted(coord.LeaseLost), a.noted(coord.TrustLapsed))
		}
	})
	t.Run("a worker that was paused itself forgets nobody", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 6)
		w.startAll(3, 6, 0)
		w.run(20 * time.Second)
		a := w.nodes[0]
		a.stopped = true
		w.run(5 * time.Second) // not long enough to be forgotten
		calls := a.calls["Forget"]
		a.resume()
		w.run(20 * time.Second)
		for _, n := range w.nodes {
			if n.calls["Forget"] != calls {
				t.Errorf("%s made %d calls of Forget, want none", n.name, n.calls["Forget"])
			}
		}
		a.stopped = true
		w.run(2 * time.Minute)
		a.resume()
		w.run(20 * time.Second)
		if a.calls["Forget"] != 0 || !w.even(6) {
			t.Errorf("after two minutes it made %d calls of Forget, want none\n%s", a.calls["Forget"], w)
		}
	})
	t.Run("everybody who is paused at once goes on with its leases", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 12)
		w.startAll(4, 12, 0)
		w.run(20 * time.Second)
		before := w.rows().Leases
		for _, n := range w.nodes {
			n.stopped = true
		}
		w.now += 5 * time.Minute // the machine was suspended
		for _, n := range w.nodes {
			n.resume()
		}
		w.run(20 * time.Second)
		for i, l := range w.rows().Leases {
			if l.Owner != before[i].Owner {
				t.Errorf("%s is %s's, was %s's", l.Shard, l.Owner, before[i].Owner)
			}
		}
		if !w.even(12) {
			t.Errorf("not all is read\n%s", w)
		}
	})
	t.Run("a lost answer of Join makes no second worker", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 4)
		lost := 0
		w.fault = func(_ *node, op string) (bool, error) {
			if op == "Join" && lost < 2 {
				lost++
				return true, errDown
			}
			return true, nil
		}
		a := w.start("a")
		w.until(3*time.Second, "all is read", func() bool { return w.even(4) })
		if workers := w.rows().Workers; len(workers) != 1 || a.m.ID() != "a" {
			t.Errorf("workers = %v, ID %s; want one, a", workers, a.m.ID())
		}
	})
	t.Run("an attempt to join that comes late makes a row under which nobody acts", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 4)
		w.start("b")
		w.run(time.Second)
		from := w.now
		var late []coord.Action
		w.fault = func(n *node, op string) (bool, error) {
			if op == "Join" && w.now < from+3*time.Second {
				join := coord.Join{Worker: lease.Worker{ID: n.m.ID(), Beat: 1, Streams: []string{stream1}, TTL: ttl}}
				late = append(late, join)
				w.after(8*time.Second, func() { w.serve(join) })
				return false, errDown
			}
			return true, nil
		}
		a := w.start("a")
		w.run(7 * time.Second)
		if a.m.ID() == "a" || !w.even(4) || len(w.rows().Workers) != 2 || len(late) < 2 {
			t.Errorf("ID %s after %d attempts, workers %v; want another one than a, and two\n%s", a.m.ID(), len(late), w.rows().Workers, w)
		}
		w.run(40 * time.Second)
		if !w.even(4) || len(w.rows().Workers) != 2 {
			t.Errorf("workers %v, want two\n%s", w.rows().Workers, w)
		}
	})
	t.Run("a group that is deleted while it works begins anew", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 6)
		w.startAll(3, 6, 0)
		w.run(20 * time.Second)
		if err := w.store.Delete(t.Context(), group); err != nil {
			t.Fatal(err)
		}
		w.run(15 * time.Second)
		if !w.even(6) || len(w.rows().Workers) != 3 {
			t.Errorf("not all is read\n%s", w)
		}
		for _, n := range w.nodes {
			if !strings.HasSuffix(n.m.ID(), ".2") {
				t.Errorf("ID = %s, want a new one", n.m.ID())
			}
		}
	})
}

func TestTTL(t *testing.T) {
	t.Parallel()
	twenty := func(c *coord.Config) { c.TTL = 20 * time.Second }
	t.Run("another one than that of a live worker is refused, naming both", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 4)
		w.start("a")
		w.run(5 * time.Second)
		b := w.start("b", twenty)
		w.run(10 * time.Second)
		if b.left == nil {
			t.Fatalf("b did not give up\n%s", w)
		}
		wrong, ok := errors.AsType[*coord.TTLError](b.left.Err)
		if !ok || wrong.Group != ttl || wrong.Own != 2*ttl || wrong.Worker != "a" {
			t.Fatalf("error = %v, want a TTLError with 10s, 20s and a", b.left.Err)
		}
		if text := wrong.Error(); !strings.Contains(text, "10s") || !strings.Contains(text, "20s") {
			t.Errorf("error text %q does not name both", text)
		}
		if len(w.rows().Workers) != 1 || b.calls["Join"] != 0 {
			t.Errorf("b joined: %v", w.rows().Workers)
		}
	})
	t.Run("of a dead worker is waited out", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 4)
		w.start("a").stopped = false
		w.run(5 * time.Second)
		w.nodes[0].stopped = true
		b := w.start("b", twenty)
		w.until(18*time.Second, "b reads all", func() bool { return len(b.reading) == 4 })
	})
	t.Run("of workers that join at the same moment is settled for the shortest", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 4)
		a, b := w.start("a", twenty), w.start("b")
		w.run(30 * time.Second)
		if _, ok := errors.AsType[*coord.TTLError](leftErr(a)); !ok || b.left != nil || len(b.reading) != 4 {
			t.Errorf("a left with %v, want a TTLError; b reads %d, want 4\n%s", leftErr(a), len(b.reading), w)
		}
	})
}

func leftErr(n *node) error {
	if n.left == nil {
		return nil
	}
	return n.left.Err
}

// TestLostAnswers has a tenth of all calls fail, made or not, while workers come, go and die.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for seed := range 30 {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			chance := rand.New(rand.NewPCG(uint64(seed), 1))
			w := newWorld(t, 12)
			w.fault = func(*node, string) (bool, error) {
				switch chance.IntN(20) {
				case 0:
					return true, errDown
				case 1:
					return false, errDown
				}
				return true, nil
			}
			for i := range 12 {
				switch i % 4 {
				case 2:
					w.nodes[chance.IntN(len(w.nodes))].stopped = true
				case 3:
					w.nodes[chance.IntN(len(w.nodes))].tell(coord.Leave{})
				default:
					w.start(fmt.Sprintf("w%d-%d", i, seed))
				}
				for until := w.now + 5*time.Second; w.now < until; w.run(20 * time.Millisecond) {
					for shard := range 12 {
						if n := w.trusted(shard); n > 1 {
							t.Fatalf("at %v shard %d is read by %d\n%s", w.now, shard, n, w)
						}
					}
				}
			}
			w.start(fmt.Sprintf("last-%d", seed))
			w.run(30 * time.Second)
			if !w.even(12) {
				t.Errorf("not all is read at the end\n%s", w)
			}
			if n := len(w.rows().Workers); n != len(w.share()) {
				t.Errorf("rows of workers = %d, want %d", n, len(w.share()))
			}
		})
	}
}

// trusted returns how many workers may deliver records of a shard, those that get no time included.
func (w *world) trusted(shard int) int {
	count := 0
	for _, n := range w.nodes {
		if _, reads := n.reading[shardKey(shard)]; reads && n.trust > w.now && n.left == nil {
			count++
		}
	}
	return count
}

func TestCapacity(t *testing.T) {
	t.Parallel()
	limit := func(n int) func(*coord.Config) { return func(c *coord.Config) { c.Capacity = n } }
	w := newWorld(t, 10)
	a := w.start("a", limit(2))
	w.run(3 * time.Second)
	if len(a.reading) != 2 {
		t.Errorf("a reads %d shards, want its 2", len(a.reading))
	}
	b := w.start("b", limit(3))
	w.run(8 * time.Second)
	if len(a.reading) != 2 || len(b.reading) != 3 {
		t.Errorf("shards read = %d and %d, want 2 and 3", len(a.reading), len(b.reading))
	}
	c := w.start("c")
	w.run(8 * time.Second)
	if got := []int{len(a.reading), len(b.reading), len(c.reading)}; !slices.Equal(got, []int{2, 3, 5}) {
		t.Errorf("shards read = %v, want 2, 3 and 5", got)
	}
}

func TestStreamSets(t *testing.T) {
	t.Parallel()
	read := func(arns ...string) []coord.StreamConfig {
		var all []coord.StreamConfig
		for _, arn := range arns {
			all = append(all, coord.StreamConfig{ARN: arn, CreatedAt: created, Start: lease.TrimHorizon})
		}
		return all
	}
	only := func(arns ...string) func(*coord.Config) {
		return func(c *coord.Config) { c.Streams = read(arns...) }
	}
	count := func(n *node, arn string) int {
		sum := 0
		for key := range n.reading {
			if key.Stream == arn {
				sum++
			}
		}
		return sum
	}
	w := newWorld(t, 6)
	w.shards[stream2] = evenShards(6)
	a := w.start("a", only(stream1))
	w.run(2 * time.Second)
	b := w.start("b", only(stream2, stream1)) // the next version of the program
	w.run(8 * time.Second)
	if count(b, stream2) != 6 || count(a, stream1) != 6 {
		t.Errorf("a reads %d of the first, b %d of the second stream; want 6 and 6\n%s", count(a, stream1), count(b, stream2), w)
	}
	a.tell(coord.Streams{Streams: read(stream1, stream2)})
	w.until(8*time.Second, "both read both evenly", func() bool { return len(a.reading) == 6 && len(b.reading) == 6 })
	a.tell(coord.Streams{Streams: read(stream2)})
	b.tell(coord.Streams{Streams: read(stream2)})
	w.until(8*time.Second, "nobody reads the first", func() bool {
		return count(a, stream1)+count(b, stream1) == 0 && count(a, stream2) == 3 && count(b, stream2) == 3
	})
	for _, l := range w.rows().Leases {
		if l.Stream == stream1 && l.Owner != "" {
			t.Errorf("%s is still %s's", l.Shard, l.Owner)
		}
	}
}

func TestTrust(t *testing.T) {
	t.Parallel()
	t.Run("counts from the first attempt to join, which may have been made", func(t *testing.T) {
		t.Parallel()
		for wait := 100 * time.Millisecond; wait < 12*time.Second; wait += 500 * time.Millisecond {
			w := newWorld(t, 1)
			b := w.start("b")
			w.run(5 * time.Second)
			from := time.Duration(0)
			w.fault = func(n *node, op string) (bool, error) {
				switch {
				case n == b:
				case op == "Join" && from == 0:
					from = w.now
					return true, errDown
				case op == "Join" && w.now < from+wait:
					return false, errDown
				case op == "Beat":
					return false, errDown
				}
				return true, nil
			}
			a := w.start("a")
			w.run(7 * time.Second)
			if joined := a.noted(coord.WorkerJoined) > 0; joined && a.m.ID() == "a" && a.trust > from+7*time.Second {
				t.Errorf("joined after %v: trust until %v, want at most %v", wait, a.trust, from+7*time.Second)
			}
			w.until(30*time.Second, "b reads all again", func() bool { return len(b.reading) == 1 && a.trust < w.now })
		}
	})
	t.Run("comes back after a load that shows what is still ours", func(t *testing.T) {
		t.Parallel()
		w, a := alone(t, 4)
		w.fault = func(_ *node, op string) (bool, error) { return op != "Beat" && op != "Load", nil }
		w.run(8 * time.Second)
		if a.noted(coord.TrustLapsed) != 1 || a.trust > w.now {
			t.Fatalf("trust until %v, lapsed %d times", a.trust, a.noted(coord.TrustLapsed))
		}
		w.change(func(l *lease.Lease) { l.Owner, l.Epoch = "somebody", l.Epoch+1 })
		w.fault = func(_ *node, op string) (bool, error) { return op != "Load", nil }
		w.run(5 * time.Second)
		if a.trust > w.now {
			t.Errorf("trusts without a load until %v, now is %v", a.trust, w.now)
		}
		w.fault = nil
		w.run(6 * time.Second)
		if a.trust < w.now || a.noted(coord.TrustBack) != 1 || a.noted(coord.LeaseLost) != 1 || len(a.reading) != 4 {
			t.Errorf("trust until %v, back %d times, lost %d, reads %d\n%s", a.trust, a.noted(coord.TrustBack), a.noted(coord.LeaseLost), len(a.reading), w)
		}
	})
}

func TestAnswersThatNeverCome(t *testing.T) {
	t.Parallel()
	t.Run("of all calls of a worker: others read its shards, although its heartbeats arrive for a while", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 6)
		w.startAll(3, 6, 0)
		w.run(20 * time.Second)
		a := w.nodes[0]
		w.fault = func(n *node, _ string) (bool, error) {
			if n == a {
				return true, errDown
			}
			return true, nil
		}
		w.run(7 * time.Second)
		w.until(12*time.Second, "the others read all", func() bool {
			return len(w.nodes[1].reading)+len(w.nodes[2].reading) == 6
		})
		if a.trust > w.now {
			t.Errorf("it trusts until %v, now is %v", a.trust, w.now)
		}
		w.fault = nil
		w.until(15*time.Second, "all share again", func() bool { return w.even(6) })
	})
	t.Run("of heartbeats only: a worker sees in its polls that they arrive, and goes on", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 6)
		w.startAll(3, 6, 0)
		w.run(20 * time.Second)
		a := w.nodes[0]
		w.fault = func(n *node, op string) (bool, error) {
			if n == a && op == "Beat" {
				return true, errDown
			}
			return true, nil
		}
		w.run(5 * time.Minute)
		if a.noted(coord.TrustLapsed) > 0 || len(a.reading) != 2 || a.trust < w.now {
			t.Errorf("trust lapsed %d times, reads %d, trust until %v at %v", a.noted(coord.TrustLapsed), len(a.reading), a.trust, w.now)
		}
		w.nodes[1].stopped, w.nodes[2].stopped = true, true // it must still find that others are dead
		w.until(2*ttl, "it reads all", func() bool { return len(a.reading) == 6 })
	})
}
