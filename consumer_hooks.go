package kin

import "time"

// ConsumerHooks are functions that a [Consumer] calls as things happen, for metrics and
// tests. Any of them may be nil. They are called by many goroutines; no lock of the consumer is
// held; they may call its methods, but must not block, because what called them waits. One that
// panics is logged, and otherwise counts as if it had returned.
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

	// ShardStopped is called when this worker does not read a shard any more and nothing of it is being
	// handled; LeaseInfo.Reason says why. It comes once for each ShardStarted.
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
	Records   int
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
	Group  string
	Worker string // that it happened to: this one, as a rule
	Event  string // what happened, in a few words that do not change
	Stream string // the ARN, if it is about a stream or a shard
	Shard  ShardID
	Err    error // if something failed; it is tried again
}
