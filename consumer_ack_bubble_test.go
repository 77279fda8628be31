package kin_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/aggregate"
	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/memstore"
)

// shelf takes batches over and keeps them until they are acknowledged one by one.
type shelf struct {
	mu      sync.Mutex
	batches []*kin.Batch
	records []string
	ctx     context.Context //nolint:containedctx // that of the last batch, which outlives its call
}

func (s *shelf) Handle(ctx context.Context, b *kin.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches, s.ctx = append(s.batches, b), ctx
	for _, r := range b.Records {
		s.records = append(s.records, string(r.Data))
	}
	return nil
}

// ack acknowledges the record with these data.
func (s *shelf) ack(data ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range data {
		for _, b := range s.batches {
			if i := slices.IndexFunc(b.Records, func(r kin.Record) bool { return string(r.Data) == d }); i >= 0 {
				b.Ack(i)
			}
		}
	}
}

func (s *shelf) wants(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.records, want) {
		t.Errorf("delivered %q, want %q", s.records, want)
	}
}

func manual(cfg *kin.ConsumerConfig) { cfg.ManualAcks, cfg.CheckpointEvery = true, time.Second }

func TestConsumerManualAcks(t *testing.T) {
	t.Parallel()

	t.Run("checkpoints what is acknowledged without a gap", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "b", packed("c", "d", "e"), "f")
			var s shelf
			w := g.start(&s, manual)
			time.Sleep(5 * time.Second)
			s.wants(t, "a", "b", "c", "d", "e", "f")
			seq := strings.TrimPrefix(g.position(packed("c", "d", "e")), "AFTER_")
			for _, step := range []struct{ ack, want string }{
				{"b", "TRIM_HORIZON"},
				{"a", g.position("b")},
				{"e", g.position("b")},
				{"c", "AFTER_" + seq + ":0"},
				{"c", "AFTER_" + seq + ":0"},
				{"d", "AFTER_" + seq + ":2"},
				{"f", g.position("f")},
			} {
				s.ack(step.ack)
				time.Sleep(3 * time.Second)
				if got := g.checkpoint(0); got != step.want {
					t.Errorf("after %s: checkpoint = %s, want %s", step.ack, got, step.want)
				}
			}
			w.end()
			s.wants(t, "a", "b", "c", "d", "e", "f")
		})
	})

	t.Run("goes on inside an aggregated record after a crash", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put(packed("a", "b", "c"))
			var s, again shelf
			w := g.start(&s, manual, func(cfg *kin.ConsumerConfig) { cfg.ShutdownTimeout = time.Second })
			time.Sleep(5 * time.Second)
			s.ack("a", "c")
			w.stop()
			if err := <-w.done; !errors.Is(err, kin.ErrShutdown) {
				t.Errorf("Run: %v, want an error that wraps ErrShutdown: b was not acknowledged", err)
			}
			w = g.start(&again, manual)
			time.Sleep(5 * time.Second)
			again.wants(t, "b", "c")
			again.ack("b", "c")
			w.end()
		})
	})

	t.Run("delivers no more than may be outstanding", func(t *testing.T) {
		t.Parallel()
		for name, limit := range map[string]func(*kin.ConsumerConfig){
			"records": func(cfg *kin.ConsumerConfig) { cfg.MaxUnackedRecords = 7 },
			"bytes":   func(cfg *kin.ConsumerConfig) { cfg.MaxUnackedBytes = 7*(3+7) + 5 },
		} {
			synctest.Test(t, func(t *testing.T) {
				g := newGroup(t, 1)
				var all []string
				for i := range 30 {
					all = append(all, fmt.Sprintf("%03d", i))
				}
				g.put(all...)
				var s shelf
				w := g.start(&s, manual, limit, func(cfg *kin.ConsumerConfig) { cfg.MaxBatchRecords = 1 })
				time.Sleep(time.Minute)
				s.wants(t, all[:7]...)
				s.ack(all[1:7]...) // all but the first
				time.Sleep(time.Minute)
				s.wants(t, all[:7]...)
				if o := w.Shards()[0]; o.Unacked != 1 || time.Since(o.StuckSince) < time.Minute {
					t.Errorf("%s: status = %+v, want stuck with 1", name, o)
				}
				s.ack(all[0])
				time.Sleep(time.Second)
				s.wants(t, all[:14]...)
				for i := range all {
					s.ack(all[i])
					time.Sleep(100 * time.Millisecond)
				}
				w.end()
				s.wants(t, all...)
			})
		}
	})

	t.Run("waits for what is outstanding when a shard is handed over", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "b")
			var s, next shelf
			stopping := make(chan struct{})
			w := g.start(&s, manual, func(cfg *kin.ConsumerConfig) {
				cfg.Hooks.ShardStopping = func(kin.LeaseInfo) { close(stopping) }
			})
			time.Sleep(5 * time.Second)
			other := g.start(&next, manual)
			time.Sleep(5 * time.Second)
			s.ack("a")
			w.stop()
			<-stopping
			time.Sleep(5 * time.Second)
			next.wants(t)
			if err := s.ctx.Err(); err != nil {
				t.Errorf("the context of the handler ended: %v", err)
			}
			s.ack("b")
			if err := <-w.done; err != nil {
				t.Errorf("Run: %v", err)
			}
			if !errors.Is(context.Cause(s.ctx), kin.ErrLeaseLost) {
				t.Errorf("after the hand-over the context says %v, want ErrLeaseLost", context.Cause(s.ctx))
			}
			g.put("c")
			time.Sleep(5 * time.Second)
			next.wants(t, "c")
			next.ack("c")
			other.end()
		})
	})

	t.Run("waits for what is outstanding at the end of a shard", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "b")
			if _, err := g.server.SplitShard("orders", string(shardID(0))); err != nil {
				t.Fatal(err)
			}
			g.put("child")
			var s shelf
			w := g.start(&s, manual)
			time.Sleep(time.Minute)
			s.ack("b")
			time.Sleep(time.Minute)
			s.wants(t, "a", "b")
			if got := g.checkpoint(0); got != "TRIM_HORIZON" {
				t.Errorf("checkpoint = %s, want none", got)
			}
			s.ack("a")
			time.Sleep(5 * time.Second)
			s.wants(t, "a", "b", "child")
			if got := g.checkpoint(0); got != "SHARD_END" {
				t.Errorf("checkpoint = %s, want SHARD_END", got)
			}
			s.ack("child")
			w.end()
		})
	})

	t.Run("ignores what is acknowledged too late", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "b")
			var s, next shelf
			w := g.start(&s, manual)
			time.Sleep(5 * time.Second)
			w.store.SetOutage(1) // longer than it takes others to find it dead
			other := g.start(&next, manual)
			time.Sleep(30 * time.Second)
			if !errors.Is(context.Cause(s.ctx), kin.ErrLeaseLost) {
				t.Errorf("the context says %v, want ErrLeaseLost", context.Cause(s.ctx))
			}
			w.store.SetOutage(0)
			time.Sleep(5 * time.Second)
			s.ack("a", "b")
			if err := s.batches[0].Checkpoint(t.Context()); !errors.Is(err, kin.ErrLeaseLost) {
				t.Errorf("Checkpoint: %v, want ErrLeaseLost", err)
			}
			time.Sleep(5 * time.Second)
			next.wants(t, "a", "b")
			if got := g.checkpoint(0); got != "TRIM_HORIZON" {
				t.Errorf("checkpoint = %s, want that of the new owner", got)
			}
			next.ack("a", "b")
			w.end()
			other.end()
		})
	})

	t.Run("takes acknowledgements of any goroutine in any order", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 2)
			var want []string
			for i := range 500 {
				want = append(want, fmt.Sprint(i))
			}
			g.put(want...)
			var b book
			var work sync.WaitGroup
			defer work.Wait()
			w := g.start(kin.HandlerFunc(func(_ context.Context, batch *kin.Batch) error {
				for i, r := range batch.Records {
					work.Go(func() {
						time.Sleep(rand.N(time.Second))
						b.notef("%s", r.Data)
						batch.Ack(i)
					})
				}
				return nil
			}), manual, func(cfg *kin.ConsumerConfig) { cfg.MaxBatchRecords, cfg.MaxUnackedRecords = 13, 50 })
			time.Sleep(time.Minute)
			w.end()
			b.wantsAny(t, want...)
			for shard := range 2 {
				var last string
				for _, r := range g.server.Records("orders") {
					if r.ShardID == string(shardID(shard)) {
						last = string(r.Data)
					}
				}
				if got := g.checkpoint(shard); got != g.position(last) {
					t.Errorf("checkpoint of shard %d = %s, want %s", shard, got, g.position(last))
				}
			}
		})
	})

	// The batches that tests of handlers make belong to no shard.
	t.Run("does nothing with a batch that a test made", func(t *testing.T) {
		t.Parallel()
		b := &kin.Batch{Records: []kin.Record{{Data: []byte("a")}}}
		b.Ack(0)
		b.AckAll()
		if err := b.Checkpoint(t.Context()); err != nil {
			t.Errorf("Checkpoint: %v", err)
		}
	})
}

