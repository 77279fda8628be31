package kin_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
)

// brittle is a handler of single records that fails for each text as often as fails says; -1 for
// ever.
func brittle(b *book, fails map[string]int) kin.Handler {
	var mu sync.Mutex
	failing := func(d string) bool {
		mu.Lock()
		defer mu.Unlock()
		if fails[d] == 0 {
			return false
		}
		fails[d]--
		return true
	}
	return kin.EachRecord(func(_ context.Context, r kin.Record) error {
		d := string(r.Data)
		if failing(d) {
			b.notef("%s!", d)
			return fmt.Errorf("%s: %w", d, errHandler)
		}
		b.notef("%s", d)
		return nil
	})
}

func TestConsumerWhenHandlersFail(t *testing.T) {
	t.Parallel()

	t.Run("delivers the batch again until it is handled", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "b")
			var b book
			began := time.Now()
			w := g.start(kin.HandlerFunc(func(_ context.Context, batch *kin.Batch) error {
				b.notef("%d %s %v", batch.Attempt, data(batch), batch.Err)
				if batch.Attempt < 4 {
					return errHandler
				}
				b.notef("after %v", time.Since(began) > 600*time.Millisecond)
				return nil
			}))
			time.Sleep(time.Minute)
			b.wants(t, "1 a b <nil>", "2 a b "+errHandler.Error(), "3 a b "+errHandler.Error(), "4 a b "+errHandler.Error(), "after true")
			w.end()
		})
	})

	t.Run("delivers for as long as it takes, less and less often, and repeats nothing else", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "bad", "c")
			var b book
			w := g.start(brittle(&b, map[string]int{"bad": -1}))
			time.Sleep(20 * time.Minute)
			w.end()
			got := b.read()
			if n := strings.Count(strings.Join(got, " "), "bad!"); got[0] != "a" || len(got) != n+1 || n < 40 || n > 100 {
				t.Errorf("noted %d lines, %d of them of the bad record; want it about twice a minute, and else a", len(got), n)
			}
		})
	})

	t.Run("treats a panic as a failure, with its stack", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a")
			var b book
			w := g.start(kin.HandlerFunc(func(_ context.Context, batch *kin.Batch) error {
				if e, ok := errors.AsType[*kin.PanicError](batch.Err); ok {
					b.notef("%v, from a test: %v", e, strings.Contains(string(e.Stack), "consumer_failure_bubble_test"))
					return nil
				}
				panic(errHandler)
			}))
			time.Sleep(time.Minute)
			w.end()
			b.wants(t, "handler panicked: the database is away, from a test: true")
		})
	})

	t.Run("does not let a failing shard hold up others", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 2)
			var b book
			bad := shardID(0)
			w := g.start(kin.HandlerFunc(func(ctx context.Context, batch *kin.Batch) error {
				if batch.Shard == bad {
					return errHandler
				}
				return b.Handle(ctx, batch)
			}))
			var want []string
			for i := range 100 {
				g.put(fmt.Sprint(i))
				if g.server.ShardFor("orders", "key "+fmt.Sprint(i)) != string(bad) {
					want = append(want, fmt.Sprint(i))
				}
				time.Sleep(100 * time.Millisecond)
			}
			time.Sleep(2 * time.Second)
			b.wants(t, want...)
			w.end()
		})
	})

	t.Run("skips only the record that fails", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "bad", "c", "bad2", "e")
			var b book
			w := g.start(brittle(&b, map[string]int{"bad": -1, "bad2": 1}), func(cfg *kin.ConsumerConfig) {
				cfg.WhenFailed, cfg.MaxAttempts = kin.SkipBatch, 3
				cfg.Hooks.BatchSkipped = func(i kin.SkipInfo) {
					b.notef("skipped %s of %s after %d: %v", i.Records[0].Data, i.Shard, i.Attempts, errors.Is(i.Err, errHandler))
				}
			})
			time.Sleep(time.Minute)
			b.wants(t, "a", "bad!", "bad!", "bad!", "skipped bad of shardId-000000000000 after 3: true", "c", "bad2!", "bad2", "e")
			if s := w.Shards()[0]; s.Skipped != 1 || s.Records != 5 || s.Unacked != 0 || s.HandlerFailures != 0 {
				t.Errorf("status = %+v, want 1 skipped of 5", s)
			}
			w.end()
			if got := g.checkpoint(0); got != g.position("e") {
				t.Errorf("checkpoint = %s, want %s", got, g.position("e"))
			}
		})
	})

	t.Run("skips only the record whose handler panics", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "bad", "c")
			var b book
			w := g.start(kin.EachRecord(func(_ context.Context, r kin.Record) error {
				b.notef("%s", r.Data)
				if string(r.Data) == "bad" {
					panic(errHandler)
				}
				return nil
			}), func(cfg *kin.ConsumerConfig) {
				cfg.WhenFailed, cfg.MaxAttempts = kin.SkipBatch, 2
				cfg.Hooks.BatchSkipped = func(i kin.SkipInfo) {
					e, ok := errors.AsType[*kin.PanicError](i.Err)
					b.notef("skipped %d, panic of a test: %v", len(i.Records), ok && strings.Contains(string(e.Stack), "consumer_failure_bubble_test"))
				}
			})
			time.Sleep(time.Minute)
			w.end()
			b.wants(t, "a", "bad", "bad", "skipped 1, panic of a test: true", "c")
		})
	})

	t.Run("skips what of a batch is not acknowledged", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a", "b", "c", "d")
			var b book
			w := g.start(kin.HandlerFunc(func(_ context.Context, batch *kin.Batch) error {
				b.notef("%d: %s", batch.Attempt, data(batch))
				if batch.Attempt == 2 { // which begins a new count for the others
					batch.Ack(0)
					batch.Ack(2)
				}
				return errHandler
			}), func(cfg *kin.ConsumerConfig) {
				cfg.WhenFailed, cfg.MaxAttempts = kin.SkipBatch, 2
				cfg.Hooks.BatchSkipped = func(i kin.SkipInfo) { b.notef("skipped %d", len(i.Records)) }
			})
			time.Sleep(time.Minute)
			w.end()
			b.wants(t, "1: a b c d", "2: a b c d", "3: b d", "skipped 2")
		})
	})

	t.Run("gives dead letters away before it passes over them", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("bad", "b")
			var b book
			w := g.start(brittle(&b, map[string]int{"bad": -1}), func(cfg *kin.ConsumerConfig) {
				cfg.WhenFailed, cfg.MaxAttempts = kin.SkipBatch, 1
				cfg.Hooks.BatchSkipped = func(i kin.SkipInfo) { b.notef("skipped %s", i.Records[0].Data) }
				times := 0
				cfg.DeadLetter = kin.HandlerFunc(func(_ context.Context, batch *kin.Batch) error {
					b.notef("dead %s: %v", data(batch), errors.Is(batch.Err, errHandler))
					times++
					switch times {
					case 1:
						return errors.New("the queue is full")
					case 2:
						panic("the handler of dead letters panics")
					}
					return nil
				})
			})
			time.Sleep(time.Minute)
			w.end()
			b.wants(t, "bad!", "dead bad: true", "dead bad: true", "dead bad: true", "skipped bad", "b")
		})
	})

	t.Run("stops if that is wanted, without a checkpoint of what failed", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 2)
			g.put("a", "bad", "c")
			var b book
			w := g.start(brittle(&b, map[string]int{"bad": -1}), func(cfg *kin.ConsumerConfig) {
				cfg.WhenFailed, cfg.MaxAttempts = kin.StopConsumer, 2
			})
			err := w.wait()
			e, ok := errors.AsType[*kin.HandlerError](err)
			bad := g.position("bad")
			if !ok || !errors.Is(err, errHandler) || e.Attempts != 2 || strings.TrimPrefix(bad, "AFTER") != strings.TrimPrefix(e.Position.String(), "AT") {
				t.Errorf("Run: %+v, want a HandlerError of 2 attempts at %s", err, bad)
			}
			b.notef("again")
			w = g.start(&b)
			time.Sleep(5 * time.Second)
			w.end()
			if got := strings.Join(b.read(), " "); strings.Count(got, "bad!") != 2 || !strings.Contains(got[strings.Index(got, "again"):], "bad") ||
				strings.Count(got, "a ") != 1 {
				t.Errorf("noted %q, want a once and bad again", got)
			}
		})
	})

	t.Run("fails the test whose handler calls FailNow", func(t *testing.T) {
		t.Parallel()
		for _, parallel := range []int{1, 3} {
			synctest.Test(t, func(t *testing.T) {
				g := newGroup(t, 1)
				g.put("a", "b")
				w := g.start(kin.HandlerFunc(func(context.Context, *kin.Batch) error {
					runtime.Goexit() // what FailNow does
					return nil
				}), func(cfg *kin.ConsumerConfig) { cfg.Parallel = parallel })
				if err := w.wait(); err == nil || !strings.Contains(err.Error(), "Goexit") {
					t.Errorf("Run: %v, want an error about Goexit", err)
				}
				if got := g.checkpoint(0); got != "TRIM_HORIZON" {
					t.Errorf("checkpoint = %s, want none", got)
				}
			})
		}
	})

	t.Run("does not take what is interrupted for a failure", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a")
			var b book
			w := g.start(kin.HandlerFunc(func(ctx context.Context, batch *kin.Batch) error {
				b.notef("%d %v", batch.Attempt, batch.Err)
				if batch.Attempt == 1 {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			}), func(cfg *kin.ConsumerConfig) { cfg.WhenFailed, cfg.MaxAttempts = kin.StopConsumer, 1 })
			time.Sleep(5 * time.Second)
			w.store.SetOutage(1)
			time.Sleep(10 * time.Second)
			w.store.SetOutage(0)
			time.Sleep(10 * time.Second)
			w.end()
			b.wants(t, "1 <nil>", "2 <nil>")
		})
	})
}

func TestConsumerHooksThatPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t, 1)
		g.put("a", packed("b", "c"), flip(packed("d", "e"), -1), "bad")
		if _, err := g.server.SplitShard("orders", string(shardID(0))); err != nil {
			t.Fatal(err)
		}
		var b, log book
		w := g.start(brittle(&b, map[string]int{"bad": -1}), func(cfg *kin.ConsumerConfig) {
			cfg.WhenFailed, cfg.MaxAttempts = kin.SkipBatch, 1
			h := &cfg.Hooks
			h.Fetched = func(kin.FetchInfo) { panic("Fetched") }
			h.BadRecord = func(kin.BadRecordInfo) { panic("BadRecord") }
			h.Handled = func(kin.HandledInfo) { panic("Handled") }
			h.BatchSkipped = func(kin.SkipInfo) { panic("BatchSkipped") }
			h.ShardStarted = func(kin.LeaseInfo) { panic("ShardStarted") }
			h.ShardStopping = func(kin.LeaseInfo) { panic("ShardStopping") }
			h.ShardStopped = func(kin.LeaseInfo) { panic("ShardStopped") }
			h.Group = func(kin.GroupInfo) { panic("Group") }
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		})
		time.Sleep(10 * time.Second)
		g.put("z")
		time.Sleep(10 * time.Second)
		w.end()
		want := []string{"a", "b", "c", flip(packed("d", "e"), -1), "bad!", "z"}
		b.wants(t, want...)
		all := strings.Join(log.read(), "\n")
		for _, hook := range []string{
			"Fetched", "BadRecord", "Handled", "BatchSkipped", "ShardStarted", "ShardStopping", "ShardStopped", "Group",
		} {
			if !strings.Contains(all, "hook="+hook+" ") {
				t.Errorf("the log does not tell of the panic in %s", hook)
			}
		}
	})
}

