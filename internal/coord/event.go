package coord

import (
	"time"

	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

// Event is something that the [Machine] is told. Every call that the Machine asks for is
// answered by exactly one event, however it ends; the others come as they happen. Answers of
// calls must not be older than the Step that asked for them: the Machine counts them from there.
type Event interface{ event() }

// Tick says that time has passed: see [Machine.Wake].
type Tick struct{}

// Jumped says that the worker's clock has advanced by By without knowing whether that time has
// passed: the wall clock says so, and the monotonic one does not. It comes before the first
// event after that. For the worker's own trust it counts as passed; others were not seen
// meanwhile.
type Jumped struct{ By time.Duration }

// Joined answers [Join].
type Joined struct {
	Worker string // the ID that was to join
	Err    error
}

// Beaten answers [Beat].
type Beaten struct {
	Worker lease.Worker // as it was to be, or as it is then if Err is nil; the ID is there in any case
	Err    error        // lease.ErrNoWorker if the row is gone
}

// Polled answers [Poll].
type Polled struct {
	Snapshot lease.Snapshot
	Err      error
}

// Loaded answers [Load].
type Loaded struct {
	Snapshot lease.Snapshot
	Err      error
}

// Updated answers [Update].
type Updated struct {
	Changes []lease.Change // as they were asked for
	Results []lease.Result // if Err is nil
	Err     error          // nothing is known about any of the changes
}

// StreamPut answers [PutStream].
type StreamPut struct {
	Stream lease.Stream // what is stored now
	Err    error
}

// Forgotten answers [Forget].
type Forgotten struct {
	Worker string
	Gone   bool
	Err    error
}

// Drained answers [Drain].
type Drained struct {
	Worker string
	Err    error
}

// Listed answers [List].
type Listed struct {
	Stream string
	Shards []topology.Shard // all that the service lists
	// Before are the IDs of those that had ended before the start position, as far as the service
	// says so. They need not be read.
	Before map[string]bool
	At     time.Time // when the listing was made, by the clock of the service
	Err    error     // the listing could not be had for now; it is asked for again later
}

// Progress says that records of a shard are done up to a checkpoint. It comes only for leases that
// are being read, and need not come for each step.
type Progress struct {
	Key        lease.Key
	Epoch      int64
	Checkpoint lease.Checkpoint
	Load       int  // as lease.Lease.Load counts; -1 if it is not known
	Now        bool // store it at once
}

// Ended says that all records of a shard are done and no more will come. The reading of the
// shard is over, as if it had been stopped: a [StopShard] that crosses it needs no further
// answer.
type Ended struct {
	Key        lease.Key
	Epoch      int64
	Checkpoint lease.Checkpoint // how far its records are done, as in Stopped: the end may have to wait
	Children   []topology.Shard // as the service names them; none if it names none
}

// Stopped answers [StopShard]: nothing reads or handles the shard any more.
type Stopped struct {
	Key        lease.Key
	Epoch      int64
	Checkpoint lease.Checkpoint // how far its records are done; empty if none was
}

// Flush asks that what is done of a shard be stored now: the [Progress] that came before it. It
// is answered by [Flushed].
type Flush struct {
	Key   lease.Key
	Epoch int64
	Token int64 // comes back with the answer
}

// Leave says that the worker is to stop: drain, hand over, leave. The end is [Left].
type Leave struct{}

// GiveUp says that the worker is to stop as with [Leave], because of an error, which [Left]
// then has.
type GiveUp struct{ Err error }

// Cut says that there is no more time for that: handlers are cut off, what they have done is
// stored and handed over if one attempt is enough, and [Left] follows soon, whatever the store
// does.
type Cut struct{}

// Streams says which streams the worker is to read from now on, by ARN, and for each the
// position at which the group begins to read it: a Checkpoint, or LATEST.
type Streams struct {
	Streams []StreamConfig
}

// StreamConfig is a stream that the worker reads.
type StreamConfig struct {
	ARN       string
	CreatedAt time.Time
	Start     lease.Checkpoint // TRIM_HORIZON, AT_TIMESTAMP:<time>, or LATEST
}

// Served says whether calls of the service are answered that read the shards of this worker. It
// comes when that changes: with the first failure after an answer, and the first answer after a
// failure. At the start they are.
type Served struct {
	OK  bool
	For time.Duration // of a failure: for how long nothing has been answered by now
}

// Probed answers [Probe]. Err is nil if the service has answered, whatever it said.
type Probed struct{ Err error }

func (Tick) event()      {}
func (Jumped) event()    {}
func (Joined) event()    {}
func (Beaten) event()    {}
func (Polled) event()    {}
func (Loaded) event()    {}
func (Updated) event()   {}
func (StreamPut) event() {}
func (Forgotten) event() {}
func (Drained) event()   {}
func (Listed) event()    {}
func (Progress) event()  {}
func (Ended) event()     {}
func (Stopped) event()   {}
func (Flush) event()     {}
func (Leave) event()     {}
func (GiveUp) event()    {}
func (Cut) event()       {}
func (Streams) event()   {}
func (Served) event()    {}
func (Probed) event()    {}
