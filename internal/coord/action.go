package coord

import (
	"time"

	"github.com/kinstream/kin/lease"
)

// Action is something that the [Machine] wants done. Those that call the store or the
// service are done side by side, each with a time-out, and answered by one event. All others
// are done at once, in the order in which they come.
type Action interface{ action() }

// Join is answered by [Joined].
type Join struct{ Worker lease.Worker }

// Beat is answered by [Beaten].
type Beat struct{ Worker lease.Worker }

// Poll is answered by [Polled].
type Poll struct{}

// Load is answered by [Loaded].
type Load struct{}

// Update is answered by [Updated]. No lease is in two Updates at the same time.
type Update struct{ Changes []lease.Change }

// PutStream is answered by [StreamPut].
type PutStream struct{ Stream lease.Stream }

// Forget is answered by [Forgotten].
type Forget struct {
	Worker string
	Beat   int64
}

// Drain is answered by [Drained].
type Drain struct{ Worker string }

// List asks for the shards of a stream. It is answered by [Listed]. At the start of a group,
// Start is where reading begins: shards that ended before need not be read.
type List struct {
	Stream string
	Start  lease.Checkpoint // empty except when the stream is being seeded
}

// Probe asks whether the service answers, by reading a shard of which nothing comes of it. It is
// answered by [Probed].
type Probe struct{ Key lease.Key }

// StartShard says that the worker owns the lease: read its shard from the checkpoint on. It
// never comes for a shard whose former reading has not been answered by [Stopped] or [Ended],
// whatever the epoch. It may come again with the same epoch, if the shard was to be handed over
// and is not any more.
type StartShard struct{ Lease lease.Lease }

// StopShard says that the reading of a shard is to end. It is answered by [Stopped], unless
// [Ended] came before. It may come again with a Why that is more urgent; that needs no answer
// of its own.
type StopShard struct {
	Key   lease.Key
	Epoch int64
	Why   Why
}

// Why says why a shard is to be stopped.
type Why int

const (
	// HandOver lets the handler finish the batch in hand, without a limit of time.
	HandOver Why = iota

	// Shutdown is HandOver, because the worker leaves.
	Shutdown

	// CutOff cancels the context of the handler at once, because the time for leaving is over.
	// What it has acknowledged still counts.
	CutOff

	// Lost cancels the context of the handler at once: another worker may read the shard.
	Lost
)

// String returns the name of w in words.
func (w Why) String() string {
	switch w {
	case HandOver:
		return "hand over"
	case Shutdown:
		return "shut down"
	case CutOff:
		return "cut off"
	case Lost:
		return "lost"
	}
	return "invalid"
}

// Trust says until when records may be delivered. A time that has passed means: not at all for
// now. When it passes, the contexts of all handlers are cancelled; shards keep their place, and
// go on when it is moved on. It is moved on by each heartbeat.
type Trust struct{ Until time.Duration }

// Flushed answers [Flush]: all that was done is stored, or Err is [ErrLost].
type Flushed struct {
	Token int64
	Err   error
}

// StreamFailed says that the worker reads nothing of a stream, and why: a [*RecreatedError].
// Err is nil when the reason is gone. Other streams go on.
type StreamFailed struct {
	Stream string
	Err    error
}

// Note tells what happened, for hooks and logs. It wants nothing done.
type Note struct {
	What   What
	Lease  lease.Lease // of the notes about a lease: the row as it is now
	Worker string      // of the notes about a worker; of LeaseHandedOver: the new owner, or empty
	Own    bool        // the note is about this worker
	Err    error       // of Unable: why the last probe failed
}

// What says what a [Note] is about.
type What int

// What there is to note.
const (
	LeaseTaken      What = iota // reading begins
	LeaseLost                   // it is another's, or nobody's, without having been handed over
	LeaseHandedOver             // to Note.Worker, or to whom it may concern
	LeaseFinished               // all records of the shard are done
	WorkerJoined                // also this one
	WorkerLeft                  // it said so before
	WorkerDied                  // its row was deleted because its beat stood still, or by force; also this one's
	TrustLapsed                 // no heartbeat was answered for too long
	TrustBack                   // and reading goes on
	Unable                      // the service does not answer this worker; others are to read instead
	Able                        // it does again
)

// Left says that the worker has left the group, or never joined it: all is over, and no event
// is expected any more. Err is nil after a [Leave] that handed everything over; otherwise it is
// a [*LeaveError], a [*TTLError], or a [*RecreatedError] if there is no other stream to read.
type Left struct{ Err error }

func (Join) action()         {}
func (Beat) action()         {}
func (Poll) action()         {}
func (Load) action()         {}
func (Update) action()       {}
func (PutStream) action()    {}
func (Forget) action()       {}
func (Drain) action()        {}
func (List) action()         {}
func (Probe) action()        {}
func (StartShard) action()   {}
func (StopShard) action()    {}
func (Trust) action()        {}
func (Flushed) action()      {}
func (StreamFailed) action() {}
func (Note) action()         {}
func (Left) action()         {}
