package coord

import (
	"slices"
	"time"

	"github.com/kinstream/kin/lease"
)

// setHeir says who is to have a lease of ours.
func (m *Machine) setHeir(e *entry) {
	s := e.slot
	s.heir, s.heirVersion, s.heirSince = e.planned, max(m.version, m.drainVersion), m.now
	if m.wantsOut {
		s.heirSince = m.leftFrom
	}
	m.moving = append(m.moving, e)
}

// moveOn stops the reading of leases whose heirs look often by now, or had time enough to begin
// with it.
func (m *Machine) moveOn() {
	if m.now < m.movingAt {
		return
	}
	m.movingAt = never
	if m.overrun { // replan has us look again
		return
	}
	kept := m.moving[:0]
	for _, e := range m.moving {
		if e.slot == nil || e.slot.state != Moving {
			continue
		}
		from := m.moveFrom(e)
		at := max(m.moveAt(e), from)
		if at <= m.now {
			why := HandOver
			if m.wantsOut {
				why = Shutdown
			}
			if from > 0 {
				m.gives()
			}
			m.stop(e, why)
			continue
		}
		m.movingAt = min(m.movingAt, at)
		kept = append(kept, e)
	}
	clear(m.moving[len(kept):])
	m.moving = kept
}

// moveAt returns when the reading of a lease in state Moving is to be stopped, as far as that
// is known.
func (m *Machine) moveAt(e *entry) time.Duration {
	s := e.slot
	heir := m.peers[s.heir]
	ours := slices.Contains(m.usable, e.key.Stream)
	switch {
	case s.heir == "" || m.cut:
		return m.now
	case !ours: // the heir finds out by a poll: no version rises when a worker changes its streams
	case heir != nil && !heir.suspect && heir.row.Seen >= s.heirVersion && (!m.wantsOut || m.drainKnown()):
		return m.now
	case heir != nil && heir.suspect && !m.wantsOut: // it may be dead: then somebody else is to have it
		return never
	case heir != nil && !heir.begun(): // that is settled soon, and for the others before they hear of it from us
		return never
	}
	return s.heirSince + m.pollLongest() + m.ttl(pollOften)
}

// moveFrom is when the reading of a lease in state Moving may be stopped at the earliest. An unable
// worker gives leases to able ones only after a time.
func (m *Machine) moveFrom(e *entry) time.Duration {
	heir := m.peers[e.slot.heir]
	switch {
	case !m.unable || m.wantsOut || m.drained || e.slot.heir == "" || !slices.Contains(m.usable, e.key.Stream):
		return -never
	case heir != nil && heir.row.Unable():
		return -never
	case heir == nil || m.othersFrom == never: // who is gone has no part in the next plan
		return never
	}
	return m.othersFrom + m.ttl(keepFor)
}

// stop asks for the end of a reading.
func (m *Machine) stop(e *entry, why Why) {
	m.enters(e, Stopping)
	e.slot.why = why
	m.do(StopShard{Key: e.key, Epoch: e.slot.epoch, Why: why})
}

func (m *Machine) onStopped(ev Stopped) {
	e := m.running(ev.Key, ev.Epoch)
	if e == nil {
		return
	}
	s := e.slot
	if s.state == Losing {
		m.shut(e)
		return
	}
	if later(ev.Checkpoint, s.done) {
		s.done = ev.Checkpoint
	}
	m.dropDue(e)
	asked := s.state == Stopping
	m.enters(e, Releasing)
	if asked && e.planned == m.id && !m.wantsOut && e.settled() {
		m.begin(e)
		return
	}
	m.enqueue(e)
}

// running returns the entry of a shard that is being read at an epoch, or nil.
func (m *Machine) running(key lease.Key, epoch int64) *entry {
	e := m.entries[key]
	if e == nil || e.slot == nil || e.slot.epoch != epoch || !e.slot.running() {
		return nil
	}
	return e
}

// lose takes in that a lease is not ours any more.
func (m *Machine) lose(e *entry) {
	s := e.slot
	if s.state == Losing {
		return
	}
	if s.state != Taking {
		m.do(Note{What: LeaseLost, Lease: e.row})
		if m.wantsOut && s.begun {
			m.kept = append(m.kept, e.key)
		}
	}
	if !s.running() {
		m.shut(e)
		return
	}
	m.answerFlushes(e, ErrLost)
	m.dropDue(e)
	m.enters(e, Losing)
	m.do(StopShard{Key: e.key, Epoch: s.epoch, Why: Lost})
}

// heir returns to whom a lease is to be handed over now: to the one that has been waiting for
// it, also if the plan has changed since. It can pass the lease on in good order.
func (m *Machine) heir(e *entry) string {
	if m.keepsHeir(e) {
		return e.slot.heir
	}
	if p := m.peers[e.planned]; p != nil && e.planned != m.id && !p.out() {
		return e.planned
	}
	return ""
}

// keepsHeir says whether the one that a lease was to go to can still have it.
func (m *Machine) keepsHeir(e *entry) bool {
	heir := m.peers[e.slot.heir]
	return heir != nil && e.slot.heir != m.id && e.row.Pin != e.planned && !heir.out() && !heir.suspect &&
		(!heir.row.Unable() || e.slot.heir == e.planned) &&
		slices.Contains(heir.row.Streams, e.key.Stream)
}

// drainKnown says whether it is known who has seen that we drain, and our plan is as new.
func (m *Machine) drainKnown() bool { return m.drainSettled && m.seen >= m.drainVersion }

// released takes in that a lease that we were to give away is not ours any more. If all that is
// done is stored, it was handed over, also when it has gone further since: the answer may have
// been lost.
func (m *Machine) released(e *entry) {
	if e.row.Revision > 0 && e.row.Epoch > e.slot.epoch && !later(e.slot.done, e.row.Checkpoint) {
		m.do(Note{What: LeaseHandedOver, Lease: e.row, Worker: e.row.Owner})
		m.shut(e)
		return
	}
	m.lose(e)
}

// finished takes in that a lease whose shard has ended is not ours any more, because we
// finished it as a rule.
func (m *Machine) finished(e *entry) {
	if !e.row.Finished() {
		m.lose(e)
		return
	}
	m.do(Note{What: LeaseFinished, Lease: e.row})
	m.shut(e)
}
