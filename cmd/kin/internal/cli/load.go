package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kinstream/kin"
)

// loadFlags are the flags that say what is put: those of kin load and kin bench put.
type loadFlags struct {
	rate, size string
	keys       int
	skew       float64
	duration   time.Duration
	producer   producerFlags
}

func (l *loadFlags) add(f *pflag.FlagSet, rate string) {
	f.StringVar(&l.rate, "rate", rate, "`how much` to put a second: records (500/s), bytes of data (2MiB/s), or max for as fast as the stream takes it")
	f.StringVar(&l.size, "size", "1KiB", "`bytes` of data of each record")
	f.IntVar(&l.keys, "keys", 1000, "how many partition keys there are")
	f.Float64Var(&l.skew, "skew", 0, "how unlike the keys are: key i gets a share in proportion to 1/i^skew (Zipf); 0 = all alike, 1 = as words in a text")
	f.DurationVar(&l.duration, "duration", 10*time.Second, "how long to put records; 0 = until Ctrl-C")
	l.producer.add(f)
}

// loadPlan is what loadFlags say, checked.
type loadPlan struct {
	size      int
	perSecond float64 // 0 = as fast as the stream takes it
	keys      *loadKeys
}

func (l *loadFlags) plan() (p loadPlan, err error) {
	if p.size, err = parseSize(l.size); err != nil {
		return p, err
	}
	if p.perSecond, err = parseRate(l.rate, p.size); err != nil {
		return p, err
	}
	if l.keys < 1 || l.keys > maxLoadKeys {
		return p, usageErr(fmt.Sprintf("--keys %d: must be from 1 to %s", l.keys, thousands(maxLoadKeys)), "1000 spread well over 100 shards")
	}
	if !(l.skew >= 0 && l.skew <= maxSkew) { // also if it is no number
		return p, usageErr(fmt.Sprintf("--skew %v: must be from 0 to %d", l.skew, maxSkew), "1 is as words in a text")
	}
	if l.duration < 0 {
		return p, usageErr(fmt.Sprintf("--duration %v: must not be negative", l.duration), "0 means until Ctrl-C")
	}
	if err := l.producer.check(); err != nil {
		return p, err
	}
	p.keys = newLoadKeys(l.keys, l.skew)
	return p, nil
}

type loadOptions struct {
	loadFlags

	count   int64
	shards  bool
	explain bool
	bounded bool // --duration was given
}

func (a *app) loadCommand() *cobra.Command {
	var o loadOptions
	cmd := &cobra.Command{
		Use:   "load STREAM",
		Short: "Put generated records at a rate",
		Long: `Put generated records, at a rate that is kept, to see what a stream and its readers
make of them.

By default 100 records of 1 KiB a second for 10 seconds: a tenth of what one shard
takes, so that a load which is started by mistake neither throttles others nor costs
much. --rate max puts as fast as the stream takes it, which may throttle whoever else
puts into it.

Each record is a JSON object, {"load":"k3f9x2ab","n":17,"t":1763752203123456789,..}:
the run, a number that counts from 1, and when it was made, in nanoseconds since 1970.
kin bench get --check says which of them came, in order or not, and how long they took.

The delay is from the making of a record to the answer that it is stored. With a rate,
a record that had to wait for room counts from when it was due.

On Ctrl-C it waits up to 30 seconds for what is on its way. Ends with code 6 if a
record was not stored; says how many, why, and the number of the first of each kind.`,
		Example: `  kin load orders
  kin load orders --rate 5MiB/s --duration 1m --keys 100 --skew 1 --shards
  kin load orders --rate max --size 100 --aggregate shard --explain
  kin load orders --count 10000 -o json`,
		Args:              exactly("STREAM"),
		ValidArgsFunction: a.completeStreams,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.bounded = cmd.Flags().Changed("duration")
			return a.load(cmd.Context(), args[0], o)
		},
	}
	f := cmd.Flags()
	o.add(f, "100/s")
	f.Int64Var(&o.count, "count", 0, "stop after so many `records`; without --duration, however long that takes")
	f.BoolVar(&o.shards, "shards", false, "show a table of the shards")
	f.BoolVar(&o.explain, "explain", false, "say what limits the throughput, every few seconds and at the end")
	completeProducerFlags(cmd)
	registerValues(cmd, "rate", "100/s", "1MiB/s", "max")
	return cmd
}

