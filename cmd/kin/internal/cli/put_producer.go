package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/internal/fetch"
)

// producerFlags are the flags that say how a producer puts: those of kin put, kin load and kin
// bench put.
type producerFlags struct {
	aggregate string
	ordered   bool
	linger    time.Duration
	inFlight  int
	pace      string
	giveUp    time.Duration

	set *pflag.FlagSet // in which they are
}

// The values of --pace.
const (
	paceAuto    = "auto"
	paceService = "service"
	paceNone    = "none"
)

// aggregations are the values of --aggregate.
var aggregations = map[string]kin.Aggregation{
	"none": kin.NoAggregation, "shard": kin.AggregateByShard, "key": kin.AggregateByPartitionKey,
}

func (p *producerFlags) add(f *pflag.FlagSet) {
	p.set = f
	f.StringVar(&p.aggregate, "aggregate", "none", "`which` small records to pack together, for consumers that can unpack: none, those of one shard (as the KPL does), or of one key")
	f.BoolVar(&p.ordered, "ordered", false, "keep the records of each partition key in order")
	f.DurationVar(&p.linger, "linger", 0, "how long a record waits for others to fill its call (default 10ms, or 100ms with --aggregate)")
	f.IntVar(&p.inFlight, "in-flight", 8, "how many calls are out at the same time, at most")
	f.StringVar(&p.pace, "pace", paceAuto, "`whose` limits on a shard to keep to: service (1 MiB/s and 1,000 records/s), none (only refusals slow it down), or auto, which is none for endpoints other than AWS")
	f.DurationVar(&p.giveUp, "give-up-after", 2*time.Minute, "how long to try to put one record")
}

// check refuses what the producer would refuse, in the words of the flags.
func (p *producerFlags) check() error {
	const (
		least    = 100 * time.Millisecond
		mostOut  = 1000 // as ProducerConfig.MaxInFlight
		mostWait = time.Minute
	)
	if _, ok := aggregations[p.aggregate]; !ok {
		return usageErr(fmt.Sprintf("--aggregate %q: no such way", p.aggregate), "use none, shard or key")
	}
	if err := checkPace(p.pace); err != nil {
		return err
	}
	if p.linger < 0 || p.linger > mostWait {
		return usageErr(fmt.Sprintf("--linger %v: must be from 0 to %v", p.linger, mostWait), "use for example 10ms")
	}
	if p.inFlight < 1 || p.inFlight > mostOut {
		return usageErr(fmt.Sprintf("--in-flight %d: must be from 1 to %d", p.inFlight, mostOut), "8 is right for most")
	}
	if p.giveUp < least {
		return usageErr(fmt.Sprintf("--give-up-after %v: must be at least %v", p.giveUp, least), "use for example 2m")
	}
	if linger := p.config("", false).Linger; p.giveUp <= linger {
		return usageErr(fmt.Sprintf("--give-up-after %v: must be more than a record waits for others, %v", p.giveUp, linger), "give a longer time, or a shorter --linger")
	}
	return nil
}

// checkPace refuses what is no value of --pace.
func checkPace(value string) error {
	if value != paceAuto && value != paceService && value != paceNone {
		return usageErr(fmt.Sprintf("--pace %q: no such limits", value), "use service, none or auto")
	}
	return nil
}

func (p *producerFlags) aggregates() bool { return aggregations[p.aggregate] != kin.NoAggregation }

// config returns what the flags say. foreign says that the endpoint is not AWS.
func (p *producerFlags) config(stream string, foreign bool) kin.ProducerConfig {
	cfg := kin.ProducerConfig{
		Stream: stream, Aggregation: aggregations[p.aggregate], Ordered: p.ordered,
		Linger: p.linger, MaxInFlight: p.inFlight, RecordTTL: p.giveUp,
	}
	if p.pace == paceNone || p.pace == paceAuto && foreign {
		// Most servers other than the service have no limits, and those that have say so.
		cfg.ShardBytesPerSecond, cfg.ShardRecordsPerSecond = -1, -1
	}
	switch {
	case p.linger > 0:
	case p.set.Changed("linger"):
		cfg.Linger = -1
	case cfg.Aggregation == kin.NoAggregation:
		cfg.Linger = 10 * time.Millisecond
	default:
		cfg.Linger = 100 * time.Millisecond
	}
	return cfg
}

// completeProducerFlags offers the values of the flags to the shell.
func completeProducerFlags(cmd *cobra.Command) {
	registerValues(cmd, "aggregate", "none", "shard", "key")
	registerValues(cmd, "pace", paceAuto, paceService, paceNone)
}

// newProducer makes a producer from the flags, for a stream whose records may have maxRecord bytes.
// It holds buffer bytes.
func (a *app) newProducer(client kin.PutClient, name string, cfg kin.ProducerConfig, maxRecord, buffer int) (*kin.Producer, error) {
	cfg.MaxRecordBytes = maxRecord
	cfg.MaxBufferedBytes = max(buffer, 2*maxRecord)
	cfg.CallTimeout = max(a.flags.timeout, time.Second)
	cfg.Logger = a.warnings(name)
	producer, err := kin.NewProducer(client, cfg)
	if err != nil {
		return nil, usageErr(oneLine(err.Error()), "")
	}
	return producer, nil
}

// awaitShards waits a moment until a producer that has its first record knows the shards. Before, it packs
// nothing, and a short run would be over; and it keeps to no pace, and a fast one would have its first calls refused.
func awaitShards(ctx context.Context, producer *kin.Producer) {
	const (
		patience = 2 * time.Second
		tick     = 5 * time.Millisecond
	)
	for waited := time.Duration(0); waited < patience; waited += tick {
		streams := producer.Stats().Streams
		if len(streams) > 0 && (streams[0].Mapped || streams[0].Auto || streams[0].ViewErr != nil) || fetch.Sleep(ctx, tick) != nil {
			return
		}
	}
}

// closeProducer waits for the answers of all records that were accepted: as long as they need, since each has
// its own time limit, or no longer than stopPatience if ctx was cancelled or is then.
func closeProducer(ctx context.Context, producer *kin.Producer) error {
	closing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	// Nobody is in a hurry until a signal comes.
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopPatience, cancel) })
	defer stop()
	return producer.Close(closing)
}

// stopPatience is how long records that were accepted get after a signal.
const stopPatience = 30 * time.Second
