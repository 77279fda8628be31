package kin

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/lease"
)

// ConsumerConfig holds the settings of a [Consumer]. Group, Store and Stream or Streams are
// required: the zero value of every other field means its default. All workers of a group should
// have the same settings; LeaseTTL must be the same.
type ConsumerConfig struct {
	// Group is the name of the group, under which checkpoints are kept: 1 to 128 of the characters
	// a-z, A-Z, 0-9, '.', '_' and '-'. KCL calls it the application. Required.
	Group string

	// Store keeps the leases and checkpoints of the group. Required. Package memstore is one for a
	// single process and for tests; dynamostore and sqlstore are for groups of processes.
	Store lease.Store

	// Stream is the name or the ARN of the stream. Required, unless Streams is set.
	Stream string

	// Streams are the names or the ARNs of several streams, instead of Stream. They can
	// be changed while running: see [Consumer.SetStreams].
	Streams []string

	// From is where the group begins to read a stream: [TrimHorizon], [Latest] or
	// [AtTimestamp]. It counts once, when the first worker of the group sees the stream; LATEST
	// is resolved then and stored. Shards that are made later begin at their oldest
	// record whatever From is, and everybody else goes on at the checkpoints.
	// Defaults to [TrimHorizon], which misses nothing.
	From Position

	// WorkerName is what people are to call this process; its ID in the group is the name
	// and a random part. 1 to 64 of the characters of Group.
	// Defaults to the name of the host.
	WorkerName string

	// LeaseTTL is how long a worker that does not answer is taken for alive. It bounds the
	// pause of its shards after a crash; a low value costs heartbeats, and makes pauses of a
	// process or of the store take its shards away that it could have gone on with. At least 3
	// seconds; all workers of a group must use the same value, and a worker with another one
	// refuses to join. Defaults to 10 seconds.
	LeaseTTL time.Duration

	// MaxLeases is how many shards this worker takes at most. If all workers are full, the
	// other shards are not read. -1 means that there is no limit.
	// Defaults to no limit.
	MaxLeases int

	// CheckpointEvery is how often the checkpoint of a shard is stored if it has moved. A crash
	// repeats what was handled since; a hand-over and a stop repeat nothing that was done. One
	// write per busy shard and interval is what the store bills. At least 100 milliseconds.
	// Defaults to 1 minute.
	CheckpointEvery time.Duration

	// CheckpointRecords makes the checkpoint of a shard be stored also when that many records have
	// been acknowledged since the last one. Defaults to no such rule.
	CheckpointRecords int

	// MaxBatchRecords is how many records a batch has at most. A batch comes from one answer of
	// the service, so it is smaller when less is there: nothing waits for a batch to fill. A low
	// value calls the handler more often, a high one makes more be repeated after a failure.
	// Defaults to 1,000.
	MaxBatchRecords int

	// Parallel is how many batches of one shard may be handled at the same time. Each record is
	// given to one of so many lanes by its partition key, so the order of the records of a key
	// stays, also across retries and reshards; the order between keys does not. At most 1,000.
	// Defaults to 1: the batches of a shard come one after the other.
	Parallel int

	// ManualAcks says that a handler which returns nil has only taken the batch over: its
	// records are done when [Batch.Ack] is called for them, later and from any goroutine. The
	// checkpoint of a shard is before its first record without one. A record that is never
	// acknowledged holds the checkpoint for ever, which [Consumer.Shards] shows, and delivery
	// stops at MaxUnackedRecords. A shard that is to be handed over, or that has ended, waits
	// for what was delivered; ShutdownTimeout bounds the waiting for a hand-over and for a
	// stop. When the context of the handler is cancelled, nobody may work on what was taken
	// over: what is not acknowledged when delivery goes on is delivered again, here or by
	// another worker, with all records of the shard that come after it.
	// Defaults to false: the return of nil acknowledges the batch.
	ManualAcks bool

	// MaxUnackedRecords and MaxUnackedBytes bound what of one shard is delivered, or waits in
	// lanes, and is not acknowledged. At either bound the delivery of the shard waits for
	// acknowledgements; a batch always gets through when nothing else is there. They matter
	// with ManualAcks and with Parallel. The bytes also count for MaxBufferedBytes, until all
	// records of their page are acknowledged. Default to 10,000 and 16 MiB.
	MaxUnackedRecords, MaxUnackedBytes int

	// WhenFailed says what happens to a batch whose handler fails.
	// Defaults to RetryBatch.
	WhenFailed WhenFailed

	// MaxAttempts is how often a batch is delivered before WhenFailed skips it or stops. An
	// attempt that acknowledged records begins a new count for the others, and so does the next
	// owner of the shard. It must not be set with RetryBatch. Defaults to 5.
	MaxAttempts int

	// RetryWait is how long to wait at most after the first failure in a row of a handler; it
	// doubles with each up to MaxRetryWait, and a part of each wait is random. Waiting holds up
	// only the shard, or the lane. Default to 200 milliseconds and 30 seconds; a RetryWait
	// above that raises the latter.
	RetryWait, MaxRetryWait time.Duration

	// DeadLetter gets the records that SkipBatch passes over, before they are passed over;
	// Batch.Err says why they failed. nil means that it has them, also with ManualAcks. If it
	// fails or panics it is called again, with the same waits, for those that it has not
	// acknowledged: nothing is lost when the place for dead letters can't be reached. Defaults
	// to none: they are gone, but for ConsumerHooks.BatchSkipped.
	DeadLetter Handler

	// ShutdownTimeout is how long a stop waits for handlers, and for what is not acknowledged
	// with ManualAcks. Then their contexts are cancelled with [ErrShutdown], what they have not
	// acknowledged is left to the next owner, and Run returns an error. A hand-over waits
	// likewise for outstanding acknowledgements, but not for handlers, which it lets finish. At
	// most 1 hour. Defaults to 30 seconds.
	ShutdownTimeout time.Duration

	// MaxRecords, MaxBufferedBytes, MaxCallsPerSecond, MaxBytesPerSecond, MinIdleWait,
	// MaxIdleWait and CallTimeout have the meaning and the defaults of the same fields of
	// [ReaderConfig]. MaxBufferedBytes is for all shards that this worker reads, and also
	// counts what is not acknowledged yet. While all of it is held by shards whose handlers
	// don't get on, the others read pages of about 128 KiB beyond it, one or two at a time
	// each.
	MaxRecords               int
	MaxBufferedBytes         int
	MaxCallsPerSecond        float64
	MaxBytesPerSecond        int
	MinIdleWait, MaxIdleWait time.Duration
	CallTimeout              time.Duration

	// ListEvery is how often the shards of each stream are listed, by one worker of the group.
	// It finds new shards on servers that don't name the children at the end of a shard; while
	// shards are known to be missing, they are listed more often. Defaults to 1 minute.
	ListEvery time.Duration

	// StartTimeout is how long Run tries to find out what streams it is to read, and then to
	// join the group in the Store, before it gives up, since nothing has shown yet that
	// endpoint, region, credentials and tables are right. What can't pass, such as a missing
	// table or denied access, ends it at once. Later it waits for whatever fails, for as long as
	// it takes, and tells [ConsumerHooks] and the Logger. A low value makes a start
	// during an outage fail; -1 means for ever. Defaults to 30 seconds.
	StartTimeout time.Duration

	// WhenAggregated says what happens to aggregated records.
	// Defaults to UnpackAggregates.
	WhenAggregated WhenAggregated

	// WhenOutOfRange says what happens to user records inside an aggregated record
	// that belong to another shard. Defaults to DeliverOutOfRange.
	WhenOutOfRange WhenOutOfRange

	// Decode, if not nil, changes each user record after aggregated ones were unpacked and before it is
	// delivered: it is the way back from ProducerConfig.Encode. It may set Data and keys; the rest stays. A record
	// for which it fails, or panics, is a bad one: it is left out, counted, and told to Hooks.BadRecord, and
	// DeadLetter does not get it. Where such records must not be passed over, the handler decodes in place of
	// Decode, and returns a [RecordError]: then they are retried and buried as all that it can't handle. It
	// is called for several shards at once. Defaults to none.
	Decode func(*Record) error

	// SDKOptions are applied to each call of Kinesis, after the consumer's own codec. Settings of
	// retries have no effect: the consumer retries itself. Defaults to none.
	SDKOptions []func(*kinesis.Options)

	// Hooks are called as things happen. Defaults to none.
	Hooks ConsumerHooks

	// Logger receives what nobody is told otherwise: calls and handlers that failed and are called
	// again, what happens in the group, hooks that panicked. Defaults to no logging.
	Logger *slog.Logger
}

