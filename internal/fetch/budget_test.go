package fetch_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/kinstream/kin/internal/fetch"
)

func TestBudget(t *testing.T) {
	t.Parallel()

	// take starts a Take and reports on the channel when it has got its bytes.
	take := func(t *testing.T, b *fetch.Budget, bytes int) <-chan struct{} {
		done := make(chan struct{})
		go func() {
			if err := b.Take(t.Context(), bytes); err != nil {
				t.Error(err)
			}
			close(done)
		}()
		synctest.Wait()
		return done
	}
	waits := func(t *testing.T, ch <-chan struct{}, want bool) {
		t.Helper()
		synctest.Wait()
		select {
		case <-ch:
			if want {
				t.Fatal("Take got its bytes, want it to wait")
			}
		default:
			if !want {
				t.Fatal("Take waits, want it to get its bytes")
			}
		}
	}

	t.Run("serves in order, also a small one behind a large one", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := fetch.NewBudget(100)
			waits(t, take(t, b, 60), false)
			large, small := take(t, b, 50), take(t, b, 10)
			waits(t, large, true)
			waits(t, small, true)
			b.Give(10)
			waits(t, large, false)
			waits(t, small, true)
			b.Give(50)
			waits(t, small, false)
		})
	})

	t.Run("lets through what is larger than itself, alone", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := fetch.NewBudget(100)
			waits(t, take(t, b, 1000), false)
			next := take(t, b, 1)
			waits(t, next, true)
			b.Give(1000)
			waits(t, next, false)
		})
	})

	t.Run("starts nothing while it is overdrawn", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := fetch.NewBudget(100)
			waits(t, take(t, b, 10), false)
			b.Settle(10, 500)
			next := take(t, b, 10)
			waits(t, next, true)
			b.Settle(500, 90)
			waits(t, next, false)
			if got, want := b.Used(), 100; got != want {
				t.Errorf("Used = %d, want %d", got, want)
			}
		})
	})

	t.Run("forgets a waiter whose context ended, and serves those behind it", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := fetch.NewBudget(100)
			waits(t, take(t, b, 60), false)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- b.Take(ctx, 100) }()
			synctest.Wait()
			next := take(t, b, 40)
			waits(t, next, true)
			cancel()
			if err := <-ended; err == nil {
				t.Error("Take returned nil after its context ended")
			}
			waits(t, next, false)
			b.Give(60)
			b.Give(40)
			if got := b.Used(); got != 0 {
				t.Errorf("Used = %d, want 0", got)
			}
		})
	})
}
