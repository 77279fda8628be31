package coord

import (
	"slices"
	"time"

	"github.com/kinstream/kin/internal/assign"
	"github.com/kinstream/kin/internal/discover"
	"github.com/kinstream/kin/lease"
)

// planning is who is to read what, and what is done about it.
type planning struct {
	dirty    bool // what the plan follows from has changed
	replanAt time.Duration
	overrun  bool  // others are able than when the plan was made: nothing moves because of it any more
	seen     int64 // the version of the rows that the plan follows from

	slots       int           // how many entries have one
	waiting     int           // leases that are to be ours and that a live worker has
	waitingFrom time.Duration // since when there are any
	moving      []*entry      // those in state Moving
	movingAt    time.Duration // when they are to be looked at
	heirsStay   bool          // we drain, and heirs stay who they are until a worker comes or goes
}

// planCost is how long to leave between two plans for each lease: plans of large groups take time.
const planCost = 10 * time.Microsecond

func (m *Machine) replanSoon() { m.dirty = true }

// replanFirst is replanSoon, and nothing is stopped for an heir before that.
func (m *Machine) replanFirst() { m.dirty, m.overrun = true, true }

// mayPlan says whether what we know is good enough to act upon.
func (m *Machine) mayPlan() bool {
	return m.phase == member && (m.wantsOut || m.stale == 0 && m.loaded && !m.lapsed)
}

func (m *Machine) replanDue() time.Duration {
	if !m.dirty || !m.mayPlan() {
		return never
	}
	return m.replanAt
}

// replan computes the plan if something changed, and does what follows from it.
func (m *Machine) replan() {
	if m.replanDue() > m.now {
		return
	}
	m.dirty, m.overrun = false, false
	m.replanAt = m.now
	if n := len(m.entries); n > 1000 && !m.wantsOut {
		m.replanAt += time.Duration(n) * planCost
	}
	m.compute()
	m.seen = m.version
	m.chooseListers()
	m.act()
	m.heirsStay = m.drained || m.drainKnown()
	m.movingAt = m.now
}

// compute asks package assign who is to have each lease that may be read.
func (m *Machine) compute() {
	m.seekAble()
	entries := m.inOrder()
	rows := make([]lease.Lease, 0, len(entries))
	for _, e := range entries {
		e.ready, e.planned = false, ""
		if e.row.Revision > 0 {
			rows = append(rows, e.row)
		}
	}
	ready := discover.Ready(rows)
	leases := make([]assign.Lease, 0, len(rows))
	for i, l := range rows {
		if ready[i] {
			leases = append(leases, assign.Lease{Key: l.Key, Owner: l.Owner, Pin: l.Pin, Load: l.Load})
		}
	}
	workers := make([]assign.Worker, 0, len(m.peers))
	for _, id := range m.peerIDs {
		p := m.peers[id]
		workers = append(workers, assign.Worker{ID: id, Streams: p.row.Streams, Capacity: p.row.Limit(), Draining: p.out(), Unable: p.row.Unable()})
	}
	for i, owner := range assign.Plan(leases, workers) {
		e := m.entries[leases[i].Key]
		e.ready, e.planned = true, owner
	}
}

// act does what the plan wants of each lease.
func (m *Machine) act() {
	m.moving, m.inherits = m.moving[:0], false
	waiting := 0
	for _, e := range m.inOrder() {
		if e.ready && e.row.Owner != m.id {
			m.inherit(e)
		}
		switch {
		case e.slot != nil:
			m.steer(e)
		case e.row.Revision == 0 || !e.ready:
		case e.row.Owner == m.id && m.farewell.out: // handed to us too late: without our row it is free
		case e.row.Owner == m.id:
			m.comeInto(e)
		case e.planned != m.id:
		case e.row.Owner == "":
			m.take(e)
		case m.peers[e.row.Owner] != nil:
			waiting++
		case m.workersFrom < e.read: // the owner may have joined since we looked
			m.loadSoon()
		default:
			m.take(e)
		}
	}
	if m.waiting == 0 {
		m.waitingFrom = m.now
	}
	m.waiting = waiting
}

// take asks for a lease that nobody has.
func (m *Machine) take(e *entry) {
	m.open(e, Taking)
	e.slot.epoch++
	m.enqueue(e)
}

// comeInto takes in that a lease is ours, because it was handed to us, or because a change
// of which we heard nothing more was made after all.
//
// The plan may say by now that it is a third one's, which need not know of that yet: then we
// read until that one looks.
func (m *Machine) comeInto(e *entry) {
	m.open(e, Taking)
	if e.planned == m.id || m.standsIn(e) {
		m.begin(e)
		return
	}
	m.enters(e, Releasing)
	m.enqueue(e)
}

// standsIn says whether we are to read a lease, which is ours and is to be another's, until that
// one looks.
func (m *Machine) standsIn(e *entry) bool {
	heir := m.peers[e.planned]
	return heir != nil && heir.row.Seen < m.version && slices.Contains(m.usable, e.key.Stream) &&
		(m.cfg.Capacity == 0 || m.slots <= m.cfg.Capacity)
}

// begin lets a lease be read that is ours.
func (m *Machine) begin(e *entry) {
	s := e.slot
	if s.state == Taking {
		s.done = e.row.Checkpoint
	}
	if m.wantsOut {
		m.enters(e, Releasing)
		m.enqueue(e)
		return
	}
	if !s.begun {
		s.begun, s.loadAt = true, m.now
		s.storedAt = m.now - part(m.cfg.CheckpointEvery, m.chance()) // so that not all are stored at once
		m.do(Note{What: LeaseTaken, Lease: e.row})
	}
	m.enters(e, Reading)
	s.started = m.now
	row := e.row
	row.Checkpoint = s.done
	m.do(StartShard{Lease: row})
	m.dueLater(e)
	if e.planned != m.id {
		m.replanSoon()
	}
}

// steer does what the plan wants of a lease that is ours.
func (m *Machine) steer(e *entry) {
	s := e.slot
	back := e.planned == m.id && !m.wantsOut
	switch s.state {
	case Reading:
		if (e.ready || m.wantsOut) && !back {
			m.enters(e, Moving)
			m.setHeir(e)
		}
	case Moving:
		switch {
		case back:
			m.enters(e, Reading)
		case s.heir != e.planned && (!m.heirsStay || !m.keepsHeir(e)):
			m.setHeir(e)
		default:
			m.moving = append(m.moving, e)
		}
	case Releasing:
		if back && e.flight == nil {
			m.begin(e)
		}
	case Taking:
		if e.planned != m.id && e.flight == nil {
			m.shut(e)
		}
	case Stopping, Losing: // the reader is to answer first
	case Ending:
		if st := m.streams[e.key.Stream]; st == nil || st.failed != nil {
			m.enters(e, Releasing)
			m.enqueue(e)
		}
	}
}
