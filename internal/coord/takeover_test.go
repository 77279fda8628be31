package coord_test

import (
	"fmt"
	"testing"
	"time"
)

// How long shards are without an owner that reads them when workers die: what docs/consuming.md
// says of it.
func TestTakeover(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		workers, die int
		most         time.Duration
	}{
		{2, 1, ttl + 2*time.Second},
		{5, 1, ttl + 2*time.Second},
		{5, 4, ttl + 2*time.Second},
		{10, 1, ttl + 2*time.Second},
		{10, 5, 3 * ttl / 2},
		{10, 9, 3 * ttl / 2},
	} {
		t.Run(fmt.Sprintf("within %v when %d of %d die", c.most, c.die, c.workers), func(t *testing.T) {
			t.Parallel()
			var longest time.Duration
			for seed := range 25 {
				w := newWorld(t, 2*c.workers)
				w.startAll(c.workers, 2*c.workers, seed)
				w.run(20*time.Second + time.Duration(seed)*333*time.Millisecond)
				for _, n := range w.nodes[:c.die] {
					n.stopped = true
				}
				longest = max(longest, w.until(c.most, "the others read all", func() bool { return w.even(2 * c.workers) }))
			}
			t.Logf("at most %v", longest)
		})
	}
}

func TestForgetThatIsNotAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4)
	w.startAll(2, 4, 0)
	w.run(20 * time.Second)
	forgets := 0
	w.fault = func(_ *node, op string) (bool, error) {
		if op == "Forget" {
			forgets++
		}
		return op != "Forget" || forgets > 1, nil
	}
	w.delay = func(op string) time.Duration {
		if op == "Forget" && forgets == 1 {
			return 10 * time.Second
		}
		return 0
	}
	w.nodes[1].stopped = true
	w.until(ttl+2*time.Second, "the other reads all", func() bool { return w.even(4) })
}

// A worker whose answers get lost sends a last heartbeat that others see, and delivers until 0.7
// TTL after the last one that was answered.
func TestTakeoverFromAWorkerThatGetsNoAnswers(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{2, 5, 10} {
		t.Run(fmt.Sprintf("one of %d", workers), func(t *testing.T) {
			t.Parallel()
			var longest, unread time.Duration
			for seed := range 25 {
				w := newWorld(t, 2*workers)
				w.startAll(workers, 2*workers, seed)
				w.run(20*time.Second + time.Duration(seed)*333*time.Millisecond)
				a, from := w.nodes[0], w.now
				lost := false
				w.fault = func(n *node, _ string) (bool, error) {
					if lost = n == a; lost {
						return true, errDown
					}
					return true, nil
				}
				w.delay = func(string) time.Duration { // no answer comes, until the time-out
					if lost {
						return 2 * time.Second
					}
					return 0
				}
				w.until(3*ttl/2, "the others read all", func() bool { return w.readBy(w.nodes[1:]) == 2*workers })
				longest, unread = max(longest, w.now-from), max(unread, w.now-a.trust)
			}
			t.Logf("at most %v, of which %v unread", longest, unread)
			if unread > 9*ttl/10 {
				t.Errorf("shards were unread for %v, want at most 0.9 TTL", unread)
			}
		})
	}
}

// readBy returns how many shards some workers read.
func (w *world) readBy(nodes []*node) int {
	shards := 0
	for _, n := range nodes {
		shards += len(n.reading)
	}
	return shards
}
