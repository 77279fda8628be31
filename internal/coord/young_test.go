package coord_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/topology"
)

// A worker that is younger than the longest time between two polls looks as soon as one that is
// older.
func TestYoungWorkers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20)
	for i := range 10 {
		w.start(fmt.Sprint("w", i))
	}
	a, failed := w.nodes[0], false
	w.fault = func(n *node, op string) (bool, error) {
		if n != a || op != "Beat" || failed {
			return true, nil
		}
		failed = true
		return false, errDown
	}
	w.until(5*time.Second, "a heartbeat has failed", func() bool { return failed })
	w.run(10 * time.Second)
	if lapsed := a.noted(coord.TrustLapsed); lapsed != 0 || len(a.reading) != 2 {
		t.Errorf("at %v its trust has lapsed %d times and it reads %d shards, want 0 and 2", w.now, lapsed, len(a.reading))
	}
}

// A process that dies as it joins, and is started again and again, keeps nobody from reading:
// there is always one that might take what is free.
func TestWorkersThatDieAsTheyJoin(t *testing.T) {
	t.Parallel()
	for _, every := range []time.Duration{300 * time.Millisecond, time.Second, 1900 * time.Millisecond, 5 * time.Second} {
		t.Run(fmt.Sprintf("one every %v", every), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 4)
			w.startAll(2, 4, 0)
			w.startDying(every)
			w.run(10 * time.Second)
			parent := w.shards[stream1][0]
			child := topology.Shard{ID: "shardId-000000000004", Range: parent.Range, Parents: []string{parent.ID}}
			w.shards[stream1] = append(w.shards[stream1], child)
			w.owner(0).end(0, child)
			w.until(ttl, "the child is read", func() bool { return w.readers(4) == 1 })
			lists := func() int { return w.nodes[0].calls["List"] + w.nodes[1].calls["List"] }
			before := lists()
			w.until(2*time.Minute, "the shards are listed", func() bool { return lists() > before })
		})
	}
}

// startDying starts a worker again and again that dies when its row has been written.
func (w *world) startDying(every time.Duration) {
	w.fault = func(n *node, op string) (bool, error) {
		n.stopped = n.stopped || op == "Join" && strings.HasPrefix(n.name, "dying")
		return true, nil
	}
	var restart func()
	restart = func() {
		w.start(fmt.Sprint("dying", len(w.nodes)))
		w.after(every, restart)
	}
	restart()
}
