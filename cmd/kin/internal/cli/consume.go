package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kinstream/kin"
)

type consumeOptions struct {
	group, worker       string
	from                string
	checkpointEvery     time.Duration
	checkpointRecords   int
	batch, parallel     int
	ttl                 time.Duration
	maxLeases           int
	until               string
	idle                time.Duration
	number              int
	long, quiet, create bool
	shutdown            time.Duration

	exec       string   // a line for the shell
	program    []string // after --
	ackTimeout time.Duration
}

const consumeLong = `Read streams as one worker of a group. All workers of a group, on any machines,
share the shards; each record goes to one of them, in order within its shard. How far
each shard is done is kept in a store, so that the group goes on where it was. Start
more workers to share the work, stop some, kill some: their shards move to the others.

Records are printed, as kin tail prints them, and are done when they are written. Or a
program handles them: everything after --, or a line for the shell with --exec. There
is one program for the worker, which gets the records of all its shards:

  - Each record is a line on its standard input, a JSON object like that of -o json
    with "id", a number that is given out once while the program runs.
  - Each line that it prints is the id of a record that is done: the number alone, or
    a JSON object with that "id". So a program may echo the lines it gets. Any order is
    fine; what is not acknowledged comes again, to this worker or to another one.
  - The records of a shard come in order, up to --batch at a time; the next come when
    those are acknowledged. Shards come side by side.
  - Its standard error is passed through. When kin stops, it waits for what is in
    hand, then closes the program's standard input, and expects it to end.
  - A program that fails, or that prints a line which is no id, ends kin consume with
    code 8: what was acknowledged is checkpointed, the shards are handed over. A last
    line without an end is no acknowledgement: it may be cut off. A program that ends by
    itself with code 0 ends kin consume with code 0.

Ctrl-C or SIGTERM stops cleanly: what is in hand is finished, checkpoints are stored,
shards handed over, and the code is 0; it is 6 if --shutdown-timeout was too short for
that. A second signal ends it at once: then others wait for the lease TTL.

--from counts when the group reads a stream for the first time. All workers of a group
need the same --ttl. A crash repeats what was handled since the last checkpoint, so
--checkpoint-every bounds that, for one write per busy shard and interval.

`

