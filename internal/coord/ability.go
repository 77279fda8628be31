package coord

import (
	"slices"
	"time"
)

// ability is whether the worker can read: whether the service answers it. See "A worker that
// can't read" in package lease.
type ability struct {
	failingFrom time.Duration // since when nothing is answered; never if it is
	vain        bool          // a probe has failed since then
	unable      bool          // our row says so, or will with the next heartbeat
	why         error         // why the last probe failed

	probe    call
	probes   int  // how many there were
	inherits bool // an unable worker is to give a lease to somebody

	othersFrom time.Duration // since when we are unable, and know of a worker that is not; never
	gave       bool          // since we are unable we have given leases away
	wellFrom   time.Duration // since when probes are answered although we are unable; never
	backAt     time.Duration // when we were able again after we had given leases away
	relapses   int           // how often in a row that did not last
}

// capacity is what our row says of it.
func (m *Machine) capacity() int {
	if m.unable {
		return ^m.cfg.Capacity
	}
	return m.cfg.Capacity
}

func (m *Machine) onServed(e Served) {
	if e.OK {
		m.served()
		return
	}
	m.unserved(m.now - e.For)
}

func (m *Machine) onProbed(e Probed) {
	m.probe.out = false
	if m.why = e.Err; e.Err == nil {
		m.served()
		return
	}
	m.unserved(m.probe.askedAt)
	m.vain = true
}

// unserved takes in that nothing has been answered since a time.
func (m *Machine) unserved(since time.Duration) {
	m.wellFrom = never
	if m.failingFrom == never {
		m.failingFrom, m.vain = since, false
	}
}

// served takes in that the service has answered.
func (m *Machine) served() {
	m.failingFrom, m.vain = never, false
	if !m.unable {
		return
	}
	m.wellFrom = min(m.wellFrom, m.now)
	if m.now-m.wellFrom < m.returnAfter() {
		return
	}
	if m.gave {
		m.gave, m.backAt = false, m.now
	}
	m.setUnable(false)
}

// returnAfter is for how long probes are to be answered until we are able again.
func (m *Machine) returnAfter() time.Duration {
	if !m.gave || m.relapses == 0 {
		return 0
	}
	return m.ttl(min(float64(int(1)<<min(m.relapses-1, 10)), returnMost))
}

// gives takes in that a lease is given away because we are unable.
func (m *Machine) gives() {
	switch {
	case m.gave:
		return
	case m.backAt >= 0 && m.now-m.backAt < m.ttl(relapseIn):
		m.relapses++
	default:
		m.relapses = 0
	}
	m.gave = true
}

// unableDue is when we are to say that we are unable.
func (m *Machine) unableDue() time.Duration {
	if m.unable || !m.vain || m.failingFrom == never || m.phase != member || m.wantsOut {
		return never
	}
	return m.failingFrom + m.ttl(unableAfter)
}

// judgeAbility notices that nothing has been answered for too long.
func (m *Machine) judgeAbility() {
	if m.unableDue() <= m.now {
		m.setUnable(true)
	}
}

// setUnable tells the others, with a heartbeat.
func (m *Machine) setUnable(unable bool) {
	m.unable, m.wellFrom, m.othersFrom = unable, never, never
	note := Note{What: Able, Worker: m.id, Own: true}
	if unable {
		note.What, note.Err = Unable, m.why
	}
	m.do(note)
	if self := m.peers[m.id]; self != nil {
		self.row.Capacity = m.capacity()
	}
	m.beat.due = min(m.beat.due, m.now)
	m.replanFirst()
}

// seekAble notes since when there has been an able worker although we are not.
func (m *Machine) seekAble() {
	able := func(id string) bool {
		p := m.peers[id]
		reads := func(arn string) bool { return slices.Contains(p.row.Streams, arn) }
		return id != m.id && !p.out() && !p.row.Unable() && slices.ContainsFunc(m.usable, reads)
	}
	if !m.unable || !slices.ContainsFunc(m.peerIDs, able) {
		m.othersFrom = never
		return
	}
	m.othersFrom = min(m.othersFrom, m.now)
}

// inherit takes in who has a lease that is not ours. All others probe while an unable worker is to
// give one away: if they did so one after the other, as the plan comes to each, it would take too long.
func (m *Machine) inherit(e *entry) {
	owner := m.peers[e.row.Owner]
	m.inherits = m.inherits || owner != nil && owner.row.Unable() && e.planned != e.row.Owner
}

// probeDue is when the next probe is to be made.
func (m *Machine) probeDue() time.Duration {
	due := -never
	switch {
	case m.probe.out || m.phase != member || m.wantsOut || len(m.usable) == 0:
		return never
	case m.unable:
	case m.failingFrom < never: // most failures are single ones
		due = m.failingFrom + m.ttl(probeEvery)
	case !m.inherits:
		return never
	}
	every := probeEvery
	if m.gave || m.failingFrom == never {
		every = probeSeldom
	}
	if m.probes > 0 {
		due = max(due, m.probe.askedAt+m.ttl(every))
	}
	return due
}

// probeIfDue reads one shard after the other of our own, or of those that could be.
func (m *Machine) probeIfDue() {
	if m.probeDue() > m.now {
		return
	}
	var own, others []*entry
	for _, e := range m.inOrder() {
		switch {
		case e.row.Revision == 0 || !slices.Contains(m.usable, e.key.Stream):
		case e.slot != nil && e.slot.running():
			own = append(own, e)
		case e.ready:
			others = append(others, e)
		}
	}
	if len(own) == 0 {
		own = others
	}
	m.ask(&m.probe)
	m.probes++
	if len(own) == 0 { // nothing is left to read
		m.probe.out = false
		m.served()
		return
	}
	m.do(Probe{Key: own[m.probes%len(own)].key})
}
