package retry

import (
	"math/rand/v2"
	"time"
)

// Backoff is an exponential back-off with jitter. It is a value: the caller keeps
// the number of failures.
type Backoff struct {
	Base time.Duration // longest wait after the first failure; above 0
	Max  time.Duration // longest wait ever; at least Base
}

// Delay returns how long to wait after the given number of failures in a row,
// counted from 1. It is above 0 and at most Max.
func (b Backoff) Delay(failures int) time.Duration { return b.DelayBy(failures, rand.Float64()) }

// DelayBy is Delay for callers with random numbers of their own: from 0, for the shortest wait, up to 1.
func (b Backoff) DelayBy(failures int, random float64) time.Duration {
	longest := b.Max
	// Beyond 62 doublings Base would overflow; Max is reached long before.
	if n := max(failures, 1) - 1; n < 62 && b.Base <= b.Max>>n {
		longest = b.Base << n
	}
	return longest - time.Duration((1-random)*float64(longest/2))
}
