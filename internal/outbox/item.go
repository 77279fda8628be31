package outbox

import (
	"math"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
)

// Never is a moment that does not come.
const Never time.Duration = math.MaxInt64

// Overhead is what an accepted record counts against [SpaceLimits] besides its keys and
// data: what this package and its caller need for it, rounded up.
const Overhead = 192

// Record is one record as a user puts it.
type Record struct {
	PartitionKey    string
	ExplicitHashKey string
	Data            []byte
}

// size is what the record counts against the limits of the service.
func (r *Record) size() int { return len(r.PartitionKey) + len(r.Data) }

// cost is what the record counts against the byte bound of a [Space].
func (r *Record) cost() int { return r.size() + len(r.ExplicitHashKey) + Overhead }

// Sizes of the KPL format, see package aggregate.
const (
	frameSize  = 4 + 16 // magic and checksum
	indexField = 1 + 3  // an index into a table, for up to maxAggregateRecords
	magic      = "\xf3\x89\x9a\xc2"
)

// packedSize returns the most by which the record makes an aggregate longer.
func (r *Record) packedSize() int {
	body := indexField + fieldSize(len(r.Data))
	n := fieldSize(len(r.PartitionKey))
	if r.ExplicitHashKey != "" {
		body += indexField
		n += fieldSize(len(r.ExplicitHashKey))
	}
	return n + fieldSize(body)
}

// aloneSize returns the most that the record counts when it is packed alone: it goes
// as it is, unless a reader would take it for an aggregate.
func (r *Record) aloneSize() int {
	if len(r.Data) > frameSize && string(r.Data[:len(magic)]) == magic {
		return frameSize + r.packedSize() + len(r.PartitionKey)
	}
	return r.size()
}

// fieldSize returns the size of n bytes as a field of a protobuf message.
func fieldSize(n int) int {
	switch {
	case n < 1<<7:
		return 2 + n
	case n < 1<<14:
		return 3 + n
	case n < 1<<21:
		return 4 + n
	default:
		return 5 + n
	}
}

// Verdict is what became of an item.
type Verdict uint8

// All verdicts but Waiting and Landed are final: the owner is to be answered.
const (
	Waiting   Verdict = iota // in a lane, in a call, or in a lane again after an attempt
	Landed                   // stored in another shard than predicted: to be judged when its range is known
	Stored                   // in the stream, at its entry's place
	Refused                  // another attempt would not help: Last says why
	Expired                  // no attempt may begin any more
	GivenUp                  // the caller has given up
	Unordered                // the stream keeps no order, and order was asked for
)

// Final reports whether the owner of the item is to be answered.
func (v Verdict) Final() bool { return v >= Stored }

// Item is one accepted record. Record, Owner and Hash are the caller's to set before
// [Outbox.Offer], the rest is for it to read when Verdict is final.
type Item[T any] struct {
	Record

	// Owner is whom to answer.
	Owner T

	// Hash is the explicit hash key as a number, else the MD5 of the partition key.
	Hash hashkey.Key

	// Last is why the latest attempt failed, or nil. It stays when a later one succeeds.
	Last *Failure

	seq      uint64        // place in the order of acceptance
	accepted time.Duration // moment
	gen      uint32        // generation
	suspect  uint32        // user records in the smallest call with this one that was refused for its content; 0: none

	// Attempts is how many calls carried the item.
	Attempts int32

	Verdict Verdict

	// Ambiguous says that an attempt before, or the failed one, may have stored the item.
	Ambiguous bool

	beyond bool  // accepted on top of the bound of the Space
	strays uint8 // how often its aggregate landed where KCL would drop it
}

// Accepted returns the moment of acceptance.
func (it *Item[T]) Accepted() time.Duration { return it.accepted }

// Failure is why an attempt did not store an entry, or a whole call none.
type Failure struct {
	Err       error
	Code      string // of the service, if it gave one
	Retryable bool   // another attempt may succeed
	Ambiguous bool   // it may have been stored
	Throttled bool   // because of a throughput limit
	Content   bool   // the service did not like the records, perhaps only one of them
	NoStream  bool   // there is no such stream
}

// Place is where an entry was stored.
type Place struct {
	Shard, Sequence string
}
