package coord

import (
	"maps"
	"slices"
	"time"

	"github.com/kinstream/kin/lease"
)

// peer is what is known of a worker.
type peer struct {
	row         lease.Worker
	since       time.Duration // since when we have seen this beat, and could see it change
	suspect     bool          // it stands still for longer than it should
	fresh       time.Duration // its beat had not begun to stand still then
	moved       bool          // it has changed since we know the worker
	stuck       bool          // it has joined, but there is no heartbeat, for too long of it or another: no plan gives it anything
	forgetAgain time.Duration // Forget was asked for, and is not again before
	step        uint64        // of the snapshot that had it last
}

// observation is how the worker watches the others.
type observation struct {
	watchedAt time.Duration // when we last saw the rows of the workers
	askedAt   time.Duration // and when we had asked for them
	watched   bool          // we ever did
	suspects  int
	lateAt    time.Duration // when one that is late is suspect, or dead
	busyUntil time.Duration // workers have come or gone not long before
}

// begun says whether the worker has sent a heartbeat since it joined. Before that it may not
// know that it has.
func (p *peer) begun() bool { return p.moved || p.row.Beat > firstBeat }

// out says whether no plan gives the worker anything.
func (p *peer) out() bool { return p.row.Draining || p.stuck }

// observe takes in the rows of all workers, as a call has them that was asked for in a Step and
// at a time.
func (m *Machine) observe(workers []lease.Worker, asked uint64, askedAt time.Duration) {
	blind := m.now-m.watchedAt > m.pollLongest()+m.ttl(blindFor) ||
		m.phase == member && m.now-m.beatAt > m.ttl(muteFor)
	first := !m.watched
	m.watched, m.watchedAt, m.workersFrom = true, m.now, asked
	for _, w := range workers {
		m.meet(w, blind, first)
		if w.ID == m.id && m.phase == member {
			m.selfSeen(w.Beat, askedAt)
		}
	}
	for _, id := range slices.Clone(m.peerIDs) {
		p := m.peers[id]
		switch {
		case p.step == m.step:
		case id != m.id:
			m.do(Note{What: m.gone(p), Worker: id})
			m.removePeer(id)
		case m.phase == member && asked >= m.joinedIn:
			m.forgotten()
		}
	}
	m.askedAt = askedAt
	m.forgetDead(askedAt)
	m.ascertain()
	m.checkTTL()
}

// gone returns what became of a worker that has no row any more. It was seen leaving, or its
// beat has not stood still for long enough for anybody to forget it.
func (m *Machine) gone(p *peer) What {
	if p.row.Draining || m.now-part(max(m.cfg.TTL, p.row.TTL), deadAfter) < p.fresh {
		return WorkerLeft
	}
	return WorkerDied
}

// meet takes in the row of a worker.
func (m *Machine) meet(w lease.Worker, blind, first bool) {
	p := m.peers[w.ID]
	if p == nil {
		p = &peer{row: w, since: m.now, fresh: -never}
		if !first {
			p.fresh = m.askedAt
		}
		m.peers[w.ID] = p
		m.peersChanged()
		if !first && w.ID != m.id {
			m.do(Note{What: WorkerJoined, Worker: w.ID})
		}
	}
	before := p.row
	p.row, p.step = w, m.step
	if before.Beat != w.Beat {
		p.moved, p.fresh = true, m.askedAt
	}
	if before.Beat != w.Beat || blind {
		p.since = m.now
	}
	if w.ID == m.id {
		m.drained = w.Draining && !m.wantsOut
		p.row.Streams, p.row.Capacity, p.row.Draining = m.readable(), m.capacity(), w.Draining || m.wantsOut
	}
	if before.Draining != p.row.Draining || before.Capacity != p.row.Capacity || !slices.Equal(before.Streams, p.row.Streams) {
		m.replanSoon()
	}
	if before.Unable() != p.row.Unable() {
		m.replanFirst()
	}
}

// addSelf puts the worker itself among those it knows.
func (m *Machine) addSelf() {
	m.peers[m.id] = &peer{row: m.row(), since: m.now, moved: true}
	m.peersChanged()
}

