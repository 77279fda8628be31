package coord

import (
	"fmt"
	"time"

	"github.com/kinstream/kin/lease"
)

// Config is what a [Machine] knows from the start. No field has a default, except where it says so.
type Config struct {
	// ID is the ID of the worker, which nobody has had before. Should the worker be forgotten,
	// it joins again as ID.2, ID.3 and so on.
	ID string

	// TTL is that of the group: see package lease.
	TTL time.Duration

	// Capacity is how many leases the worker takes at most. 0 means that there is no limit.
	Capacity int

	// CheckpointEvery is how long a checkpoint that moved may wait until it is stored.
	CheckpointEvery time.Duration

	// ListEvery is how long after a listing of a stream the next one comes, if nothing calls
	// for one earlier.
	ListEvery time.Duration

	// Streams are those to read. They can be changed by the event [Streams].
	Streams []StreamConfig

	// Build is for the worker's row.
	Build string
}

// Machine decides for one worker. It is pure: what it does depends on nothing but its Config
// and the events. It is not safe for concurrent use.
type Machine struct {
	cfg     Config
	now     time.Duration
	step    uint64 // counts Steps: what came in a later one is newer
	random  uint64
	actions []Action

	membership
	view
	observation
	planning
	writing
	discovery
	leaving
	ability
}

// New returns a Machine that has not begun. The first [Machine.Step], with a [Tick], makes it
// begin.
func New(c Config) *Machine {
	m := &Machine{cfg: c, random: hash(c.ID)}
	m.membership = membership{id: c.ID, run: 1, beat: call{due: never}, join: call{due: never}}
	m.view = view{entries: map[lease.Key]*entry{}, peers: map[string]*peer{}, load: call{due: -never}}
	m.observation = observation{lateAt: never}
	m.planning = planning{movingAt: never}
	m.writing = writing{retryAt: never}
	m.discovery = discovery{streams: map[string]*stream{}, dropped: map[string]*stream{}}
	m.leaving = leaving{drain: call{due: never}, farewell: call{due: never}, cutAt: never}
	m.ability = ability{failingFrom: never, wellFrom: never, othersFrom: never, backAt: -never}
	m.setStreams(c.Streams)
	return m
}

// Step tells the Machine an event, and returns what is to be done. now is a time on the
// worker's own clock, which begins at 0 or later and never goes back. The slice is valid until
// the next Step. After [Left] all events are ignored.
func (m *Machine) Step(now time.Duration, e Event) []Action {
	clear(m.actions)
	m.actions = m.actions[:0]
	if m.phase == over {
		return nil
	}
	m.now = max(m.now, now)
	m.step++
	m.checkTrust()
	m.handle(e)
	m.judgeAbility()
	m.replan()
	m.moveOn()
	m.discover()
	m.store()
	m.endIfDone()
	m.makeCalls()
	return m.actions
}

// handle takes an event in.
func (m *Machine) handle(e Event) {
	switch e := e.(type) {
	case Tick:
	case Jumped:
		m.onJumped(e)
	case Joined:
		m.onJoined(e)
	case Beaten:
		m.onBeaten(e)
	case Polled:
		m.onPolled(e)
	case Loaded:
		m.onLoaded(e)
	case Updated:
		m.onUpdated(e)
	case StreamPut:
		m.onStreamPut(e)
	case Forgotten:
		m.onForgotten(e)
	case Drained:
		m.onDrained(e)
	case Listed:
		m.onListed(e)
	case Progress:
		m.onProgress(e)
	case Ended:
		m.onEnded(e)
	case Stopped:
		m.onStopped(e)
	case Flush:
		m.onFlush(e)
	case Leave:
		m.onLeave()
	case GiveUp:
		m.giveUp(e.Err)
	case Cut:
		m.onCut()
	case Streams:
		m.setStreams(e.Streams)
	case Served:
		m.onServed(e)
	case Probed:
		m.onProbed(e)
	default:
		panic(fmt.Sprintf("kin: BUG: coord: event %T", e))
	}
}

// do asks for an action.
func (m *Machine) do(a Action) { m.actions = append(m.actions, a) }

// makeCalls makes the calls that are due, apart from changes and listings.
func (m *Machine) makeCalls() {
	if m.phase == over {
		return
	}
	if m.join.ready(m.now) {
		m.ask(&m.join)
		m.do(Join{Worker: m.row()})
	}
	if m.beatDue() <= m.now {
		m.ask(&m.beat)
		m.beatFrom = m.beatNo
		row := m.row()
		m.said = row.Seen
		m.do(Beat{Worker: row})
	}
	if m.drain.ready(m.now) {
		m.ask(&m.drain)
		m.do(Drain{Worker: m.id})
	}
	if m.farewell.ready(m.now) {
		m.ask(&m.farewell)
		m.do(Forget{Worker: m.id, Beat: lease.AnyBeat})
	}
	m.probeIfDue()
	m.look()
}

// Wake returns when the Machine wants a [Tick], if no other event comes before. It may be in
// the past: then the Tick is due.
func (m *Machine) Wake() time.Duration {
	if m.phase == over {
		return never
	}
	at := min(m.join.next(), m.beatDue(), m.drain.next(), m.farewell.next(), m.lookDue())
	at = min(at, m.replanDue(), m.movingAt, m.storeDue(), m.discoverDue(), m.cutAt, m.probeDue(), m.unableDue())
	if m.phase == member && !m.lapsed {
		at = min(at, m.trustUntil)
	}
	return at
}

// ID returns the ID of the worker. It changes when the worker was forgotten.
func (m *Machine) ID() string { return m.id }

// row returns the worker's row as it is to be.
func (m *Machine) row() lease.Worker {
	return lease.Worker{
		ID: m.id, Beat: firstBeat, Streams: m.readable(), Capacity: m.capacity(), Draining: m.wantsOut || m.drained,
		Seen: m.seen, TTL: m.cfg.TTL, Build: m.cfg.Build,
	}
}
