package outbox

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Buckets is the number of buckets of a [Histogram].
const Buckets = 18

// Bound returns the upper bound of bucket i, inclusive: 1, 2, 4, ... milliseconds. The last bucket has none, and 0 is
// returned for it.
func Bound(i int) time.Duration {
	if i < 0 || i >= Buckets-1 {
		return 0
	}
	return time.Millisecond << i
}

// Histogram counts durations.
type Histogram struct {
	Counts [Buckets]uint64 // of each bucket, not added up
	Sum    time.Duration
}

func (h *Histogram) add(d time.Duration) {
	h.Counts[BucketOf(d)]++
	h.Sum += d
}

// BucketOf returns the first bucket of a [Histogram] whose bound is not below d.
func BucketOf(d time.Duration) int {
	if d <= time.Millisecond {
		return 0
	}
	return min(bits.Len64(uint64(d-1)/uint64(time.Millisecond)), Buckets-1)
}

// Times is how long items took.
type Times struct {
	Buffer Histogram // from acceptance to the first call
	Delay  Histogram // from acceptance to the answer
}

// times are Times to which calls add side by side, without the lock: what is counted is not the engine's business.
type times struct {
	buffer, delay sharedHistogram
}

func (t *times) read() Times { return Times{Buffer: t.buffer.read(), Delay: t.delay.read()} }

type sharedHistogram struct {
	counts [Buckets]atomic.Uint64
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

// Begun counts the items of a call that is about to be made, those that had none before. The caller needs not
// have the lock: the call is its own.
func (o *Outbox[T]) Begun(c *Call[T], now time.Duration) {
	for i := 0; i < len(c.Entries); {
		var h Histogram
		items, l := c.ofLane(&i)
		for j := range items {
			if it := &items[j]; it.Attempts == 0 {
				h.add(now - it.accepted)
			}
		}
		o.times.buffer.merge(&h)
		l.times.buffer.merge(&h)
	}
}

// Answered counts the items of a call, or of Step.Over, that are answered now. The caller needs not have the lock.
func (o *Outbox[T]) Answered(c *Call[T], now time.Duration) {
	for i := 0; i < len(c.Entries); {
		var h Histogram
		items, l := c.ofLane(&i)
		for j := range items {
			if it := &items[j]; it.Verdict.Final() {
				h.add(now - it.accepted)
			}
		}
		o.times.delay.merge(&h)
		l.times.delay.merge(&h)
	}
}

// ofLane returns the items of one lane, whose entries begin at *i, and moves *i behind them. A lane may be retired: then
// nobody looks at what is counted for it.
func (c *Call[T]) ofLane(i *int) ([]Item[T], *lane[T]) {
	first := &c.Entries[*i]
	last := first
	for ; *i < len(c.Entries) && c.Entries[*i].lane == first.lane; *i++ {
		last = &c.Entries[*i]
	}
	return c.Items[first.First : last.First+last.N], first.lane
}
