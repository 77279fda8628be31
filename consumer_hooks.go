package kin

import (
	"sync"
	"time"

	"github.com/kinstream/kin/internal/coord"
)

// ConsumerHooks are functions that a [Consumer] calls as things happen, for metrics and
// tests. Any of them may be nil. They are called by many goroutines; no lock of the consumer is
// held; they may call its methods, but must not block, because what called them waits. One that
// panics is logged, and otherwise counts as if it had returned. One that ends its goroutine, as
// FailNow of a test does, ends Run with an error.
type ConsumerHooks struct {
	// Retrying is called when a call of Kinesis has failed and will be made again.
	Retrying func(RetryInfo)

	// Fetched is called for each answer of GetRecords, also for empty ones.
	Fetched func(FetchInfo)

	// BadRecord and OutOfRange are those of [ReaderHooks].
	BadRecord  func(BadRecordInfo)
	OutOfRange func(OutOfRangeInfo)

	// Handled is called after each call of the handler.
	Handled func(HandledInfo)

	// BatchSkipped is called when records have been passed over: see [SkipBatch].
	BatchSkipped func(SkipInfo)

	// ShardStarted is called when this worker begins to read a shard.
	ShardStarted func(LeaseInfo)

	// ShardStopping is called when this worker is about to give a shard up and waits for
	// what is not acknowledged. With ManualAcks it is the moment to finish what was collected.
	ShardStopping func(LeaseInfo)

	// ShardStopped is called when this worker does not read a shard any more and nothing of it
	// is being handled; LeaseInfo.Reason says why. It comes once for each ShardStarted.
	ShardStopped func(LeaseInfo)

	// ShardGone is called when a shard can't be read any more because the stream has
	// trimmed it: its records that were not read by then are lost.
	ShardGone func(LeaseInfo)

	// Group is called when something happens in the group, or between it and this worker.
	Group func(GroupInfo)
}

// LeaseInfo describes a shard that this worker reads, or has read.
type LeaseInfo struct {
	Stream    string // as configured
	StreamARN string
	Shard     ShardID
	Parents   []ShardID
	Epoch     int64      // see [Batch]
	Position  Position   // up to which its records are acknowledged, or where it begins
	Reason    StopReason // only when it stops
}

// StopReason says why a worker does not read a shard any more.
type StopReason int

// The reasons for which reading stops.
const (
	NotStopped      StopReason = iota
	StoppedByEnd               // all records are acknowledged, and there will be no more
	StoppedForOther            // handed over to another worker
	StoppedByLoss              // the lease was lost: another worker may have it
	StoppedForLeave            // handed over because this worker leaves the group
)

// String returns what r means, in lower case.
func (r StopReason) String() string {
	switch r {
	case NotStopped:
		return "not stopped"
	case StoppedByEnd:
		return "shard end"
	case StoppedForOther:
		return "handed over"
	case StoppedByLoss:
		return "lease lost"
	case StoppedForLeave:
		return "leaving"
	}
	return "invalid"
}

// HandledInfo describes a call of the handler.
type HandledInfo struct {
	Stream    string
	Shard     ShardID
	Records   int           // in the batch
	Acked     int           // of these, also if the call failed; without ManualAcks all if it did not
	Bytes     int           // of data and partition keys
	Lag       time.Duration // see [Batch]
	Attempt   int
	Took      time.Duration
	Cancelled bool  // its context was cancelled, so Err is no failure
	Err       error // what it returned, or a [*PanicError]
}

// SkipInfo describes records that were passed over.
type SkipInfo struct {
	Stream   string
	Shard    ShardID
	Records  []Record // to be copied if they are needed after the hook has returned
	Attempts int
	Err      error // why the last attempt failed
}

// GroupInfo describes something that happened in the group.
type GroupInfo struct {
	Group string
	Event GroupEvent

	// Worker is the ID of the worker that it happened to, and Own says that it is this one.
	Worker string
	Own    bool

	// Stream is the ARN, and Shard the shard, if it is about one. Epoch is that of the lease.
	Stream string
	Shard  ShardID
	Epoch  int64

	// Op is the operation, Attempt how often in a row it has failed, and Err why, of
	// StoreFailed and StreamUnreadable; of ReadingFailed only Err.
	Op      string
	Attempt int
	Err     error
}

// GroupEvent is what happened in a group.
type GroupEvent int

// What can happen in a group.
const (
	WorkerJoined     GroupEvent = iota + 1 // a worker is there that was not
	WorkerLeft                             // a worker has left, after it handed its shards over
	WorkerDied                             // a worker did not answer for LeaseTTL, or was gone before this one saw it leave
	LeaseTaken                             // this worker has become the owner of a shard
	LeaseLost                              // this worker is not the owner of a shard any more, and was not asked
	LeaseHandedOver                        // this worker has made Worker the owner of a shard, or nobody
	LeaseFinished                          // all records of a shard of this worker are done
	DeliveryPaused                         // this worker can't reach the store, and delivers nothing for now
	DeliveryResumed                        // it delivers again
	StoreFailed                            // a call of the store has failed, and will be made again
	StoreWorks                             // a call that had failed has been made
	StreamUnreadable                       // the shards of a stream can't be found out
	StreamReadable                         // they can again
	ReadingFailed                          // Kinesis does not answer this worker, which leaves its shards to others that can read
	ReadingWorks                           // it answers again, and this worker takes shards again
)