func (a *app) consumeCommand() *cobra.Command {
	var o consumeOptions
	cmd := &cobra.Command{
		Use:   "consume STREAM... --group GROUP [-- PROGRAM ARGS...]",
		Short: "Read streams as a worker of a group, print the records or pipe them to a program",
		Long:  consumeLong + storeHelp,
		Example: `  kin consume orders --group billing
  kin consume orders clicks --group billing -o json | jq -r .data
  kin consume orders --group billing -- ./handle-orders --fast
  kin consume orders --group nightly --until tip --exec 'jq --unbuffered .id'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				args = args[:dash]
			}
			if len(args) == 0 {
				return errors.New("STREAM is missing")
			}
			return nil
		},
		ValidArgsFunction: a.completeStreams,
		RunE: func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				args, o.program = args[:dash], args[dash:]
			}
			return a.consume(cmd.Context(), args, o)
		},
	}
	a.storeFlag(cmd)
	f := cmd.Flags()
	f.StringVarP(&o.group, "group", "g", "", "the `group`")
	f.StringVar(&o.from, "from", "trim-horizon", "`where` a new group begins: trim-horizon, latest, a time, or an age")
	f.StringVar(&o.worker, "worker", "", "`name` of this worker (default: that of the host)")
	f.DurationVar(&o.checkpointEvery, "checkpoint-every", 10*time.Second, "how often the checkpoint of a shard is stored")
	f.IntVar(&o.checkpointRecords, "checkpoint-records", 0, "store it also after so many `records`")
	f.IntVar(&o.batch, "batch", 1000, "`records` of a shard at a time, at most")
	f.IntVar(&o.parallel, "parallel", 1, "`batches` of a shard side by side, in order within each partition key")
	f.DurationVar(&o.ttl, "ttl", 10*time.Second, "lease TTL: how long a worker that does not answer is taken for alive")
	f.IntVar(&o.maxLeases, "max-leases", 0, "`shards` that this worker takes at most; 0 = no limit")
	f.StringVar(&o.until, "until", "", "`where` to stop: tip, when the shards of this worker hold nothing more")
	f.DurationVar(&o.idle, "idle", 0, "stop when no record has come for so long")
	f.IntVarP(&o.number, "limit", "n", 0, "stop after so many printed `records`")
	f.BoolVarP(&o.long, "long", "l", false, "in text, print time, shard, sequence number and key too")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "say nothing about shards that come and go")
	f.BoolVar(&o.create, "create-store", false, "make the tables of the store if they are not there (a file of SQLite needs no asking)")
	f.DurationVar(&o.shutdown, "shutdown-timeout", 30*time.Second, "how long a stop waits for what is in hand")
	f.StringVar(&o.exec, "exec", "", "let the shell run this `line` as the program")
	f.DurationVar(&o.ackTimeout, "ack-timeout", 0, "end when the program has acknowledged nothing for so long although it has records; 0 = wait")
	registerValues(cmd, "from", "trim-horizon", "latest", "5m", "1h")
	registerValues(cmd, "until", "tip")
	return cmd
}

func (o consumeOptions) check() error {
	switch {
	case o.group == "":
		return usageErr("--group is missing", "name the group whose shards this worker is to share")
	case o.until != "" && o.until != "tip":
		return usageErr(fmt.Sprintf("--until %q: must be tip", o.until), "")
	case o.number < 0:
		return usageErr(fmt.Sprintf("-n %d: must be at least 1", o.number), "leave it out for all records")
	case o.idle < 0, o.ackTimeout < 0:
		return usageErr("--idle and --ack-timeout must not be negative", "0 means no such limit")
	case o.exec != "" && len(o.program) > 0:
		return usageErr("--exec and a program after --", "give one of them")
	case o.runs() && (o.number > 0 || o.long):
		return usageErr("-n and -l are about printing, and a program gets the records", "leave them out")
	}
	return nil
}

// runs says whether a program handles the records.
func (o consumeOptions) runs() bool { return o.exec != "" || len(o.program) > 0 }

// endError is the cause of a stop that was asked for: not a failure.
type endError struct{ why string }

func (e *endError) Error() string { return e.why }

// consume runs a worker until ctx ends, or until something else ends it:
//
//	signal, --until, --idle, -n, program, output --> stop(cause) --> Consumer.Run hands over
//	                                                                        |
//	     program's stdin is closed, its end is waited for <-----------------'
func (a *app) consume(ctx context.Context, streams []string, o consumeOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	from, err := parseGroupFrom(o.from)
	if err != nil {
		return err
	}
	client, err := a.client(ctx)
	if err != nil {
		return err
	}
	// One look first: the consumer would try again for long where a person wants to know.
	for _, stream := range streams {
		if _, err := summary(ctx, client, stream); err != nil {
			return err
		}
	}
	store, err := a.openStore(ctx, o.create)
	if err != nil {
		return err
	}
	if _, err := store.Poll(ctx, o.group); err != nil {
		return errors.Join(err, store.close())
	}
	working, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	w := &consumeWork{app: a, options: o, store: store, stop: stop}
	w.activity.Store(time.Now().UnixNano())
	err = w.run(ctx, working, client, a.consumerConfig(streams, from, store, o))
	return errors.Join(err, store.close())
}

// parseGroupFrom reads where a group begins.
func parseGroupFrom(text string) (kin.Position, error) {
	from, perShard, err := parseFrom(text, time.Now())
	if err == nil && perShard {
		err = usageErr(fmt.Sprintf("--from %s is a position in one shard", text), "kin group reset sets one shard of a group")
	}
	return from, err
}

func (a *app) consumerConfig(streams []string, from kin.Position, store *openedStore, o consumeOptions) kin.ConsumerConfig {
	config := kin.ConsumerConfig{
		Group: o.group, Store: store, Streams: streams, From: from, WorkerName: o.worker,
		LeaseTTL: o.ttl, MaxLeases: o.maxLeases, CheckpointEvery: o.checkpointEvery, CheckpointRecords: o.checkpointRecords,
		MaxBatchRecords: o.batch, Parallel: o.parallel, ShutdownTimeout: o.shutdown, MaxRetryWait: 5 * time.Second,
	}
	if isLoopback(a.target.endpoint) {
		// As for kin tail.
		config.MaxCallsPerSecond, config.MaxBytesPerSecond = -1, -1
		config.MinIdleWait, config.MaxIdleWait = 20*time.Millisecond, 200*time.Millisecond
	}
	return config
}
