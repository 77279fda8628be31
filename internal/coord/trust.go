package coord

import (
	"errors"
	"strconv"
	"time"

	"github.com/kinstream/kin/lease"
)

// firstBeat is the beat of a worker that has sent no heartbeat yet.
const firstBeat = 1

// phase is how far the worker is with its membership.
type phase int

const (
	outside phase = iota // looks at the group before it joins
	joining              // writes its row, until it is known to be there
	member               // has a row
	over                 // has left for good
)

// membership is the worker's own life in the group: its row, its heartbeats, and for how long
// it may trust that nobody has forgotten it.
type membership struct {
	phase phase
	id    string
	run   int // how many IDs there were

	join       call   // once for each ID, since a call may come to the store late
	unsure     bool   // its answer was lost
	joinedIn   uint64 // the Step since which the row is there: reads asked for since then have it
	acquainted bool   // such a load was answered

	beat       call
	beatAt     time.Duration // the start of the last heartbeat of which we know that it was made, or before
	beatNo     int64         // the beat of our row, as we last saw it
	beatFrom   int64         // what that was when the last heartbeat was asked for
	beatNoAt   time.Duration // when the call began that showed it: a higher one was written after that
	beatFailed uint64        // the Step in which a heartbeat last failed
	heard      uint64        // the Step in which a poll or load was last answered
	trustUntil time.Duration
	lapsed     bool   // that has passed, and it is not proved since that the leases are still our own
	proof      uint64 // a load asked for in this Step or later proves it; 0 while no heartbeat was answered

	drained bool  // an operator wants the worker to have no leases
	said    int64 // what the last heartbeat says that we have seen
}

// checkTrust notices that trust has lapsed. Whoever delivers records has noticed it already: it
// was told until when.
func (m *Machine) checkTrust() {
	if m.phase != member || m.now < m.trustUntil {
		return
	}
	m.proof = 0
	if !m.lapsed {
		m.lapsed = true
		m.do(Note{What: TrustLapsed, Worker: m.id, Own: true})
	}
}

// trust takes in that a heartbeat was made at a time or later.
func (m *Machine) trust(since time.Duration) {
	m.beatAt = max(m.beatAt, since)
	since = m.beatAt
	m.trustUntil = since + m.ttl(trustFor)
	m.beat.due = since + m.ttl(beatEvery)
	switch {
	case m.now >= m.trustUntil: // the answer took too long
		m.beat.due = m.now
	case m.lapsed:
		if m.proof == 0 {
			m.proof = m.step
			m.load.due = m.now
		}
	default:
		m.do(Trust{Until: m.trustUntil})
	}
}

// selfSeen takes in the beat of our own row, as a call shows it that began at a time. It may
// tell of a heartbeat that was made although its answer got lost.
func (m *Machine) selfSeen(beat int64, began time.Duration) {
	if beat > m.beatNo && m.beat.failures > 0 {
		m.trust(m.beatNoAt)
	}
	m.beatNo, m.beatNoAt = max(m.beatNo, beat), began
}

// prove ends the time without trust, if a load is new enough. What it shows has been taken in.
func (m *Machine) prove(asked uint64) {
	if m.phase != member || !m.lapsed || m.proof == 0 || asked < m.proof {
		return
	}
	m.lapsed, m.proof = false, 0
	m.replanSoon()
	m.do(Trust{Until: m.trustUntil})
	m.do(Note{What: TrustBack, Worker: m.id, Own: true})
}

// enter begins to join, under the ID that the Machine has.
func (m *Machine) enter() {
	m.phase = joining
	m.join.due = m.now
}

func (m *Machine) onJoined(e Joined) {
	ok := m.answered(&m.join, e.Err)
	m.join.due = never
	switch {
	case m.phase != joining:
	case ok:
		m.joined()
	default: // a load tells, when it can be had
		m.unsure = true
		m.load.due = m.now
	}
}

