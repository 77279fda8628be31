package kin

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// ProducerConfig holds the settings of a [Producer]. The zero value of every field means its
// default.
type ProducerConfig struct {
	// Stream is the name or the ARN of the stream for records whose own Stream is empty. It
	// may be empty if there are none.
	Stream string

	// Aggregation says which small records are packed together into one Kinesis record: see
	// [AggregateByShard] and [AggregateByPartitionKey]. Consumers have to unpack them, as those of
	// this package, KCL and AWS Lambda's libraries do. It saves calls, money and the limit of 1,000
	// records a second. Nothing is packed while it is not known that the stream chooses shards by
	// key (that needs kinesis:DescribeStreamSummary), nor in streams with service-managed record distribution. So that short
	// runs are packed too, the first records of a stream wait until that is known: half a second at most, also in Flush and
	// Close, and not when it can't be known.
	// Defaults to NoAggregation, since not every consumer unpacks.
	Aggregation Aggregation

	// AggregateMaxBytes is how large an aggregate may become, with its partition key, from 64 bytes
	// to MaxRecordBytes. A record that is larger by itself goes alone. More saves little.
	// Defaults to 51,200, as in the KPL, or MaxRecordBytes if that is smaller.
	AggregateMaxBytes int

	// AggregateMaxRecords is how many user records one aggregate may have. Defaults to as many
	// as fit. -1 means the same.
	AggregateMaxRecords int

	// Ordered keeps records of one partition key and explicit hash key in the order in which they
	// were accepted, through partial failures, throttling and reshards: at most one attempt for a key is
	// under way, and one call for a shard. A record that is answered with an error is left out, and the next
	// ones go on. With AggregateByShard that costs little; without aggregation, a key with many
	// records gets one of them into each round trip. An attempt of which nobody knows
	// how it ended may still store its record late, a second time. Streams with service-managed record
	// distribution have no order: their records are answered with [ErrUnordered].
	Ordered bool

	// ShardBytesPerSecond and ShardRecordsPerSecond are what one shard takes. The producer keeps to
	// it, and to less while the shard refuses records nevertheless, since others put too. Lower values leave
	// room for others; higher ones are right only where the service itself allows more. The first records of a stream wait
	// until its shards are known, half a second at most; while they can't be known, nothing is paced.
	// -1 means no limit: then only refusals slow a shard down. That is for servers that don't have these limits
	// either, as kintest and kin serve have none unless told. Default to 1,048,576 and 1,000, the service's limits.
	ShardBytesPerSecond   int
	ShardRecordsPerSecond int

	// DescribeEvery is how often the shards are listed and the stream is described anew, by chance up to an eighth sooner;
	// besides, that happens when records come to lie in other shards than expected. It finds out in time that
	// the service took over the choice of shards. An account may describe streams 20 times a second, so a producer looks at
	// 16 streams at once and then at 16 a second, each in its turn: with a thousand streams each is looked at
	// every 62 seconds, if DescribeEvery is less. At least 1 second. -1 means never: then shards are not known,
	// and Aggregation must not be set. Defaults to 1 minute.
	DescribeEvery time.Duration

	// Encode, if not nil, changes each record on its way in: to serialize, compress or encrypt it. It is
	// called in the goroutine of the Put, so one goroutine puts no faster than it works, and may run many times at
	// once. Its record is sent, to the stream of the original one; answers carry the original. Nothing of it is copied, so its
	// Data must not be a buffer that is used again. If it fails, the Put does, with [ErrInvalidRecord] and its
	// error. ReaderConfig.Decode and ConsumerConfig.Decode are the way back; they also get records that were put
	// without Encode. Defaults to none.
	Encode func(UserRecord) (UserRecord, error)

	// MaxBatchRecords is how many records one PutRecords call carries at most, 1 to
	// 500, the limit of the service. Fewer make more calls for the same records.
	// Defaults to 500.
	MaxBatchRecords int

	// MaxBatchBytes is how many bytes one PutRecords call carries at most, data and
	// partition keys. At least MaxRecordBytes, and at most 10 MiB, the limit of the
	// service. More than the default saves little, since the cost of a call is spread over
	// megabytes by then, and on a slow line a large call runs into CallTimeout;
	// servers older than October 2025 refuse more than 5 MiB.
	// Defaults to 5 MiB, or MaxRecordBytes if that is larger.
	MaxBatchBytes int

	// MaxRecordBytes is how large data and partition key of one record may be
	// together, 1 to 10 MiB, if the stream does not say less. 0 means what the stream says
	// (MaxRecordSizeInKiB): records over it that were accepted before that was known are answered with
	// [ErrInvalidRecord]. If it can't be asked, the limit is 1 MiB, the service's default.
	// Defaults to 0.
	MaxRecordBytes int

	// Linger is how long a record may wait for others to fill its call, or its aggregate. A call that
	// is full leaves at once, so does everything when Puts wait for room and no call is out, and while MaxInFlight calls are out, calls and aggregates go on
	// filling whatever Linger is. So it matters at low rates, where it is delay added to
	// each record; a low value makes more and smaller calls. -1 means none.
	// Defaults to 10 milliseconds: at most 100 small calls a second, and less
	// delay than a call takes; with Aggregation to 100 milliseconds, as in the KPL.
	Linger time.Duration

	// MaxInFlight is how many PutRecords calls are out at the same time, 1 to 1,000.
	// The throughput is at most MaxInFlight times MaxBatchRecords in a round trip. More
	// calls need more memory, since each holds its records once more in encoded form, and
	// more connections. No value keeps records in order: see [Producer].
	// Defaults to 8, which is below the 10 idle connections that the SDK's HTTP
	// client keeps for a host, and makes 200,000 records a second at 20 milliseconds.
	MaxInFlight int

	// MaxBufferedBytes bounds what the producer holds: data, keys and 192 bytes of its
	// own for each record that was accepted and whose callback has not returned. Calls in
	// flight need up to MaxInFlight times MaxBatchBytes on top for their encoded form.
	// WhenFull says what happens at the bound. A low value keeps calls small when the service is
	// slow; a high one is more to lose when the process is killed. At least
	// MaxRecordBytes plus 192.
	//
	// One record may come on top of the bound at a time, when all others are answered and
	// only their callbacks are left: those may be waiting for room themselves. The next one follows when that one's
	// callback has returned, or when no callback has for 100 milliseconds.
	// Defaults to 64 MiB: a minute of a shard's 1 MiB a second.
	MaxBufferedBytes int

	// WhenFull says what a Put does when MaxBufferedBytes is reached, or when a shard has got more than it takes in
	// half of RecordTTL.
	// Defaults to BlockWhenFull.
	WhenFull WhenFull

	// RecordTTL is how long the producer tries to put a record, counted from its
	// acceptance. No attempt begins later; a call that is out then is waited for, so
	// that a record is answered after RecordTTL plus CallTimeout at most. A low value loses
	// records that a throttled shard or an endpoint that is away would have taken later;
	// a high one holds their memory for longer. More of one shard than it takes in half of
	// this time is not accepted: see WhenFull. More than Linger. -1 means no limit.
	// Defaults to 30 seconds, as in the KPL.
	RecordTTL time.Duration

	// CallTimeout is how long one PutRecords call may take. A call that is cut off is
	// ambiguous: its records may have been stored. Defaults to 10 seconds.
	CallTimeout time.Duration

	// WhenAmbiguous says what happens to a record when an attempt ended without an
	// answer that excludes that it was stored: the connection broke after the
	// request was sent, the call timed out, the service reported an internal failure, or
	// the answer could not be understood. Defaults to RetryAmbiguous.
	WhenAmbiguous WhenAmbiguous

	// SDKOptions are applied to each call, after the producer's own codec.
	// Settings of retries have no effect: the producer retries itself, so that attempts are
	// counted and only what failed is sent again. Defaults to none.
	SDKOptions []func(*kinesis.Options)

	// Hooks are called as things happen. Defaults to none.
	Hooks ProducerHooks

	// Logger receives what nobody is told otherwise: calls that failed and are tried
	// again, and permissions that are missing to see the shards. Defaults to no logging.
	Logger *slog.Logger

	random func() float64 // from 0 to 1
}

