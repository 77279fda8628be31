package coord

import (
	"hash/fnv"
	"math"
	"time"
)

// All times follow from the TTL: these are parts of it.
const (
	beatEvery   = 0.3  // from heartbeat to heartbeat
	beatAgain   = 0.05 // after a heartbeat has failed twice, and more for each further time
	trustFor    = 0.7  // from the start of a heartbeat that was answered
	deadAfter   = 0.85 // a beat that stands still for so long
	lateFrom    = 0.33 // look at a beat that stands still for so long as soon as it may be suspect
	suspectFrom = 0.45 // look often at a beat that stands still for so long
	beginWithin = 0.2  // no leases for a worker that sends no first heartbeat for so long after its row came
	blindFor    = 0.3  // an observer who saw nothing for so much longer than it wanted begins anew
	forgetAgain = 0.2  // after a Forget that is not answered: nobody reads the leases meanwhile
	muteFor     = 0.5  // so does one whose own heartbeats are not answered

	pollEach    = 0.05 // between polls, for each worker of the group
	pollLeast   = 0.1
	pollMost    = 0.5
	pollVary    = 0.1   // by so much more or less
	pollBusy    = 0.1   // while workers come and go
	busyFor     = 1.0   // after that
	pollOften   = 0.05  // while somebody is suspected, or a lease is about to be handed over
	pollLapsed  = 0.15  // at most, after a poll has failed, while there is no trust
	pollWaiting = 0.025 // while waiting for a lease
	waitingNew  = 0.5   // for so long; then pollOften

	reloadWaiting = 0.2 // in case that the version did not rise with a change
	reloadPatient = 1.0 // after waiting for a long time
	patientFrom   = 2.0

	retryLeast = 0.05 // between attempts of a call that fails
	retryMost  = 0.5

	cutGrace = 0.2 // from Cut to the end

	unableAfter = 0.5  // after no call of the service was answered for so long
	keepFor     = 1.5  // an unable worker keeps its leases for so long after it knows of an able one
	probeEvery  = 0.25 // while nothing is answered
	probeSeldom = 0.5  // when the leases are given away; and while another worker is to do so
	relapseIn   = 60.0 // a worker that gives its leases away again within so long comes back later
	returnMost  = 30.0 // by so much at most
)

const (
	reloadEvery = 5 * time.Minute
	listLeast   = time.Second // between listings that something calls for
	never       = time.Duration(math.MaxInt64)

	maxBatch   = 100 // changes in one Update
	maxUpdates = 4   // Updates under way
)

// ttl returns a part of the TTL.
func (m *Machine) ttl(p float64) time.Duration { return part(m.cfg.TTL, p) }

func part(d time.Duration, p float64) time.Duration { return time.Duration(p * float64(d)) }

// backoff returns how long to wait after failures in a row.
func (m *Machine) backoff(failures int) time.Duration {
	p := min(retryLeast*float64(int(1)<<min(failures, 10))/2, retryMost)
	return m.spread(m.ttl(p), 0.25)
}

// spread returns d, more or less by up to a part of it, so that workers don't stay in step.
func (m *Machine) spread(d time.Duration, by float64) time.Duration {
	return part(d, 1+by*(2*m.chance()-1))
}

// chance returns a number from 0 to below 1. The row of numbers depends on the worker's ID and
// nothing else.
func (m *Machine) chance() float64 {
	m.random += 0x9e3779b97f4a7c15
	z := m.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}

// hash returns a number that follows from texts.
func hash(texts ...string) uint64 {
	h := fnv.New64a()
	for _, text := range texts {
		_, _ = h.Write([]byte(text)) // never fails
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64()
}

// call is what is known of a call that is made again and again, never twice at a time.
type call struct {
	out      bool          // it is under way
	asked    uint64        // the Step that asked for it
	askedAt  time.Duration // when that was
	due      time.Duration // when it is to be made next; never if nothing calls for it
	earliest time.Duration // not before, because it has failed
	failures int           // in a row
	err      error         // of the last of them; nil if there is none
}

// ready says whether the call is to be made now.
func (c *call) ready(now time.Duration) bool { return c.next() <= now }

// next returns when it is to be made.
func (c *call) next() time.Duration {
	if c.out {
		return never
	}
	return max(c.due, c.earliest)
}

// ask says that the call is under way from now on.
func (m *Machine) ask(c *call) {
	c.out, c.asked, c.askedAt, c.due = true, m.step, m.now, never
}

// answered says that it is not any more, and whether it worked. After a failure it is due again.
func (m *Machine) answered(c *call, err error) bool {
	c.out = false
	if err == nil {
		c.failures, c.earliest, c.err = 0, 0, nil
		return true
	}
	c.failures++
	c.err = err
	c.due, c.earliest = min(c.due, m.now), m.now+m.backoff(c.failures)
	return false
}