// peersChanged takes in that a worker came or went.
func (m *Machine) peersChanged() {
	m.heirsStay = false
	m.peerIDs = slices.Sorted(maps.Keys(m.peers))
	m.busyUntil = m.now + m.ttl(busyFor)
	m.replanSoon()
}

// removePeer takes in that a worker has no row. That is for good, so what is known of leases
// need not be newer.
func (m *Machine) removePeer(id string) {
	if m.peers[id] == nil {
		return
	}
	delete(m.peers, id)
	m.peersChanged()
	m.loadSoon() // its leases have moved since we loaded them
}

// onJumped takes in that time may not have passed although our clock says so: nobody's beat has
// stood still meanwhile.
func (m *Machine) onJumped(e Jumped) {
	for _, id := range m.peerIDs {
		p := m.peers[id]
		p.since = min(p.since+e.By, m.now)
	}
}

// forgetDead forgets the workers whose beat stands still for too long. askedAt is when the call
// began that has just shown it: it was the same until then at least.
func (m *Machine) forgetDead(askedAt time.Duration) {
	m.suspects, m.lateAt = 0, never
	m.judgeJoins(askedAt)
	for _, id := range m.peerIDs {
		p := m.peers[id]
		if id == m.id {
			continue
		}
		quiet, ttl := askedAt-p.since, max(m.cfg.TTL, p.row.TTL)
		if p.suspect = quiet > part(ttl, suspectFrom); p.suspect {
			m.suspects++
			m.lateAt = min(m.lateAt, p.since+part(ttl, deadAfter))
		} else if quiet > part(ttl, lateFrom) {
			m.lateAt = min(m.lateAt, p.since+part(ttl, suspectFrom)+time.Millisecond)
		}
		if quiet >= part(ttl, deadAfter) && m.now >= p.forgetAgain && (m.phase == member || m.phase == outside && p.row.TTL != m.cfg.TTL) {
			p.forgetAgain = m.now + m.ttl(forgetAgain)
			m.do(Forget{Worker: id, Beat: p.row.Beat})
		}
	}
}

// judgeJoins finds out whether there is a worker whose row has not changed for a time, so that it
// can't finish joining: it would send a heartbeat as soon as it knows that it has joined. Then
// nothing waits for others either that have sent none: where one dies as it joins, the next one
// may too, and what waits for each of them in turn would be read by nobody.
func (m *Machine) judgeJoins(askedAt time.Duration) {
	late := slices.ContainsFunc(m.peerIDs, func(id string) bool {
		p := m.peers[id]
		return !p.begun() && askedAt-p.since >= m.ttl(beginWithin)
	})
	for _, id := range m.peerIDs {
		p := m.peers[id]
		if stuck := late && !p.begun(); stuck != p.stuck {
			p.stuck = stuck
			m.replanSoon()
		}
	}
}

func (m *Machine) onForgotten(e Forgotten) {
	if m.farewell.out && e.Worker == m.id {
		m.farewellAnswered(e)
		return
	}
	p := m.peers[e.Worker]
	if p == nil {
		return
	}
	p.forgetAgain = 0
	switch {
	case e.Err != nil: // the next look finds it quiet still
	case e.Gone:
		m.do(Note{What: WorkerDied, Worker: e.Worker})
		m.removePeer(e.Worker)
	default: // a heartbeat came first
		p.since = m.now
	}
}

// checkTTL compares the TTLs of all workers with our own, and joins if that is what is left to
// do. Before joining, any live worker with another TTL is a reason not to; a dead one is waited
// for, since nobody else may be there to forget it. Workers that joined at the same moment find
// out afterwards: then the shortest TTL stays.
func (m *Machine) checkTTL() {
	other := false
	for _, id := range m.peerIDs {
		p := m.peers[id]
		if p.row.TTL == m.cfg.TTL || p.row.TTL <= 0 || id == m.id {
			continue
		}
		other = true
		if p.moved && (m.phase == outside || m.phase == member && p.row.TTL < m.cfg.TTL) {
			m.giveUp(&TTLError{Group: p.row.TTL, Own: m.cfg.TTL, Worker: id})
			return
		}
	}
	if m.phase == outside && !other && !m.wantsOut {
		m.enter()
	}
}
