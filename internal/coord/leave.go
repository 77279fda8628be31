package coord

import (
	"cmp"
	"errors"
	"time"

	"github.com/kinstream/kin/lease"
)

// cutGraceLeast is how long the last attempts get at least.
const cutGraceLeast = time.Second

// leaving is how the worker leaves. It drains, so that no plan gives it anything; reads on
// until the heirs of its leases have seen that; hands over; and deletes its row.
type leaving struct {
	wantsOut bool
	leftFrom time.Duration
	fatal    error // why, if nobody wished it

	drain        call
	drainedIn    uint64 // the Step since which the row says so
	drainSettled bool   // drainVersion is known
	drainVersion int64  // who has seen this has seen that we drain

	farewell  call   // deletes our row
	retracted uint64 // the Step since which a row is gone of which we were not sure; 0 if it may be there

	cut    bool
	cutAt  time.Duration
	cutOff []lease.Key
	kept   []lease.Key // not handed over
}

func (m *Machine) onLeave() {
	if m.wantsOut {
		return
	}
	m.wantsOut, m.leftFrom = true, m.now
	m.replanAt = m.now
	m.replanSoon()
	m.lookAt = m.now
	self := m.peers[m.id]
	if self == nil {
		return
	}
	self.row.Draining = true
	for _, e := range m.inOrder() {
		if e.slot != nil && e.slot.state == Ending {
			m.bornSoon(e.key.Stream)
		}
	}
	if len(m.peers) > 1 {
		m.drain.due = m.now
	} else {
		m.drainSettled = true
	}
}

func (m *Machine) onDrained(e Drained) {
	ok := m.answered(&m.drain, e.Err)
	switch {
	case e.Worker != m.id || m.phase != member:
	case errors.Is(e.Err, lease.ErrNoWorker):
		m.forgotten()
	case ok:
		m.drainedIn = m.step
		m.lookedAt = m.now - m.pollEvery()
	}
}

// settleDrain takes in the version of a snapshot that was asked for in a Step: if the row said
// by then that we drain, whoever has seen that version has seen it too.
func (m *Machine) settleDrain(asked uint64, version int64) {
	if !m.wantsOut || m.drainSettled || m.drainedIn == 0 || asked < m.drainedIn {
		return
	}
	m.drainSettled, m.drainVersion = true, version
	for _, e := range m.moving {
		if e.slot != nil {
			e.slot.heirVersion = max(e.slot.heirVersion, version)
		}
	}
}

// giveUp leaves because of an error.
func (m *Machine) giveUp(err error) {
	if m.fatal == nil {
		m.fatal = err
	}
	m.onLeave()
}

func (m *Machine) onCut() {
	m.onLeave()
	if m.cut {
		return
	}
	m.cut, m.cutAt = true, m.now+max(m.ttl(cutGrace), cutGraceLeast)
	m.movingAt = m.now
	for _, e := range m.inOrder() {
		if e.slot == nil || !e.slot.running() || e.slot.state == Losing {
			continue
		}
		m.cutOff = append(m.cutOff, e.key)
		m.stop(e, CutOff)
	}
}

// endIfDone ends the Machine when nothing is left to do, or no time.
func (m *Machine) endIfDone() {
	switch {
	case m.phase == over || !m.wantsOut:
	case m.now >= m.cutAt:
		m.end()
	case m.phase == joining && m.unsure && m.retracted == 0 && !m.farewell.out:
		m.farewell.due = min(m.farewell.due, m.now)
	case m.phase == joining && !m.join.out && !m.unsure:
		m.end()
	case m.phase == outside && m.slots == 0:
		m.end()
	case m.phase == member && m.slots == 0 && m.replanDue() > m.now && !m.farewell.out:
		m.farewell.due = min(m.farewell.due, m.now)
	case m.phase == member && m.slots > 0 && !m.farewell.out: // a lease came while our row could not be deleted
		m.farewell.due = never
	}
}

func (m *Machine) farewellAnswered(e Forgotten) {
	ok := m.answered(&m.farewell, e.Err)
	switch {
	case ok && m.phase == joining: // the Join may come to the store after that
		m.retracted, m.load.due = m.step, m.now
	case ok || m.phase == joining && m.cut: // one attempt was enough, or has to be
		m.end()
	}
}

// retract takes in a snapshot after a Join whose answer was lost, when the worker wants to leave. Its
// row has been deleted, whether it was there or not; it is gone if a look that began after that
// does not show it. A Join that comes even later makes a row without a worker, which is
// forgotten as that of one that died. Nothing better can be had: a store answers for no request
// but those that it has answered.
func (m *Machine) retract() {
	self := m.peers[m.id]
	switch {
	case m.retracted == 0 || m.workersFrom < m.retracted:
	case self != nil && self.step == m.step:
		m.retracted = 0
	default:
		m.unsure = false
	}
}

// end says how it went.
func (m *Machine) end() {
	for _, e := range m.inOrder() {
		if e.slot != nil && e.slot.state != Losing {
			m.kept = append(m.kept, e.key)
		}
	}
	var err error
	switch {
	case m.fatal != nil:
		err = m.fatal
	case len(m.kept) > 0 || len(m.cutOff) > 0 || m.unsure || m.now >= m.cutAt:
		err = &LeaveError{CutOff: m.cutOff, Kept: m.kept, Err: m.failing()}
	}
	m.phase = over
	m.do(Left{Err: err})
}

// failing returns why leaving could not go on, if that is because a call does not work any more: of
// several, the one that comes last when a worker leaves.
func (m *Machine) failing() error {
	return cmp.Or(m.farewell.err, m.updateErr, m.drain.err, m.load.err, m.poll.err, m.join.err, m.beat.err)
}
