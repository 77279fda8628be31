package coord

import (
	"context"
	"log/slog"
	"time"

	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

// Reader reads the shards whose leases a [Worker] holds. Its methods are called by the Worker's loop, one after the
// other, and must not block; they may call methods of the Worker that don't wait.
type Reader interface {
	// Start says that the worker owns l: read the shard from l.Checkpoint on. It never comes for a shard whose former
	// reading has not been answered by [Worker.Stopped] or [Worker.Ended].
	Start(l lease.Lease)

	// Stop says that the reading of a shard is to end. It is answered once by [Worker.Stopped], unless [Worker.Ended] was called
	// before. It may come again with a more urgent why: that needs no answer of its own.
	Stop(key lease.Key, epoch int64, why Why)

	// Trust says until when records may be delivered: see [Trusted]. When that has passed the contexts of
	// handlers are to be cancelled; each shard keeps its place and goes on when trust is given again. Zero means not at all.
	Trust(until time.Time)

	// Progress returns the shards of which more records are done than at the last call.
	Progress() []Progress
}

// Trusted says whether records may be delivered now. It looks at both clocks: the monotonic one may have stood still while the
// machine was suspended.
func Trusted(now, until time.Time) bool {
	return now.Before(until) && now.Round(0).Before(until.Round(0))
}

// WorkerConfig is what a [Worker] needs. Fields without a default must be set.
type WorkerConfig struct {
	Store lease.Store
	Group string

	// Name is what the worker's ID begins with; a random part follows.
	Name string

	// TTL, Capacity, CheckpointEvery, ListEvery and Build are those of [Config].
	TTL             time.Duration
	Capacity        int
	CheckpointEvery time.Duration
	ListEvery       time.Duration
	Build           string

	// ShutdownTimeout is how long Run may take to leave. Then handlers are cut off.
	ShutdownTimeout time.Duration

	// Streams are those to read from the start on. [Worker.SetStreams] changes them.
	Streams []StreamConfig

	// List lists the shards of a stream. If start is not empty, Before is wanted too. Stream and Err of the
	// answer are set by the Worker.
	List func(ctx context.Context, stream string, start lease.Checkpoint) (Listed, error)

	// Reader reads the shards.
	Reader Reader

	// Hooks are told what happens. They are called by the Worker's loop and must not block.
	Hooks Hooks

	// Logger is for what nobody else is told. Nil discards.
	Logger *slog.Logger
}

// Hooks are functions that a [Worker] calls. Each may be nil.
type Hooks struct {
	Lease  func(LeaseEvent)
	Worker func(WorkerEvent)
	Store  func(StoreEvent)
	Stream func(StreamEvent)
}

// LeaseEvent says that a lease was taken, lost, handed over or finished.
type LeaseEvent struct {
	What  What // LeaseTaken, LeaseLost, LeaseHandedOver or LeaseFinished
	Lease lease.Lease
	Heir  string // of LeaseHandedOver: the new owner, or empty if there is none
}

// WorkerEvent says that a worker joined, left or died, or that this one may not deliver for now.
type WorkerEvent struct {
	What   What // WorkerJoined, WorkerLeft, WorkerDied, TrustLapsed or TrustBack
	Worker string
	Own    bool // it is this worker
}

// StoreEvent says that a call of the store, or a listing, failed, or worked again.
type StoreEvent struct {
	Op      string // Join, Beat, Poll, Load, Update, PutStream, Forget, Drain or List
	Stream  string // of List
	Attempt int    // failures of the operation in a row; 0 when it works again
	Err     error
}

// StreamEvent says that a stream can't be read, or can be again if Err is nil.
type StreamEvent struct {
	Stream string
	Err    error
}

// Worker is the loop around a [Machine].
type Worker struct {
	cfg WorkerConfig
}

// NewWorker returns a Worker that has not begun. It makes no call.
func NewWorker(cfg WorkerConfig) (*Worker, error) {
	return &Worker{cfg: cfg}, nil
}

// Run joins the group and works in it until ctx ends, or until it can't. The end of ctx makes it leave: it hands its
// leases over and returns nil, or a [*LeaveError] if ShutdownTimeout was not enough. Other errors: [*TTLError],
// [*RecreatedError]. It can be called once. When it returns, none of its calls is under way, and each shard has been
// stopped; only handlers that were cut off may still be running.
func (w *Worker) Run(ctx context.Context) error { return nil }

// Moved says that [Reader.Progress] has something to return. It is cheap, never waits, and need be called only for the first
// step after a Progress; and again when one has Now set.
func (w *Worker) Moved() {}

// Ended says that all records of a shard are done and no more will come. It never waits.
func (w *Worker) Ended(key lease.Key, epoch int64, children []topology.Shard) {}

// Stopped answers [Reader.Stop]: nothing reads or handles the shard any more, and its records are done up to the
// checkpoint; empty if none was. It never waits.
func (w *Worker) Stopped(key lease.Key, epoch int64, checkpoint lease.Checkpoint) {}

// Checkpoint stores what is done of a shard now, and waits until it is stored. The error is [ErrLost] if the lease is lost, or
// the cause of ctx.
func (w *Worker) Checkpoint(ctx context.Context, key lease.Key, epoch int64) error { return nil }

// SetStreams changes what streams are read. It may be called before and during Run, and never waits.
func (w *Worker) SetStreams(streams []StreamConfig) {}

// ID returns the ID of the worker in the group. It changes when the worker was forgotten and joins again.
func (w *Worker) ID() string { return "" }

// Status is how a [Worker] stands.
type Status struct {
	Worker  string // its ID
	Trusted bool   // whether records may be delivered
	View    lease.Snapshot
	Held    []Holding
}

// Status returns how the worker stands, or stood at the end of Run. It waits for the loop, shortly. The caller must not change the rows.
func (w *Worker) Status() Status { return Status{} }
