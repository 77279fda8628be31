package kin_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/lease/leasetest"
)

func TestConsumerStops(t *testing.T) {
	t.Parallel()

	t.Run("when the batch in hand is finished, and stores its checkpoint", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "b")
			var b book
			w := g.start(kin.HandlerFunc(func(ctx context.Context, batch *kin.Batch) error {
				time.Sleep(10 * time.Second)
				b.notef("%s %v", data(batch), ctx.Err())
				return nil
			}), func(cfg *kin.ConsumerConfig) { cfg.MaxBatchRecords = 1 })
			time.Sleep(3 * time.Second)
			w.end()
			b.wants(t, "a <nil>")
			if got := g.checkpoint(0); got != g.position("a") {
				t.Errorf("checkpoint = %s, want %s", got, g.position("a"))
			}
		})
	})

	t.Run("by cutting handlers off after a time, and keeps what they acknowledged", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "b")
			var b book
			w := g.start(kin.HandlerFunc(func(ctx context.Context, batch *kin.Batch) error {
				batch.Ack(0)
				<-ctx.Done()
				b.notef("%v", context.Cause(ctx))
				return ctx.Err()
			}), func(cfg *kin.ConsumerConfig) { cfg.ShutdownTimeout = 7 * time.Second })
			time.Sleep(3 * time.Second)
			began := time.Now()
			w.stop()
			err := <-w.done
			if took := time.Since(began); !errors.Is(err, kin.ErrShutdown) || !strings.Contains(err.Error(), string(shardID(0))) || took < 7*time.Second || took > 8*time.Second {
				t.Errorf("Run: %v after %v, want ErrShutdown with the shard after 7s", err, took)
			}
			b.wants(t, kin.ErrShutdown.Error())
			if got := g.checkpoint(0); got != g.position("a") {
				t.Errorf("checkpoint = %s, want %s", got, g.position("a"))
			}
			if l := g.lease(0); l.Owner != "" {
				t.Errorf("the lease belongs to %q, want nobody", l.Owner)
			}
		})
	})

	t.Run("not before a handler returns that does not heed its context", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a")
			var handling atomic.Bool
			w := g.start(kin.HandlerFunc(func(context.Context, *kin.Batch) error {
				handling.Store(true)
				time.Sleep(time.Hour)
				handling.Store(false)
				return nil
			}), func(cfg *kin.ConsumerConfig) { cfg.ShutdownTimeout = time.Second })
			time.Sleep(3 * time.Second)
			w.stop()
			if err := <-w.done; !errors.Is(err, kin.ErrShutdown) || handling.Load() {
				t.Errorf("Run: %v, handling = %v; want ErrShutdown when the handler has returned", err, handling.Load())
			}
		})
	})

	for name, tt := range map[string]struct {
		handler   kin.Handler
		configure func(*kin.ConsumerConfig)
		prepare   func(g *group)
	}{
		"while a handler is retried": {
			handler: kin.HandlerFunc(func(context.Context, *kin.Batch) error { return errHandler }),
		},
		"while a handler is retried that acknowledges later": {
			handler:   kin.HandlerFunc(func(context.Context, *kin.Batch) error { return errHandler }),
			configure: manual,
		},
		"while lanes are retried that acknowledge later": {
			handler:   kin.HandlerFunc(func(context.Context, *kin.Batch) error { return errHandler }),
			configure: func(cfg *kin.ConsumerConfig) { cfg.ManualAcks, cfg.Parallel, cfg.MaxBatchRecords = true, 3, 1 },
		},
		"while dead letters can't be delivered": {
			handler: kin.HandlerFunc(func(context.Context, *kin.Batch) error { return errHandler }),
			configure: func(cfg *kin.ConsumerConfig) {
				cfg.WhenFailed, cfg.MaxAttempts = kin.SkipBatch, 1
				cfg.DeadLetter = kin.HandlerFunc(func(context.Context, *kin.Batch) error { return errHandler })
			},
		},
		"while lanes are full": {
			handler:   kin.HandlerFunc(func(context.Context, *kin.Batch) error { return errHandler }),
			configure: func(cfg *kin.ConsumerConfig) { cfg.Parallel, cfg.MaxUnackedRecords, cfg.MaxBatchRecords = 2, 2, 1 },
		},
		"while calls hang": {
			prepare: func(g *group) {
				g.server.Inject(kintest.Fault{Operation: "GetRecords", Delay: time.Hour})
			},
		},
		"while calls fail": {
			prepare: func(g *group) {
				g.server.Inject(kintest.Fault{Operation: "GetRecords", Error: "AccessDeniedException"})
			},
		},
		"while the streams are looked up": {
			prepare: func(g *group) {
				g.server.Inject(kintest.Fault{Operation: "DescribeStreamSummary", Delay: time.Hour})
			},
		},
		"while shards are listed": {
			prepare: func(g *group) { g.server.Inject(kintest.Fault{Operation: "ListShards", Delay: time.Hour}) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGroup(t, 2)
				g.put("a", "b", "c", "d", "e")
				if tt.prepare != nil {
					tt.prepare(g)
				}
				h := tt.handler
				if h == nil {
					h = &book{}
				}
				w := g.start(h, func(cfg *kin.ConsumerConfig) {
					if tt.configure != nil {
						tt.configure(cfg)
					}
				})
				time.Sleep(20 * time.Second)
				began := time.Now()
				w.end()
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("the stop took %v, want at most 2s", took)
				}
			})
		})
	}

	t.Run("at any moment", func(t *testing.T) {
		t.Parallel()
		for i := range 40 {
			synctest.Test(t, func(t *testing.T) {
				g := newGroup(t, 3)
				var b, want book
				for j := range 20 {
					want.notef("%d", j)
					g.put(fmt.Sprint(j))
				}
				slow := kin.HandlerFunc(func(ctx context.Context, batch *kin.Batch) error {
					time.Sleep(10 * time.Millisecond)
					return b.Handle(ctx, batch)
				})
				w := g.start(slow, func(cfg *kin.ConsumerConfig) { cfg.MaxBatchRecords = 2 })
				time.Sleep(time.Duration(i) * 3 * time.Millisecond)
				w.end()
				w = g.start(slow)
				time.Sleep(10 * time.Second)
				w.end()
				b.wantsAny(t, want.read()...)
			})
		}
	})

	t.Run("with an error when the store is away, after a time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 2)
			w := g.start(&book{})
			time.Sleep(10 * time.Second)
			w.store.SetOutage(leasetest.Refusing)
			w.stop()
			began := time.Now()
			if err := w.wait(); err == nil || time.Since(began) > 45*time.Second {
				t.Errorf("Run: %v after %v, want an error after about 30s", err, time.Since(began))
			}
		})
	})
}

