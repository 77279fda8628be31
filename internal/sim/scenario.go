package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/kinstream/kin/lease"
)

// Scenario is all that decides a run: how large the group is, how its parts behave, and what
// happens to it when.
type Scenario struct {
	Seed uint64

	Hosts   int // where workers run; one on each
	Streams int
	Shards  int // of each stream at the start
	TTL     time.Duration
	Start   lease.Checkpoint // LATEST is resolved by the group

	CheckpointEvery time.Duration
	ListEvery       time.Duration
	Capacity        int // of each worker; 0: without a limit

	// Trouble is for how long steps, noise and records come. Then the group has time to settle.
	Trouble time.Duration
	Steps   []Step

	Store   Store
	Service Service
	Handler Handler

	// ClockError is how much clocks differ from true time at most.
	ClockError float64

	// PutEvery is the mean time between two puts into a stream.
	PutEvery time.Duration
}

// Store says how calls of the store go.
type Store struct {
	Latency time.Duration // of most calls: between a third of it and all
	Noise   float64       // how many calls end otherwise: in all the ways of fate
}

// Service says how the streams behave.
type Service struct {
	ListLag     time.Duration // how old listings are at most
	ListPartial float64       // how many lack some shards
	ListFail    float64       // how many fail
	Children    float64       // how many ends of shards name the children
}

// Handler says how handlers behave.
type Handler struct {
	Slow    time.Duration // for how long one has a batch at most; most are quicker
	Fail    float64       // how many calls fail
	Ignore  float64       // how many of the slow ones ignore that their context is cancelled
	Manual  bool          // records are acknowledged later, in any order
	Batch   int           // how many records it gets at most
	Restive float64       // how many acknowledgements ask for a checkpoint at once
}

// Step is something that is done to the group.
type Step struct {
	At   time.Duration
	What What
	Host int
	For  time.Duration
	Pick int // which shard, lease or variant, modulo how many there are
}

// What is done in a [Step].
type What int

// The kinds of steps.
const (
	Crash     What = iota // the process ends, and another starts after For
	Leave                 // it leaves, and another starts For after that
	Start                 // a process starts if the host has none
	Freeze                // the process stands still: SIGSTOP, or a suspended machine
	Jump                  // the wall clock is set forward by For
	Partition             // calls of the host don't reach the store, or answers don't reach the host
	Outage                // no call of the store succeeds
	Throttle              // most calls are refused
	Split                 // a shard is split
	Merge                 // two shards are merged
	Trim                  // a shard loses its oldest records
	Expire                // a closed shard is listed no longer
	Drain                 // an operator drains the worker, and lifts that after For
	Pin                   // an operator pins a lease to the worker
	Reset                 // an operator resets a stream to its oldest records, or to now
	Force                 // an operator deletes the worker's row
	Drift                 // the clock of the host runs at 60 % from now on
	Dark                  // the service answers no call of the host
	Gloom                 // the service answers nobody
	whats
)

var whatNames = [whats]string{
	"crash", "leave", "start", "freeze", "jump", "partition", "outage", "throttle", "split", "merge", "trim", "expire", "drain", "pin", "reset",
	"force", "drift", "dark", "gloom",
}

// String returns the kind in a word.
func (w What) String() string { return whatNames[w] }

// String returns the step as a line.
func (s Step) String() string {
	text := fmt.Sprintf("%10s %-9s host %d", s.At.Round(time.Millisecond), s.What, s.Host)
	if s.For > 0 {
		text += fmt.Sprintf(" for %s", s.For.Round(time.Millisecond))
	}
	return text + fmt.Sprintf(" pick %d", s.Pick)
}

// String returns the scenario in full.
func (s Scenario) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d hosts, %d x %d shards, TTL %s, start %s, capacity %d, %s of trouble\n",
		s.Seed, s.Hosts, s.Streams, s.Shards, s.TTL, s.Start, s.Capacity, s.Trouble)
	fmt.Fprintf(&b, "checkpoints every %s, listings every %s, puts every %s, clocks within %.1f %%\n",
		s.CheckpointEvery, s.ListEvery, s.PutEvery, 100*s.ClockError)
	fmt.Fprintf(&b, "store %+v, service %+v, handler %+v\n", s.Store, s.Service, s.Handler)
	for _, step := range s.Steps {
		fmt.Fprintln(&b, step)
	}
	return b.String()
}
