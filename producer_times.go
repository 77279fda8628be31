package kin

import (
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

// HistogramBuckets is the number of buckets of a [Histogram].
const HistogramBuckets = outbox.Buckets

// HistogramBound returns the upper bound of bucket i of every [Histogram], inclusive: 1, 2, 4, ...
// milliseconds. The last bucket has no bound, and 0 is returned for it.
func HistogramBound(i int) time.Duration { return outbox.Bound(i) }

// Seconds is a sum of durations that many records, shards or Puts took side by side. A [time.Duration], which holds 292
// years, would overflow within days.
type Seconds float64

// Histogram counts durations. Its buckets are the same in all: see [HistogramBound].
type Histogram struct {
	Counts [HistogramBuckets]uint64 // of each bucket, not added up
	Sum    Seconds
}

func histogramOf(h *outbox.Histogram) Histogram {
	return Histogram{Counts: h.Counts, Sum: Seconds(h.Sum)}
}

// Count returns the number of durations.
func (h *Histogram) Count() (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Quantile returns a bound below which the share q of the durations is, from 0 to 1: the bound of a
// bucket, so up to twice the true value. If it is in the last bucket, which has no bound, Quantile returns the bound
// of the one before, 65.536 s, however much longer the durations are. It is 0 if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rest := q * float64(h.Count())
	for i, c := range h.Counts {
		rest -= float64(c)
		if c > 0 && rest <= 0 {
			if i == HistogramBuckets-1 {
				i--
			}
			return HistogramBound(i)
		}
	}
	return 0
}

// usage is how the producer as a whole is used. It is guarded by Producer.mu.
type usage struct {
	blocked     uint64        // Puts that had to wait for room
	blockedTime Seconds       // sum of their waiting
	full        time.Duration // sum of the times in which all calls were out
	isFull      bool          // all calls are out,
	fullSince   time.Duration // and have been since then
}

// count notes how many of the calls are out.
func (u *usage) count(calls, most int, now time.Duration) {
	switch full := calls >= most; {
	case full && !u.isFull:
		u.isFull, u.fullSince = true, now
	case !full && u.isFull:
		u.isFull = false
		u.full += max(0, now-u.fullSince)
	}
}

// fullTime returns how long all calls were out, until now.
func (u *usage) fullTime(now time.Duration) time.Duration {
	if u.isFull {
		return u.full + max(0, now-u.fullSince)
	}
	return u.full
}
