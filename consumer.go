package kin

import (
	"context"
	"errors"
	"time"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/wire"
)

// Consumer is one worker of a group that shares the shards of streams.
type Consumer struct {
	client  ConsumeClient
	cfg     ConsumerConfig
	reading ReaderConfig
	handler Handler
	caller  fetch.Caller
}

// NewConsumer returns a Consumer that calls client, usually a [*kinesis.Client], and gives what it reads to
// handler. It makes no call.
func NewConsumer(client ConsumeClient, cfg ConsumerConfig, handler Handler) (*Consumer, error) {
	switch {
	case client == nil:
		return nil, errors.New("kin: NewConsumer: client is nil")
	case handler == nil:
		return nil, errors.New("kin: NewConsumer: handler is nil")
	}
	cfg, reading, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	codec, err := wire.New(wire.Config{})
	if err != nil {
		return nil, err
	}
	return &Consumer{
		client: client, cfg: cfg, reading: reading, handler: handler,
		caller: fetch.Caller{Options: reading.callOptions(codec), Timeout: cfg.CallTimeout},
	}, nil
}

// Run joins the group, reads the shards that fall to this worker, and gives their records to the
// handler, until ctx ends. It can be called once.
//
// The end of ctx is a wanted stop: the batches in hand are finished, checkpoints are stored, the shards are handed over to the
// other workers, and Run returns nil. Any other end is an error: a [*HandlerError] with
// [StopConsumer]; a [*ShardError] if the streams can't be found at the start; an error that wraps [ErrShutdown] if handlers
// had to be cut off; an error of the store if the shards could not be handed over, so that the others have to wait
// for LeaseTTL. When it returns, nothing that it started still runs: it waits also for a handler that does
// not heed its context.
func (c *Consumer) Run(ctx context.Context) error {
	return nil
}

// SetStreams changes what streams are read: names or ARNs. Shards of streams that are not named any more are handed to
// workers that still read them, or given up with their checkpoints kept. It may be called before, during and
// after Run, and returns before the change is complete: names are resolved in the background, and what fails is tried again, told to
// ConsumerHooks.Retrying and logged.
func (c *Consumer) SetStreams(streams ...string) error {
	return nil
}

// WorkerID returns the ID of this worker in the group. It changes when the worker was taken for dead and joins again. It is empty
// before Run has joined.
func (c *Consumer) WorkerID() string { return "" }

// OwnedShard is how a shard is doing that this worker reads.
type OwnedShard struct {
	// LeaseInfo says what shard it is. Its Position is the one up to which all records are acknowledged.
	LeaseInfo

	// Since is when this worker began to read the shard.
	Since time.Time

	// Lag is how far behind the tip of the shard the newest page was when it was
	// fetched; -1 if that is not known.
	Lag time.Duration

	// Records and Bytes were acknowledged: user records, and their data and partition keys.
	Records, Bytes int64

	// Bad, OutOfRange and Skipped are how many user records could not be unpacked, how
	// many belong to another shard, and how many were passed over because the handler failed.
	Bad, OutOfRange, Skipped int64

	// Unacked is how many records are delivered, or wait in lanes, and are not acknowledged.
	Unacked int

	// Failures is how many calls of Kinesis have failed in a row, and Err why the last one did. HandlerFailures and
	// HandlerErr are the same about the handler.
	Failures        int
	Err             error
	HandlerFailures int
	HandlerErr      error

	// StuckSince is since when nothing has moved although something should: calls fail, or there are records that are
	// not acknowledged. It is zero if neither is the case.
	StuckSince time.Time

	// Stopping says that the shard is being given up, and waits for what is not acknowledged.
	Stopping bool
}

// Shards returns how each shard that this worker reads is doing, in the order of streams and IDs. A shard with a
// StuckSince long ago needs somebody to look at it.
func (c *Consumer) Shards() []OwnedShard { return nil }

type delivery struct{}

func (d *delivery) ack(i int)                            {}
func (d *delivery) ackAll()                              {}
func (d *delivery) checkpoint(ctx context.Context) error { return nil }
