package sim

import (
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/lease"
)

// Mutant is a mistake that is made on purpose in the store, in the readers or between them and
// the Machine, to see that it is found. Mistakes of the Machine itself are made in a copy of
// its source: see the test of mutants.
type Mutant string

// The mistakes.
const (
	None Mutant = ""

	// NoCompareAndSet: the store makes each change, whatever revision the row has.
	NoCompareAndSet Mutant = "no-compare-and-set"

	// TakeAnyway: the store lets a worker become the owner, whatever revision the row has.
	TakeAnyway Mutant = "take-anyway"

	// CheckpointAnyway: the store lets a former owner write its checkpoint.
	CheckpointAnyway Mutant = "checkpoint-anyway"

	// BeatMakesRow: the store makes the row of a worker anew when a heartbeat finds none.
	BeatMakesRow Mutant = "beat-makes-row"

	// ForgetAnyBeat: the store deletes a worker's row although its beat has changed.
	ForgetAnyBeat Mutant = "forget-any-beat"

	// LoadWorkersFirst: the store reads workers before leases.
	LoadWorkersFirst Mutant = "load-workers-first"

	// NoAnnouncement: the store does not raise the version when leases change.
	NoAnnouncement Mutant = "no-announcement"

	// NoSelfStop: records are delivered for as long as nobody says that the lease is lost.
	NoSelfStop Mutant = "no-self-stop"

	// ChildrenAtLatest: leases of new shards begin at their newest record.
	ChildrenAtLatest Mutant = "children-at-latest"

	// SeedAtLatest: where reading begins is decided for each shard when its lease is made.
	SeedAtLatest Mutant = "seed-at-latest"

	// CheckpointBeforeHandler: records count as done when the handler gets them.
	CheckpointBeforeHandler Mutant = "checkpoint-before-handler"

	// EndBeforeAcks: a shard is over when its last record was delivered.
	EndBeforeAcks Mutant = "end-before-acks"

	// StopWithoutHandler: a stop is answered while the handler is at work.
	StopWithoutHandler Mutant = "stop-without-handler"

	// NoFinalCheckpoint: a stop is answered without saying how far records are done.
	NoFinalCheckpoint Mutant = "no-final-checkpoint"
)

// Mutants are all of them.
func Mutants() []Mutant {
	return []Mutant{
		NoCompareAndSet, TakeAnyway, CheckpointAnyway, BeatMakesRow, ForgetAnyBeat, LoadWorkersFirst, NoAnnouncement, NoSelfStop,
		ChildrenAtLatest, SeedAtLatest, CheckpointBeforeHandler, EndBeforeAcks, StopWithoutHandler, NoFinalCheckpoint,
	}
}

// unconditional says whether a change is made although the row has another revision.
func (m Mutant) unconditional(row lease.Lease, c lease.Change) bool {
	switch m {
	case NoCompareAndSet:
		return row.Revision > 0 && !row.Equal(c.New)
	case TakeAnyway:
		return row.Revision > 0 && !row.Finished() && !c.Removes() && c.Old.Revision > 0 && c.Old.Owner != c.New.Owner
	case CheckpointAnyway:
		return row.Revision > 0 && !row.Finished() && !c.Removes() && c.Old.Revision > 0 && c.Old.Owner == c.New.Owner
	default:
		return false
	}
}

// action changes what a process does.
func (m Mutant) action(p *process, a coord.Action) coord.Action {
	update, ok := a.(coord.Update)
	if !ok || m != ChildrenAtLatest && m != SeedAtLatest {
		return a
	}
	changes := append([]lease.Change(nil), update.Changes...)
	for i, c := range changes {
		child := c.New.Checkpoint == lease.TrimHorizon && len(c.New.Parents) > 0
		_, seeded := p.world.timestamp(c.New.Checkpoint)
		if c.Old.Revision == 0 && (m == ChildrenAtLatest && child || m == SeedAtLatest && seeded) {
			changes[i].New.Checkpoint = lease.Checkpoint("AT_TIMESTAMP:" + p.world.wall().Format(time.RFC3339Nano))
		}
	}
	return coord.Update{Changes: changes}
}

// trust changes until when a process may deliver.
func (m Mutant) trust(p *process, until time.Duration) time.Duration {
	if m == NoSelfStop && until > p.clock() {
		return until + 1000*time.Hour
	}
	return until
}