func TestConsumerCheckpoints(t *testing.T) {
	t.Parallel()

	// put one record a second for a while, and return how often checkpoints were stored
	stored := func(t *testing.T, d time.Duration, configure ...func(*kin.ConsumerConfig)) int {
		t.Helper()
		g := newGroup(t, 1)
		w := g.start(&book{}, configure...)
		time.Sleep(10 * time.Second)
		before := g.lease(0).Revision
		for i := range int(d.Seconds()) {
			g.put(fmt.Sprint(i))
			time.Sleep(time.Second)
		}
		n := int(g.lease(0).Revision - before)
		w.end()
		return n
	}

	t.Run("are stored once a minute", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			if n := stored(t, 10*time.Minute); n < 9 || n > 10 {
				t.Errorf("%d checkpoints in 10 minutes, want 9 to 10", n)
			}
		})
	})

	t.Run("are stored as often as is wanted", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			if n := stored(t, time.Minute, func(cfg *kin.ConsumerConfig) { cfg.CheckpointEvery = 5 * time.Second }); n < 10 || n > 12 {
				t.Errorf("%d checkpoints in a minute, want 10 to 12", n)
			}
		})
	})

	t.Run("are stored after a number of records", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			every := func(cfg *kin.ConsumerConfig) { cfg.CheckpointEvery, cfg.CheckpointRecords = time.Hour, 20 }
			// One more may be stored in this hour because of the time: at a moment that chance decides.
			if n := stored(t, 201*time.Second, every); n < 10 || n > 11 {
				t.Errorf("%d checkpoints for 201 records, want 10 or 11", n)
			}
		})
	})

	t.Run("pass what is left out after the last record", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(2)
			var other aggregate.Builder
			for range 2 {
				other.Add(aggregate.UserRecord{PartitionKey: "k", ExplicitHashKey: hashkey.Max().String(), Data: []byte("of the other shard")})
			}
			f.put(0, "a", string(other.Pack(nil).Data))
			g, store, b := &group{t: t}, memstore.New(), new(book)
			w := g.run(g.fake(f, b, func(cfg *kin.ConsumerConfig) {
				cfg.Store, cfg.WhenOutOfRange, cfg.MaxBatchRecords = store, kin.DropOutOfRange, 2
			}))
			time.Sleep(10 * time.Second)
			w.end()
			b.wants(t, "a")
			s, err := store.Load(t.Context(), "billing")
			last := *f.shards[0].records[1].SequenceNumber
			if want := lease.Checkpoint("AFTER_SEQUENCE_NUMBER:" + last); err != nil || s.Leases[0].Checkpoint != want {
				t.Errorf("leases %+v, error %v; want the first one at %s", s.Leases, err, want)
			}
		})
	})

	t.Run("are not stored while nothing comes", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 4)
			w := g.start(&book{})
			time.Sleep(10 * time.Second)
			before := w.store.Calls("Update")
			time.Sleep(20 * time.Minute)
			if n := w.store.Calls("Update") - before; n != 0 {
				t.Errorf("%d changes of leases while nothing came, want none", n)
			}
			w.end()
		})
	})

	t.Run("are stored at once by the handler, with what it has acknowledged", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "b", "c")
			var b book
			w := g.start(kin.HandlerFunc(func(ctx context.Context, batch *kin.Batch) error {
				batch.Ack(0)
				batch.Ack(1)
				began := time.Now()
				if err := batch.Checkpoint(ctx); err != nil {
					t.Error(err)
				}
				b.notef("%v %v", g.checkpoint(0) == g.position("b"), time.Since(began) < time.Second)
				return nil
			}))
			time.Sleep(5 * time.Second)
			b.wants(t, "true true")
			w.end()
			if got := g.checkpoint(0); got != g.position("c") {
				t.Errorf("checkpoint at the stop = %s, want %s", got, g.position("c"))
			}
		})
	})

	t.Run("can be inside an aggregated record that makes several batches", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			pack := packed("a", "b", "c", "d", "e")
			g.put(pack)
			var b book
			w := g.start(kin.HandlerFunc(func(ctx context.Context, batch *kin.Batch) error {
				if data(batch) == "c d" {
					return errHandler
				}
				return b.Handle(ctx, batch)
			}), func(cfg *kin.ConsumerConfig) { cfg.MaxBatchRecords = 2 })
			time.Sleep(5 * time.Second)
			w.end()
			b.wants(t, "a", "b")
			if got, want := g.checkpoint(0), g.position(pack)+":1"; got != want {
				t.Errorf("checkpoint = %s, want %s", got, want)
			}
			w = g.start(&b)
			time.Sleep(5 * time.Second)
			w.end()
			b.wants(t, "a", "b", "c", "d", "e")
		})
	})

	t.Run("are behind what a handler has in hand", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "b")
			w := g.start(kin.HandlerFunc(func(context.Context, *kin.Batch) error {
				time.Sleep(10 * time.Second)
				return nil
			}), func(cfg *kin.ConsumerConfig) { cfg.CheckpointEvery, cfg.MaxBatchRecords = time.Second, 1 })
			time.Sleep(9 * time.Second)
			if got := g.checkpoint(0); got != "TRIM_HORIZON" {
				t.Errorf("checkpoint while the first record is handled = %s, want none", got)
			}
			time.Sleep(10 * time.Second)
			if got := g.checkpoint(0); got != g.position("a") {
				t.Errorf("checkpoint while the second record is handled = %s, want after the first", got)
			}
			w.end()
		})
	})
}