// joined takes in that the row is there. Trust counts from when it was asked for.
func (m *Machine) joined() {
	m.phase, m.joinedIn, m.acquainted, m.unsure = member, m.step, false, false
	m.lapsed, m.proof, m.join.err = false, 0, nil
	m.beatAt, m.beatNo, m.beatNoAt, m.beat.failures = m.join.askedAt, m.row().Beat, m.join.askedAt, 0
	m.addSelf()
	m.do(Note{What: WorkerJoined, Worker: m.id, Own: true})
	m.trust(m.join.askedAt)
	m.load.due = m.now
}

// beginSoon sends the first heartbeat when a load has been answered that was asked for in a Step
// after we had joined: that shows the others that answers reach us.
func (m *Machine) beginSoon(asked uint64) {
	if m.phase != member || asked < m.joinedIn {
		return
	}
	m.acquainted = true
	if m.beatNo == firstBeat {
		m.beat.due = min(m.beat.due, m.now)
	}
}

// ascertain takes in a snapshot after a Join whose answer was lost. If the row is not there, it
// may still come; but nobody will act under that ID, which others may have forgotten by then.
func (m *Machine) ascertain() {
	switch {
	case m.phase != joining || !m.unsure:
	case m.wantsOut:
		m.retract()
	case m.peers[m.id] != nil:
		m.joined()
	default:
		m.do(Forget{Worker: m.id, Beat: lease.AnyBeat})
		m.unsure = false
		m.rename()
		m.enter()
	}
}

// beatDue returns when the next heartbeat is to be made.
func (m *Machine) beatDue() time.Duration {
	if m.phase != member || m.beat.out {
		return never
	}
	if m.beat.failures > 0 && m.heard <= m.beatFailed {
		// Perhaps our calls reach the store and only their answers get lost. Then heartbeats
		// would keep others from reading what we can't read. So first a poll or a load has to
		// be answered.
		return never
	}
	due := m.beat.due
	if m.waiting > 0 && m.said < m.seen { // who has the lease waits to hear that we look
		due = min(due, m.beat.askedAt+m.ttl(pollOften))
	}
	return due
}

func (m *Machine) onBeaten(e Beaten) {
	m.beat.out = false
	switch {
	case e.Worker.ID != m.id || m.phase != member: // of a former ID: joined says when the first of this one is due
	case errors.Is(e.Err, lease.ErrNoWorker):
		m.forgotten()
	case e.Err == nil && e.Worker.Beat <= m.beatFrom: // ours is gone: a Join that came twice made another one
		m.do(Forget{Worker: m.id, Beat: lease.AnyBeat})
		m.forgotten()
	case e.Err != nil:
		m.beat.err = e.Err
		m.beat.due = m.now + m.ttl(beatAgain*float64(min(m.beat.failures, 4)))
		m.beat.failures++
		m.beatFailed = m.step
		m.lookedAt = m.now - m.pollLongest() // look now
	default:
		m.beat.failures, m.beat.err = 0, nil
		m.beatNo, m.beatNoAt = e.Worker.Beat, m.beat.askedAt
		m.trust(m.beat.askedAt)
		if e.Worker.Draining != m.drained && !m.wantsOut {
			m.load.due = m.now // take it in together with what the others see
		}
	}
}

// forgotten takes in that the worker's row is gone. Its leases are lost, and what was under way
// for them is of no interest any more.
func (m *Machine) forgotten() {
	if m.wantsOut && m.slots == 0 { // we have deleted it ourselves, and the answer is under way
		m.phase = outside
		return
	}
	m.do(Note{What: WorkerDied, Worker: m.id, Own: true})
	m.do(Trust{})
	m.removePeer(m.id)
	for _, e := range m.inOrder() {
		if e.flight != nil && !e.flight.sent {
			e.flight = nil
		}
		if e.slot != nil {
			m.lose(e)
		}
	}
	m.lapsed, m.proof, m.drained = false, 0, false
	m.drain.due = never
	if m.wantsOut {
		m.phase = outside
		m.load.due = never
		return
	}
	m.rename()
	m.enter()
}

// rename gives the worker an ID that it never had.
func (m *Machine) rename() {
	m.run++
	m.id = m.cfg.ID + "." + strconv.Itoa(m.run)
	m.seen, m.said = 0, 0
}