// WhenFull says what a Put does when the producer's buffer is full.
type WhenFull int

const (
	// BlockWhenFull waits until there is room or the context of the Put ends. Waiting
	// Puts are served in the order in which they came.
	BlockWhenFull WhenFull = iota

	// FailWhenFull returns [ErrBufferFull] at once.
	FailWhenFull
)

// WhenAmbiguous says what happens to a record of which nobody knows whether it was stored.
type WhenAmbiguous int

const (
	// RetryAmbiguous sends the record again: it is stored at least once, and perhaps
	// twice. Its result then has MaybeDuplicate set.
	RetryAmbiguous WhenAmbiguous = iota

	// FailAmbiguous answers the record with a [PutError] whose Ambiguous is set: the
	// record is stored at most once, and the caller decides.
	FailAmbiguous
)

// Aggregation says which user records share a Kinesis record.
type Aggregation int

const (
	// NoAggregation puts each user record as a Kinesis record.
	NoAggregation Aggregation = iota

	// AggregateByShard packs records that go to the same shard, as the KPL does. If shards were split or
	// merged meanwhile, an aggregate may come to lie in a shard that does not own all of its records, where KCL
	// would drop it: then its records are put again, and have MaybeDuplicate set. Needs
	// kinesis:ListShards and kinesis:DescribeStreamSummary; without the first, nothing is aggregated.
	AggregateByShard

	// AggregateByPartitionKey packs records of one partition key and explicit hash key, which is right in
	// whatever shard they come to lie. The Kinesis record has that partition key too. It pays if
	// keys have many records at a time.
	AggregateByPartitionKey
)

// String returns the name of the constant.
func (a Aggregation) String() string {
	switch a {
	case NoAggregation:
		return "NoAggregation"
	case AggregateByShard:
		return "AggregateByShard"
	case AggregateByPartitionKey:
		return "AggregateByPartitionKey"
	}
	return "invalid"
}

