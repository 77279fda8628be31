package kin_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
)

func TestConsumerTellsOfEachCallOfItsHandler(t *testing.T) {
	t.Parallel()

	start := func(t *testing.T, h kin.HandlerFunc, configure ...func(*kin.ConsumerConfig)) (*group, *worker, *book) {
		g := newGroup(t, 1)
		g.put("a", "b", "c")
		var told book
		w := g.start(h, append(configure, func(cfg *kin.ConsumerConfig) {
			cfg.Hooks.Handled = func(i kin.HandledInfo) {
				told.notef("attempt %d: %d of %d records, %d bytes, %v, cancelled %v, failed %v, panicked %v",
					i.Attempt, i.Acked, i.Records, i.Bytes, i.Took, i.Cancelled, errors.Is(i.Err, errHandler), isPanic(i.Err))
			}
		})...)
		return g, w, &told
	}

	t.Run("with what was acknowledged when it failed, panicked and worked", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			_, w, told := start(t, func(_ context.Context, b *kin.Batch) error {
				time.Sleep(time.Second)
				switch b.Attempt {
				case 1:
					b.Ack(1)
					return errHandler
				case 2:
					b.Ack(1)
					panic("c is done, and a is not")
				}
				return nil
			})
			time.Sleep(20 * time.Second)
			w.end()
			told.wants(t,
				"attempt 1: 1 of 3 records, 18 bytes, 1s, cancelled false, failed true, panicked false",
				"attempt 2: 1 of 2 records, 12 bytes, 1s, cancelled false, failed false, panicked true",
				"attempt 3: 1 of 1 records, 6 bytes, 1s, cancelled false, failed false, panicked false",
			)
		})
	})

	t.Run("with what was acknowledged before the lease was lost", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g, w, told := start(t, func(ctx context.Context, b *kin.Batch) error {
				if b.Epoch > 1 {
					return nil
				}
				b.Ack(0)
				<-ctx.Done()
				b.Ack(1) // too late
				return ctx.Err()
			})
			time.Sleep(3 * time.Second)
			if _, err := g.store.Forget(t.Context(), "billing", w.WorkerID(), -1); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Second)
			w.end()
			lines := told.read()
			if want := "attempt 1: 1 of 3 records"; len(lines) == 0 || lines[0][:len(want)] != want {
				t.Errorf("told %q, want first %q", lines, want)
			}
		})
	})

	t.Run("with what was acknowledged by then, with ManualAcks", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			_, w, told := start(t, func(_ context.Context, b *kin.Batch) error {
				b.Ack(2)
				time.AfterFunc(time.Second, b.AckAll)
				return nil
			}, manual)
			time.Sleep(20 * time.Second)
			w.end()
			told.wants(t, "attempt 1: 1 of 3 records, 18 bytes, 0s, cancelled false, failed false, panicked false")
		})
	})
}

func isPanic(err error) bool {
	_, ok := errors.AsType[*kin.PanicError](err)
	return ok
}
