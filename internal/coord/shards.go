package coord

import (
	"slices"

	"github.com/kinstream/kin/internal/discover"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

// rowsOf returns the leases of a stream that have a row.
func (m *Machine) rowsOf(arn string) []lease.Lease {
	var rows []lease.Lease
	for _, e := range m.inOrder() {
		if e.key.Stream == arn && e.row.Revision > 0 {
			rows = append(rows, e.row)
		}
	}
	return rows
}

// bornSoon takes in that a row of a stream has changed for which something may wait.
func (m *Machine) bornSoon(arn string) {
	if st := m.streams[arn]; st != nil {
		st.births = true
		m.lookAt = m.now
	}
}

// sow writes and deletes leases as the listings want it, wave by wave.
func (m *Machine) sow(arn string, st *stream) {
	st.wave = slices.DeleteFunc(st.wave, func(e *entry) bool { return e.create == nil && e.mend == nil })
	if !st.heard || !st.plan || st.row.Revision == 0 || len(st.wave) > 0 || st.put.out {
		return
	}
	plan := st.memory.Plan(st.row, m.rowsOf(arn))
	for _, l := range plan.Create {
		m.plant(l)
		st.wave = append(st.wave, m.entry(l.Key))
	}
	for _, l := range plan.Delete {
		m.mend(st, lease.Remove(l))
	}
	for _, c := range plan.Mend {
		m.mend(st, c)
	}
	st.plan = len(st.wave) > 0
	st.births = st.births || !st.plan
	switch {
	case st.plan:
	case plan.Again:
		m.listSoon(st)
	case !st.awaited:
		st.doubts = 0
	}
	if plan.Seeded && !st.row.Seeded {
		st.plan = true
		row := st.row
		row.Seeded, row.Revision = true, row.Revision+1
		st.put.due = min(st.put.due, m.now)
		m.putIfDue(st, row)
	}
}

// plant writes a lease that has no row.
func (m *Machine) plant(l lease.Lease) {
	e := m.entry(l.Key)
	if e.row.Revision == 0 && e.create == nil {
		e.create = &l
		m.enqueue(e)
	}
}

// mend changes or deletes a lease that nobody has.
func (m *Machine) mend(st *stream, c lease.Change) {
	if e := m.entry(c.Old.Key); e.slot == nil && e.row.Revision == c.Old.Revision {
		e.mend = &c
		m.enqueue(e)
		st.wave = append(st.wave, e)
	}
}

// onEnded takes in that all records of a shard are done.
func (m *Machine) onEnded(ev Ended) {
	e := m.running(ev.Key, ev.Epoch)
	if e == nil {
		return
	}
	if e.slot.state == Losing {
		m.shut(e)
		return
	}
	if later(ev.Checkpoint, e.slot.done) {
		e.slot.done = ev.Checkpoint
	}
	m.dropDue(e)
	st := m.streams[ev.Key.Stream]
	if st == nil || st.failed != nil { // who reads the stream comes to the end again
		m.enters(e, Releasing)
		m.enqueue(e)
		return
	}
	m.enters(e, Ending)
	e.slot.children, e.slot.bearing, e.slot.taken = slices.Clone(ev.Children), true, st.taken
	m.bornSoon(ev.Key.Stream)
}

// bear writes leases for the children of the shards of a stream that have ended.
func (m *Machine) bear(arn string, st *stream) {
	var rows []lease.Lease
	unsown := st.plan || len(st.wave) > 0
	st.awaited = false
	for _, e := range m.inOrder() {
		if e.key.Stream != arn || e.slot == nil || e.slot.state != Ending || !e.slot.bearing {
			continue
		}
		if rows == nil {
			rows = m.rowsOf(arn)
		}
		lacked := topology.Absence{Since: e.slot.since, Listings: st.taken - e.slot.taken}
		if unsown { // what listings showed is not done: no proof
			lacked.Listings = min(lacked.Listings, 1)
		}
		end := discover.AtEnd(st.row, e.key.Shard, e.slot.children, rows, m.now, lacked)
		for _, l := range end.Create {
			m.plant(l)
		}
		st.awaited = st.awaited || end.Wait
		if end.List && !m.wantsOut {
			m.listSoon(st)
		}
		switch {
		case end.Wait && m.wantsOut: // the next owner comes to the end again
			m.enters(e, Releasing)
		case end.Wait:
			if later(e.slot.done, e.row.Checkpoint) {
				m.storeNow(e)
			}
		case len(end.Create) == 0:
			e.slot.bearing = false
		}
		m.enqueue(e)
	}
}
