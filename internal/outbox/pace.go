package outbox

import (
	"math"
	"time"
)

// How a lane's rate adapts to what the service answers; see the package comment for why.
const (
	window     = time.Second      // of looking back, at least
	manySent   = 40               // entries that end a window,
	manyLost   = 6                // or so many that were refused,
	maxWindow  = 10 * time.Second // or so much time
	fewLost    = 2                // refused ones that may be chance
	tooMany    = 0.10             // share of refused entries above which the rate falls
	fewEnough  = 0.07             // and below which it rises
	fall       = 0.95
	manyFailed = 4    // calls in a row in which everything failed: that says nothing about what the shard takes
	rise       = 0.02 // of the full rate, per second
	minFactor  = 0.05
	mostToLose = 0.5 // of the rate in one window
	grace      = 0.2 // of what is stored, that may be refused without costing tokens
)

// pace is how fast a lane may send: two token buckets, whose rates follow what the
// service takes, and pauses after failures. An entry needs tokens for all of it, or full
// buckets, which then are in debt: so a record that is larger than a bucket goes too.
type pace struct {
	bytes, records bucket
	factor         float64 // of their rates
	at             time.Duration

	began       time.Duration // of the window; 0: none has begun
	sent, lost  float64       // entries in it, and those of them that were throttled
	storedBytes float64
	pausedUntil time.Duration
	failures    int     // calls in a row in which everything failed
	before      float64 // the factor before the first one of them
}

// start gives the lane its rates and full buckets.
func (p *pace) start(bytesRate, recordsRate float64, now time.Duration) {
	*p = pace{bytes: newBucket(bytesRate), records: newBucket(recordsRate), factor: 1, at: now}
}

// limited says whether there is a pace at all.
func (p *pace) limited() bool { return p.bytes.rate > 0 || p.records.rate > 0 }

// refill adds the tokens of the time that has passed.
func (p *pace) refill(now time.Duration) {
	if now <= p.at {
		return
	}
	p.bytes.refill(now-p.at, p.factor)
	p.records.refill(now-p.at, p.factor)
	p.at = now
}

// take spends tokens for one entry, if there are enough. The buckets must be refilled.
func (p *pace) take(size int) bool {
	if p.bytes.missing(float64(size), p.factor) > 0 || p.records.missing(1, p.factor) > 0 {
		return false
	}
	p.bytes.spend(float64(size))
	p.records.spend(1)
	return true
}

// takeMore spends bytes for an entry that was taken and grows, if there are enough.
func (p *pace) takeMore(size int) bool {
	if p.bytes.rate > 0 && (p.bytes.tokens < float64(size) || p.bytes.missing(float64(size), p.factor) > 0) {
		return false
	}
	p.bytes.spend(float64(size))
	return true
}

// tokens returns how many bytes there are tokens for.
func (p *pace) tokens() int {
	if p.bytes.rate == 0 {
		return math.MaxInt
	}
	return int(p.bytes.tokens)
}

// ready returns the moment from which take succeeds: now, or later.
func (p *pace) ready(size int, now time.Duration) time.Duration {
	p.refill(now)
	return now + max(p.bytes.wait(float64(size), p.factor), p.records.wait(1, p.factor))
}

// outcome is what became of an entry, as far as it concerns a pace.
type outcome uint8

const (
	wasStored  outcome = iota
	wasRefused         // by the service, which took nothing
	neverCame          // to the service
	unknown            // perhaps stored
)

// ended counts an entry for which tokens were taken and which has packed bytes.
func (p *pace) ended(taken, packed int, what outcome) {
	p.bytes.giveBack(float64(taken - packed))
	var bytes, records float64 // that the service took
	if what == wasStored || what == unknown {
		bytes, records = float64(packed), 1
	}
	p.bytes.ended(float64(taken), bytes)
	p.records.ended(1, records)
	switch what {
	case wasStored:
		p.bytes.stored(float64(packed), p.factor)
		p.records.stored(1, p.factor)
	case wasRefused:
		p.bytes.refused(float64(packed))
		p.records.refused(1)
	case neverCame:
		p.bytes.giveBack(float64(packed))
		p.records.giveBack(1)
	case unknown:
	}
}

// tried is what became of the entries of a lane in one call.
type tried struct {
	entries, failed, throttled int
	storedBytes                int
}

// learn takes in what became of entries, and adapts.
func (p *pace) learn(t tried, now time.Duration, random func() float64) {
	failures := p.failures
	p.rest(t, now, random)
	if !p.limited() {
		return
	}
	switch {
	case failures == 0:
		p.before = p.factor
	case failures >= manyFailed && p.failures == 0:
		// The shard took nothing at all, and now it takes something: the pauses have kept us from
		// it, and our part of it is what it was.
		p.factor = max(p.factor, p.before)
		p.began, p.sent, p.lost, p.storedBytes = now, 0, 0, 0
	}
	if p.began == 0 {
		p.began = now
	}
	p.sent += float64(t.entries)
	p.lost += float64(t.throttled)
	p.storedBytes += float64(t.storedBytes)
	if lasted := now - p.began; lasted >= maxWindow || lasted >= window && (p.sent >= manySent || p.lost >= manyLost) {
		p.adapt(min(lasted, maxWindow).Seconds())
		p.began, p.sent, p.lost, p.storedBytes = now, 0, 0, 0
	}
}

// adapt changes the factor at the end of a window.
func (p *pace) adapt(seconds float64) {
	switch share := p.lost / p.sent; {
	case share > tooMany && p.lost > fewLost:
		// What was stored is what the service has for us now: go there at once. A lane that
		// had little to send learns nothing from how little that was.
		stored := 0.0
		if p.records.rate > 0 {
			stored = (p.sent - p.lost) / (p.records.rate * seconds)
		}
		if p.bytes.rate > 0 {
			stored = max(stored, p.storedBytes/(p.bytes.rate*seconds))
		}
		p.factor = max(min(p.factor, max(stored, p.factor*mostToLose))*fall, minFactor)
	case share < fewEnough:
		p.factor = min(p.factor+rise*seconds, 1)
	}
}

// rest pauses the lane if something failed.
func (p *pace) rest(t tried, now time.Duration, random func() float64) {
	switch {
	case t.failed == 0:
		p.failures = 0
	case t.failed < t.entries:
		p.failures = 0
		p.pausedUntil = max(p.pausedUntil, now+minPause)
	case now < p.pausedUntil:
		// Another call of the same time: the pause is for both.
	default:
		p.failures++
		p.pausedUntil = now + pauses.DelayBy(p.failures, random())
	}
}
