package kin

import (
	"context"
	"time"
)

// Batch is a number of records of one shard, in order, at least one. Its fields are the handler's to
// read and not to change; its methods are safe for concurrent use.
type Batch struct {
	// Stream is the stream as configured, and StreamARN names it for good.
	Stream, StreamARN string

	// Shard is the shard that all records come from.
	Shard ShardID

	// Records are to be handled, in the order of the shard. With ConsumerConfig.Parallel above 1
	// they are those of some partition keys. At another attempt those that were acknowledged are missing.
	//
	// The slice is used again after Handle has returned, or with ManualAcks when all its records are
	// acknowledged: copy the records that are needed longer. What they point at stays valid: see [Record].
	Records []Record

	// Lag is how far behind the tip of the shard the page was that the records came in; -1 if that is not known.
	Lag time.Duration

	// Epoch rises each time when the shard gets another owner. A database that stores it with what
	// a handler writes, and refuses lower ones, is safe from a former owner that does not know
	// that it is one.
	Epoch int64

	// Attempt counts the deliveries of these records to this process, from 1.
	Attempt int

	// Err is why the last attempt failed; nil at the first one.
	Err error

	delivery *delivery
}

// Ack acknowledges record i of Records: it is done, and will not be delivered again by this or
// any other worker once a checkpoint has been stored. Any order is fine: a checkpoint passes a record when all
// before it in the shard are acknowledged too. Acknowledging twice changes nothing, and neither does
// acknowledging after the lease was lost. It panics if there is no record i.
//
// Without ManualAcks it is optional: what was acknowledged is left out if the batch is delivered again.
func (b *Batch) Ack(i int) { b.delivery.ack(i) }

// AckAll acknowledges all records of the batch.
func (b *Batch) AckAll() { b.delivery.ackAll() }

// Checkpoint stores how far the shard is acknowledged, and returns when that is done: a
// checkpoint at a moment of the handler's choice, in addition to those that are made by themselves. It costs a
// write to the store. The error wraps [ErrLeaseLost] if another worker may own the shard; any other
// error says that it is not known whether the checkpoint was stored, and nothing is lost by that.
func (b *Batch) Checkpoint(ctx context.Context) error { return b.delivery.checkpoint(ctx) }
