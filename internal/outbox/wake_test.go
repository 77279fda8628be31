package outbox_test

import (
	"testing"

	"github.com/kinstream/kin/internal/outbox"
)

// TestWhoWakesForNothing offers records while no call may begin: Next needs to know that there are some, and no more.
func TestWhoWakesForNothing(t *testing.T) {
	t.Parallel()
	wakes := func(r *rig, shard int) bool {
		r.Helper()
		w, wake, err := r.offer(in(shard, 0), 300)
		if w != nil || err != nil {
			r.Fatalf("offer = %v, %v, want the record accepted", w, err)
		}
		return wake
	}
	quiet := func(r *rig) {
		r.Helper()
		if !wakes(r, 0) {
			r.Error("the first record does not wake, so nobody knows of it")
		}
		r.idle()
		for i := range 40 { // full entries, full calls, other lanes, and such that have waited for long
			r.now += ms
			if wakes(r, i%4) {
				r.Fatalf("record %d wakes, want none to: no call may begin", i)
			}
		}
	}
	t.Run("while all calls are out", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, packs(outbox.ByShard, 1000), func(cfg *outbox.Config, limits *outbox.SpaceLimits) {
			cfg.MaxCallRecords, limits.Calls = 2, 1
		})
		r.put(in(3, 0), 10, 1)
		r.now += 100 * ms
		c := r.call()
		r.idle()
		quiet(r)
		r.done(c)
		r.call()
	})
	t.Run("while the stream stands still", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, packs(outbox.ByShard, 1000), atOnce)
		r.put(in(3, 0), 10, 1)
		c := r.call()
		r.end(c, &outbox.Failure{Retryable: true}, nil)
		until := r.idle()
		for i := range 40 {
			if wakes(r, i%4) {
				t.Fatalf("record %d wakes, want none to: no call may begin", i)
			}
		}
		r.now = until
		r.call()
	})
	t.Run("while the first view is awaited", func(t *testing.T) {
		t.Parallel()
		r := firstRig(t, nil)
		r.now += 200 * ms
		r.idle()
		for i := range 40 {
			if wakes(r, i%4) {
				t.Fatalf("record %d wakes, want none to: no call may begin", i)
			}
		}
		r.o.Unlearned(r.now)
		r.call()
	})
	t.Run("but for what gathers alone", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		if !wakes(r, 0) {
			t.Error("the first record does not wake")
		}
	})
}
