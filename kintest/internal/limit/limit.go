// Package limit decides how much may be done now. Time is a parameter, in
// nanoseconds, and nothing locks: the owner of a value guards it.
package limit

// Bucket is a token bucket. It is full at first, refills at Rate tokens per second,
// and never holds more than Size.
type Bucket struct {
	Rate, Size float64

	spent float64 // missing from a full bucket; above Size after an overdraft
	at    int64   // when spent was right
}

// NewBucket makes a bucket that holds one second's worth of tokens.
func NewBucket(perSecond int) Bucket {
	return Bucket{Rate: float64(perSecond), Size: float64(perSecond)}
}

// refill lets the time pass.
func (b *Bucket) refill(now int64) {
	if now > b.at {
		b.spent = max(0, b.spent-float64(now-b.at)*b.Rate/1e9)
		b.at = now
	}
}

// Ready says whether there is at least a trace of tokens.
func (b *Bucket) Ready(now int64) bool {
	b.refill(now)
	return b.spent < b.Size
}

// Fits says whether Take would succeed.
func (b *Bucket) Fits(now int64, n float64) bool {
	b.refill(now)
	return b.spent+min(n, b.Size) <= b.Size
}

// Take takes n tokens, or says false and takes nothing. More than a full bucket is
// taken from a full one, which is then overdrawn.
func (b *Bucket) Take(now int64, n float64) bool {
	if !b.Fits(now, n) {
		return false
	}
	b.spent += n
	return true
}

// Spend takes n tokens in any case. An amount above Size counts as if the bucket
// had been empty, so that it takes n/Rate seconds until the bucket is ready again.
func (b *Bucket) Spend(now int64, n float64) {
	b.refill(now)
	if n > b.Size {
		b.spent = max(b.spent, b.Size)
	}
	b.spent += n
}

// Wait is how many nanoseconds it takes until the bucket is ready.
func (b *Bucket) Wait(now int64) int64 {
	b.refill(now)
	if b.spent < b.Size {
		return 0
	}
	return int64((b.spent-b.Size)*1e9/b.Rate) + 1
}

// Window counts what happened within a span of time.
type Window struct {
	times []int64
}

// Take notes that something happens now, or says false if it happened max times
// within the span before.
func (w *Window) Take(now, span int64, most int) bool {
	keep := 0
	for keep < len(w.times) && w.times[keep] <= now-span {
		keep++
	}
	w.times = w.times[keep:]
	if len(w.times) >= most {
		return false
	}
	w.times = append(w.times, now)
	return true
}
