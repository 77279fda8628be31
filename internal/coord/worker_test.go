package coord_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/lease"
)

// Beat implements lease.Store.
func (k killable) Beat(ctx context.Context, group string, w lease.Worker) (lease.Worker, error) {
	if k.f.killed() {
		return w, errKilled
	}
	return k.Store.Beat(ctx, group, w)
}

// Update implements lease.Store.
func (k killable) Update(ctx context.Context, group string, changes []lease.Change) ([]lease.Result, error) {
	if k.f.killed() {
		return nil, errKilled
	}
	return k.Store.Update(ctx, group, changes)
}

// Drain implements lease.Store.
func (k killable) Drain(ctx context.Context, group, worker string, draining bool) error {
	if k.f.killed() {
		return errKilled
	}
	return k.Store.Drain(ctx, group, worker, draining)
}

// Forget implements lease.Store.
func (k killable) Forget(ctx context.Context, group, worker string, beat int64) (bool, error) {
	if k.f.killed() {
		return false, errKilled
	}
	return k.Store.Forget(ctx, group, worker, beat)
}

func TestWorkers(t *testing.T) {
	t.Parallel()
	t.Run("share evenly within 5 seconds, and leave within a second", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, 100)
			for i := range 10 {
				b.start(fmt.Sprint("w", i))
			}
			t.Logf("shared after %v", b.until(5*time.Second, "all shards are shared evenly", b.even))
			b.stop()
			for _, f := range b.workers {
				if f.err != nil {
					t.Errorf("Run of %s = %v, want nil", f.name, f.err)
				}
			}
			s, err := b.store.Load(t.Context(), group)
			if err != nil || len(s.Workers) != 0 {
				t.Errorf("workers after the end = %v, error %v, want none", s.Workers, err)
			}
		})
	})
}
