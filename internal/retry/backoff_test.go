package retry_test

import (
	"math"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/retry"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	b := retry.Backoff{Base: 100 * time.Millisecond, Max: 5 * time.Second}

	t.Run("doubles up to the maximum and stays between half of it and all of it", func(t *testing.T) {
		t.Parallel()
		for failures, longest := range map[int]time.Duration{
			math.MinInt: 100 * time.Millisecond, 0: 100 * time.Millisecond, 1: 100 * time.Millisecond,
			2: 200 * time.Millisecond, 3: 400 * time.Millisecond, 6: 3200 * time.Millisecond,
			7: 5 * time.Second, 63: 5 * time.Second, 64: 5 * time.Second, math.MaxInt: 5 * time.Second,
		} {
			for range 1000 {
				if got := b.Delay(failures); got < longest/2 || got > longest {
					t.Fatalf("Delay(%d) = %v, want %v to %v", failures, got, longest/2, longest)
				}
			}
		}
	})

	t.Run("goes by a random number of the caller's", func(t *testing.T) {
		t.Parallel()
		for random, want := range map[float64]int64{0: 200, 0.5: 300, 0.75: 350, 1: 400} {
			if got := b.DelayBy(3, random).Milliseconds(); got != want {
				t.Errorf("DelayBy(3, %v) = %d ms, want %d", random, got, want)
			}
		}
	})

	t.Run("differs from call to call", func(t *testing.T) {
		t.Parallel()
		seen := map[time.Duration]bool{}
		for range 100 {
			seen[b.Delay(7)] = true
		}
		if len(seen) < 50 {
			t.Errorf("distinct delays of 100 = %d, want most", len(seen))
		}
	})

	t.Run("holds at the edges of its values", func(t *testing.T) {
		t.Parallel()
		for _, b := range []retry.Backoff{{Base: 1, Max: 1}, {Base: 1, Max: math.MaxInt64}, {Base: math.MaxInt64, Max: math.MaxInt64}} {
			for _, failures := range []int{1, 2, 62, 63, 64, 1000} {
				for _, random := range []float64{0, math.Nextafter(1, 0), 1} {
					if got := b.DelayBy(failures, random); got <= 0 || got > b.Max {
						t.Errorf("%v.DelayBy(%d, %v) = %v, want above 0 and at most Max", b, failures, random, got)
					}
				}
			}
		}
	})
}
