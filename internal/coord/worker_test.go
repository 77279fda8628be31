package coord_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

func TestWorkers(t *testing.T) {
	t.Parallel()
	t.Run("ten share evenly within 5 seconds, and leave nothing behind", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, 100)
			b.startAll(10, 0)
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
	t.Run("a worker that joins gets its share with no shard unread for a second", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, 20)
			defer b.stop()
			b.startAll(2, 0)
			b.start("late")
			if gap := b.gap(8 * time.Second); gap > time.Second || !b.even() {
				t.Errorf("longest gap = %v, even %v; want at most 1s, and true", gap, b.even())
			}
		})
	})
	t.Run("a rolling restart of ten leaves no shard unread for a second", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, 50)
			defer b.stop()
			b.startAll(10, 0)
			for i := range 10 {
				old := b.workers[i]
				old.cancel()
				if gap := b.gap(7 * time.Second); gap > time.Second || !old.ended() || old.err != nil {
					t.Fatalf("restart of %s: longest gap = %v, ended %v with %v", old.name, gap, old.ended(), old.err)
				}
				b.start(fmt.Sprint("new", i))
				if gap := b.gap(2 * time.Second); gap > time.Second {
					t.Fatalf("after the restart of %s: longest gap = %v", old.name, gap)
				}
			}
		})
	})
	for _, n := range []int{2, 5, 10} {
		t.Run(fmt.Sprintf("one of %d that is killed is replaced within the TTL and 2 seconds", n), func(t *testing.T) {
			t.Parallel()
			for seed := range 4 {
				synctest.Test(t, func(t *testing.T) {
					b := newBubble(t, 3*n)
					defer b.stop()
					b.startAll(n, seed)
					time.Sleep(20*time.Second + time.Duration(seed)*777*time.Millisecond) // in a bubble
					b.workers[seed%n].kill()
					b.until(ttl+2*time.Second, "the others read all", b.even)
				})
			}
		})
	}
	t.Run("a store that is down for a minute costs nobody a lease", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, 30)
			defer b.stop()
			b.startAll(5, 0)
			time.Sleep(20 * time.Second) // in a bubble
			before, _ := b.store.Load(t.Context(), group)
			b.down.Store(true)
			time.Sleep(time.Minute) // in a bubble
			if unread, _, _ := b.unread(); unread != 30 {
				t.Errorf("%d shards are read without a heartbeat for a minute", 30-unread)
			}
			b.down.Store(false)
			b.until(3*time.Second, "all are read again", b.even)
			after, _ := b.store.Load(t.Context(), group)
			for i, l := range after.Leases {
				if l.Owner != before.Leases[i].Owner {
					t.Errorf("%s is %s's, was %s's", l.Shard, l.Owner, before.Leases[i].Owner)
				}
			}
		})
	})
	t.Run("an idle hour of ten with 100 leases costs at most 20,000 requests", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, 100)
			defer b.stop()
			b.startAll(10, 0)
			time.Sleep(20 * time.Second) // in a bubble
			b.requests.Store(0)
			time.Sleep(time.Hour) // in a bubble
			if n := b.requests.Load(); n > 20_000 {
				t.Errorf("requests in an hour = %d, want at most 20000", n)
			}
		})
	})
	t.Run("a busy hour of ten with 100 leases costs at most 30,000 requests", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, 100)
			defer b.stop()
			b.startAll(10, 0)
			b.requests.Store(0)
			for range 3600 {
				for _, f := range b.workers {
					f.handle()
				}
				time.Sleep(time.Second) // in a bubble
			}
			if n := b.requests.Load(); n > 30_000 {
				t.Errorf("requests in an hour = %d, want at most 30000", n)
			}
		})
	})
}

func TestWorkerCheckpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, 1)
		f := b.start("a")
		b.until(time.Second, "it is read", b.even)
		f.handle()
		if err := f.w.Checkpoint(t.Context(), shardKey(0), 1); err != nil {
			t.Fatalf("Checkpoint = %v", err)
		}
		s, err := b.store.Load(t.Context(), group)
		if err != nil || s.Leases[0].Checkpoint != after(1) || s.Leases[0].CheckpointAt.IsZero() {
			t.Errorf("stored %+v, error %v; want %s, and when", s.Leases[0], err, after(1))
		}
		if err := f.w.Checkpoint(t.Context(), shardKey(0), 7); !errors.Is(err, coord.ErrLost) {
			t.Errorf("Checkpoint of another epoch = %v, want ErrLost", err)
		}
		f.handle()
		b.down.Store(true)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errKilled)
		defer cancel()
		if err := f.w.Checkpoint(ctx, shardKey(0), 1); !errors.Is(err, errKilled) {
			t.Errorf("Checkpoint while the store is down = %v, want the cause of its context", err)
		}
		b.down.Store(false)
		b.stop()
		if err := f.w.Checkpoint(t.Context(), shardKey(0), 1); !errors.Is(err, coord.ErrLost) {
			t.Errorf("Checkpoint after the end = %v, want ErrLost", err)
		}
		if s, _ := b.store.Load(t.Context(), group); s.Leases[0].Checkpoint != after(2) || s.Leases[0].Owner != "" {
			t.Errorf("stored at the end %+v, want %s without an owner", s.Leases[0], after(2))
		}
	})
}

