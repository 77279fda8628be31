package coord_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/internal/coord"
)

// A wall clock that is set forward, or a machine that was suspended: the time counts for the
// worker's own trust, and not for its judgement of others.
func TestJumps(t *testing.T) {
	t.Parallel()
	t.Run("a worker does not trust its leases after one, until a heartbeat is answered", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, 4)
			defer b.stop()
			b.startAll(2, 0)
			time.Sleep(20 * time.Second) // in a bubble
			f := b.workers[0]
			f.w.Jump(8 * time.Second)
			if f.w.Status().Trusted {
				t.Error("it is trusted for 0.7 TTL by the monotonic clock, want by the one that advanced more")
			}
			b.until(time.Second, "it is trusted again", func() bool { return f.w.Status().Trusted && b.even() })
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.notes[coord.TrustLapsed] != 1 || f.notes[coord.TrustBack] != 1 {
				t.Errorf("notes = %v, want that trust has lapsed and come back", f.notes)
			}
		})
	})
	t.Run("a worker forgets nobody because of many", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, 4)
			defer b.stop()
			b.startAll(2, 0)
			time.Sleep(20 * time.Second) // in a bubble
			dead, f := b.workers[0], b.workers[1]
			dead.kill()
			for range 8 { // a second and a half each, within four
				f.w.Jump(3 * ttl / 20)
				time.Sleep(500 * time.Millisecond) // in a bubble
			}
			if s, err := b.store.Load(t.Context(), group); err != nil || len(s.Workers) != 2 {
				t.Errorf("workers %v, error %v; want both: 0.85 TTL can't have passed", s.Workers, err)
			}
			b.until(ttl, "its leases are taken", b.even)
		})
	})
}
