package outbox

import (
	"math"
	"time"
)

// How a lane's rate adapts to what the service answers; see the package comment for why.
const (
	window     = 250 * time.Millisecond // of looking back, at least
	maxWindow  = 10 * time.Second       // that counts for the rise, at most: nothing may have been sent for long
	maxWeight  = time.Second            // and for the fall
	rise       = 0.015                  // of the full rate, per second, whatever the level
	fall       = 1.5                    // of the level, per second, if all is refused
	noise      = 0.05                   // share of refused entries that may have no reason
	minLevel   = 0.05
	maxLevel   = 1.75                   // chance takes some time to get from there to 1
	firstLevel = 1.5                    // a shard is ours, until it refuses
	maxRest    = 300 * time.Millisecond // between two calls of a lane that shares its shard
	manyFailed = 4                      // calls in a row in which everything failed: that says nothing about what the shard takes
	grace      = 0.2                    // of what is stored, that may be refused without costing tokens
)

// pace is how fast a lane may send: two token buckets, whose rates follow what the
// service takes, and pauses after failures. An entry needs tokens for all of it, or full
// buckets, which then are in debt: so a record that is larger than a bucket goes too.
type pace struct {
	bytes, records bucket
	factor         float64 // of their rates: the level, or 1
	at             time.Duration

	level       float64       // above 1: how sure we are that the shard is ours
	began       time.Duration // of the window; 0: none has begun
	sent, lost  float64       // entries in it, and those of them that were throttled
	restsUntil  time.Duration // so that who shares a shard comes at moments that nobody else chooses
	pausedUntil time.Duration
	failures    int     // calls in a row in which everything failed
	before      float64 // the level before the first one of them
}

// start gives the lane its rates and full buckets.
func (p *pace) start(bytesRate, recordsRate float64, now time.Duration) {
	*p = pace{bytes: newBucket(bytesRate), records: newBucket(recordsRate), factor: 1, level: firstLevel, at: now}
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
	return max(p.restsUntil, now+max(p.bytes.wait(float64(size), p.factor), p.records.wait(1, p.factor)))
}

// left says that entries have left for a call.
func (p *pace) left(now time.Duration, random func() float64) {
	if p.shares() {
		p.restsUntil = now + time.Duration(random()*float64(maxRest))
	}
}

// shares says whether others seem to put into the shard too.
func (p *pace) shares() bool { return p.limited() && p.level < 1 }

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
		if !p.shares() {
			p.bytes.refused(float64(packed))
			p.records.refused(1)
		}
	case neverCame:
		p.bytes.giveBack(float64(packed))
		p.records.giveBack(1)
	case unknown:
	}
}

// tried is what became of the entries of a lane in one call.
type tried struct {
	entries, failed, throttled int
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
		p.before = p.level
	case failures >= manyFailed && p.failures == 0:
		// The shard took nothing at all, and now it takes something: the pauses have kept us from
		// it, and our part of it is what it was.
		p.change(max(p.level, p.before))
		p.began, p.sent, p.lost = now, 0, 0
	}
	if p.began == 0 {
		p.began = now
	}
	p.sent += float64(t.entries)
	p.lost += float64(t.throttled)
	if lasted := now - p.began; lasted >= window {
		p.adapt(lasted)
		p.began, p.sent, p.lost = now, 0, 0
	}
}

// adapt changes the level at the end of a window.
func (p *pace) adapt(lasted time.Duration) {
	excess := p.lost/p.sent - noise
	falls := p.factor * (1 - math.Exp(-fall*excess*min(lasted, maxWeight).Seconds()))
	p.change(p.level + rise*min(lasted, maxWindow).Seconds() - falls)
}

func (p *pace) change(level float64) {
	p.level = max(min(level, maxLevel), minLevel)
	p.factor = min(p.level, 1)
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
