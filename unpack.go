package kin

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/aggregate"
	"github.com/kinstream/kin/internal/hashkey"
)

// errCorruptAggregate is why a record that looks aggregated is delivered as it is.
var errCorruptAggregate = errors.New("aggregated record with a wrong checksum or an unreadable message")

// unpacking is how the records of a shard become user records, for a Reader and for a
// Consumer.
type unpacking struct {
	stream string
	shard  ShardID
	keys   hashkey.Range // of the shard; if it is not valid, nothing is out of it
	unpack bool          // aggregated records are unpacked
	drop   bool          // user records of other shards are dropped

	// skip is the position at which the shard was begun, if that is inside an aggregated
	// record, of which the user records up to there are left out.
	skip Position

	decode func(*Record) error // may be nil

	badRecord  func(BadRecordInfo)  // may be nil
	outOfRange func(OutOfRangeInfo) // may be nil
}

// defects counts what was left out.
type defects struct{ bad, outOfRange int64 }

// skipFor returns what of p is to be skipped.
func skipFor(p Position) Position {
	if p.kind == afterSubSequence {
		return p
	}
	return Position{}
}

// each calls body for the user records of in, in order, until it returns false, and
// reports whether it never did. rec, whose ShardID is set, is the memory for them.
func (u *unpacking) each(in *types.Record, rec *Record, d *defects, body func(rec *Record) bool) bool {
	rec.set(in)
	if u.mayBePacked(in) {
		if packed, ok := aggregate.Parse(in.Data); ok && packed.Len() > 0 {
			return u.eachPacked(packed, rec, d, body)
		}
		u.bad(d, rec.SequenceNumber, -1, errCorruptAggregate)
	}
	return !u.decoded(rec, d) || body(rec)
}

// mayBePacked says whether in looks like an aggregated record that is to be unpacked.
func (u *unpacking) mayBePacked(in *types.Record) bool { return u.unpack && looksAggregated(in.Data) }

// asItIs says whether in is, unchanged, the only user record that each finds in it.
func (u *unpacking) asItIs(in *types.Record) bool { return u.decode == nil && !u.mayBePacked(in) }

// decoded has a user record decoded, if the user wants that. It returns false if that is not
// possible; then the record is left out as a bad one.
func (u *unpacking) decoded(rec *Record, d *defects) bool {
	if u.decode == nil {
		return true
	}
	// Where the record is stays what it is, whatever Decode does: positions are made of it.
	shard, seq, sub, aggregated := rec.ShardID, rec.SequenceNumber, rec.SubSequence, rec.Aggregated
	err := recovered(func() error { return u.decode(rec) })
	rec.ShardID, rec.SequenceNumber, rec.SubSequence, rec.Aggregated = shard, seq, sub, aggregated
	if err != nil {
		u.bad(d, seq, sub, fmt.Errorf("decode: %w", err))
		return false
	}
	return true
}

// recovered calls f, and returns a panic in it as an error: data that somebody else put must not end
// the process.
func recovered(f func() error) (err error) {
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("panic: %v\n%s", why, debug.Stack())
		}
	}()
	return f()
}

// set makes r what in is as it stands. Its ShardID is left alone.
func (r *Record) set(in *types.Record) {
	r.SequenceNumber = SequenceNumber(*in.SequenceNumber)
	r.SubSequence, r.Aggregated = 0, false
	r.PartitionKey, r.ExplicitHashKey, r.ArrivalTime = "", "", time.Time{}
	if in.PartitionKey != nil {
		r.PartitionKey = *in.PartitionKey
	}
	if in.ApproximateArrivalTimestamp != nil {
		r.ArrivalTime = *in.ApproximateArrivalTimestamp
	}
	r.Data = in.Data
}

// eachPacked is each for an aggregated record.
func (u *unpacking) eachPacked(packed aggregate.Aggregate, rec *Record, d *defects, body func(rec *Record) bool) bool {
	skip := -1
	if u.skip.seq == rec.SequenceNumber {
		skip = u.skip.sub
	}
	rec.Aggregated = true
	for user, err := range packed.Records() {
		if user.Index <= skip {
			continue
		}
		if err != nil {
			u.bad(d, rec.SequenceNumber, user.Index, err)
			continue
		}
		rec.SubSequence, rec.PartitionKey, rec.ExplicitHashKey, rec.Data = user.Index, user.PartitionKey, user.ExplicitHashKey, user.Data
		if u.belongs(rec, d) && u.decoded(rec, d) && !body(rec) {
			return false
		}
	}
	return true
}

// looksAggregated says whether data begins like an aggregated record. It is asked
// for every record, so it is small enough to be inlined.
func looksAggregated(data []byte) bool {
	return len(data) > 4 && data[0] == 0xF3 && data[1] == 0x89 && data[2] == 0x9A && data[3] == 0xC2
}

// belongs says whether a user record is to be delivered, and notes it if it belongs to
// another shard.
func (u *unpacking) belongs(rec *Record, d *defects) bool {
	if u.keys == hashkey.Full() || !u.keys.Valid() {
		return true
	}
	key, err := hashkey.Parse(rec.ExplicitHashKey)
	if err != nil { // none, as a rule
		key = hashkey.Of(rec.PartitionKey)
	}
	if u.keys.Contains(key) {
		return true
	}
	d.outOfRange++
	if u.outOfRange != nil {
		u.outOfRange(OutOfRangeInfo{Stream: u.stream, Record: *rec, Dropped: u.drop})
	}
	return !u.drop
}

func (u *unpacking) bad(d *defects, seq SequenceNumber, sub int, err error) {
	d.bad++
	if u.badRecord != nil {
		u.badRecord(BadRecordInfo{Stream: u.stream, Shard: u.shard, SequenceNumber: seq, SubSequence: sub, Err: err})
	}
}
