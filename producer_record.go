package kin

import (
	"fmt"
	"unicode/utf8"

	"github.com/kinstream/kin/internal/hashkey"
)

// Limits of the service on one record.
const (
	maxPartitionKey   = 256 // Unicode characters
	defaultMaxRecord  = 1 << 20
	serviceMaxRecord  = 10 << 20
	recordOverhead    = 192 // what the producer itself needs for a record, rounded up
	maxErrorKeyLength = 64  // bytes of a partition key that go into the text of an error
)

// UserRecord is one record to put.
//
// The producer copies nothing: whoever puts a record leaves Data alone until its
// result is known, that is until [Producer.Put] has returned a result or the
// callback of [Producer.PutAsync] is called.
type UserRecord struct {
	// PartitionKey decides by its MD5 which shard takes the record. 1 to 256
	// Unicode characters of valid UTF-8.
	PartitionKey string

	// ExplicitHashKey, if not empty, decides in place of PartitionKey which shard
	// takes the record. A decimal number from 0 to 2^128-1 without leading zeros.
	ExplicitHashKey string

	// Data is the payload. It may be empty. Data and PartitionKey together have at
	// most ProducerConfig.MaxRecordBytes bytes.
	Data []byte
}

// PutResult says where a record was stored. Its strings may share the memory of
// the answer that they came in, about 100 bytes for each record of the call:
// clone those that are kept for long.
type PutResult struct {
	// ShardID is the shard that took the record.
	ShardID ShardID

	// SequenceNumber is the number that Kinesis gave to the record.
	SequenceNumber SequenceNumber

	// SubSequence is the index of the record inside an aggregated record. It is 0
	// for a record that was put on its own.
	SubSequence int

	// Attempts is how many PutRecords calls carried the record, at least 1.
	Attempts int

	// MaybeDuplicate says that the record may be in the stream more than once: an
	// earlier attempt ended without an answer that excludes that it was stored.
	// See ProducerConfig.WhenAmbiguous.
	MaybeDuplicate bool
}

// size is what the record counts against the limits of the service.
func (r *UserRecord) size() int { return len(r.PartitionKey) + len(r.Data) }

// check says what is wrong with the record, naming the field.
func (r *UserRecord) check(maxBytes int) error {
	switch {
	case r.PartitionKey == "":
		return invalidRecord("UserRecord.PartitionKey is empty: it must have 1 to %d characters", maxPartitionKey)
	case !utf8.ValidString(r.PartitionKey):
		return invalidRecord("UserRecord.PartitionKey is not valid UTF-8")
	case len(r.PartitionKey) > maxPartitionKey && utf8.RuneCountInString(r.PartitionKey) > maxPartitionKey:
		return invalidRecord("UserRecord.PartitionKey has %d characters: it must have 1 to %d",
			utf8.RuneCountInString(r.PartitionKey), maxPartitionKey)
	case r.size() > maxBytes:
		return invalidRecord("UserRecord.Data (%d bytes) and PartitionKey (%d bytes) are larger together than ProducerConfig.MaxRecordBytes (%d)",
			len(r.Data), len(r.PartitionKey), maxBytes)
	}
	if r.ExplicitHashKey != "" {
		if _, err := hashkey.Parse(r.ExplicitHashKey); err != nil {
			return invalidRecord("UserRecord.ExplicitHashKey: %w", err)
		}
	}
	return nil
}

func invalidRecord(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrInvalidRecord, fmt.Errorf(format, args...))
}
