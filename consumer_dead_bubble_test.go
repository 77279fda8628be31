package kin_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/lease/leasetest"
)

func TestConsumerPassesOverRecords(t *testing.T) {
	t.Parallel()

	skip := func(attempts int) func(*kin.ConsumerConfig) {
		return func(cfg *kin.ConsumerConfig) { cfg.WhenFailed, cfg.MaxAttempts = kin.SkipBatch, attempts }
	}

	t.Run("each after attempts of its own", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("bad1", "bad2", "c")
			var b book
			w := g.start(brittle(&b, map[string]int{"bad1": -1, "bad2": -1}), skip(2))
			time.Sleep(time.Minute)
			w.end()
			b.wants(t, "bad1!", "bad1!", "bad2!", "bad2!", "c")
		})
	})

	t.Run("not if it is stopped before their place has them", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "bad")
			w := g.start(brittle(&book{}, map[string]int{"bad": -1}), skip(1), func(cfg *kin.ConsumerConfig) {
				cfg.DeadLetter = kin.HandlerFunc(func(context.Context, *kin.Batch) error { return errors.New("the queue is full") })
			})
			time.Sleep(time.Minute)
			w.end()
			if got, want := g.checkpoint(0), g.position("a"); got != want {
				t.Errorf("checkpoint = %s, want %s", got, want)
			}
			var b book
			w = g.start(&b)
			time.Sleep(10 * time.Second)
			w.end()
			b.wants(t, "bad")
		})
	})

	t.Run("whose place is asked again at once when it was interrupted", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("bad")
			var b book
			calls := 0
			w := g.start(brittle(&book{}, map[string]int{"bad": -1}), skip(1), func(cfg *kin.ConsumerConfig) {
				cfg.RetryWait, cfg.MaxRetryWait = time.Hour, time.Hour
				cfg.DeadLetter = kin.HandlerFunc(func(ctx context.Context, _ *kin.Batch) error {
					if calls++; calls == 1 {
						<-ctx.Done()
						return ctx.Err()
					}
					b.notef("has it at call %d", calls)
					return nil
				})
			})
			time.Sleep(5 * time.Second)
			w.store.SetOutage(leasetest.Refusing)
			time.Sleep(15 * time.Second)
			w.store.SetOutage(leasetest.Up)
			time.Sleep(15 * time.Second)
			w.end()
			b.wants(t, "has it at call 2")
		})
	})
}
