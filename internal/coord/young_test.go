package coord_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/coord"
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