// load runs the command.
func (a *app) load(ctx context.Context, stream string, o loadOptions) error {
	plan, err := o.plan()
	if err != nil {
		return err
	}
	if o.count < 0 {
		return usageErr(fmt.Sprintf("--count %d: must not be negative", o.count), "0 means no bound")
	}
	if o.count > 0 && !o.bounded {
		o.duration = 0
	}
	client, err := a.client(ctx)
	if err != nil {
		return err
	}
	run, err := a.newLoadRun(ctx, client, "kin load", stream, plan, &o.producer)
	if err != nil {
		return err
	}
	run.count = o.count
	view := loadView{figures: run.figures, duration: o.duration, count: o.count}
	if o.explain {
		view.explain = run.explainer
	}
	if o.shards {
		view.shards = run.producer
	}
	run.meter.begin()
	stop := a.startView(view.lines)
	runErr := run.all(ctx, o.duration)
	stop()
	r := loadResult{putFigures: run.figures()}
	if o.explain {
		r.Explanation = new(run.explainer.overall())
	}
	if o.shards {
		r.Shards = shardLoads(run.producer.Stats())
	}
	endless := o.duration == 0 && o.count == 0
	return a.loadReport(ctx, r, plan.perSecond, endless, runErr)
}

// newLoadRun makes a run that is ready to go, after a look at the stream.
func (a *app) newLoadRun(ctx context.Context, client *kinesis.Client, name, stream string, plan loadPlan, flags *producerFlags) (*loadRun, error) {
	maxRecord, shards, err := checkPutStream(ctx, client, stream)
	if err != nil {
		return nil, err
	}
	if longest := plan.size + len(plan.keys.names[0]); longest > maxRecord {
		return nil, usageErr(fmt.Sprintf("--size %d: with its key a record has %d bytes, and the stream takes %d", plan.size, longest, maxRecord), "give a smaller --size")
	}
	run := &loadRun{name: name, stream: stream, source: newLoadSource(plan.size, plan.keys), meter: &putMeter{}, perSecond: plan.perSecond}
	cfg := flags.config(stream, !a.target.isAWS())
	cfg.Hooks.Called = run.meter.called
	if run.producer, err = a.newProducer(client, name, cfg, maxRecord, loadBuffer(shards)); err != nil {
		return nil, err
	}
	callers := "Nothing waits: the stream takes what --rate asks for."
	if plan.perSecond == 0 {
		callers = "Nothing waits: this machine makes no more records."
	}
	run.explainer = &explainer{producer: run.producer, aggregates: flags.aggregates(), callers: callers}
	return run, nil
}

// loadBuffer is how much a producer may hold for a stream of so many shards: about two seconds of what
// they take, so that what is on its way at the end is stored soon.
func loadBuffer(shards int) int {
	const perShard, least, most = 2 << 20, 8 << 20, 64 << 20
	return min(max(shards*perShard, least), most)
}

// loadReport prints the result and turns it into the error of the command. A signal is the normal end of
// an endless load.
func (a *app) loadReport(ctx context.Context, r loadResult, asked float64, endless bool, runErr error) error {
	if a.json() {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else if err := a.printLoad(r, asked); err != nil {
		return err
	}
	a.sayFailures("kin load", "record", r.byKind)
	if ctx.Err() != nil && !endless {
		return &failure{code: exitInterrupted, what: fmt.Sprintf("stopped by a signal: %s of %s were stored", thousands(r.Stored), count(int(r.Records), "record"))}
	}
	if runErr != nil && ctx.Err() == nil {
		return runErr
	}
	if r.Failed > 0 {
		return &failure{code: exitIncomplete, what: fmt.Sprintf("%s of %s not stored", thousands(r.Failed), count(int(r.Records), "record"))}
	}
	return nil
}

// loadResult is what kin load prints with -o json.
type loadResult struct {
	putFigures

	Shards []shardLoad `json:"shards,omitempty"` // with --shards
}

// shardLoad is what went to a shard.
type shardLoad struct {
	Shard     kin.ShardID `json:"shard"`
	Records   uint64      `json:"stored"`
	Entries   uint64      `json:"kinesis_records"` // stored
	Bytes     uint64      `json:"bytes"`           // of them, with keys
	Throttled uint64      `json:"throttled"`
	Pace      float64     `json:"pace"`     // part of its limits that the producer keeps to now
	Buffered  int         `json:"buffered"` // records that wait now
}

func shardLoads(stats kin.ProducerStats) (all []shardLoad) {
	for i := range stats.Streams {
		for _, s := range stats.Streams[i].Shards {
			all = append(all, shardLoad{s.ShardID, s.Stored, s.Entries, s.EntryBytes, s.Throttled, s.Factor, s.Buffered})
		}
	}
	return all
}
