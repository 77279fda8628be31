package outbox

import (
	"math"
	"time"
)

// bucket is a token bucket without a clock. Spending more than it holds leaves a debt.
type bucket struct {
	rate   float64 // tokens per second; 0: no limit
	tokens float64

	// out is what calls carry that are out, and late what the service may not have got over yet of
	// those that have ended: it took that in at their end at the latest, and gets over it at the rate. So
	// both together are never less than what is missing from the service's own bucket.
	out, late float64

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
	gain := b.rate * factor * passed.Seconds()
	b.tokens = min(b.tokens+gain, b.room(factor))
	b.late = max(b.late-gain, 0)
}

// missing returns how many tokens are missing for n: of n tokens or a full bucket, or of what the service takes
// if all that is out comes to it at the same time.
func (b *bucket) missing(n, factor float64) float64 {
	if b.rate == 0 {
		return 0
	}
	atOnce := b.rate * factor * serviceBurst.Seconds()
	return max(min(n, b.room(factor))-b.tokens, b.out+b.late+min(n, atOnce)-atOnce, 0)
}

// wait returns how long it takes until there is enough for n, if nothing is spent and all that is out ends now.
func (b *bucket) wait(n, factor float64) time.Duration {
	missing := b.missing(n, factor)
	if missing == 0 {
		return 0
	}
	return time.Duration(math.Ceil(missing / (b.rate * factor) * float64(time.Second)))
}

func (b *bucket) spend(n float64) {
	if b.rate > 0 {
		b.tokens -= n
		b.out += n
	}
}

// ended says that n spent tokens are not out any more. The service took in so many of them, if it is not known that
// it took less.
func (b *bucket) ended(n, took float64) {
	if b.rate > 0 {
		b.out = max(b.out-n, 0)
		b.late += took
	}
}

// giveBack returns n tokens for what never came to the service, or weighed less.
func (b *bucket) giveBack(n float64) {
	if b.rate > 0 {
		b.tokens += n
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
