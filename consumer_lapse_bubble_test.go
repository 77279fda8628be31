package kin_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/lease/leasetest"
	"github.com/kinstream/kin/memstore"
)

// read returns what was delivered, the first batch, and the context of the last one.
func (s *shelf) read() (records []string, first *kin.Batch, ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.records), s.batches[0], s.ctx
}

// What happens to records that are in somebody's hands when the trust ends, or the shard is
// given up.
func TestConsumerRecordsInHand(t *testing.T) {
	t.Parallel()

	for name, parallel := range map[string]int{"one batch at a time": 1, "in lanes": 3} {
		t.Run("are delivered again after a lapse, if they were handed out before and are not acknowledged: "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGroup(t, 1)
				var s shelf
				w := g.start(&s, manual, func(cfg *kin.ConsumerConfig) {
					cfg.Parallel, cfg.MaxBatchRecords, cfg.MaxUnackedRecords = parallel, 1, 3
				})
				time.Sleep(5 * time.Second)
				for _, d := range []string{"a", "b", "c", "d"} { // d does not fit any more
					g.put(d)
					time.Sleep(time.Second)
				}
				w.store.SetOutage(leasetest.Refusing)
				time.Sleep(15 * time.Second)
				records, first, ctx := s.read()
				if !errors.Is(context.Cause(ctx), kin.ErrLeaseLost) {
					t.Fatalf("the context says %v, want ErrLeaseLost", context.Cause(ctx))
				}
				s.ack("a", "c") // was done in spite of that; b is dropped
				if len(records) != 3 {
					t.Errorf("delivered %q, want three", records)
				}
				w.store.SetOutage(leasetest.Up)
				time.Sleep(10 * time.Second)
				if err := first.Checkpoint(t.Context()); !errors.Is(err, kin.ErrLeaseLost) {
					t.Errorf("Checkpoint of a batch that was called back: %v, want ErrLeaseLost", err)
				}
				s.ack("b")
				time.Sleep(3 * time.Second)
				s.ack("c", "d")
				time.Sleep(3 * time.Second)
				if got := g.checkpoint(0); got != g.position("d") {
					t.Errorf("checkpoint = %s, want %s", got, g.position("d"))
				}
				got, _, _ := s.read()
				slices.Sort(got)
				if !slices.Equal(slices.Compact(slices.Clone(got)), []string{"a", "b", "c", "d"}) || len(got) > 6 || got[2] != "b" {
					t.Errorf("delivered %q, want b twice, and of the others only c", got)
				}
				w.end()
			})
		})
	}

	t.Run("are delivered again after a lapse, if the handler returns when it is over", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a")
			var b book
			w := g.start(kin.HandlerFunc(func(ctx context.Context, batch *kin.Batch) error {
				b.notef("%s, attempt %d", data(batch), batch.Attempt)
				if batch.Attempt == 1 {
					<-ctx.Done()
					time.Sleep(time.Minute) // the store is back by then
					return nil              // and nobody acknowledges
				}
				batch.AckAll()
				return nil
			}), manual)
			time.Sleep(5 * time.Second)
			w.store.SetOutage(leasetest.Refusing)
			time.Sleep(15 * time.Second)
			w.store.SetOutage(leasetest.Up)
			time.Sleep(2 * time.Minute)
			b.wants(t, "a, attempt 1", "a, attempt 2")
			w.end()
		})
	})

	t.Run("are given to another worker after ShutdownTimeout, if the shard is to be handed over", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 2)
			var kept, got shelf
			w := g.start(&kept, manual, func(cfg *kin.ConsumerConfig) { cfg.ShutdownTimeout = 5 * time.Second })
			time.Sleep(5 * time.Second)
			for i := range 10 {
				g.put(fmt.Sprint(i))
			}
			time.Sleep(5 * time.Second)
			other := g.start(&got, manual)
			time.Sleep(20 * time.Second)
			if got.mu.Lock(); len(got.records) == 0 {
				t.Error("nothing was handed over")
			}
			got.mu.Unlock()
			for i := range 10 {
				kept.ack(fmt.Sprint(i))
				got.ack(fmt.Sprint(i))
			}
			w.end()
			other.end()
		})
	})

	t.Run("are not called back after a lapse, if none is left", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := &group{t: t}
			f := newFakeStream(1)
			store := leasetest.NewFaulty(memstore.New())
			var s shelf
			w := g.run(g.fake(f, &s, manual, func(cfg *kin.ConsumerConfig) { cfg.Store = store }))
			time.Sleep(5 * time.Second)
			f.put(0, "a")
			time.Sleep(5 * time.Second)
			s.ack("a")
			store.SetOutage(leasetest.Refusing)
			time.Sleep(15 * time.Second)
			store.SetOutage(leasetest.Up)
			time.Sleep(15 * time.Second)
			if n := f.count("GetShardIterator"); n != 1 {
				t.Errorf("%d iterators, want one: the shard was begun anew", n)
			}
			s.wants(t, "a")
			w.end()
		})
	})

	t.Run("are waited for at the end of a shard, also if they are acknowledged already", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a")
			if _, err := g.server.SplitShard("orders", string(shardID(0))); err != nil {
				t.Fatal(err)
			}
			g.put("b", "c")
			var handling atomic.Bool
			var b book
			w := g.start(kin.HandlerFunc(func(ctx context.Context, batch *kin.Batch) error {
				if data(batch) != "a" {
					if handling.Load() {
						t.Error("a child is handled while its parent still is")
					}
					return b.Handle(ctx, batch)
				}
				handling.Store(true)
				defer handling.Store(false)
				batch.AckAll()
				time.Sleep(20 * time.Second)
				b.notef("a %v", ctx.Err())
				return nil
			}), func(cfg *kin.ConsumerConfig) { cfg.Parallel = 2 })
			time.Sleep(30 * time.Second)
			w.end()
			if handling.Load() {
				t.Error("Run has returned while a handler runs")
			}
			b.wantsAny(t, "a <nil>", "b", "c")
		})
	})

	t.Run("do not count when they are acknowledged after the lease was lost", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			var mu sync.Mutex
			var stopped []kin.LeaseInfo
			var late atomic.Bool
			w := g.start(kin.HandlerFunc(func(ctx context.Context, batch *kin.Batch) error {
				if data(batch) == "late" && late.CompareAndSwap(false, true) {
					<-ctx.Done()
					time.Sleep(10 * time.Second)
					batch.AckAll()
				}
				return nil
			}), func(cfg *kin.ConsumerConfig) {
				cfg.Hooks.ShardStopped = func(i kin.LeaseInfo) {
					mu.Lock()
					defer mu.Unlock()
					stopped = append(stopped, i)
				}
			})
			g.put("a")
			time.Sleep(5 * time.Second)
			g.put("late")
			time.Sleep(5 * time.Second)
			if _, err := g.store.Forget(t.Context(), "billing", w.WorkerID(), -1); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Second)
			want := kin.AfterSequence(kin.SequenceNumber(g.server.Records("orders")[0].SequenceNumber))
			mu.Lock()
			if len(stopped) != 1 || stopped[0].Reason != kin.StoppedByLoss || stopped[0].Position != want {
				t.Errorf("stopped %+v, want one by loss, at %v", stopped, want)
			}
			mu.Unlock()
			w.end()
		})
	})

	t.Run("are in the checkpoint that is asked for while the shard is given up", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a")
			var s shelf
			w := g.start(&s, func(cfg *kin.ConsumerConfig) {
				cfg.ManualAcks = true
				cfg.Hooks.ShardStopped = func(kin.LeaseInfo) { time.Sleep(10 * time.Second) }
			})
			time.Sleep(5 * time.Second)
			w.stop()
			time.Sleep(time.Second)
			s.ack("a")
			synctest.Wait()
			_, first, _ := s.read()
			if err := first.Checkpoint(t.Context()); err != nil {
				t.Errorf("Checkpoint: %v", err)
			}
			if got := g.checkpoint(0); got != g.position("a") {
				t.Errorf("checkpoint = %s, want %s", got, g.position("a"))
			}
			w.end()
		})
	})
}

// A lane that got through the gate just before trust ended asks for its context when another lane works in the next period
// already.
func TestTenureOfAPeriodThatIsOver(t *testing.T) {
	t.Parallel()
	tenure := kin.NewTenure()
	first, end := context.WithCancel(t.Context())
	end()
	current := tenure.Context(t.Context())
	if late := tenure.Context(first); late.Err() == nil {
		t.Error("the context of the period that is over is not cancelled")
	}
	tenure.Lose()
	if !errors.Is(context.Cause(current), kin.ErrLeaseLost) {
		t.Errorf("the context of the current period says %v after the lease was lost, want ErrLeaseLost", context.Cause(current))
	}
}
