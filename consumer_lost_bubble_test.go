package kin_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/lease"
)

// TestConsumerLosesAShard takes a lease away from a worker that lives, as a reset by force does.
// The worker is still trusted: so nothing but the row tells it.
func TestConsumerLosesAShard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t, 1)
		causes := make(chan error, 1)
		var deliveries book
		w := g.start(kin.HandlerFunc(func(ctx context.Context, b *kin.Batch) error {
			deliveries.notef("epoch %d: %s", b.Epoch, data(b))
			if b.Epoch > 1 {
				return nil
			}
			<-ctx.Done() // fails the test by a deadlock if nobody cancels it
			causes <- context.Cause(ctx)
			b.AckAll() // too late
			return nil
		}))
		time.Sleep(5 * time.Second)
		g.put("a", "b")
		time.Sleep(5 * time.Second)

		taken := g.lease(0)
		next := taken
		next.Owner, next.Epoch = "", taken.Epoch+1
		results, err := g.store.Update(t.Context(), "billing", []lease.Change{lease.Set(taken, next)})
		if err != nil || !results[0].Made {
			t.Fatalf("taking the lease: %+v, error %v", results, err)
		}
		select {
		case cause := <-causes:
			if !errors.Is(cause, kin.ErrLeaseLost) {
				t.Errorf("the cause is %v, want %v", cause, kin.ErrLeaseLost)
			}
		case <-time.After(6 * time.Second): // two polls
			t.Error("the handler of the lost shard is still at work, its context not cancelled")
		}
		time.Sleep(10 * time.Second)
		// Nobody else is there, so the worker takes the shard again, from the checkpoint on.
		deliveries.wants(t, "epoch 1: a b", "epoch 3: a b")
		w.end()
		if got, want := g.checkpoint(0), g.position("b"); got != want {
			t.Errorf("checkpoint = %s, want %s", got, want)
		}
	})
}
