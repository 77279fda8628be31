package fetch_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/internal/fetch"
)

func TestBudgetThatStandsStill(t *testing.T) {
	t.Parallel()
	const patience = 2 * time.Second

	t.Run("is given up after a time in which nothing moved", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := fetch.NewBudget(100)
			if err := b.Take(t.Context(), 90); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			began := time.Now()
			if ok, err := b.TakeOr(t.Context(), 20, patience); ok || err != nil || time.Since(began) != time.Second {
				t.Errorf("taken = %v, %v after %v, want false after 1s", ok, err, time.Since(began))
			}
			if ok, _ := b.TakeOr(t.Context(), 20, patience); ok || time.Since(began) != time.Second {
				t.Errorf("taken = %v after %v, want false at once", ok, time.Since(began))
			}
			if !b.Try(10) || b.Used() != 100 {
				t.Errorf("10 do not fit, used = %d: those who gave up are in the way", b.Used())
			}
		})
	})

	t.Run("is waited for while it moves", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := fetch.NewBudget(100)
			if err := b.Take(t.Context(), 100); err != nil {
				t.Fatal(err)
			}
			go func() { // ends with the last byte
				for range 50 {
					time.Sleep(patience - time.Millisecond)
					b.Give(1)
				}
			}()
			began := time.Now()
			if ok, err := b.TakeOr(t.Context(), 50, patience); !ok || err != nil {
				t.Errorf("taken = %v, %v after %v, want true", ok, err, time.Since(began))
			}
		})
	})

	t.Run("is not moved by what is forced, which does not count for the bound", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := fetch.NewBudget(100)
			if err := b.Take(t.Context(), 60); err != nil {
				t.Fatal(err)
			}
			time.Sleep(patience)
			b.Force(500)
			if b.Used() != 560 {
				t.Errorf("used = %d, want 560", b.Used())
			}
			if ok, _ := b.TakeOr(t.Context(), 50, patience); ok {
				t.Error("taken beyond the bound")
			}
			if !b.Try(40) {
				t.Error("40 do not fit beside 60 of 100")
			}
			b.GiveForced(500)
			if b.Used() != 100 {
				t.Errorf("used = %d, want 100", b.Used())
			}
		})
	})

	t.Run("gives the error of the context", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := fetch.NewBudget(100)
			if err := b.Take(t.Context(), 100); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if ok, err := b.TakeOr(ctx, 1, patience); ok || err == nil {
				t.Errorf("taken = %v, %v, want an error", ok, err)
			}
		})
	})
}
