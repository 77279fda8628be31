package kin

import (
	"context"
	"runtime/debug"
)

// Handler does something with the records of a [Consumer].
//
// Handle decides by what it returns. nil: the batch is done, and may be passed by a
// checkpoint (with ManualAcks only what was acknowledged is). An error, or a panic: what was not
// acknowledged is not done, and is handled as ConsumerConfig.WhenFailed says. One that ends its
// goroutine, as FailNow of a test does, ends Run with an error, and its batch is not done.
//
// It is called by many goroutines at the same time, but for one shard only once at a time,
// unless ConsumerConfig.Parallel allows more; then records of one partition key are never in two
// calls at the same time.
//
// ctx is cancelled when the records must not be worked on any more, and [context.Cause] says
// why: [ErrLeaseLost] or [ErrShutdown]. The end of the context of Run does not cancel it, because
// a stop lets the batch in hand be finished. It may live on after Handle has returned, for work
// that ManualAcks leaves running, and has the values of Run's context. What a
// call returns after its context was cancelled is no failure: what it did not acknowledge is
// delivered again, here or by the next owner of the shard.
type Handler interface {
	Handle(ctx context.Context, b *Batch) error
}

// HandlerFunc is a function as a [Handler].
type HandlerFunc func(ctx context.Context, b *Batch) error

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, b *Batch) error { return f(ctx, b) }

// EachRecord returns a [Handler] that calls f for one record after the other, and
// acknowledges each one when f has returned nil. So a failure or a panic repeats only the record
// that failed, and the policy of ConsumerConfig.WhenFailed is about that record alone.
//
// A Record does not name its stream, and shards of different streams may have the same ID. Where f
// needs what only the batch knows, make it in a handler of batches:
//
//	kin.HandlerFunc(func(ctx context.Context, b *kin.Batch) error {
//		return kin.EachRecord(func(ctx context.Context, rec kin.Record) error {
//			return save(ctx, b.Stream, rec)
//		}).Handle(ctx, b)
//	})
func EachRecord(f func(ctx context.Context, rec Record) error) Handler {
	return HandlerFunc(func(ctx context.Context, b *Batch) (err error) {
		i := 0
		defer func() {
			if v := recover(); v != nil {
				err = &RecordError{Index: i, Err: &PanicError{Value: v, Stack: debug.Stack()}}
			}
		}()
		for ; i < len(b.Records); i++ {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			if err := f(ctx, b.Records[i]); err != nil {
				return &RecordError{Index: i, Err: err}
			}
			b.Ack(i)
		}
		return nil
	})
}

// WhenFailed says what a [Consumer] does with a batch whose handler has failed
// ConsumerConfig.MaxAttempts times in a row: returned an error, or panicked. A handler that
// returns a [*RecordError] limits that to one record.
type WhenFailed int

const (
	// RetryBatch delivers the batch again, waiting longer and longer, for as long as it takes. The
	// shard stands still meanwhile, which Shards, hooks and the log show; others go on.
	RetryBatch WhenFailed = iota

	// SkipBatch passes over the records that were not acknowledged. They are given to
	// ConsumerConfig.DeadLetter if there is one, counted, and told to ConsumerHooks.BatchSkipped.
	SkipBatch

	// StopConsumer ends [Consumer.Run] with a [*HandlerError], after the other shards have been
	// stopped and handed over in order. The records that were not acknowledged are delivered
	// again to the next owner of the shard, so this is not a way to get rid of them.
	StopConsumer
)

// String returns the name of the constant.
func (w WhenFailed) String() string {
	switch w {
	case RetryBatch:
		return "RetryBatch"
	case SkipBatch:
		return "SkipBatch"
	case StopConsumer:
		return "StopConsumer"
	}
	return "invalid"
}
