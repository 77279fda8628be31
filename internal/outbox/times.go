package outbox

import (
	"math"
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
	Sum    float64         // seconds: a time.Duration would overflow within days, with many items at a time
}

// tally is a Histogram to which durations are added. Its sum is in nanoseconds, exact to 2^53 of them.
type tally struct {
	counts [Buckets]uint64
	sum    float64
}

func (t *tally) add(d time.Duration) {
	t.counts[BucketOf(d)]++
	t.sum += float64(d)
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
	sum    atomic.Uint64 // bits of a float64: that of a tally
}

func (s *sharedHistogram) merge(t *tally) {
	for i, n := range t.counts {
		if n > 0 {
			s.counts[i].Add(n)
		}
	}
	for {
		was := s.sum.Load()
		if s.sum.CompareAndSwap(was, math.Float64bits(math.Float64frombits(was)+t.sum)) {
			return
		}
	}
}

func (s *sharedHistogram) read() (h Histogram) {
	for i := range s.counts {
		h.Counts[i] = s.counts[i].Load()
	}
	h.Sum = math.Float64frombits(s.sum.Load()) / float64(time.Second)
	return h
}

// Begun counts the items of a call that is about to be made, those that had none before. The caller needs not
// have the lock: the call is its own.
func (o *Outbox[T]) Begun(c *Call[T], now time.Duration) {
	for i := 0; i < len(c.Entries); {
		var t tally
		items, l := c.ofLane(&i)
		for j := range items {
			if it := &items[j]; it.Attempts == 0 {
				t.add(now - it.accepted)
			}
		}
		o.times.buffer.merge(&t)
		l.times.buffer.merge(&t)
	}
}

// Answered counts the items of a call, or of Step.Over, that are answered now. The caller needs not have the lock.
func (o *Outbox[T]) Answered(c *Call[T], now time.Duration) {
	for i := 0; i < len(c.Entries); {
		var t tally
		items, l := c.ofLane(&i)
		for j := range items {
			if it := &items[j]; it.Verdict.Final() {
				t.add(now - it.accepted)
			}
		}
		o.times.delay.merge(&t)
		l.times.delay.merge(&t)
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