// String returns what e means, in lower case.
func (e GroupEvent) String() string {
	names := [...]string{
		"invalid", "worker joined", "worker left", "worker died", "lease taken", "lease lost", "lease handed over",
		"lease finished", "delivery paused", "delivery resumed", "store failed", "store works", "stream unreadable", "stream readable",
		"reading failed", "reading works",
	}
	if e < 0 || int(e) >= len(names) {
		return names[0]
	}
	return names[e]
}

// hooks returns the hooks of the worker.
func (r *consumerRun) hooks() coord.Hooks {
	c := r.c
	group := func(i GroupInfo) {
		i.Group = c.cfg.Group
		callHook(c, "Group", c.cfg.Hooks.Group, i)
	}
	return coord.Hooks{
		Lease: func(e coord.LeaseEvent) {
			i := GroupInfo{
				Event: groupEvent(e.What), Worker: e.Lease.Owner, Stream: e.Lease.Stream, Shard: ShardID(e.Lease.Shard), Epoch: e.Lease.Epoch,
			}
			if i.Event == LeaseHandedOver {
				i.Worker = e.Heir
			}
			i.Own = i.Event == LeaseTaken || i.Event == LeaseFinished
			group(i)
		},
		Worker: func(e coord.WorkerEvent) {
			group(GroupInfo{Event: groupEvent(e.What), Worker: e.Worker, Own: e.Own, Err: e.Err})
		},
		Store: func(e coord.StoreEvent) {
			i := GroupInfo{Event: StoreWorks, Own: true, Stream: e.Stream, Op: e.Op, Attempt: e.Attempt, Err: e.Err}
			if e.Err != nil {
				i.Event = StoreFailed
			}
			if e.Op == "List" { // of a stream, which is no business of the store
				i.Op, i.Event = "ListShards", StreamReadable
				if e.Err != nil {
					i.Event = StreamUnreadable
				}
			}
			group(i)
		},
		Stream: func(e coord.StreamEvent) {
			i := GroupInfo{Event: StreamReadable, Own: true, Stream: e.Stream, Err: e.Err}
			if e.Err != nil {
				i.Event = StreamUnreadable
			}
			group(i)
		},
	}
}

// groupEvent returns what an event of a lease or of a worker is called here.
func groupEvent(what coord.What) GroupEvent {
	switch what {
	case coord.WorkerJoined:
		return WorkerJoined
	case coord.WorkerLeft:
		return WorkerLeft
	case coord.WorkerDied:
		return WorkerDied
	case coord.TrustLapsed:
		return DeliveryPaused
	case coord.TrustBack:
		return DeliveryResumed
	case coord.Unable:
		return ReadingFailed
	case coord.Able:
		return ReadingWorks
	case coord.LeaseTaken:
		return LeaseTaken
	case coord.LeaseLost:
		return LeaseLost
	case coord.LeaseHandedOver:
		return LeaseHandedOver
	case coord.LeaseFinished:
		return LeaseFinished
	}
	return 0
}

func (s *shardRun) tellEnded(last *consumedPage) {
	c, info := s.run.c, s.info(StoppedByEnd)
	if last.gone {
		s.tell("ShardGone", c.cfg.Hooks.ShardGone, info)
		c.cfg.Logger.Warn("consuming: the stream does not have the shard any more", "stream", info.Stream,
			"shard", string(s.id), "position", info.Position.String())
	}
	s.tell("ShardStopped", c.cfg.Hooks.ShardStopped, info)
}

// tell calls a hook while the shard is given up, in a goroutine of its own: what comes after it
// is to be done also if the hook ends that.
func (s *shardRun) tell(name string, hook func(LeaseInfo), info LeaseInfo) {
	if hook == nil {
		return
	}
	var called sync.WaitGroup
	called.Go(func() { callHook(s.run.c, name, hook, info) })
	called.Wait()
}

func (s *shardRun) info(reason StopReason) LeaseInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := LeaseInfo{
		Stream: s.stream.name, StreamARN: s.stream.arn, Shard: s.id, Epoch: s.lease.Epoch, Position: s.settled(), Reason: reason,
	}
	for _, p := range s.lease.Parents {
		i.Parents = append(i.Parents, ShardID(p))
	}
	return i
}

func reasonOf(why coord.Why) StopReason {
	switch why {
	case coord.Lost:
		return StoppedByLoss
	case coord.Shutdown, coord.CutOff:
		return StoppedForLeave
	case coord.HandOver:
	}
	return StoppedForOther
}
