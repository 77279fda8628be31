package coord

import (
	"time"

	"github.com/kinstream/kin/lease"
)

// Action is something that the Machine wants done. Those that call the store or the
// service are done side by side, each with a time-out, and answered by one event. StartShard,
// StopShard, Trust and Left are done at once, in the order in which they come.
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

// StartShard says that the worker owns the lease: read its shard from the checkpoint on.
type StartShard struct{ Lease lease.Lease }

// StopShard says that the reading of a shard is to end. It is answered by [Stopped], also if
// the shard's [Ended] was under way; then Ended does not come any more.
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

	// Lost cancels the context of the handler at once: another worker may read the shard.
	Lost

	// Shutdown is HandOver, because the worker leaves.
	Shutdown
)

// Trust says until when records may be delivered. A time that has passed means: not at all for now. When
// it passes, the contexts of all handlers are cancelled. It is moved on by each heartbeat.
type Trust struct{ Until time.Duration }

// Left says that the worker has left the group: all is over, and no event is expected any more. Err is nil after
// a [Leave] that handed everything over.
type Left struct{ Err error }

func (Join) action()       {}
func (Beat) action()       {}
func (Poll) action()       {}
func (Load) action()       {}
func (Update) action()     {}
func (PutStream) action()  {}
func (Forget) action()     {}
func (Drain) action()      {}
func (List) action()       {}
func (StartShard) action() {}
func (StopShard) action()  {}
func (Trust) action()      {}
func (Left) action()       {}
