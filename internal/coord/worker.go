package coord

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

// Reader reads the shards whose leases a [Worker] holds. Its methods are called by the Worker's
// loop, one after the other, and must not block; they may call methods of the Worker that don't
// wait.
type Reader interface {
	// Start says that the worker owns l: read the shard from l.Checkpoint on. It never comes
	// for a shard whose former reading has not been answered by [Worker.Stopped] or
	// [Worker.Ended].
	Start(l lease.Lease)

	// Stop says that the reading of a shard is to end. It is answered once by [Worker.Stopped],
	// unless [Worker.Ended] was called before. It may come again with a more urgent why: that
	// needs no answer of its own.
	Stop(key lease.Key, epoch int64, why Why)

	// Trust says until when records may be delivered: see [Trusted]. When that has passed the
	// contexts of handlers are to be cancelled; each shard keeps its place and goes on when
	// trust is given again. Zero means not at all.
	Trust(until time.Time)

	// Progress returns the shards of which more records are done than at the last call.
	Progress() []Progress
}

// Trusted says whether records may be delivered now. It looks at both clocks: the monotonic one
// may have stood still while the machine was suspended.
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

	// StartTimeout is how long calls of the store may fail until the worker has joined. 0 means
	// for ever.
	StartTimeout time.Duration

	// ShutdownTimeout is how long Run may take to leave. Then handlers are cut off.
	ShutdownTimeout time.Duration

	// Streams are those to read from the start on. [Worker.SetStreams] changes them.
	Streams []StreamConfig

	// List lists the shards of a stream. If start is not empty, Before is wanted too. Stream
	// and Err of the answer are set by the Worker.
	List func(ctx context.Context, stream string, start lease.Checkpoint) (Listed, error)

	// Probe reads a shard, of which nothing comes. The error is nil if the service answers, whatever
	// it says.
	Probe func(ctx context.Context, key lease.Key) error

	// Reader reads the shards.
	Reader Reader

	// Hooks are told what happens. They are called by the Worker's loop and must not block.
	Hooks Hooks

	// Logger is for what nobody else is told. Nil discards.
	Logger *slog.Logger
}

// Hooks are functions that a [Worker] calls. Each may be nil.
type Hooks struct {
	Lease  func(LeaseEvent)  // a lease of this worker
	Worker func(WorkerEvent) // any worker of the group, or the trust of this one
	Store  func(StoreEvent)  // a call
	Stream func(StreamEvent) // a stream of this worker
}

// LeaseEvent says that a lease was taken, lost, handed over or finished.
type LeaseEvent struct {
	What  What // LeaseTaken, LeaseLost, LeaseHandedOver or LeaseFinished
	Lease lease.Lease
	Heir  string // of LeaseHandedOver: the new owner, or empty if there is none
}

// WorkerEvent says that a worker joined, left or died, or that this one may not deliver for now.
type WorkerEvent struct {
	What   What // WorkerJoined, WorkerLeft, WorkerDied, TrustLapsed, TrustBack, Unable or Able
	Worker string
	Own    bool  // it is this worker
	Err    error // of Unable: why it can't read
}

// StoreEvent says that a call of the store, or a listing, failed, or worked again. What failed
// is tried again.
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

// Worker is the loop around a [Machine]. All methods are safe for concurrent use.
type Worker struct {
	cfg   WorkerConfig
	mail  mailbox
	moved atomic.Bool   // Moved was called since the last Progress
	began atomic.Bool   // Run was called
	done  chan struct{} // closed at its end
	token atomic.Int64  // the last one of a Flush

	mu      sync.Mutex // guards what follows; the loop holds it during a Step
	machine *Machine
	clock   clock
}

// NewWorker returns a Worker that has not begun. It makes no call.
func NewWorker(cfg WorkerConfig) (*Worker, error) {
	return newWorker(cfg, cfg.Name+"-"+randomText())
}

