package kin

import (
	"errors"
	"fmt"
)

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
