package outbox

import (
	"math"
	"time"
)

// bucket is a token bucket without a clock. Spending more than it holds leaves a debt.
type bucket struct {
	rate   float64 // tokens per second; 0: no limit
	tokens float64

	// grace is how many spent tokens the service may still refuse without costing any. It
	// grows with what is stored: who sends too much would otherwise send all that was
	// refused again at once, only to have more refused.
	grace float64
}

func newBucket(rate float64) bucket {
	return bucket{rate: rate, tokens: rate * burst.Seconds(), grace: rate * burst.Seconds() * grace}
}

// room returns what the bucket holds when it is full.
func (b *bucket) room(factor float64) float64 { return b.rate * burst.Seconds() * factor }

func (b *bucket) refill(passed time.Duration, factor float64) {
	b.tokens = min(b.tokens+b.rate*factor*passed.Seconds(), b.room(factor))
}

// has says whether there is enough for n: n tokens, or a full bucket.
func (b *bucket) has(n, factor float64) bool {
	return b.rate == 0 || b.tokens >= min(n, b.room(factor))
}

// wait returns how long it takes until there is enough for n, if nothing is spent.
func (b *bucket) wait(n, factor float64) time.Duration {
	if b.has(n, factor) {
		return 0
	}
	missing := min(n, b.room(factor)) - b.tokens
	return time.Duration(math.Ceil(missing / (b.rate * factor) * float64(time.Second)))
}

func (b *bucket) spend(n float64) {
	if b.rate > 0 {
		b.tokens -= n
	}
}

// stored says that n spent tokens were for something that was stored.
func (b *bucket) stored(n, factor float64) { b.grace = min(b.grace+grace*n, b.room(factor)) }

// refused returns n tokens that the service refused, if not too many were.
func (b *bucket) refused(n float64) {
	if b.grace > 0 {
		b.tokens += n
		b.grace -= n
	}
}
