package kin

import (
	"errors"
	"fmt"
	"strings"
)

// Errors of putting.
var (
	// ErrClosed is returned by the Put methods of a [Producer] after Close was
	// called: the record was not accepted. It is also what the error of a record
	// wraps that Close had to give up; see [PutError] about whether it was stored.
	ErrClosed = errors.New("kin: closed")

	// ErrBufferFull is returned by the Put methods of a [Producer] with
	// FailWhenFull when MaxBufferedBytes is reached. The record was not accepted:
	// put it again later, or drop it.
	ErrBufferFull = errors.New("kin: buffer full")

	// ErrExpired is wrapped by the error of a record that could not be put within
	// ProducerConfig.RecordTTL. The same error wraps the cause of the last attempt; see
	// [PutError] about whether the record was stored.
	ErrExpired = errors.New("kin: record expired")

	// ErrInvalidRecord is wrapped by the error of a record that the service would
	// refuse. The text names the field. The record was not accepted; or, if it was before the
	// stream's limit was known, it was not stored.
	ErrInvalidRecord = errors.New("kin: invalid record")

	// ErrUnordered is wrapped by the error of a record that was put with ProducerConfig.Ordered
	// into a stream with service-managed record distribution: the service chooses its shards, so
	// there is no order to keep. See [PutError] about whether the record was stored.
	ErrUnordered = errors.New("kin: the service chooses the shards of this stream, there is no order to keep")
)

// PutError says why a record was not put. The Put methods return it for a record
// that was not accepted (Attempts is 0 and Ambiguous false), and the result of an
// accepted record is either a [PutResult] or a PutError.
type PutError struct {
	// Stream is the stream of the record, as it was configured or given.
	Stream string

	// Record is the record as it was given, so that it can be put again or kept
	// elsewhere. Its Data belongs to whoever put it.
	Record UserRecord

	// Ambiguous says that the record may be in the stream nevertheless: at least one
	// attempt ended without an answer that excludes it, or, from [Producer.Put], the
	// context ended before the answer. If false, the record was not stored.
	Ambiguous bool

	// Attempts is how many PutRecords calls carried the record.
	Attempts int

	// Code is the error code that the service gave at the last attempt, such as
	// ProvisionedThroughputExceededException, and empty if it gave none.
	Code string

	// Err is the cause, with the error of the SDK in its chain if there is one.
	Err error

	// Hint says what may help, and is empty if that is not known.
	Hint string
}

// Error says which record was not put, why, and what may help, in one line.
func (e *PutError) Error() string {
	var b strings.Builder
	key := e.Record.PartitionKey
	if len(key) > maxErrorKeyLength {
		key = key[:maxErrorKeyLength] + "..."
	}
	fmt.Fprintf(&b, "put record with key %q (%d bytes)", key, len(e.Record.Data))
	if e.Stream != "" {
		b.WriteString(" to " + e.Stream)
	}
	if e.Attempts > 0 {
		fmt.Fprintf(&b, ", attempt %d", e.Attempts)
	}
	if e.Ambiguous {
		b.WriteString(", may have been stored")
	}
	b.WriteString(": ")
	if late, ok := errors.AsType[*gaveUpError](e.Err); ok {
		b.WriteString(late.Error())
	} else {
		b.WriteString(causeText(e.Err))
	}
	return withHint(b.String(), e.Hint)
}

// Unwrap returns the cause.
func (e *PutError) Unwrap() error { return e.Err }

// CloseError is returned by [Producer.Close] when its context ended before all
// records were answered. Each record's own callback has been told by then, with
// a [PutError] that wraps [ErrClosed].
type CloseError struct {
	// Stream is ProducerConfig.Stream, perhaps empty. The figures are of all streams.
	Stream string

	// NotStored is how many records were given up that are certainly not stored.
	NotStored int

	// Ambiguous is how many records were given up that may have been stored.
	Ambiguous int

	// Err is why the context of Close ended.
	Err error
}

// Error says how many records were given up.
func (e *CloseError) Error() string {
	return fmt.Sprintf("close producer%s: %d records not stored, %d may have been: %v", ofStream(e.Stream), e.NotStored, e.Ambiguous, e.Err)
}

// ofStream names a stream in a text, if there is one.
func ofStream(name string) string {
	if name == "" {
		return ""
	}
	return " of " + name
}

// Unwrap returns why the context of Close ended.
func (e *CloseError) Unwrap() error { return e.Err }

// BatchError is returned by [Producer.PutBatch] when not all records of the batch are known to be stored. It wraps
// the errors of all records that it names, so that [errors.Is] asks whether any of them was full, late or invalid.
type BatchError struct {
	// Records is how many records the batch had.
	Records int

	// Failed are the records that were not stored, or of which that is not known, in the order of the
	// batch. All others are stored.
	Failed []FailedRecord
}

// FailedRecord is a record of a batch that was not stored, or of which that is not known.
type FailedRecord struct {
	// Index is the place of the record in the batch.
	Index int

	// Err says why, and whether the record may be stored nevertheless.
	Err *PutError
}

// Error says how many records were not stored, and why the first of them was not.
func (e *BatchError) Error() string {
	ambiguous := 0
	for _, f := range e.Failed {
		if f.Err.Ambiguous {
			ambiguous++
		}
	}
	text := fmt.Sprintf("put batch of %d records: %d not stored, %d may have been", e.Records, len(e.Failed)-ambiguous, ambiguous)
	if len(e.Failed) == 0 {
		return text
	}
	return fmt.Sprintf("%s; the first is record %d: %v", text, e.Failed[0].Index, e.Failed[0].Err)
}

