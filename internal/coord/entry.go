package coord

import (
	"time"

	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

// entry is all that is known of a lease, and all that is under way for it.
type entry struct {
	key lease.Key

	row  lease.Lease // the newest that is known; Revision 0 if there is none
	at   uint64      // the Step in which that was learned: a call asked for since then is newer
	read uint64      // workers asked for in this Step or later were read after the row

	listed uint64 // the Step of the last load that had the row

	ready   bool   // its shard may be read
	planned string // who is to have it; empty if nobody can

	slot *slot // how far we are with it as its owner; nil if it is not ours

	create *lease.Lease  // to be written, as there is no row
	mend   *lease.Change // what is to be done to a row that nobody owns, while it is as it is

	flight   *flight       // a change that was asked for and whose outcome is not known
	queued   bool          // store is going to look at it
	earliest time.Duration // no change before, because the last one was refused for no reason
}

// slot is the life of a lease that is ours, or about to be.
type slot struct {
	state   State
	since   time.Duration // of the state
	owner   string        // the ID under which we own it
	epoch   int64         // at which we own it
	begun   bool          // reading has begun, perhaps more than once
	started time.Duration // when it last did
	why     Why           // what StopShard said

	heir        string        // Moving: who is to have it
	heirVersion int64         // Moving: it waits until the heir has seen this
	heirSince   time.Duration // Moving: and not for long after this

	done     lease.Checkpoint // how far records are done, as far as we were told
	load     int              // -1 if it is not known
	loadAt   time.Duration    // when the stored load last changed
	storedAt time.Duration    // when the last checkpoint was sent
	storeNow bool             // done is to be stored
	due      time.Duration    // when it is to be stored; in the heap
	heap     int              // place in the heap; -1 if it is not there
	flushes  []flush

	children []topology.Shard // Ending: as the service named them
	bearing  bool             // Ending: they have no leases yet, or it is not known
	taken    int              // Ending: what stream.taken was when that was known
}

// flush waits until a checkpoint is stored.
type flush struct {
	token  int64
	target lease.Checkpoint
}

// running says whether a shard is being read: it was started, and its end was not told.
func (s *slot) running() bool {
	switch s.state {
	case Reading, Moving, Stopping, Losing:
		return true
	case Taking, Releasing, Ending:
	}
	return false
}

// advances says whether what is done of a shard may be stored while the lease stays ours.
func (s *slot) advances() bool { return s.running() && s.state != Losing || s.state == Ending }

// flight is a change that the store was asked for.
type flight struct {
	change lease.Change
	run    int    // under which ID of ours
	sent   bool   // the call is under way; otherwise it has failed, and is tried again
	asked  uint64 // the Step of the last attempt
	known  bool   // a newer row was seen: what became of the change no longer matters
	tries  int
	failed uint64 // the Step of the last failure
}

// settled says whether nothing is open: what the row says holds.
func (e *entry) settled() bool { return e.flight == nil || e.flight.known }

// idle says whether an entry without a row may be dropped.
func (e *entry) idle() bool {
	return e.row.Revision == 0 && e.slot == nil && e.flight == nil && e.create == nil && e.mend == nil && !e.queued
}

// mine says whether the row shows that s is still in force.
func (e *entry) mine() bool {
	return e.row.Revision > 0 && e.row.Owner == e.slot.owner && e.row.Epoch == e.slot.epoch
}

// entry returns that of a key, and makes it if need be.
func (m *Machine) entry(key lease.Key) *entry {
	e := m.entries[key]
	if e == nil {
		e = &entry{key: key}
		m.entries[key] = e
		m.order = append(m.order, e)
		m.disordered = true
	}
	return e
}

// open gives e a slot in a state.
func (m *Machine) open(e *entry, s State) {
	m.slots++
	e.slot = &slot{state: s, since: m.now, owner: m.id, epoch: e.row.Epoch, done: e.row.Checkpoint, load: -1, heap: -1}
}

// enters puts a slot into another state.
func (m *Machine) enters(e *entry, s State) {
	e.slot.state, e.slot.since = s, m.now
}

// shut takes the slot from e. Nothing may be running any more.
func (m *Machine) shut(e *entry) {
	m.answerFlushes(e, nil)
	m.answerFlushes(e, ErrLost)
	m.dropDue(e)
	e.slot = nil
	m.slots--
	m.replanSoon()
	if e.create != nil || e.mend != nil { // which had to wait for that
		m.enqueue(e)
	}
}
