package kin

import (
	"bytes"
	"strings"
	"time"
)

// Record is one user record read from a shard.
//
// Data, PartitionKey and SequenceNumber alias the buffer of the response that
// they came in. They stay valid for as long as they are referenced, because
// that buffer is ordinary garbage-collected memory and is never reused; but
// keeping one record keeps its whole response, up to 10 MiB, in memory. Use
// [Record.Clone] for records that outlive the batch. Treat Data as read-only:
// records of one aggregate share their bytes.
type Record struct {
	// ShardID is the shard that the record was read from.
	ShardID ShardID

	// SequenceNumber is the number that Kinesis gave to the record. All user
	// records of one aggregated record have the same one.
	SequenceNumber SequenceNumber

	// SubSequence is the index of a user record inside its aggregated record,
	// counted from 0. It is 0 for a record that was not aggregated. KCL calls the
	// pair of both numbers the extended sequence number.
	SubSequence int

	// Aggregated says that the record was packed together with others by a
	// producer such as the KPL.
	Aggregated bool

	// PartitionKey is the key that the producer gave. It is empty only on streams
	// with service-managed record distribution, where the key is optional.
	PartitionKey string

	// ExplicitHashKey is the hash key that the producer gave to this user record,
	// in decimal. It is known only for aggregated records and empty otherwise:
	// Kinesis does not return it.
	ExplicitHashKey string

	// Data is the payload. The caller must not change it.
	Data []byte

	// ArrivalTime is when Kinesis received the record, in milliseconds. The SDK
	// calls it ApproximateArrivalTimestamp: it is neither exact nor guaranteed to
	// increase along a shard.
	ArrivalTime time.Time
}

// Position returns the position just after r: a Reader that starts there
// continues with the next user record, also inside an aggregated record.
func (r Record) Position() Position {
	if r.Aggregated {
		return AfterSubSequence(r.SequenceNumber, r.SubSequence)
	}
	return AfterSequence(r.SequenceNumber)
}

// Clone returns a copy of r that shares no memory with the response that r came in.
func (r Record) Clone() Record {
	r.ShardID = ShardID(strings.Clone(string(r.ShardID)))
	r.SequenceNumber = SequenceNumber(strings.Clone(string(r.SequenceNumber)))
	r.PartitionKey = strings.Clone(r.PartitionKey)
	r.ExplicitHashKey = strings.Clone(r.ExplicitHashKey)
	r.Data = bytes.Clone(r.Data)
	return r
}
