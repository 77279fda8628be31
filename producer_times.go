package kin

import (
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

// HistogramBuckets is the number of buckets of a [Histogram].
const HistogramBuckets = 18

// HistogramBound returns the upper bound of bucket i of every [Histogram], inclusive: 1, 2, 4, ...
// milliseconds. The last bucket has no bound, and 0 is returned for it.
func HistogramBound(i int) time.Duration {
	if i < 0 || i >= HistogramBuckets-1 {
		return 0
	}
	return time.Millisecond << i
}

// Histogram counts durations. Its buckets are the same in all: see [HistogramBound].
type Histogram struct {
	Counts [HistogramBuckets]uint64 // of each bucket, not added up
	Sum    time.Duration
}

// Count returns the number of durations.
func (h *Histogram) Count() (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Quantile returns a bound below which the share q of the durations is, from 0 to 1: the bound of a
// bucket, so up to twice the true value. It is 0 if there are none.
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

func (h *Histogram) add(d time.Duration) {
	h.Counts[bucketOf(d)]++
	h.Sum += d
}

// bucketOf returns the first bucket whose bound is not below d.
func bucketOf(d time.Duration) int {
	if d <= time.Millisecond {
		return 0
	}
	return min(bits.Len64(uint64(d-1)/uint64(time.Millisecond)), HistogramBuckets-1)
}

// sharedHistogram is a Histogram that calls add to side by side.
type sharedHistogram struct {
	counts [HistogramBuckets]atomic.Uint64
	sum    atomic.Int64
}

func (s *sharedHistogram) merge(h *Histogram) {
	for i, n := range h.Counts {
		if n > 0 {
			s.counts[i].Add(n)
		}
	}
	s.sum.Add(int64(h.Sum))
}

func (s *sharedHistogram) read() (h Histogram) {
	for i := range s.counts {
		h.Counts[i] = s.counts[i].Load()
	}
	h.Sum = time.Duration(s.sum.Load())
	return h
}

// putTimes is how long records of a stream take.
type putTimes struct {
	buffer sharedHistogram // from acceptance to the first call
	delay  sharedHistogram // from acceptance to the answer
}

// begun counts the records of a call that is about to be made, those that had none before.
func (t *putTimes) begun(call *outbox.Call[owner], now time.Duration) {
	var h Histogram
	for i := range call.Items {
		if it := &call.Items[i]; it.Attempts == 0 {
			h.add(now - it.Accepted())
		}
	}
	t.buffer.merge(&h)
}

// answered counts the records of a call that are answered now.
func (t *putTimes) answered(call *outbox.Call[owner], now time.Duration) {
	var h Histogram
	for i := range call.Items {
		if it := &call.Items[i]; it.Verdict.Final() {
			h.add(now - it.Accepted())
		}
	}
	t.delay.merge(&h)
}

// usage is how the producer as a whole is used. It is guarded by Producer.mu.
type usage struct {
	blocked     uint64        // Puts that had to wait for room
	blockedTime time.Duration // sum of their waiting
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
