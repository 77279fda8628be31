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

	t.Run("all of a batch, if the one that is to blame is none of it", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			for _, index := range []int{2, -1} {
				g := newGroup(t, 1)
				g.put("a", "b")
				var log book
				w := g.start(kin.HandlerFunc(func(context.Context, *kin.Batch) error {
					return &kin.RecordError{Index: index, Err: errHandler}
				}), skip(1), func(cfg *kin.ConsumerConfig) {
					cfg.Hooks.BatchSkipped = func(i kin.SkipInfo) { log.notef("%d records", len(i.Records)) }
				})
				time.Sleep(10 * time.Second)
				w.end()
				log.wants(t, "2 records")
			}
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

	t.Run("whose place is asked again only for those that it does not have", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "b", "c")
			var b, log book
			fails := func(context.Context, *kin.Batch) error { return errHandler }
			w := g.start(kin.HandlerFunc(fails), skip(1), func(cfg *kin.ConsumerConfig) {
				cfg.DeadLetter = brittle(&b, map[string]int{"b": 1, "c": 2})
				cfg.Hooks.BatchSkipped = func(i kin.SkipInfo) { log.notef("%d records", len(i.Records)) }
			})
			time.Sleep(time.Minute)
			skipped := w.Shards()[0].Skipped
			w.end()
			b.wants(t, "a", "b!", "b", "c!", "c!", "c")
			log.wants(t, "3 records")
			if skipped != 3 {
				t.Errorf("skipped = %d, want 3", skipped)
			}
			if got, want := g.checkpoint(0), g.position("c"); got != want {
				t.Errorf("checkpoint = %s, want %s", got, want)
			}
		})
	})

	t.Run("none, if their place has them all and fails nevertheless", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "b")
			var b book
			fails := func(context.Context, *kin.Batch) error { return errHandler }
			w := g.start(kin.HandlerFunc(fails), skip(1), func(cfg *kin.ConsumerConfig) {
				cfg.DeadLetter = kin.HandlerFunc(func(_ context.Context, batch *kin.Batch) error {
					b.notef("%s", data(batch))
					batch.AckAll()
					return errHandler
				})
			})
			time.Sleep(time.Minute)
			w.end()
			b.wants(t, "a b")
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