// Write makes a book the place for a log.
func (b *book) Write(line []byte) (int, error) {
	b.notef("%s", line)
	return len(line), nil
}

// What FailNow does in a hook must not leave a shard standing still, nor goroutines behind: the
// bubble would find them.
func TestConsumerHooksThatEndTheGoroutine(t *testing.T) {
	t.Parallel()
	for name, configure := range map[string]func(*kin.ConsumerHooks){
		"Fetched":       func(h *kin.ConsumerHooks) { h.Fetched = func(kin.FetchInfo) { runtime.Goexit() } },
		"Handled":       func(h *kin.ConsumerHooks) { h.Handled = func(kin.HandledInfo) { runtime.Goexit() } },
		"ShardStarted":  func(h *kin.ConsumerHooks) { h.ShardStarted = func(kin.LeaseInfo) { runtime.Goexit() } },
		"ShardStopping": func(h *kin.ConsumerHooks) { h.ShardStopping = func(kin.LeaseInfo) { runtime.Goexit() } },
		"ShardStopped":  func(h *kin.ConsumerHooks) { h.ShardStopped = func(kin.LeaseInfo) { runtime.Goexit() } },
		"Group":         func(h *kin.ConsumerHooks) { h.Group = func(kin.GroupInfo) { runtime.Goexit() } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGroup(t, 2)
				g.put("a", "b", "c")
				c, _ := g.consumer(&book{}, func(cfg *kin.ConsumerConfig) { configure(&cfg.Hooks) })
				const long = 10 * time.Second
				ctx, cancel := context.WithTimeout(t.Context(), long)
				defer cancel()
				began := time.Now()
				var err error
				done := make(chan struct{})
				go func() {
					defer close(done)
					err = c.Run(ctx)
				}()
				<-done
				if took, atStop := time.Since(began), strings.HasPrefix(name, "ShardStop"); took > long+time.Second || took >= long && !atStop {
					t.Errorf("Run returned after %v", took)
				}
				for shard := range 2 {
					if l := g.lease(shard); l.Owner != "" && name != "Group" {
						t.Errorf("%s has left, and owns shard %d", l.Owner, shard)
					}
				}
				if name != "Group" && (err == nil || !strings.Contains(err.Error(), name+" ended its goroutine")) {
					t.Errorf("Run: %v, want an error about %s", err, name)
				}
			})
		})
	}
}
