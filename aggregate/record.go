package aggregate

import (
	"errors"
	"fmt"
)

// UserRecord is one record as a producer made it, inside an aggregated record.
type UserRecord struct {
	// PartitionKey is the key that the producer gave.
	PartitionKey string

	// ExplicitHashKey is the hash key that the producer gave, in decimal, or empty
	// if it gave none. Reading does not check that it is a number.
	ExplicitHashKey string

	// Data is the payload. When reading it aliases the data of the Kinesis record;
	// its capacity ends where it ends, so appending to it copies.
	Data []byte

	// Index is the place inside the aggregated record, counted from 0. KCL calls it
	// the sub-sequence number. Writing ignores it.
	Index int
}

// Reasons why a user record is bad. They are found with errors.Is in the error of
// a [RecordError]. The other records of the same aggregate are not affected, and the
// bad one can't be read by other means.
var (
	// ErrMalformed means that the bytes of the user record are no protobuf message.
	ErrMalformed = errors.New("malformed protobuf message")

	// ErrNoPartitionKey means that a user record names no partition key, or one
	// outside of the table of the aggregate.
	ErrNoPartitionKey = errors.New("no partition key in the table")

	// ErrNoHashKey means that a user record names an explicit hash key outside of the
	// table of the aggregate.
	ErrNoHashKey = errors.New("no explicit hash key in the table")

	// ErrNoData means that a user record has no data field. (A field with no bytes in
	// it is data.)
	ErrNoData = errors.New("no data field")
)

// RecordError says that one user record of an aggregate is bad. [Aggregate.Records]
// yields it in the place of that record.
type RecordError struct {
	// Index is the place of the bad record inside the aggregate, counted from 0.
	Index int

	// Err is the reason. It wraps [ErrMalformed], [ErrNoPartitionKey],
	// [ErrNoHashKey] or [ErrNoData].
	Err error
}

// Error implements error.
func (e *RecordError) Error() string {
	return fmt.Sprintf("user record %d of an aggregated record: %v", e.Index, e.Err)
}

// Unwrap returns the reason.
func (e *RecordError) Unwrap() error { return e.Err }
