package kin

import (
	"fmt"
	"unicode/utf8"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/outbox"
)

// Limits of the service on one record.
const (
	maxPartitionKey   = 256 // Unicode characters
	defaultMaxRecord  = 1 << 20
	serviceMaxRecord  = 10 << 20
	recordOverhead    = outbox.Overhead
	maxErrorKeyLength = 64 // bytes of a partition key that go into the text of an error
)

// UserRecord is one record to put.
//
// The producer copies nothing: whoever puts a record leaves Data alone until its
// result is known, that is until [Producer.Put] has returned a result or the
// callback of [Producer.PutAsync] is called.
type UserRecord struct {
	// Stream is the name or the ARN of the stream to put into. Empty means
	// ProducerConfig.Stream. Streams are told apart by this text: name and ARN of one stream
	// are two streams to a producer. What it keeps for a stream stays until Close: about 60 kilobytes while its
	// shards are not known, and then about one for each shard.
	Stream string

	// PartitionKey decides by its MD5 which shard takes the record. 1 to 256
	// Unicode characters of valid UTF-8. Streams with service-managed record distribution ignore it, and would
	// take records without one; a Producer wants it for all, since a stream may be switched at any time, back too.
	PartitionKey string

	// ExplicitHashKey, if not empty, decides in place of PartitionKey which shard
	// takes the record. A decimal number from 0 to 2^128-1 without leading zeros.
	ExplicitHashKey string

	// Data is the payload. It may be empty. Data and PartitionKey together have at
	// most as many bytes as the stream takes: see ProducerConfig.MaxRecordBytes.
	Data []byte
}

// PutResult says where a record was stored. Its strings may share the memory of
// the answer that they came in, about 100 bytes for each record of the call:
// clone those that are kept for long.
type PutResult struct {
	// ShardID is the shard that took the record.
	ShardID ShardID

	// SequenceNumber is the number that Kinesis gave to the record. Records that were
	// aggregated together have the same one.
	SequenceNumber SequenceNumber

	// SubSequence is the index of the record inside an aggregated record. It is 0
	// for a record that was put on its own.
	SubSequence int

	// Attempts is how many PutRecords calls carried the record, at least 1.
	Attempts int

	// MaybeDuplicate says that the record may be in the stream more than once: an
	// earlier attempt ended without an answer that excludes that it was stored, or stored it
	// where consumers may drop it. See ProducerConfig.WhenAmbiguous and AggregateByShard.
	MaybeDuplicate bool
}

// checkRecord returns the hash key of a record, or what is wrong with it, naming the field.
// How large it may be is checked elsewhere.
func checkRecord(r *outbox.Record) (hashkey.Key, error) {
	switch {
	case r.PartitionKey == "":
		return hashkey.Key{}, invalidRecord("UserRecord.PartitionKey is empty: it must have 1 to %d characters", maxPartitionKey)
	case !utf8.ValidString(r.PartitionKey):
		return hashkey.Key{}, invalidRecord("UserRecord.PartitionKey is not valid UTF-8")
	case len(r.PartitionKey) > maxPartitionKey && utf8.RuneCountInString(r.PartitionKey) > maxPartitionKey:
		return hashkey.Key{}, invalidRecord("UserRecord.PartitionKey has %d characters: it must have 1 to %d",
			utf8.RuneCountInString(r.PartitionKey), maxPartitionKey)
	}
	if r.ExplicitHashKey == "" {
		return hashkey.Of(r.PartitionKey), nil
	}
	hash, err := hashkey.Parse(r.ExplicitHashKey)
	if err != nil {
		return hashkey.Key{}, invalidRecord("UserRecord.ExplicitHashKey: %w", err)
	}
	return hash, nil
}

func invalidRecord(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrInvalidRecord, fmt.Errorf(format, args...))
}

// tooLarge says that a record is refused because of a limit.
func (p *Producer) tooLarge(rec *outbox.Record, limit int) error {
	return invalidRecord("UserRecord.Data (%d bytes) and PartitionKey (%d bytes) are larger together than %s (%d)",
		len(rec.Data), len(rec.PartitionKey), p.limitName(limit), limit)
}

// limitName says where a limit on the size of records comes from.
func (p *Producer) limitName(limit int) string {
	if limit == p.cfg.MaxRecordBytes {
		return "ProducerConfig.MaxRecordBytes"
	}
	return "the stream's MaxRecordSizeInKiB, in bytes"
}