// fill puts defaults where the zero value is, and checks the rest.
func (cfg *ProducerConfig) fill() error {
	if cfg.Stream != "" {
		if err := checkStream("ProducerConfig.Stream", cfg.Stream); err != nil {
			return err
		}
	}
	if cfg.random == nil {
		cfg.random = rand.Float64
	}
	cfg.SDKOptions = append([]func(*kinesis.Options){}, cfg.SDKOptions...)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if err := cfg.checkSizes(); err != nil {
		return err
	}
	return cfg.checkTimes()
}

func (cfg *ProducerConfig) checkSizes() error {
	if cfg.WhenFull < BlockWhenFull || cfg.WhenFull > FailWhenFull {
		return fmt.Errorf("kin: ProducerConfig.WhenFull (%d) must be BlockWhenFull or FailWhenFull", cfg.WhenFull)
	}
	if cfg.WhenAmbiguous < RetryAmbiguous || cfg.WhenAmbiguous > FailAmbiguous {
		return fmt.Errorf("kin: ProducerConfig.WhenAmbiguous (%d) must be RetryAmbiguous or FailAmbiguous", cfg.WhenAmbiguous)
	}
	if cfg.MaxRecordBytes < 0 || cfg.MaxRecordBytes > serviceMaxRecord {
		return fmt.Errorf("kin: ProducerConfig.MaxRecordBytes (%d) must be from 1 to %d, or 0 for what the stream says", cfg.MaxRecordBytes, serviceMaxRecord)
	}
	// The lower bounds of the later ones depend on it.
	record := cfg.MaxRecordBytes
	if record == 0 {
		record = defaultMaxRecord
	}
	return errors.Join(
		bounded("ProducerConfig.MaxBatchRecords", &cfg.MaxBatchRecords, 500, 1, 500),
		bounded("ProducerConfig.MaxBatchBytes", &cfg.MaxBatchBytes, max(5<<20, record), record, 10<<20),
		bounded("ProducerConfig.MaxInFlight", &cfg.MaxInFlight, 8, 1, 1000),
		bounded("ProducerConfig.MaxBufferedBytes", &cfg.MaxBufferedBytes, 64<<20, record+recordOverhead, 1<<31-1),
		bounded("ProducerConfig.ShardBytesPerSecond", &cfg.ShardBytesPerSecond, 1<<20, 1, 1<<30, -1),
		bounded("ProducerConfig.ShardRecordsPerSecond", &cfg.ShardRecordsPerSecond, 1000, 1, 1<<30, -1),
		cfg.checkAggregation(record),
	)
}

func (cfg *ProducerConfig) checkAggregation(record int) error {
	if cfg.Aggregation < NoAggregation || cfg.Aggregation > AggregateByPartitionKey {
		return fmt.Errorf("kin: ProducerConfig.Aggregation (%d) must be NoAggregation, AggregateByShard or AggregateByPartitionKey", cfg.Aggregation)
	}
	least := min(minAggregate, record)
	return errors.Join(
		bounded("ProducerConfig.AggregateMaxBytes", &cfg.AggregateMaxBytes, min(defaultAggregate, record), least, record),
		bounded("ProducerConfig.AggregateMaxRecords", &cfg.AggregateMaxRecords, -1, 1, 1<<20, -1),
	)
}

const (
	minAggregate     = 64
	defaultAggregate = 51_200 // of the KPL
)

func (cfg *ProducerConfig) checkTimes() error {
	const none = -1
	switch {
	case cfg.Linger == 0 && cfg.Aggregation == NoAggregation:
		cfg.Linger = 10 * time.Millisecond
	case cfg.Linger == 0:
		cfg.Linger = 100 * time.Millisecond
	case cfg.Linger == none:
		cfg.Linger = 0
	case cfg.Linger < 0:
		return fmt.Errorf("kin: ProducerConfig.Linger (%v) must be above 0, or -1 for none", cfg.Linger)
	}
	switch {
	case cfg.RecordTTL == 0:
		cfg.RecordTTL = max(30*time.Second, cfg.Linger+min(cfg.Linger, math.MaxInt64-cfg.Linger))
	case cfg.RecordTTL == none:
	case cfg.RecordTTL <= cfg.Linger:
		return fmt.Errorf("kin: ProducerConfig.RecordTTL (%v) must be more than Linger (%v), or -1 for no limit", cfg.RecordTTL, cfg.Linger)
	}
	if cfg.CallTimeout == 0 {
		cfg.CallTimeout = 10 * time.Second
	}
	if cfg.CallTimeout < 0 {
		return fmt.Errorf("kin: ProducerConfig.CallTimeout (%v) must be above 0", cfg.CallTimeout)
	}
	if cfg.DescribeEvery == none && cfg.Aggregation != NoAggregation {
		return errors.New("kin: ProducerConfig.DescribeEvery (-1) must not be -1 with Aggregation: nothing is packed while shards are not known")
	}
	return bounded("ProducerConfig.DescribeEvery", &cfg.DescribeEvery, time.Minute, time.Second, 24*time.Hour, none)
}
