package kin

import (
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

// ProducerHooks are functions that a [Producer] calls as things happen, for
// metrics and tests. Any of them may be nil. They are called from several
// goroutines, without locks of the producer held; they may put records, but must not
// block, because what called them waits. What they tell in sum is also in [Producer.Stats].
type ProducerHooks struct {
	// Called is called after each PutRecords call, before the callbacks of its records.
	Called func(PutCallInfo)

	// Failed is called for each accepted record that is answered with an error, before
	// its callback.
	Failed func(*PutError)

	// Blocked is called when a Put begins to wait because the buffer is full.
	Blocked func(BufferInfo)

	// MapChanged is called when the shards of a stream became known, after they were split or
	// merged, and when the service took over, or gave back, the choice of shards.
	MapChanged func(MapInfo)
}

// PutCallInfo describes one PutRecords call and what became of its records:
// Records = Stored + Undecided + Retrying + Failed.
type PutCallInfo struct {
	Stream    string
	Entries   int           // Kinesis records in the call
	Records   int           // user records in them
	Bytes     int           // data and partition keys of the Kinesis records
	Stored    int           // user records stored now
	Recovered int           // of those, stored after at least one failed attempt
	Throttled int           // user records refused now because of a throughput limit
	Undecided int           // user records aggregated and stored in another shard than expected, to be judged
	Retrying  int           // user records to be tried again
	Failed    int           // user records answered with an error
	Took      time.Duration // from the beginning of the call to its end
	Err       error         // why the call as a whole failed, else nil
	Ambiguous bool          // Err does not exclude that the records were stored

	// Shards is what went to each shard, in the order of the call. Records of unknown shards that
	// were not stored come under an empty ShardID.
	Shards []PutShardInfo
}

// PutShardInfo is the share of one shard in a PutRecords call.
type PutShardInfo struct {
	ShardID   ShardID
	Entries   int // Kinesis records
	Records   int // user records in them
	Bytes     int // data and partition keys of the Kinesis records
	Stored    int // Kinesis records stored now
	Throttled int // Kinesis records refused because of a throughput limit

	// Oldest is how long the one of its user records that came first had waited for this call, from its acceptance. What a
	// Put of that one sees is Oldest and PutCallInfo.Took.
	Oldest time.Duration
}

// BufferInfo describes how full the buffer of a [Producer] is.
type BufferInfo struct {
	Stream     string // into which the Put wants to put
	Bytes      int    // held, as MaxBufferedBytes counts
	Unanswered int    // records accepted and not yet answered
	InFlight   int    // PutRecords calls that are out
	Waiting    int    // Puts that wait for room
}

// MapInfo describes what a [Producer] knows of the shards of a stream.
type MapInfo struct {
	Stream      string
	Shards      []ShardID // those that are open, by hash key; nil if they are not known
	Auto        bool      // the service chooses the shard of a record
	Aggregating bool      // records are aggregated, if there are several
}

// add counts one entry of a call that began at that moment.
func (i *PutCallInfo) add(e *outbox.Entry[owner], items []outbox.Item[owner], begun time.Duration) {
	i.Records += len(items)
	i.Bytes += e.Packed
	for j := range items {
		it := &items[j]
		switch it.Verdict {
		case outbox.Stored:
			i.Stored++
			if it.Attempts > 1 {
				i.Recovered++
			}
		case outbox.Waiting:
			i.Retrying++
		case outbox.Landed:
			i.Undecided++
		case outbox.Refused, outbox.Expired, outbox.GivenUp, outbox.Unordered:
			i.Failed++
		}
	}
	shard := i.shard(ShardID(e.Shard()))
	if e.Failure == nil {
		shard = i.shard(ShardID(e.Place.Shard))
		shard.Stored++
	} else if e.Failure.Throttled {
		i.Throttled += len(items)
		shard.Throttled++
	}
	shard.Entries++
	shard.Records += len(items)
	shard.Bytes += e.Packed
	shard.Oldest = max(shard.Oldest, begun-items[0].Accepted())
}

// shard returns the share of a shard. Entries of one shard are next to each other, as a rule.
func (i *PutCallInfo) shard(id ShardID) *PutShardInfo {
	for at := len(i.Shards) - 1; at >= 0; at-- {
		if i.Shards[at].ShardID == id {
			return &i.Shards[at]
		}
	}
	i.Shards = append(i.Shards, PutShardInfo{ShardID: id})
	return &i.Shards[len(i.Shards)-1]
}
