package dispatch_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/internal/dispatch"
)

var errOver = errors.New("trust is over")

type key struct{}

func newGate(t *testing.T) *dispatch.Gate {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	cancel() // must not matter
	g := dispatch.NewGate(ctx, errOver, func(now, until time.Time) bool { return now.Before(until) })
	t.Cleanup(g.Close)
	return g
}

// enter enters the gate in a goroutine, and returns when it did.
func enter(g *dispatch.Gate, stop <-chan struct{}) <-chan context.Context {
	entered := make(chan context.Context, 1)
	go func() { // ends with the gate's opening, or with stop
		ctx, ok := g.Enter(stop)
		if ok != (ctx != nil) {
			ctx = nil
		}
		entered <- ctx
	}()
	return entered
}

func TestGate(t *testing.T) {
	t.Parallel()

	t.Run("is shut until there is trust", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGate(t)
			entered := enter(g, nil)
			time.Sleep(time.Hour)
			select {
			case <-entered:
				t.Fatal("entered without trust")
			default:
			}
			g.Trust(time.Now().Add(time.Second))
			if ctx := <-entered; ctx == nil || ctx.Err() != nil || ctx.Value(key{}) != "value" {
				t.Errorf("entered with %v, want a live context with the values of the base", ctx)
			}
		})
	})

	t.Run("cancels what is under way in the moment in which trust ends", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGate(t)
			g.Trust(time.Now().Add(7 * time.Second))
			began := time.Now()
			ctx, _ := g.Enter(nil)
			<-ctx.Done()
			if got := time.Since(began); got != 7*time.Second || !errors.Is(context.Cause(ctx), errOver) {
				t.Errorf("cancelled after %v because of %v, want 7s and %v", got, context.Cause(ctx), errOver)
			}
			if _, ok := g.Enter(closed()); ok {
				t.Error("entered after trust had ended")
			}
		})
	})

	t.Run("keeps contexts alive while trust is moved on", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGate(t)
			g.Trust(time.Now().Add(7 * time.Second))
			ctx, _ := g.Enter(nil)
			for range 100 {
				time.Sleep(3 * time.Second)
				g.Trust(time.Now().Add(7 * time.Second))
			}
			if again, _ := g.Enter(nil); ctx.Err() != nil || again != ctx {
				t.Errorf("context is %v, want the one of before, alive", ctx.Err())
			}
		})
	})

	t.Run("opens again with another context", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGate(t)
			g.Trust(time.Now().Add(time.Second))
			before, _ := g.Enter(nil)
			time.Sleep(2 * time.Second)
			entered := enter(g, nil)
			synctest.Wait()
			g.Trust(time.Now().Add(time.Second))
			if ctx := <-entered; ctx.Err() != nil || before.Err() == nil {
				t.Errorf("after the lapse: new context %v, old one %v", ctx.Err(), before.Err())
			}
		})
	})

	t.Run("ends trust at once if it is taken away", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGate(t)
			g.Trust(time.Now().Add(time.Hour))
			ctx, _ := g.Enter(nil)
			g.Trust(time.Time{})
			if ctx.Err() == nil {
				t.Error("the context lives")
			}
		})
	})

	t.Run("lets nobody in who is to stop", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGate(t)
			stop := make(chan struct{})
			entered := enter(g, stop)
			synctest.Wait()
			close(stop)
			if ctx := <-entered; ctx != nil {
				t.Error("entered")
			}
			g.Trust(time.Now().Add(time.Hour))
			if _, ok := g.Enter(stop); ok {
				t.Error("entered an open gate although it is to stop")
			}
		})
	})

	t.Run("is shut for good when it is closed", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGate(t)
			g.Trust(time.Now().Add(time.Hour))
			ctx, _ := g.Enter(nil)
			g.Close()
			g.Trust(time.Now().Add(time.Hour))
			if _, ok := g.Enter(closed()); ok || ctx.Err() == nil {
				t.Error("the gate is open after Close")
			}
		})
	})

	// A timer may be late when the machine was suspended: the clock is asked as well.
	t.Run("does not depend on its timer", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			over := false
			g := dispatch.NewGate(t.Context(), errOver, func(_, _ time.Time) bool { return !over })
			defer g.Close()
			g.Trust(time.Now().Add(time.Hour))
			ctx, _ := g.Enter(nil)
			over = true
			if entered := enter(g, closed()); <-entered != nil {
				t.Error("entered after trust had ended")
			}
			stop := make(chan struct{})
			entered := enter(g, stop)
			synctest.Wait()
			if ctx.Err() == nil {
				t.Error("the context lives")
			}
			close(stop)
			if <-entered != nil {
				t.Error("entered after trust had ended")
			}
		})
	})
}

func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}