// Unwrap returns the errors of the records.
func (e *BatchError) Unwrap() []error {
	errs := make([]error, len(e.Failed))
	for i, f := range e.Failed {
		errs[i] = f.Err
	}
	return errs
}

// LineError says which line of a [LineWriter] was not stored. Its Write, Flush and Close return it, or
// LineWriterConfig.Failed gets it.
type LineError struct {
	// Line is the number of the line, counted from 1 for each writer.
	Line int64

	// Err is the [*PutError] of the line's record, or wraps [ErrInvalidRecord] if the line is too long to
	// be one.
	Err error
}

// Error says which line was not stored, and why.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns why the line was not stored.
func (e *LineError) Unwrap() error { return e.Err }

// Errors of reading.
var (
	// ErrReaderBusy is yielded by [Reader.Records] when the reader is being ranged
	// over already. Nothing was read. Use one Reader per loop.
	ErrReaderBusy = errors.New("kin: reader is being ranged over already")

	// ErrShardNotFound is wrapped by the [*ShardError] of a Reader whose Shard the stream
	// does not have: it never had it, or has trimmed it.
	ErrShardNotFound = errors.New("kin: no such shard")
)

// ShardError ends the sequence of [Reader.Records]: a call failed in a way that
// asking again can't cure, or for longer than the configuration allows. Records that
// were fetched and not yielded yet are not lost: Reader.Positions is before them.
//
// [Consumer.Run] returns one if it can't find out what stream it is to read; and [OwnedShard] has
// one for a shard that can't be read for now.
type ShardError struct {
	// Op is the operation that failed, such as GetRecords.
	Op string

	// Stream is the stream as configured.
	Stream string

	// Shard is the shard, and empty when the stream as a whole could not be read.
	Shard ShardID

	// Err is the cause, with the error of the SDK in its chain if there is one.
	Err error

	// Hint says what may help, and is empty if that is not known.
	Hint string
}

// Error says what failed, why, and what may help, in one line.
func (e *ShardError) Error() string {
	where := e.Stream
	if e.Shard != "" {
		where += " " + string(e.Shard)
	}
	return withHint(fmt.Sprintf("read %s: %s: %s", where, e.Op, causeText(e.Err)), e.Hint)
}

// withHint adds what may help. The service ends its messages with a full stop.
func withHint(text, hint string) string {
	if hint == "" {
		return text
	}
	return strings.TrimSuffix(text, ".") + " (" + hint + ")"
}

// Unwrap returns the cause.
func (e *ShardError) Unwrap() error { return e.Err }

// Errors of consuming.
var (
	// ErrLeaseLost is the cause with which the context of a handler is cancelled when this
	// worker must not work on the shard any more, because another one may have it, or soon may: it
	// could not reach the store for too long, or was taken for dead. What was not acknowledged is
	// delivered again, by the new owner, or here if the lease turns out not to be lost. [Batch.Checkpoint]
	// wraps it too; then nothing was stored.
	ErrLeaseLost = errors.New("kin: lease lost")

	// ErrShutdown is the cause with which the context of a handler is cancelled that
	// is still at work ConsumerConfig.ShutdownTimeout after Run was told to stop. The error of
	// [Consumer.Run] wraps it then. What was not acknowledged is delivered to another worker, or at the next start.
	ErrShutdown = errors.New("kin: shutdown")
)

// RecordError is an error that a [Handler] returns to say that one record has failed and not the batch.
// ConsumerConfig.WhenFailed is applied to that record alone; all others that were not acknowledged are delivered
// again. It may be wrapped. [EachRecord] returns it by itself.
type RecordError struct {
	// Index is the place of the record in [Batch.Records].
	Index int

	// Err says why it failed.
	Err error
}

// Error says which record failed, and why.
func (e *RecordError) Error() string {
	return fmt.Sprintf("record %d of the batch: %v", e.Index, e.Err)
}

// Unwrap returns why the record failed.
func (e *RecordError) Unwrap() error { return e.Err }

// HandlerError is what [Consumer.Run] returns with [StopConsumer] when a handler has failed for the last time. The
// records were not passed by a checkpoint: they are delivered again to the next owner of the shard.
type HandlerError struct {
	// Stream and Shard say where the records come from.
	Stream string
	Shard  ShardID

	// Position is that of the first record that was not acknowledged: [AtSequence] reads it again.
	Position Position

	// Records is how many records were not acknowledged.
	Records int

	// Attempts is how often the handler was called for them.
	Attempts int

	// Err is what the handler returned, or a [*PanicError].
	Err error
}

// Error says which records could not be handled, and why.
func (e *HandlerError) Error() string {
	return fmt.Sprintf("handle %s %s: %d records from %v on, attempt %d: %v", e.Stream, e.Shard, e.Records, e.Position, e.Attempts, e.Err)
}

// Unwrap returns what the handler returned.
func (e *HandlerError) Unwrap() error { return e.Err }

// PanicError is the panic of a handler as an error.
type PanicError struct {
	// Value is what the handler panicked with.
	Value any

	// Stack is the stack of the goroutine, as [debug.Stack] formats it.
	Stack []byte
}

// Error says what the handler panicked with, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("handler panicked: %v", e.Value) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
