package kin

import (
	"log/slog"
	"time"

	"github.com/kinstream/kin/internal/fetch"
)

// ReaderHooks are functions that a [Reader] calls as things happen, for metrics and
// tests. Any of them may be nil. Retrying and Fetched are called from the goroutines
// that read the shards, the others from the one that ranges over the records. No lock
// of the reader is held; they may call the reader's methods, but must not block,
// because what called them waits.
type ReaderHooks struct {
	// Retrying is called when a call has failed and will be made again.
	Retrying func(RetryInfo)

	// Fetched is called for each answer of GetRecords, also for empty ones.
	Fetched func(FetchInfo)

	// ShardStarted is called when reading of a shard begins.
	ShardStarted func(ShardInfo)

	// ShardEnded is called when a shard has been read to its end, after the loop
	// body of its last record.
	ShardEnded func(ShardInfo)

	// ShardGone is called when a shard can't be read any more because the stream
	// has trimmed it: its records that were not read by then are lost.
	ShardGone func(ShardInfo)

	// BadRecord is called for a user record that can't be unpacked or decoded, and for an
	// aggregated record whose checksum does not match.
	BadRecord func(BadRecordInfo)

	// OutOfRange is called for a user record inside an aggregated record that belongs
	// to another shard: see [WhenOutOfRange].
	OutOfRange func(OutOfRangeInfo)
}

// RetryInfo describes a call that failed and will be made again.
type RetryInfo struct {
	Stream    string
	Shard     ShardID       // empty for a listing
	Op        string        // the operation
	Attempt   int           // failures in a row, counted from 1
	Throttled bool          // refused because of the rate
	Wait      time.Duration // until the next attempt
	Err       error
}

// retryInfo describes a failed call of package fetch. shard is empty for a listing.
func retryInfo(stream string, shard ShardID, f fetch.Failure) RetryInfo {
	return RetryInfo{
		Stream: stream, Shard: shard, Op: f.Op, Attempt: f.Attempt, Throttled: f.Class == fetch.Throttled, Wait: f.Wait, Err: f.Err,
	}
}

// log writes what a failed call was, unless there is too much of it. what is what goes on meanwhile.
func (i RetryInfo) log(logger *slog.Logger, what string) {
	// Attempts 1, 2, 4, 8, ...: a failure that lasts stays visible and does not flood.
	// Single refusals are how the pace is found.
	if i.Attempt&(i.Attempt-1) == 0 && (!i.Throttled || i.Attempt >= 8) {
		logger.Warn("trying again", "while", what, "stream", i.Stream, "shard", string(i.Shard),
			"op", i.Op, "attempt", i.Attempt, "wait", i.Wait, "err", i.Err)
	}
}

// FetchInfo describes an answer of GetRecords.
type FetchInfo struct {
	Stream  string
	Shard   ShardID
	Records int           // as the service counts: an aggregated record is one
	Bytes   int           // as MaxBufferedBytes counts
	Lag     time.Duration // behind the tip of the shard; -1 if the service did not say
}

// ShardInfo describes a shard of which reading begins or ends.
type ShardInfo struct {
	Stream   string
	Shard    ShardID
	Parents  []ShardID
	Position Position // where it begins, or how far it was read
}

// BadRecordInfo describes a record that can't be unpacked.
type BadRecordInfo struct {
	Stream         string
	Shard          ShardID
	SequenceNumber SequenceNumber

	// SubSequence is the index of the user record, which is not delivered: its
	// bytes are not known, or Decode refused them. -1 means the record as a whole, which is delivered
	// as it is.
	SubSequence int
	Err         error
}

// OutOfRangeInfo describes a user record that belongs to another shard.
type OutOfRangeInfo struct {
	Stream  string
	Record  Record
	Dropped bool
}
