package worker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/e2e/group/trace"
	"github.com/kinstream/kin/e2e/server"
)

// Main runs a worker until it is stopped, and returns the exit code of the process: 0 if the
// Consumer's Run returned nil.
func Main(settings string, stdin io.Reader, stderr io.Writer) int {
	cfg, err := ParseConfig(settings)
	if err == nil {
		err = run(cfg, stdin, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "worker:", err)
		return 1
	}
	return 0
}

func run(cfg Config, stdin io.Reader, stderr io.Writer) error {
	log, err := trace.Create(cfg.Log)
	if err != nil {
		return err
	}
	defer log.Close()
	store, err := OpenStore(cfg.Store)
	if err != nil {
		return err
	}
	defer store.Close()
	settings, err := cfg.consumer()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	w := &worker{cfg: cfg, log: log, name: cfg.Name + "-" + strconv.Itoa(os.Getpid()), fail: fail}
	settings.Store = store
	settings.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	settings.Hooks = kin.ConsumerHooks{
		ShardStarted: func(i kin.LeaseInfo) { w.lease(trace.Taken, i) },
		ShardStopped: func(i kin.LeaseInfo) { w.lease(trace.Left, i) },
	}
	client := (&server.Server{URL: cfg.Endpoint}).Client()
	consumer, err := kin.NewConsumer(client, settings, kin.HandlerFunc(w.handle))
	if err != nil {
		return err
	}
	// It ends with the process: a read from standard input can't be interrupted.
	go w.command(consumer, stdin, stop)
	w.write(trace.Entry{Kind: trace.Started, PID: os.Getpid()})
	err = consumer.Run(ctx)
	w.write(trace.Entry{Kind: trace.Ended, Err: text(err)})
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return errors.Join(err, cause)
	}
	return err
}

type worker struct {
	cfg     Config
	log     *trace.Log
	name    string
	fail    context.CancelCauseFunc // ends Run
	batches atomic.Int64
}

// command does what standard input says, and stops the worker at its end: whoever started it is
// gone.
func (w *worker) command(consumer *kin.Consumer, stdin io.Reader, stop func()) {
	for lines := bufio.NewScanner(stdin); lines.Scan(); {
		if streams, found := strings.CutPrefix(lines.Text(), "streams "); found {
			if err := consumer.SetStreams(strings.Fields(streams)...); err != nil {
				w.fail(err)
			}
		}
	}
	stop()
}

// handle is the handler.
func (w *worker) handle(ctx context.Context, b *kin.Batch) error {
	begun := w.log.Now()
	call := trace.Entry{
		Kind: trace.Begin, At: begun, Stream: b.Stream, Shard: string(b.Shard), Epoch: b.Epoch,
		Batch: w.batches.Add(1), Attempt: b.Attempt, Late: ctx.Err() != nil,
	}
	begin := call
	for _, r := range b.Records {
		count, err := strconv.Atoi(strings.TrimRight(string(r.Data), " "))
		if err != nil {
			return fmt.Errorf("record %s has data %q, which nobody put", r.SequenceNumber, r.Data)
		}
		begin.Records = append(begin.Records, trace.Record{
			Seq: string(r.SequenceNumber), Sub: r.SubSequence, Key: r.PartitionKey, Count: count,
		})
	}
	w.write(begin)
	err := w.work(ctx, call.Batch)
	call.Kind, call.At, call.Err = trace.End, 0, text(err)
	w.write(call)
	if err != nil || !w.cfg.CheckpointEach {
		return err
	}
	b.AckAll()
	call.Kind, call.Asked = trace.Checkpoint, w.log.Now()
	// Not cancelled, so that a former owner asks, too.
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.cfg.TTL)
	defer cancel()
	call.Err = text(b.Checkpoint(asking))
	w.write(call)
	return nil
}

var errWanted = errors.New("the handler fails, as it was told")

// work takes as long as handling a batch is to take, unless its context ends.
func (w *worker) work(ctx context.Context, batch int64) error {
	if w.cfg.Handling > 0 {
		timer := time.NewTimer(w.cfg.Handling)
		defer timer.Stop()
		cancelled := ctx.Done()
		if w.cfg.Stubborn {
			cancelled = nil
		}
		select {
		case <-timer.C:
		case <-cancelled:
			return context.Cause(ctx)
		}
	}
	if w.cfg.FailEvery > 0 && batch%int64(w.cfg.FailEvery) == 0 {
		return errWanted
	}
	return nil
}

func (w *worker) lease(kind trace.Kind, i kin.LeaseInfo) {
	e := trace.Entry{Kind: kind, Stream: i.Stream, Shard: string(i.Shard), Epoch: i.Epoch}
	if kind == trace.Left {
		e.Err = i.Reason.String()
	}
	w.write(e)
}

// write logs an entry. A worker that can't is no witness, and stops.
func (w *worker) write(e trace.Entry) {
	e.Worker = w.name
	if err := w.log.Write(e); err != nil {
		w.fail(fmt.Errorf("log: %w", err))
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