var (
	groupName  = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,128}$`)
	workerName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,64}$`)
)

// withDefaults returns cfg with every field filled and checked, and the settings of reading
// by themselves. It shares no slice with cfg.
func (cfg ConsumerConfig) withDefaults() (ConsumerConfig, ReaderConfig, error) {
	cfg.SDKOptions = slices.Clone(cfg.SDKOptions)
	if cfg.From.IsZero() {
		cfg.From = TrimHorizon()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.WorkerName == "" {
		cfg.WorkerName = defaultWorkerName()
	}
	reading, err := cfg.reading()
	return cfg, reading, errors.Join(cfg.checkGroup(), cfg.checkStreams(), cfg.checkLeases(), cfg.checkBatches(), cfg.checkFailures(), err)
}

// reading fills and checks the settings that a Reader has too.
func (cfg *ConsumerConfig) reading() (ReaderConfig, error) {
	r := ReaderConfig{
		MaxRecords: cfg.MaxRecords, MaxBufferedBytes: cfg.MaxBufferedBytes,
		MaxCallsPerSecond: cfg.MaxCallsPerSecond, MaxBytesPerSecond: cfg.MaxBytesPerSecond,
		MinIdleWait: cfg.MinIdleWait, MaxIdleWait: cfg.MaxIdleWait,
		ListEvery: cfg.ListEvery, CallTimeout: cfg.CallTimeout, StartTimeout: cfg.StartTimeout,
		WhenAggregated: cfg.WhenAggregated, WhenOutOfRange: cfg.WhenOutOfRange, SDKOptions: cfg.SDKOptions,
	}
	const owner = "ConsumerConfig"
	err := errors.Join(r.checkBounds(owner), r.checkTimes(owner), r.checkChoices(owner))
	cfg.MaxBufferedBytes, cfg.ListEvery = r.MaxBufferedBytes, r.ListEvery
	return r, err
}

func (cfg *ConsumerConfig) checkGroup() error {
	switch {
	case cfg.Group == "":
		return errors.New("kin: ConsumerConfig.Group is empty")
	case !groupName.MatchString(cfg.Group):
		return fmt.Errorf("kin: ConsumerConfig.Group (%q) must be 1 to 128 of the characters a-z, A-Z, 0-9, '.', '_' and '-'", cfg.Group)
	case cfg.Store == nil:
		return errors.New("kin: ConsumerConfig.Store is nil: use memstore.New() for a single process, or package dynamostore or sqlstore")
	case cfg.WorkerName != "" && !workerName.MatchString(cfg.WorkerName):
		return fmt.Errorf("kin: ConsumerConfig.WorkerName (%q) must be 1 to 64 of the characters a-z, A-Z, 0-9, '.', '_' and '-'", cfg.WorkerName)
	}
	return nil
}

func (cfg *ConsumerConfig) checkStreams() error {
	if cfg.Stream != "" && len(cfg.Streams) > 0 {
		return errors.New("kin: ConsumerConfig.Stream and Streams are both set")
	}
	switch cfg.From.kind {
	case noPosition, trimHorizon, latest, atTimestamp:
	default:
		return fmt.Errorf("kin: ConsumerConfig.From (%v) must be TRIM_HORIZON, LATEST or a time: a sequence number belongs to one shard", cfg.From)
	}
	if len(cfg.Streams) == 0 {
		cfg.Streams = []string{cfg.Stream}
		return checkStream("ConsumerConfig.Stream", cfg.Stream)
	}
	cfg.Streams = slices.Clone(cfg.Streams)
	return checkStreams("ConsumerConfig.Streams", cfg.Streams)
}

// checkStreams checks the names or ARNs of streams. A stream under two names is found later.
func checkStreams(field string, streams []string) error {
	if len(streams) == 0 {
		return fmt.Errorf("kin: %s is empty", field)
	}
	for i, stream := range streams {
		if err := checkStream(fmt.Sprintf("%s[%d]", field, i), stream); err != nil {
			return err
		}
		if slices.Contains(streams[:i], stream) {
			return fmt.Errorf("kin: %s names %s twice", field, stream)
		}
	}
	return nil
}

func (cfg *ConsumerConfig) checkLeases() error {
	const longest = 365 * 24 * time.Hour
	return errors.Join(
		bounded("ConsumerConfig.LeaseTTL", &cfg.LeaseTTL, 10*time.Second, 3*time.Second, time.Hour),
		bounded("ConsumerConfig.MaxLeases", &cfg.MaxLeases, -1, 1, math.MaxInt32, -1),
		bounded("ConsumerConfig.CheckpointEvery", &cfg.CheckpointEvery, time.Minute, 100*time.Millisecond, longest),
		bounded("ConsumerConfig.CheckpointRecords", &cfg.CheckpointRecords, 0, 0, math.MaxInt32),
		bounded("ConsumerConfig.ShutdownTimeout", &cfg.ShutdownTimeout, 30*time.Second, time.Millisecond, time.Hour),
	)
}

func (cfg *ConsumerConfig) checkBatches() error {
	const most = 1 << 30
	return errors.Join(
		bounded("ConsumerConfig.MaxBatchRecords", &cfg.MaxBatchRecords, 1000, 1, 1_000_000),
		bounded("ConsumerConfig.Parallel", &cfg.Parallel, 1, 1, 1000),
		bounded("ConsumerConfig.MaxUnackedRecords", &cfg.MaxUnackedRecords, 10_000, 1, most),
		bounded("ConsumerConfig.MaxUnackedBytes", &cfg.MaxUnackedBytes, 16<<20, 1, most),
	)
}

func (cfg *ConsumerConfig) checkFailures() error {
	if cfg.MaxRetryWait == 0 {
		cfg.MaxRetryWait = max(30*time.Second, cfg.RetryWait)
	}
	if cfg.RetryWait == 0 {
		cfg.RetryWait = min(200*time.Millisecond, cfg.MaxRetryWait)
	}
	switch {
	case cfg.WhenFailed < RetryBatch || cfg.WhenFailed > StopConsumer:
		return fmt.Errorf("kin: ConsumerConfig.WhenFailed (%d) must be RetryBatch, SkipBatch or StopConsumer", cfg.WhenFailed)
	case cfg.WhenFailed == RetryBatch && cfg.MaxAttempts != 0:
		return fmt.Errorf("kin: ConsumerConfig.MaxAttempts (%d) has no meaning with RetryBatch, which has no limit", cfg.MaxAttempts)
	case cfg.WhenFailed != SkipBatch && cfg.DeadLetter != nil:
		return fmt.Errorf("kin: ConsumerConfig.DeadLetter has no meaning with %v: set WhenFailed to SkipBatch", cfg.WhenFailed)
	case cfg.RetryWait > cfg.MaxRetryWait:
		return fmt.Errorf("kin: ConsumerConfig.RetryWait (%v) is longer than MaxRetryWait (%v)", cfg.RetryWait, cfg.MaxRetryWait)
	}
	const longest = 24 * time.Hour
	return errors.Join(
		bounded("ConsumerConfig.MaxAttempts", &cfg.MaxAttempts, 5, 1, math.MaxInt32),
		bounded("ConsumerConfig.RetryWait", &cfg.RetryWait, 0, time.Millisecond, longest),
		bounded("ConsumerConfig.MaxRetryWait", &cfg.MaxRetryWait, 0, time.Millisecond, longest),
	)
}
