package lease

import (
	"slices"
	"strings"
	"time"
)

// Key names a lease within a group.
type Key struct {
	Stream string // the ARN of the stream
	Shard  string // the ID of the shard
}

// Compare orders keys by stream, then by shard; the IDs of shards by length first, so
// that numbers with more digits come later.
func (k Key) Compare(other Key) int {
	if c := strings.Compare(k.Stream, other.Stream); c != 0 {
		return c
	}
	if c := len(k.Shard) - len(other.Shard); c != 0 {
		return c
	}
	return strings.Compare(k.Shard, other.Shard)
}

// Lease is the row of one shard.
type Lease struct {
	Key

	// Parents are those shards of which this one was made that had leases when its own was
	// written, none to two. The others were known to be gone.
	Parents []string

	// HashStart and HashEnd are the first and the last hash key that the shard owns, in
	// decimal. Both are empty if they are not known.
	HashStart, HashEnd string

	// Owner is the ID of the worker that may read the shard, and empty if there is none.
	Owner string

	// Epoch counts the owners: it rises by one whenever Owner changes.
	Epoch int64

	// Revision counts the changes of the row. 0 means that there is no row.
	Revision int64

	// Checkpoint is how far the records of the shard are done.
	Checkpoint Checkpoint

	// CheckpointAt is when the checkpoint was stored, by the clock of who did. It is for people
	// to look at: no decision depends on it. Stores keep milliseconds.
	CheckpointAt time.Time

	// Pin is the ID of a worker that is to have the lease for as long as it lives,
	// because an operator wants it so. Empty as a rule.
	Pin string

	// Load is about how many KiB the shard gets per second, as a power of two: 0 for less than
	// one, n for 2^(n-1) and more. It is coarse so that it changes seldom.
	Load int
}

// Finished says whether all records of the shard are done, and no more will come.
func (l Lease) Finished() bool { return l.Checkpoint == ShardEnd }

// Equal says whether two rows are the same. CheckpointAt does not count, since stores may round it.
func (l Lease) Equal(other Lease) bool {
	parents, others := l.Parents, other.Parents
	l.Parents, other.Parents = nil, nil
	l.CheckpointAt, other.CheckpointAt = time.Time{}, time.Time{}
	return slices.Equal(parents, others) && l.comparable() == other.comparable()
}

// comparable is a lease without its slice and its time.
type comparableLease struct {
	Key
	hashStart, hashEnd, owner, pin string
	epoch, revision                int64
	checkpoint                     Checkpoint
	load                           int
}

func (l Lease) comparable() comparableLease {
	return comparableLease{l.Key, l.HashStart, l.HashEnd, l.Owner, l.Pin, l.Epoch, l.Revision, l.Checkpoint, l.Load}
}

// Checkpoint is how far the records of a shard are done, in the text form of a
// kin.Position: where the next owner begins. Stores keep it as it is.
type Checkpoint string

// Checkpoints without an argument. The others are AT_TIMESTAMP:<time>, before the first record was
// done, and AFTER_SEQUENCE_NUMBER:<number>, if need be with :<index inside an aggregated record>.
const (
	TrimHorizon Checkpoint = "TRIM_HORIZON"
	ShardEnd    Checkpoint = "SHARD_END"
)

// Worker is the row of one worker.
type Worker struct {
	// ID is new for each run of a process: what the user calls the process, and a random part.
	ID string

	// Beat counts the heartbeats.
	Beat int64

	// Streams are the ARNs of the streams that the worker can read.
	Streams []string

	// Capacity is how many leases the worker takes at most. 0 means that there is no limit. Below
	// 0 it says that the worker can't read for now: see [Worker.Unable] and [Worker.Limit].
	Capacity int

	// Draining says that the worker is to have no leases: it is about to stop, or an operator
	// wants it so.
	Draining bool

	// Seen is the version of the group that the worker acts upon.
	Seen int64

	// TTL is the worker's setting, which all workers of a group have in common.
	TTL time.Duration

	// Build is the version of the program, and JoinedAt when the worker joined by its own
	// clock, both for people to look at.
	Build    string
	JoinedAt time.Time
}

// Unable says whether the worker can't read anything for now. Then it is to have only what no other
// worker can have.
func (w Worker) Unable() bool { return w.Capacity < 0 }

// Limit returns how many leases the worker takes at most, whether it can read or not. 0 means that
// there is no limit.
func (w Worker) Limit() int {
	if w.Unable() {
		return ^w.Capacity // so that no limit has a form for this too
	}
	return w.Capacity
}

// Stream is the row of one stream of a group.
type Stream struct {
	ARN string

	// CreatedAt is when the service created the stream. Another time means another
	// stream under the same name, to which no checkpoint fits. Zero if it is not known.
	CreatedAt time.Time

	// Start is where its shards begin: TRIM_HORIZON, or AT_TIMESTAMP with a time.
	Start Checkpoint

	// Seeded says that every shard that was there at the start has a lease.
	Seeded bool

	// Revision counts the changes of the row. 0 means that there is no row.
	Revision int64
}

// Snapshot is what a store knows of a group.
type Snapshot struct {
	Version int64
	Workers []Worker // in the order of their IDs
	Streams []Stream // in the order of their ARNs; nil after a Poll
	Leases  []Lease  // in the order of their keys; nil after a Poll
}
