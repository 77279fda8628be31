package coord

import (
	"slices"
	"time"

	"github.com/kinstream/kin/lease"
)

// view is what the worker knows of the group's rows. Two rules keep it from going back in time.
// A call that was asked for after something was learned is newer than it, because stores are
// linearizable. And of two rows of which neither is known to be newer, the one with the higher
// revision is. So a row that was deleted does not come back from a load that was under way.
type view struct {
	entries    map[lease.Key]*entry
	order      []*entry // all of them, sorted by key unless disordered
	disordered bool

	peers       map[string]*peer // the workers, by ID, with ourselves
	peerIDs     []string         // sorted
	workersFrom uint64           // the Step that asked for what told us of the workers

	load     call
	poll     call
	lookedAt time.Duration // when the last of them was asked for
	loadedAt time.Duration // when the last load that worked was asked for
	reloadAt time.Duration // when the next is due without a reason
	jitter   float64       // of the next poll

	version int64  // that of the last load
	stale   uint64 // the Step in which we learned that there is something newer; a load asked for since ends it
	loaded  bool
}

// inOrder returns all entries in the order of their keys.
func (m *Machine) inOrder() []*entry {
	if m.disordered {
		slices.SortFunc(m.order, func(a, b *entry) int { return a.key.Compare(b.key) })
		m.disordered = false
	}
	return m.order
}

// pollEvery is how long after a poll the next one comes in a quiet group.
func (m *Machine) pollEvery() time.Duration {
	return m.ttl(min(max(pollEach*float64(len(m.peers)), pollLeast), pollMost))
}

// pollAfter is how long after a poll the next one comes now.
func (m *Machine) pollAfter() time.Duration {
	after := part(m.pollEvery(), m.jitter)
	if m.lateAt > m.lookedAt && m.lateAt < never {
		after = min(after, m.lateAt-m.lookedAt)
	}
	switch {
	case m.waiting > 0 && m.now-m.waitingFrom < m.ttl(waitingNew) || m.now < m.birthUntil:
		return min(after, m.ttl(pollWaiting))
	case m.waiting > 0 || m.suspects > 0 || len(m.moving) > 0 || m.wantsOut || m.phase == outside || m.beat.failures > 0:
		return min(after, m.ttl(pollOften))
	case m.now < m.busyUntil:
		return min(after, m.ttl(pollBusy))
	}
	return after
}

// pollLongest is how long after a poll of any worker the next one comes at the latest.
func (m *Machine) pollLongest() time.Duration { return part(m.pollEvery(), 1+pollVary) }

// lookDue returns when the next poll or load is due.
func (m *Machine) lookDue() time.Duration {
	if m.poll.out || m.load.out || m.phase == joining && !m.unsure || m.phase == over || m.phase == outside && m.wantsOut {
		return never
	}
	return min(m.loadDue(), m.pollDue())
}

func (m *Machine) pollDue() time.Duration {
	if !m.loaded || m.phase == joining {
		return never
	}
	return max(m.lookedAt+m.pollAfter(), m.poll.earliest)
}

func (m *Machine) loadDue() time.Duration {
	due := m.load.due
	if m.loaded {
		due = min(due, m.reloadAt)
		if m.waiting > 0 {
			wait := reloadWaiting
			if m.now-m.waitingFrom > m.ttl(patientFrom) {
				wait = reloadPatient
			}
			due = min(due, m.loadedAt+m.ttl(wait))
		}
	}
	return max(due, m.load.earliest)
}

// look makes the poll or the load that is due. They are never under way together, so that what
// one of them says of the workers is newer than what those before said of the leases.
func (m *Machine) look() {
	if m.lookDue() > m.now {
		return
	}
	if often := m.pollAfter() < m.pollEvery()/2; often { // workers that were busy together are not to stay in step
		m.jitter = m.chance()
	} else {
		m.jitter = 1 + pollVary*(2*m.chance()-1)
	}
	m.lookedAt = m.now
	if m.loadDue() <= m.now {
		m.ask(&m.load)
		m.do(Load{})
		return
	}
	m.ask(&m.poll)
	m.do(Poll{})
}

// loadSoon asks for a load, because the view is known to be old. No lease is taken before it.
func (m *Machine) loadSoon() {
	m.stale = m.step
	m.load.due = m.now
}