func TestWorkerLeaves(t *testing.T) {
	t.Parallel()
	t.Run("and hands over what was done of a shard whose end can't be stored yet", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, 1)
			f := b.start("a")
			b.until(time.Second, "it is read", b.even)
			f.mu.Lock()
			delete(f.reads, shardKey(0))
			f.mu.Unlock()
			merged := topology.Shard{ID: shardKey(9).Shard, Parents: []string{shardKey(0).Shard, shardKey(8).Shard}, Range: b.shards[0].Range}
			f.w.Ended(shardKey(0), 1, after(7), []topology.Shard{merged})
			time.Sleep(5 * time.Second) // in a bubble
			b.stop()
			s, _ := b.store.Load(t.Context(), group)
			if f.err != nil || s.Leases[0].Checkpoint != after(7) || s.Leases[0].Owner != "" {
				t.Errorf("Run = %v, row %+v; want nil, and %s without an owner", f.err, s.Leases[0], after(7))
			}
		})
	})
	t.Run("with an error when a handler has to be cut off", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, 2)
			f := b.start("a", func(c *coord.WorkerConfig) { c.ShutdownTimeout = 5 * time.Second })
			b.until(time.Second, "all is read", b.even)
			f.handler = -1
			from := time.Now()
			b.stop()
			left, ok := errors.AsType[*coord.LeaveError](f.err)
			if took := time.Since(from); !ok || len(left.CutOff) != 2 || len(left.Kept) != 2 || took > 8*time.Second {
				t.Errorf("after %v Run = %v, want a LeaveError with 2 cut off", took, f.err)
			}
		})
	})
	t.Run("and hands over what the handler had done when it was cut off", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, 2)
			f := b.start("a", func(c *coord.WorkerConfig) { c.ShutdownTimeout = 5 * time.Second })
			b.until(time.Second, "all is read", b.even)
			f.heedsCut, f.handler = true, -1
			f.handle()
			b.stop()
			left, ok := errors.AsType[*coord.LeaveError](f.err)
			s, _ := b.store.Load(t.Context(), group)
			if !ok || len(left.CutOff) != 2 || len(left.Kept) != 0 || s.Leases[0].Checkpoint != after(1) || s.Leases[0].Owner != "" {
				t.Errorf("Run = %v, row %+v; want a LeaveError with 2 cut off and none kept, and %s", f.err, s.Leases[0], after(1))
			}
		})
	})
	t.Run("soon although the store is down", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, 2)
			f := b.start("a", func(c *coord.WorkerConfig) { c.ShutdownTimeout = 5 * time.Second })
			b.until(time.Second, "all is read", b.even)
			b.down.Store(true)
			from := time.Now()
			b.stop()
			left, ok := errors.AsType[*coord.LeaveError](f.err)
			if took := time.Since(from); !ok || len(left.Kept) != 2 || !errors.Is(left, errKilled) || took > 8*time.Second {
				t.Errorf("after %v Run = %v, want a LeaveError with 2 kept", took, f.err)
			}
		})
	})
}

func TestWorkerTells(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, 2)
		var stores []coord.StoreEvent
		var f *fake
		held := -1
		f = b.start("a", func(c *coord.WorkerConfig) {
			c.Streams = nil
			c.Logger = slog.New(slog.DiscardHandler)
			c.Hooks.Store = func(e coord.StoreEvent) { stores = append(stores, e) }
			c.Hooks.Stream = func(e coord.StreamEvent) { t.Errorf("stream %+v", e) }
			c.Hooks.Lease = func(e coord.LeaseEvent) {
				f.note(e.What)
				held = len(f.w.Status().Held)
			}
		})
		f.w.SetStreams([]coord.StreamConfig{{ARN: stream1, CreatedAt: created, Start: lease.TrimHorizon}})
		b.until(time.Second, "all is read", b.even)
		if f.notes[coord.LeaseTaken] != 2 || held != 2 {
			t.Errorf("taken %d, held %d as a hook saw it; want 2 and 2", f.notes[coord.LeaseTaken], held)
		}
		if s := f.w.Status(); !s.Trusted || s.Worker != "a" || len(s.View.Workers) != 1 || s.Held[0].State != coord.Reading {
			t.Errorf("status = %+v", s)
		}
		b.down.Store(true)
		time.Sleep(5 * time.Second) // in a bubble
		b.down.Store(false)
		time.Sleep(5 * time.Second) // in a bubble
		b.stop()
		if len(stores) < 4 || stores[0].Attempt != 1 || !errors.Is(stores[0].Err, errKilled) {
			t.Errorf("store events = %+v", stores)
		}
		if err := f.w.Run(t.Context()); err == nil {
			t.Error("Run again returns nil")
		}
		if s := f.w.Status(); len(s.Held) != 0 {
			t.Errorf("status after the end = %+v", s)
		}
	})
}
