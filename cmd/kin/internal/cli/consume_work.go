package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kinstream/kin"
)

// consumeWork is one run of kin consume.
type consumeWork struct {
	app     *app
	options consumeOptions
	store   *openedStore
	stop    context.CancelCauseFunc // ends the worker, with the reason

	activity atomic.Int64 // when records came or were done, in Unix nanoseconds
	inHand   atomic.Int64 // batches that are being handled
	tips     tips
}

// run makes the consumer, gives it what handles the records, and waits until all has ended.
// outer is the context of the command, and working the one that stop ends.
func (w *consumeWork) run(outer, working context.Context, client kin.ConsumeClient, config kin.ConsumerConfig) error {
	var handle kin.HandlerFunc
	var finish func(clean bool) error
	if w.options.runs() {
		p, err := w.startProgram()
		if err != nil {
			return err
		}
		handle, finish = p.handle, p.finish
	} else {
		p := w.newPrinter()
		handle, finish = p.handle, p.finish
	}
	config.Hooks = w.hooks()
	config.Logger = w.logger()
	consumer, err := kin.NewConsumer(client, config, w.watched(handle))
	if err != nil {
		return errors.Join(usageErr(settingText(err), "see kin consume --help"), finish(false))
	}
	var watching sync.WaitGroup
	watching.Go(func() { w.watch(working, consumer) }) // ends with working
	err = consumer.Run(working)
	cause := context.Cause(working)
	w.stop(nil)
	watching.Wait()
	ended := finish(err == nil)
	return w.verdict(outer, err, cause, ended)
}

// verdict is the error of the command. run is that of the consumer, cause why it was stopped, and
// ended that of the program.
func (w *consumeWork) verdict(outer context.Context, run, cause, ended error) error {
	if failed, ok := errors.AsType[*failure](cause); ok {
		return failed
	}
	wanted, isWanted := errors.AsType[*endError](cause)
	switch {
	case errors.Is(run, kin.ErrShutdown):
		return &failure{
			code: exitIncomplete, what: "stopped, but not all that was in hand was done: " + oneLine(run.Error()),
			hint: "it comes again; give it more --shutdown-timeout", err: run,
		}
	case run != nil && outer.Err() != nil && errors.Is(run, context.Canceled):
	case run != nil && outer.Err() != nil:
		return &failure{
			code: exitIncomplete, what: "stopped, but not in order: " + oneLine(run.Error()),
			hint: "others go on after the lease TTL", err: run,
		}
	case run != nil:
		return run
	case ended != nil:
		return ended
	case isWanted:
		w.sayf("%s", wanted.why)
	case cause != nil && outer.Err() == nil:
		return cause
	}
	return nil
}

// settingText is what the library says about a wrong setting, in the words of the command.
func settingText(err error) string {
	text := strings.TrimPrefix(oneLine(err.Error()), "kin: ")
	for field, flag := range map[string]string{
		"Group": "--group", "WorkerName": "--worker", "LeaseTTL": "--ttl", "MaxLeases": "--max-leases", "CheckpointEvery": "--checkpoint-every",
		"CheckpointRecords": "--checkpoint-records", "MaxBatchRecords": "--batch", "Parallel": "--parallel", "ShutdownTimeout": "--shutdown-timeout",
		"Streams": "STREAM",
	} {
		text = strings.ReplaceAll(text, "ConsumerConfig."+field+" ", flag+" ")
	}
	return text
}

// watched is a handler of which --idle and --until know.
func (w *consumeWork) watched(handle kin.HandlerFunc) kin.HandlerFunc {
	return func(ctx context.Context, b *kin.Batch) error {
		w.inHand.Add(1)
		w.activity.Store(time.Now().UnixNano())
		err := handle(ctx, b)
		if err == nil {
			w.tips.done(b)
		}
		w.activity.Store(time.Now().UnixNano())
		w.inHand.Add(-1)
		return err
	}
}

func (w *consumeWork) sayf(format string, args ...any) {
	w.app.sayf("kin consume: "+format, args...)
}

// hooks say on standard error what happens to shards and workers.
func (w *consumeWork) hooks() kin.ConsumerHooks {
	if w.options.quiet {
		return kin.ConsumerHooks{}
	}
	name := func(stream string, shard kin.ShardID) string { return fmt.Sprintf("%s of %s", shard, stream) }
	return kin.ConsumerHooks{
		ShardStarted: func(i kin.LeaseInfo) {
			w.sayf("reading %s from %s on, epoch %d", name(i.Stream, i.Shard), positionText(i.Position), i.Epoch)
		},
		ShardStopped: func(i kin.LeaseInfo) {
			switch i.Reason {
			case kin.StoppedByEnd:
				w.sayf("done with %s: it has ended", name(i.Stream, i.Shard))
			case kin.StoppedByLoss:
				w.sayf("lost %s: another worker may have it; what was not checkpointed is done again", name(i.Stream, i.Shard))
			case kin.StoppedForOther, kin.StoppedForLeave, kin.NotStopped:
				w.sayf("gave up %s at %s", name(i.Stream, i.Shard), positionText(i.Position))
			}
		},
		ShardGone: func(i kin.LeaseInfo) {
			w.sayf("%s was trimmed: what it held beyond %s is lost", name(i.Stream, i.Shard), positionText(i.Position))
		},
		Group: w.groupEvent,
	}
}

func (w *consumeWork) groupEvent(i kin.GroupInfo) {
	switch {
	case i.Event == kin.WorkerJoined && i.Own:
		w.sayf("joined group %s as %s", i.Group, i.Worker)
	case i.Event == kin.WorkerDied && i.Own:
		w.sayf("was taken for dead: joining again")
	case i.Event == kin.WorkerJoined, i.Event == kin.WorkerLeft, i.Event == kin.WorkerDied:
		w.sayf("%v: %s", i.Event, i.Worker)
	case i.Event == kin.LeaseHandedOver && i.Worker != "":
		w.sayf("handed %s over to %s", i.Shard, i.Worker)
	case i.Event == kin.DeliveryPaused, i.Event == kin.DeliveryResumed:
		w.sayf("%v", i.Event)
	}
}

// positionText is a position as it fits a line.
func positionText(p kin.Position) string { return checkpointText(checkpointOf(p)) }

// logger prints the library's warnings, but not about handlers that end because the command does.
func (w *consumeWork) logger() *slog.Logger {
	return slog.New(&endingFilter{Handler: w.app.warnings("kin consume").Handler()})
}

// endingFilter drops what is logged about a stop that was asked for.
type endingFilter struct{ slog.Handler }

// Handle implements slog.Handler.
func (h *endingFilter) Handle(ctx context.Context, r slog.Record) error {
	ending := false
	r.Attrs(func(attr slog.Attr) bool {
		if err, ok := attr.Value.Any().(error); ok && errors.Is(err, errEnding) {
			ending = true
		}
		return !ending
	})
	if ending {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler, as warningHandler does.
func (h *endingFilter) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements slog.Handler.
func (h *endingFilter) WithGroup(string) slog.Handler { return h }

// errEnding is what a handler returns when the command ends: the rest of the batch is for the
// next owner.
var errEnding = errors.New("kin consume is ending")
