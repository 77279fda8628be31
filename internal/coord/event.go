package coord

import (
	"time"

	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

// Event is something that the Machine is told. Every Do that the Machine asks for is
// answered by exactly one event, however it ends; the others come as they happen.
type Event interface{ event() }

// Tick says that time has passed: see [Machine.Wake].
type Tick struct{}

// Joined answers [Join].
type Joined struct {
	Began time.Duration // when the call began
	Err   error
}

// Beaten answers [Beat].
type Beaten struct {
	Began  time.Duration // when the call began
	Worker lease.Worker  // if Err is nil
	Err    error         // lease.ErrNoWorker if the row is gone
}

// Polled answers [Poll].
type Polled struct {
	Snapshot lease.Snapshot
	Err      error
}

// Loaded answers [Load].
type Loaded struct {
	Began    time.Duration // when the call began
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
type Drained struct{ Err error }

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

// Ended says that all records of a shard are done and no more will come. The reading of the shard is over, as
// if it had been stopped.
type Ended struct {
	Key      lease.Key
	Epoch    int64
	Children []topology.Shard // as the service names them; none if it names none
}

// Stopped answers [StopShard]: nothing reads or handles the shard any more.
type Stopped struct {
	Key        lease.Key
	Epoch      int64
	Checkpoint lease.Checkpoint // how far its records are done; empty if none was
}

// Leave says that the worker is to stop: drain, hand over, leave.
type Leave struct{}

// Streams says which streams the worker is to read from now on, by ARN, and for each the position at which
// the group begins to read it: a Checkpoint, or LATEST.
type Streams struct {
	Streams []StreamConfig
}

// StreamConfig is a stream that the worker reads.
type StreamConfig struct {
	ARN       string
	CreatedAt time.Time
	Start     lease.Checkpoint // TRIM_HORIZON, AT_TIMESTAMP:<time>, or LATEST
}

func (Tick) event()      {}
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
func (Leave) event()     {}
func (Streams) event()   {}