func newWorker(cfg WorkerConfig, id string) (*Worker, error) {
	switch {
	case cfg.Store == nil || cfg.List == nil || cfg.Probe == nil || cfg.Reader == nil:
		return nil, errors.New("coord: Store, List, Probe and Reader must be set")
	case cfg.Name == "":
		return nil, errors.New("coord: Name must be set")
	case cfg.TTL <= 0 || cfg.CheckpointEvery <= 0 || cfg.ListEvery <= 0 || cfg.ShutdownTimeout <= 0:
		return nil, errors.New("coord: TTL, CheckpointEvery, ListEvery and ShutdownTimeout must be positive")
	case cfg.Capacity < 0:
		return nil, fmt.Errorf("coord: Capacity is %d", cfg.Capacity)
	}
	if err := errors.Join(lease.CheckGroup(cfg.Group), lease.Worker{ID: id + ".1000000"}.Check()); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	w := &Worker{cfg: cfg, done: make(chan struct{}), clock: newClock(time.Now())}
	w.mail.wake = make(chan struct{}, 1)
	w.machine = New(Config{
		ID: id, TTL: cfg.TTL, Capacity: cfg.Capacity, CheckpointEvery: cfg.CheckpointEvery,
		ListEvery: cfg.ListEvery, Streams: cfg.Streams, Build: cfg.Build,
	})
	return w, nil
}

// randomText returns a text that no other run of a process has.
func randomText() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Moved says that [Reader.Progress] has something to return. It is cheap, never waits, and need
// be called only for the first step after a Progress.
func (w *Worker) Moved() {
	if !w.moved.Swap(true) {
		w.mail.poke()
	}
}

// Ended says that all records of a shard are done and no more will come, and up to which
// checkpoint; empty if none was done. It never waits.
func (w *Worker) Ended(key lease.Key, epoch int64, checkpoint lease.Checkpoint, children []topology.Shard) {
	w.mail.put(message{event: Ended{Key: key, Epoch: epoch, Checkpoint: checkpoint, Children: children}})
}

// Stopped answers [Reader.Stop]: nothing reads or handles the shard any more, and its records
// are done up to the checkpoint; empty if none was. It never waits.
func (w *Worker) Stopped(key lease.Key, epoch int64, checkpoint lease.Checkpoint) {
	w.mail.put(message{event: Stopped{Key: key, Epoch: epoch, Checkpoint: checkpoint}})
}

// Served says that calls of the service are answered again, or that they are not and have not been
// for a while: see the event [Served]. It never waits.
func (w *Worker) Served(ok bool, since time.Duration) {
	w.mail.put(message{event: Served{OK: ok, For: since}})
}

// Checkpoint stores what is done of a shard now, and waits until it is stored. The error is
// [ErrLost] if the lease is lost, or the cause of ctx. Hooks and methods of a Reader must not
// call it.
func (w *Worker) Checkpoint(ctx context.Context, key lease.Key, epoch int64) error {
	answer := make(chan error, 1)
	w.mail.put(message{event: Flush{Key: key, Epoch: epoch, Token: w.token.Add(1)}, answer: answer})
	select {
	case err := <-answer:
		return err
	case <-w.done:
		select {
		case err := <-answer:
			return err
		default:
			return ErrLost
		}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// SetStreams changes what streams are read. It may be called before and during Run, and never
// waits.
func (w *Worker) SetStreams(streams []StreamConfig) {
	w.mail.put(message{event: Streams{Streams: slices.Clone(streams)}})
}

// ID returns the ID of the worker in the group. It changes when the worker was forgotten and
// joins again.
func (w *Worker) ID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.machine.ID()
}

// Status is how a [Worker] stands.
type Status struct {
	Worker  string         // its ID
	Trusted bool           // whether records may be delivered
	View    lease.Snapshot // the rows that it knows
	Held    []Holding      // the leases that are its own; Since and Started are on the scale of Now
	Now     time.Duration
}

// Status returns how the worker stands, or stood at the end of Run. Hooks may call it. The
// caller must not change the rows.
func (w *Worker) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.clock.now(time.Now())
	return Status{
		Worker: w.machine.ID(), Trusted: w.machine.Trusted(now), View: w.machine.View(), Held: w.machine.Held(), Now: now,
	}
}
