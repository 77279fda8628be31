package kin_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
)

func TestConsumer(t *testing.T) {
	t.Parallel()

	t.Run("handles every record of all shards, and goes on where it stopped", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 4)
			var b book
			var want []string
			for round := range 3 {
				w := g.start(&b)
				for i := range 50 {
					want = append(want, fmt.Sprintf("%d-%d", round, i))
					g.put(want[len(want)-1])
				}
				time.Sleep(5 * time.Second)
				w.end()
			}
			b.wantsAny(t, want...)
		})
	})

	t.Run("gives a batch all that is known of it", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "b")
			var b book
			w := g.start(kin.HandlerFunc(func(ctx context.Context, batch *kin.Batch) error {
				b.notef("%s %s %s %d %d %v %v: %s %s", batch.Stream, batch.StreamARN, batch.Shard, batch.Epoch, batch.Attempt,
					batch.Err, ctx.Err(), data(batch), batch.Records[0].PartitionKey)
				return nil
			}))
			time.Sleep(5 * time.Second)
			w.end()
			b.wants(t, "orders arn:aws:kinesis:us-east-1:000000000000:stream/orders shardId-000000000000 1 1 <nil> <nil>: a b key a")
		})
	})

	t.Run("keeps the order of each shard, one batch at a time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			var want []string
			for i := range 100 {
				want = append(want, fmt.Sprint(i))
			}
			g.put(want...)
			var b book
			busy := false
			w := g.start(kin.HandlerFunc(func(ctx context.Context, batch *kin.Batch) error {
				if busy || len(batch.Records) > 7 {
					t.Errorf("busy = %v, %d records; want one batch of up to 7 at a time", busy, len(batch.Records))
				}
				busy = true
				time.Sleep(time.Second)
				busy = false
				return b.Handle(ctx, batch)
			}), func(cfg *kin.ConsumerConfig) { cfg.MaxBatchRecords = 7 })
			time.Sleep(time.Minute)
			w.end()
			b.wants(t, want...)
		})
	})

	t.Run("shares the shards with the others of its group, and hands them over when it stops", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 6)
			var all book
			first := g.start(&all)
			time.Sleep(10 * time.Second)
			second := g.start(&all)
			third := g.start(&all)
			time.Sleep(20 * time.Second)
			for i, w := range []*worker{first, second, third} {
				if n := len(w.Shards()); n != 2 {
					t.Errorf("worker %d reads %d of 6 shards, want 2", i, n)
				}
			}
			var want []string
			for i := range 60 {
				want = append(want, fmt.Sprint(i))
				g.put(fmt.Sprint(i))
				time.Sleep(100 * time.Millisecond)
				switch i {
				case 20:
					first.end()
				case 40:
					third.end()
				}
			}
			time.Sleep(5 * time.Second)
			if n := len(second.Shards()); n != 6 {
				t.Errorf("the last worker reads %d of 6 shards, want all", n)
			}
			second.end()
			all.wantsAny(t, want...) // none twice
		})
	})

	t.Run("keeps groups apart", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 2)
			g.put("a", "b")
			var one, other book
			w1 := g.start(&one)
			w2 := g.start(&other, func(cfg *kin.ConsumerConfig) { cfg.Group = "search" })
			time.Sleep(5 * time.Second)
			w1.end()
			w2.end()
			one.wantsAny(t, "a", "b")
			other.wantsAny(t, "a", "b")
		})
	})

	t.Run("runs once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			w := g.start(&book{})
			time.Sleep(time.Second)
			if err := w.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "called before") {
				t.Errorf("second Run while running: %v, want an error", err)
			}
			if w.WorkerID() == "" || !strings.HasPrefix(w.WorkerID(), "w-") {
				t.Errorf("worker ID = %q, want w- and something", w.WorkerID())
			}
			w.end()
			if err := w.Run(t.Context()); err == nil {
				t.Error("second Run after the first: no error")
			}
			if w.WorkerID() != "" || w.Shards() != nil {
				t.Errorf("after Run: ID %q, shards %v, want none", w.WorkerID(), w.Shards())
			}
		})
	})

	t.Run("tells how its shards are doing", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "b", "c")
			w := g.start(kin.EachRecord(func(_ context.Context, r kin.Record) error {
				if string(r.Data) == "b" {
					return errHandler
				}
				return nil
			}))
			time.Sleep(time.Minute)
			s := w.Shards()[0]
			if s.Records != 1 || s.Unacked != 2 || s.HandlerFailures < 3 || !errors.Is(s.HandlerErr, errHandler) || s.Failures != 0 ||
				s.Position.String() != g.position("a") || time.Since(s.StuckSince) < 50*time.Second || s.Lag != 0 || s.Stopping {
				t.Errorf("status = %+v, want 1 record done, stuck with 2 since the beginning", s)
			}
			w.end()
			if got := g.checkpoint(0); got != g.position("a") {
				t.Errorf("checkpoint = %s, want %s", got, g.position("a"))
			}
		})
	})
}

func TestConsumerStarts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from func(time.Time) kin.Position
		want []string
	}{
		"at the oldest record": {func(time.Time) kin.Position { return kin.TrimHorizon() }, []string{"old", "newer", "newest", "later"}},
		"by default at the oldest record": {
			func(time.Time) kin.Position { return kin.Position{} },
			[]string{"old", "newer", "newest", "later"},
		},
		"at a time":          {kin.AtTimestamp, []string{"newer", "newest", "later"}},
		"at what comes next": {func(time.Time) kin.Position { return kin.Latest() }, []string{"later"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGroup(t, 2)
				g.put("old")
				if _, err := g.server.SplitShard("orders", string(shardID(0))); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Minute)
				middle := time.Now()
				g.put("newer")
				if err := g.server.Reshard("orders", 4); err != nil {
					t.Fatal(err)
				}
				g.put("newest")
				time.Sleep(10 * time.Minute)
				var b book
				w := g.start(&b, func(cfg *kin.ConsumerConfig) { cfg.From = tt.from(middle) })
				time.Sleep(10 * time.Second)
				w.end() // before a record came at LATEST: it is resolved nevertheless
				g.put("later")
				w = g.start(&b, func(cfg *kin.ConsumerConfig) { cfg.From = tt.from(middle) })
				time.Sleep(10 * time.Second)
				w.end()
				b.wantsAny(t, tt.want...)
			})
		})
	}
}