func TestConsumerWithoutItsStore(t *testing.T) {
	t.Parallel()

	for name, outage := range map[string]leasetest.Outage{"that refuses": leasetest.Refusing, "that hangs": leasetest.Hanging} {
		t.Run("stops delivering before others may take over, and goes on where it was: a store "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGroup(t, 1)
				var b book
				cuts := make(chan time.Time, 1)
				w := g.start(kin.HandlerFunc(func(ctx context.Context, batch *kin.Batch) error {
					if data(batch) == "long" && batch.Attempt == 1 {
						<-ctx.Done()
						cuts <- time.Now()
						b.notef("%v", context.Cause(ctx))
						return ctx.Err()
					}
					return b.Handle(ctx, batch)
				}))
				g.put("a")
				time.Sleep(10 * time.Second)
				g.put("long")
				time.Sleep(5 * time.Second)
				began := time.Now()
				calls := g.server.CallCount("GetShardIterator")
				w.store.SetOutage(outage)
				time.Sleep(30 * time.Second)
				if took := (<-cuts).Sub(began); took < 3*time.Second || took > 7*time.Second {
					t.Errorf("the context was cancelled after %v, want 0.4 to 0.7 of the TTL of 10s", took)
				}
				g.put("meanwhile")
				time.Sleep(5 * time.Second)
				b.wants(t, "a", "kin: lease lost")
				w.store.SetOutage(leasetest.Up)
				time.Sleep(10 * time.Second)
				b.wants(t, "a", "kin: lease lost", "long", "meanwhile")
				if n := g.server.CallCount("GetShardIterator") - calls; n != 0 {
					t.Errorf("%d iterators were asked for, want none: it goes on where it was", n)
				}
				w.end()
			})
		})
	}

	t.Run("hands nothing to a handler while it may have lost its leases, and nothing twice if it has not", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 4)
			var b, want book
			w := g.start(&b)
			time.Sleep(10 * time.Second)
			for i := range 300 {
				want.notef("%d", i)
				g.put(fmt.Sprint(i))
				time.Sleep(time.Second)
				if i%60 == 10 {
					w.store.SetOutage(leasetest.Refusing)
				}
				if i%60 == 40 {
					w.store.SetOutage(leasetest.Up)
				}
			}
			time.Sleep(20 * time.Second)
			w.end()
			b.wantsAny(t, want.read()...)
		})
	})

	t.Run("lets another worker take over, and does not disturb it", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 2)
			var mine, others book
			w := g.start(&mine)
			time.Sleep(10 * time.Second)
			g.put("a", "b")
			time.Sleep(70 * time.Second) // and a checkpoint
			other := g.start(&others)
			w.store.SetOutage(leasetest.Hanging)
			time.Sleep(15 * time.Second)
			g.put("c", "d")
			time.Sleep(15 * time.Second)
			mine.wantsAny(t, "a", "b")
			others.wantsAny(t, "c", "d")
			w.store.SetOutage(leasetest.Up)
			time.Sleep(30 * time.Second)
			g.put("e", "f", "g", "h")
			time.Sleep(5 * time.Second)
			if len(w.Shards()) != 1 || len(other.Shards()) != 1 {
				t.Errorf("they read %d and %d shards, want one each again", len(w.Shards()), len(other.Shards()))
			}
			w.end()
			other.end()
			all := append(mine.read(), others.read()...)
			b := &book{lines: all}
			b.wantsAny(t, "a", "b", "c", "d", "e", "f", "g", "h")
		})
	})
}
