package kin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/wire"
)

// Consumer is one worker of a group that shares the shards of streams:
//
//	consumer, err := kin.NewConsumer(client, kin.ConsumerConfig{Stream: "orders", Group: "billing", Store: store},
//		kin.HandlerFunc(func(ctx context.Context, b *kin.Batch) error {
//			return save(ctx, b.Records)
//		}))
//	...
//	err = consumer.Run(ctx)
//
// All consumers with the same Group and the same kind of Store share the shards evenly, in one
// process or in many. Each shard is read by one of them at a time:
//
//	store: leases, checkpoints, heartbeats
//	   ^
//	   v                                        .--------------- for each shard ---------------.
//	which shards are mine --> take, give up --> | fetch a page ahead -> de-aggregate -> batch  |
//	                                            |    -> handler -> acknowledged -> checkpoint  |
//	                                            '----------------------------------------------'
//
// Delivery is at least once: a checkpoint passes a record only when the handler has returned
// nil for it, or has acknowledged it, and for all before it in its shard. What is delivered
// twice is what was done since the last checkpoint when a process died, at most
// CheckpointEvery; a stop, a deployment and a hand-over repeat nothing.
//
// Order: batches of a shard are handled one after the other, and a shard begins when all of its
// parents are done, in whatever process. With Parallel that holds for the records of each
// partition key.
//
// Fencing: a worker that can't reach the store stops by itself before another one takes its
// shards over. If it goes on nevertheless, because a handler does not heed its context, it
// can't move a checkpoint any more. Package lease has the protocol in words.
//
// Failures of the handler are its shard's: see [WhenFailed]. So are failures of calls.
// [Consumer.Shards], hooks and the log show what does not get on. A store that can't be reached
// stops delivery after 0.7 LeaseTTL, and when it is back each shard goes on where it was.
//
// The methods are safe for concurrent use.
type Consumer struct {
	client  ConsumeClient
	cfg     ConsumerConfig
	reading ReaderConfig // the settings of reading
	handler Handler
	caller  fetch.Caller

	ran     atomic.Bool
	run     atomic.Pointer[consumerRun] // while Run runs, and has found the streams
	streams atomic.Pointer[[]string]    // to be read
	renamed chan struct{}               // holds a token when streams has changed
}

// callsAtATime is how many calls of Kinesis are made at the same time while none of them hangs.
const callsAtATime = 64

// NewConsumer returns a Consumer that calls client, usually a [*kinesis.Client], and gives what
// it reads to handler. It makes no call.
func NewConsumer(client ConsumeClient, cfg ConsumerConfig, handler Handler) (*Consumer, error) {
	switch {
	case noClient(client):
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
		return nil, fmt.Errorf("kin: NewConsumer: %w", err)
	}
	c := &Consumer{
		client: client, cfg: cfg, reading: reading, handler: handler, renamed: make(chan struct{}, 1),
		caller: fetch.Caller{
			Options: reading.callOptions(codec), Timeout: reading.CallTimeout, Slots: make(chan struct{}, callsAtATime),
		},
	}
	c.streams.Store(&cfg.Streams)
	return c, nil
}

// Run joins the group, reads the shards that fall to this worker, and gives their records to the
// handler, until ctx ends. It can be called once.
//
// The end of ctx is a wanted stop: the batches in hand are finished, checkpoints are stored,
// the shards are handed over to the other workers, and Run returns nil. Any other end is an
// error: a [*HandlerError] with [StopConsumer]; at the start a [*ShardError] if the streams
// can't be found or listed, and one of the store if that can't be used, which wraps
// [lease.ErrSetup] if waiting would not help; an error that wraps [ErrShutdown] if handlers had to be cut off; one of the
// store if shards could not be handed over, so that the others have to wait for LeaseTTL. There
// may be several, joined.
//
// When it returns, nothing that it started still runs. So it waits also for a handler that does
// not heed its context; the shard has gone to another worker by then.
func (c *Consumer) Run(ctx context.Context) error {
	if !c.ran.CompareAndSwap(false, true) {
		return errors.New("kin: Consumer.Run was called before: make another Consumer")
	}
	names := *c.streams.Load()
	streams, err := c.resolve(ctx, names, max(c.reading.StartTimeout, 0), true)
	if err != nil {
		if ctx.Err() != nil {
			return nil // stopped before it began
		}
		return err
	}
	run, err := newConsumerRun(ctx, c, streams)
	if err != nil {
		return err
	}
	c.run.Store(run)
	defer c.run.Store(nil)
	return run.loop(ctx)
}

// SetStreams changes what streams are read: names or ARNs, at least one. Shards of streams that
// are not named any more are handed to workers that still read them, or given up, with their
// checkpoints kept. It may be called at any time, and returns before the change is complete:
// names are resolved in the background, and what fails is tried again, told to
// ConsumerHooks.Retrying and logged.
func (c *Consumer) SetStreams(streams ...string) error {
	if err := checkStreams("SetStreams", streams); err != nil {
		return err
	}
	c.streams.Store(new(slices.Clone(streams)))
	c.signalRenamed()
	return nil
}

// signalRenamed says that streams are to be looked at.
func (c *Consumer) signalRenamed() {
	select {
	case c.renamed <- struct{}{}:
	default:
	}
}

// WorkerID returns the ID of this worker in the group, and nothing before and after Run. It
// changes when the worker was taken for dead and has joined again.
func (c *Consumer) WorkerID() string {
	if run := c.run.Load(); run != nil {
		return run.worker.ID()
	}
	return ""
}

// recycles says whether slices of records are used again when a batch has been handled.
func (c *Consumer) recycles() bool { return !c.cfg.ManualAcks && c.cfg.Parallel == 1 }

// retrying tells of a call that failed and will be made again.
func (c *Consumer) retrying(i RetryInfo) {
	callHook(c, "Retrying", c.cfg.Hooks.Retrying, i)
	i.log(c.cfg.Logger, "consuming")
}

// callHook calls a hook. One that panics must not take the consumer with it. One that ends the
// goroutine ends Run: a shard would stand still without it.
func callHook[T any](c *Consumer, name string, hook func(T), info T) {
	if hook == nil {
		return
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			c.cfg.Logger.Error("consuming: a hook panicked", "hook", name, "err", fmt.Sprint(v), "stack", string(debug.Stack()))
			return
		}
		if run := c.run.Load(); run != nil {
			run.fail(fmt.Errorf("kin: ConsumerHooks.%s %w", name, errGoroutineEnded))
		}
	}()
	hook(info)
	returned = true
}

// defaultWorkerName is the name of the host, as far as it can be part of an ID.
func defaultWorkerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	name := strings.Map(func(c rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", c) {
			return c
		}
		return '-'
	}, host)
	if name = name[:min(len(name), 64)]; name == "" {
		return "worker"
	}
	return name
}

// programBuild is the version of the program, for people who look at the group.
func programBuild() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return info.Main.Version + " " + setting.Value[:min(len(setting.Value), 12)]
		}
	}
	return info.Main.Version
}
