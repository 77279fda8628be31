package discover

import (
	"time"

	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

const (
	// sightings is how many listings in a row must have a shard that looks as if its lease had been
	// deleted, and how many must find a lease that names a parent without one.
	sightings = 2

	// A finished lease is deleted when this many listings in a row, over this time, did not
	// have its shard.
	absentListings = 3
	absentFor      = 5 * time.Minute
)

// Listing is what the service says about the shards of a stream.
type Listing struct {
	// Shards are all that the service lists. The Memory refers to them until the next listing.
	Shards []topology.Shard

	// Before are the IDs of those that had ended before the start position of the stream's row,
	// as far as the service says so. It counts only until the stream is seeded, and only where
	// it holds for all ancestors of a shard that are not gone as well.
	Before map[string]bool
}

// Memory is what the listings of one stream have taught the worker that made them. The zero
// value is ready to use. It may be lost at any time: then deleting waits a while, and doubts
// begin anew. It is not safe for concurrent use.
type Memory struct {
	listing  Listing // the last one that was not empty
	listings int     // taken in; empty ones do not count
	empty    bool    // the last one was
	now      time.Duration

	// In how many listings in a row something was so:
	returned map[string]int // a shard has no lease, and younger ones of its keys have
	orphaned map[string]int // a lease has not moved and names a parent without one

	holes   topology.Absence            // of open shards for some keys
	lacking map[string]topology.Absence // of parents that ought to be listed
	absent  map[string]topology.Absence // of the shards of finished leases
}

// List takes in a listing. rows are the leases of the group as they are known; those of other
// streams are ignored. now is on any clock that goes forward. A listing must have begun after
// the one before it was taken in.
func (m *Memory) List(now time.Duration, stream lease.Stream, rows []lease.Lease, listing Listing) {
	m.now, m.empty = now, len(listing.Shards) == 0
	if m.empty {
		return // a stream has shards, so this says nothing
	}
	m.listing = listing
	m.listings++
	x := newIndex(stream.ARN, rows, listing.Shards)
	sound := m.judge(x)
	m.returned = again(m.returned, x.returned())
	m.orphaned = again(m.orphaned, x.orphaned())
	m.noteAbsence(x, sound)
}

// again counts in how many listings in a row something was found.
func again(before map[string]int, found []string) map[string]int {
	if len(found) == 0 {
		return nil
	}
	now := make(map[string]int, len(found))
	for _, id := range found {
		now[id] = before[id] + 1
	}
	return now
}

// judge looks for what the listing lacks, and reports whether it may be complete.
func (m *Memory) judge(x *index) (sound bool) {
	if x.holes() {
		m.holes = m.holes.Again(m.now)
	} else {
		m.holes = topology.Absence{}
	}
	m.noteLacking(x.lacking())
	sound = m.covered()
	for id := range m.lacking {
		sound = sound && !m.expected(id)
	}
	return sound
}

// noteLacking notes which parents a listing ought to have and has not.
func (m *Memory) noteLacking(parents []string) {
	lacking := make(map[string]topology.Absence, len(parents))
	for _, id := range parents {
		lacking[id] = m.lacking[id].Again(m.now)
	}
	m.lacking = lacking
}

// covered says whether there are open shards for all keys, or those that lack are not to be
// expected any more.
func (m *Memory) covered() bool { return m.holes.Listings == 0 || m.holes.Proves(m.now) }

// expected says whether a parent that is not listed ought to be, and may still come.
func (m *Memory) expected(id string) bool {
	a, lacking := m.lacking[id]
	return lacking && !a.Proves(m.now)
}

// Plan is what is to be done about the leases of a stream. Ask for it again when that has been
// done, with the rows as they are then, until there is nothing left: a new listing is not
// needed for it.
type Plan struct {
	// Create are leases to write, with [lease.Create], side by side and in any order. Those of
	// their children come with the next Plan.
	Create []lease.Lease

	// Delete are finished leases to delete, with [lease.Remove].
	Delete []lease.Lease

	// Mend are leases without an owner that name parents which are gone.
	Mend []lease.Change

	// Again says that the listing lacks shards, or shows what only another one can make certain:
	// list again soon, and less and less soon for as long as that is so.
	Again bool

	// Seeded says that every shard that was there at the start has a lease: if the row of the
	// stream does not say so yet, write it.
	Seeded bool
}

// Plan returns what the listings make of the rows: the leases of the group as they are known
// now, of which those of other streams are ignored. There is nothing to do before the first
// listing.
func (m *Memory) Plan(stream lease.Stream, rows []lease.Lease) Plan {
	if m.listings == 0 {
		return Plan{Again: m.empty}
	}
	x := newIndex(stream.ARN, rows, m.listing.Shards)
	p := Plan{Again: m.empty || m.holes.Listings > 0}
	unlisted := m.create(&p, stream, x)
	m.remove(&p, x)
	m.mend(&p, x)
	p.Seeded = unlisted == 0 && m.covered()
	return p
}
