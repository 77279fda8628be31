package coord

import (
	"time"

	"github.com/kinstream/kin/lease"
)

// writing is how changes of leases come to be made. What a change should be follows from the
// newest row and from the lease's slot, and is found out at the moment when it is sent. From
// then on it stays as it is, and is tried until its outcome is known: only so the store can
// recognise it.
type writing struct {
	queue   []*entry // those that may need a change
	retries []*entry // those that need one, but not yet
	retryAt time.Duration
	updates int    // Updates under way
	worked  uint64 // the Step in which one was answered without an error

	updateErr error // of the last one, if it failed
	dues      dues
}

// enqueue has store look at e.
func (m *Machine) enqueue(e *entry) {
	if !e.queued {
		e.queued = true
		m.queue = append(m.queue, e)
	}
}

// storeDue returns when store has something to do.
func (m *Machine) storeDue() time.Duration {
	at := m.retryAt
	if len(m.dues) > 0 {
		at = min(at, m.dues[0].slot.due)
	}
	return at
}

// store sends what is to be changed.
func (m *Machine) store() {
	m.storeDues()
	if m.retryAt <= m.now {
		m.queue = append(m.queue, m.retries...)
		clear(m.retries)
		m.retries, m.retryAt = m.retries[:0], never
	}
	for m.phase == member && m.updates < maxUpdates {
		batch := m.batch()
		if len(batch) == 0 {
			return
		}
		m.updates++
		m.do(Update{Changes: batch})
	}
}

// batch takes changes from the queue for one Update.
func (m *Machine) batch() []lease.Change {
	var batch []lease.Change
	for len(m.queue) > 0 && len(batch) < maxBatch {
		e := m.queue[0]
		if alone := m.poisoned(e); alone && len(batch) > 0 {
			break
		}
		m.queue[0] = nil
		m.queue = m.queue[1:]
		if e.earliest > m.now {
			m.retries = append(m.retries, e)
			m.retryAt = min(m.retryAt, e.earliest)
			continue
		}
		e.queued = false
		if !m.send(e) {
			continue
		}
		batch = append(batch, e.flight.change)
		if m.poisoned(e) {
			break
		}
	}
	return batch
}

// poisoned says whether a change is to go alone: it failed several times together with others,
// and the store works otherwise.
func (m *Machine) poisoned(e *entry) bool {
	return e.flight != nil && e.flight.tries >= 3 && m.worked > e.flight.failed
}

// send makes the change that e needs its flight, or the one that failed once more. It says
// whether there is one to send.
func (m *Machine) send(e *entry) bool {
	if e.flight != nil && e.flight.sent {
		return false
	}
	if e.flight == nil {
		change, needed := m.change(e)
		if !needed {
			return false
		}
		e.flight = &flight{change: change, run: m.run}
	}
	e.flight.sent, e.flight.asked = true, m.step
	return true
}

// change returns what is to be changed about a lease now.
func (m *Machine) change(e *entry) (c lease.Change, needed bool) {
	l, s := e.row, e.slot
	switch {
	case s == nil && e.create != nil && l.Revision == 0:
		return lease.Create(*e.create), true
	case s == nil && e.mend != nil && l.Revision == e.mend.Old.Revision:
		return *e.mend, true
	case s == nil || s.state == Losing:
		return c, false
	case s.state == Taking:
		l.Owner, l.Epoch = m.id, l.Epoch+1
	case !e.mine(): // review finds out what that means
		return c, false
	case s.state == Releasing:
		l.Owner, l.Epoch, l.Checkpoint, l.Load = m.heir(e), l.Epoch+1, s.done, m.loadOf(e, true)
	case s.state == Ending && !s.bearing:
		l.Owner, l.Epoch, l.Checkpoint = "", l.Epoch+1, lease.ShardEnd
	case s.advances() && s.storeNow && later(s.done, l.Checkpoint):
		l.Checkpoint, l.Load = s.done, m.loadOf(e, false)
		s.storeNow, s.storedAt = false, m.now
	default:
		s.storeNow = false
		return c, false
	}
	return lease.Set(e.row, l), true
}

func (m *Machine) onUpdated(u Updated) {
	m.updates--
	if m.updateErr = u.Err; u.Err == nil {
		m.worked = m.step
	}
	for i, c := range u.Changes {
		e := m.entries[c.Old.Key]
		if e == nil || e.flight == nil || !e.flight.sent {
			continue
		}
		if u.Err != nil {
			m.unknown(e)
			continue
		}
		m.outcome(e, u.Results[i])
	}
}

// unknown takes in that an Update failed: its change is tried again, unless that is of no
// interest any more.
func (m *Machine) unknown(e *entry) {
	f := e.flight
	f.sent, f.failed = false, m.step
	f.tries++
	if f.known || f.run != m.run {
		e.flight = nil
		m.review(e)
	} else {
		e.earliest = m.now + m.backoff(f.tries)
	}
	m.enqueue(e)
}

// outcome takes in what became of a change.
func (m *Machine) outcome(e *entry, r lease.Result) {
	f := e.flight
	e.flight, e.earliest = nil, 0
	row := r.Lease
	row.Key = e.key
	if !r.Made && row.Revision == f.change.Old.Revision {
		e.earliest = m.now + m.backoff(f.tries+1)
	}
	m.learn(e, row, f.asked, m.step)
	m.review(e)
	if s := e.slot; !r.Made && s != nil && s.advances() && later(s.done, e.row.Checkpoint) {
		m.storeNow(e) // somebody else changed something about the row
	}
	m.enqueue(e)
}
