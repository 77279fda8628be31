package coord

import (
	"time"

	"github.com/kinstream/kin/lease"
)

// Config is what a [Machine] knows from the start. No field has a default, except where it says so.
type Config struct {
	// ID is the ID of the worker, which nobody has had before. Should the worker be forgotten, it joins again as
	// ID.2, ID.3 and so on.
	ID string

	// TTL is that of the group: see package lease.
	TTL time.Duration

	// Capacity is how many leases the worker takes at most. 0 means that there is no limit.
	Capacity int

	// CheckpointEvery is how long a checkpoint that moved may wait until it is stored.
	CheckpointEvery time.Duration

	// ListEvery is how long after a listing of a stream the next one comes, if nothing calls for one earlier.
	ListEvery time.Duration

	// Streams are those to read. They can be changed by the event [Streams].
	Streams []StreamConfig

	// Build is for the worker's row.
	Build string
}

// Machine decides for one worker. It is pure: what it does depends on nothing but its Config and the events. It is
// not safe for concurrent use.
type Machine struct {
	cfg     Config
	actions []Action
}

// New returns a Machine that has not begun. The first [Machine.Step], with a [Tick], makes it begin.
func New(c Config) *Machine {
	return &Machine{cfg: c}
}

// Step tells the Machine an event, and returns what is to be done. now is a time on the worker's own clock,
// which has any beginning and never goes back. The slice is valid until the next Step. After [Left] all events are ignored.
func (m *Machine) Step(now time.Duration, e Event) []Action {
	return m.actions
}

// Wake returns when the Machine wants a [Tick], if no other event comes before. It may be in the past: then the
// Tick is due.
func (m *Machine) Wake() time.Duration { return 0 }

// ID returns the ID of the worker. It changes when the worker was forgotten.
func (m *Machine) ID() string { return m.cfg.ID }

// Held returns the leases that the worker holds or is about to take or give away, in the order of their keys.
func (m *Machine) Held() []Holding { return nil }

// View returns the newest rows that the worker knows. The caller must not change them.
func (m *Machine) View() lease.Snapshot { return lease.Snapshot{} }

// Holding is how the worker stands to a lease.
type Holding struct {
	Lease   lease.Lease      // the newest row that is known
	State   State            // see there
	Done    lease.Checkpoint // how far records are done, as far as it was told
	Heir    string           // to whom the lease goes, while State is Moving, Stopping or Releasing
	Since   time.Duration    // since when the state is what it is
	Started time.Duration    // when reading began
}

// State is where a lease is in its life, as its owner sees it: see the package's page.
type State int

// The states of a lease.
const (
	Taking    State = iota // a change that makes it ours is under way
	Reading                // ours, and read
	Moving                 // read, but the plan says another's: waits until the heir looks
	Stopping               // to be handed over, when the handler is done
	Releasing              // nothing reads it; a change that makes it another's is under way
	Ending                 // all records done: children, then the end
	Losing                 // not ours any more; the handler was told and has not returned
)