func (m *Machine) onPolled(e Polled) {
	if !m.answered(&m.poll, e.Err) {
		if m.lapsed { // heartbeats wait for it
			m.poll.earliest = min(m.poll.earliest, m.now+m.ttl(pollLapsed))
		}
		return
	}
	m.heard = m.step
	if e.Snapshot.Version != m.version {
		m.loadSoon()
	}
	m.settleDrain(m.poll.asked, e.Snapshot.Version)
	m.observe(e.Snapshot.Workers, m.poll.asked, m.poll.askedAt)
	m.movingAt = m.now
}

func (m *Machine) onLoaded(e Loaded) {
	if !m.answered(&m.load, e.Err) {
		return
	}
	m.heard = m.step
	asked := m.load.asked
	m.loaded, m.loadedAt = true, m.load.askedAt
	m.reloadAt = m.now + m.spread(reloadEvery, 0.1)
	m.version = e.Snapshot.Version
	if m.stale <= asked {
		m.stale = 0
	}
	m.mergeStreams(e.Snapshot.Streams, asked)
	m.mergeLeases(e.Snapshot.Leases, asked)
	m.settleDrain(asked, e.Snapshot.Version)
	m.observe(e.Snapshot.Workers, asked, m.load.askedAt)
	m.prove(asked)
	m.beginSoon(asked)
	m.replanSoon()
	m.movingAt = m.now
}

// mergeLeases takes in all rows as a load has them.
func (m *Machine) mergeLeases(rows []lease.Lease, asked uint64) {
	for _, row := range rows {
		e := m.entry(row.Key)
		e.listed = m.step
		m.learn(e, row, asked, asked)
	}
	all := m.inOrder()
	kept := all[:0]
	for _, e := range all {
		if e.listed != m.step {
			if e.idle() && asked >= e.at {
				delete(m.entries, e.key)
				continue
			}
			m.learn(e, lease.Lease{Key: e.key}, asked, asked)
		}
		kept = append(kept, e)
	}
	clear(all[len(kept):])
	m.order = kept
}

// learn takes in a row as a call has it that was asked for in a Step. Workers asked for in the
// Step read or later were read after the row.
func (m *Machine) learn(e *entry, row lease.Lease, asked, read uint64) {
	if asked < e.at && (row.Revision <= e.row.Revision || e.row.Revision == 0) {
		return
	}
	before := e.row
	e.row, e.at, e.read = row, m.step, read
	if f := e.flight; f != nil && row.Revision != f.change.Old.Revision {
		f.known = true
		if !f.sent {
			e.flight, e.earliest = nil, 0
			m.retryAt = min(m.retryAt, m.now)
		}
	}
	if planDiffers(before, row) {
		m.replanSoon()
	}
	if before.Revision == 0 && row.Revision > 0 {
		m.sown(e.key.Stream)
	}
	m.review(e)
}

// planDiffers says whether two rows of a lease may lead to different plans.
func planDiffers(a, b lease.Lease) bool {
	return (a.Revision == 0) != (b.Revision == 0) || a.Owner != b.Owner || a.Pin != b.Pin || a.Load != b.Load ||
		a.Finished() != b.Finished() || !slices.Equal(a.Parents, b.Parents)
}

// review draws the consequences of a row, or of the end of a change, for a lease that is ours
// or was to be.
func (m *Machine) review(e *entry) {
	if e.create != nil && e.row.Revision > 0 {
		e.create = nil
		m.bornSoon(e.key.Stream)
	}
	if e.mend != nil && e.row.Revision != e.mend.Old.Revision {
		e.mend = nil
		m.bornSoon(e.key.Stream)
	}
	s := e.slot
	if s == nil {
		return
	}
	switch s.state {
	case Taking:
		if e.mine() {
			m.begin(e)
		} else if e.settled() {
			m.shut(e)
		}
	case Reading, Moving, Stopping:
		if !e.mine() || e.row.Finished() {
			m.lose(e)
			return
		}
		m.answerFlushes(e, nil)
		if len(s.flushes) > 0 && e.settled() {
			m.storeNow(e)
		}
		m.dueLater(e)
	case Releasing:
		if !e.mine() {
			m.released(e)
		}
	case Losing: // the reader is to answer first
	case Ending:
		if !e.mine() {
			m.finished(e)
			return
		}
		m.answerFlushes(e, nil)
		m.enqueue(e)
	}
}
