package kin

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/internal/pace"
	"github.com/kinstream/kin/wire"
)

// ReaderConfig holds the settings of a [Reader]. Only Stream is required: the zero
// value of every other field means its default.
type ReaderConfig struct {
	// Stream is the name or the ARN of the stream. Required.
	Stream string

	// Shard is the one shard to read; the sequence ends where the shard ends.
	// Defaults to all shards of the stream, those made while reading included.
	Shard ShardID

	// From is where shards begin that Positions does not name. Shards that are made
	// while reading, or that descend from a shard that Positions names, begin at
	// their oldest record whatever From is: otherwise what they got before they were
	// noticed would be lost. [Latest] is resolved once, when reading starts. Sequence
	// numbers belong to one shard, so they need Shard.
	// Defaults to [TrimHorizon], which misses nothing.
	From Position

	// Positions is where shards begin one by one, as [Reader.Positions] gave them: the
	// way to resume. Shards that it does not name, but of which it names a descendant,
	// count as read. Shards that the stream does not have any more are passed over.
	// Defaults to none.
	Positions map[ShardID]Position

	// Until is where reading stops: [AtTip] or [AtTime].
	// Defaults to never: the sequence follows the stream until its context ends.
	Until Stop

	// MaxRecords is how many records one GetRecords call asks for, 1 to 10,000. Fewer
	// make smaller pages and more calls of the 5 per second that a shard has.
	// Defaults to 10,000, the service's limit: with 5 calls per second it is the
	// only value that can keep up with any shard.
	MaxRecords int

	// MaxBufferedBytes bounds what all shards hold together: pages that are being
	// fetched, that wait, and that are being ranged over, with about 200 bytes for
	// each record. What a call will bring is estimated beforehand: from the last page,
	// the lag and the time, at 12 MiB where nothing is known. A page that is larger
	// than estimated overdraws the bound by the difference; then no call starts until
	// enough pages have been consumed. With a lower value fewer shards are read at the
	// same time; one page always gets through, however large. At the bound reading
	// waits for the range loop.
	// Defaults to 64 MiB.
	MaxBufferedBytes int

	// MaxCallsPerSecond bounds the GetRecords calls of each shard. The service allows
	// 5, shared by all who poll the shard; whoever calls more often is refused, and
	// so are the others. Refusals make the reader call less often, down to once in 10 seconds,
	// and answers slowly more often again, so that readers of one shard share it. Set it
	// lower to leave more to others. -1 means no bound, which suits only servers
	// that have none, such as a local one that is to be read as fast as it can.
	// Defaults to 5.
	MaxCallsPerSecond float64

	// MaxBytesPerSecond bounds what is read of each shard, likewise shared: after an
	// answer of 10 MiB the service refuses calls for 5 seconds, and with the default
	// the reader waits for those 5 seconds instead. -1 means no bound.
	// Defaults to 2 MiB.
	MaxBytesPerSecond int

	// MinIdleWait and MaxIdleWait bound the time from one call to the next while a
	// shard has nothing more to give. It starts at MinIdleWait and grows by half with
	// each empty answer. They are delay for a record and calls for a shard: by
	// default a busy shard is called 4 times a second and its records wait 0.25 s at most;
	// an idle one is called 3,600 times an hour and its next record waits 1 s at most,
	// half of that on average. Behind the tip neither applies.
	// Default to 250 milliseconds and 1 second; a MinIdleWait above that raises the latter.
	MinIdleWait, MaxIdleWait time.Duration

	// ListEvery is how often the shards are listed. It finds new shards on servers
	// that don't name the children at the end of a shard; while shards are known to
	// be missing, they are listed every second at first and then less and less often.
	// Defaults to 1 minute.
	ListEvery time.Duration

	// CallTimeout is how long one call may take. A hanging call holds up its shard
	// for so long, and no other. Too low a value cuts large pages off on a slow line.
	// Defaults to 30 seconds: 10 MiB at 3 Mbit/s.
	CallTimeout time.Duration

	// StartTimeout is how long the first listing may fail, since nothing has shown yet
	// that endpoint, region and credentials are right. -1 means for ever.
	// Defaults to 30 seconds.
	StartTimeout time.Duration

	// GiveUpAfter is how long the calls of a shard may fail in a row before the
	// sequence ends with a [*ShardError]. Failures that asking again can't cure end
	// it at once whatever GiveUpAfter is. Until then failing calls are repeated, at
	// most 10 seconds apart, and Hooks.Retrying and Logger hear of them.
	// Defaults to never: other shards go on.
	GiveUpAfter time.Duration

	// WhenAggregated says what happens to aggregated records.
	// Defaults to UnpackAggregates.
	WhenAggregated WhenAggregated

	// WhenOutOfRange says what happens to user records inside an aggregated record
	// that belong to another shard. Defaults to DeliverOutOfRange.
	WhenOutOfRange WhenOutOfRange

	// Decode, if not nil, changes each user record after aggregated ones were unpacked and before it is
	// yielded: it is the way back from ProducerConfig.Encode. It may set Data and keys; the rest stays. A record
	// for which it fails, or panics, is a bad one: it is left out, counted, and told to Hooks.BadRecord. It
	// is called in the goroutine that ranges. Defaults to none.
	Decode func(*Record) error

	// SDKOptions are applied to each call, after the reader's own codec. Settings of
	// retries have no effect: the reader retries itself, so that attempts keep each
	// shard's pace and are seen. Defaults to none.
	SDKOptions []func(*kinesis.Options)

	// Hooks are called as things happen. Defaults to none.
	Hooks ReaderHooks

	// Logger receives what nobody is told otherwise: calls that failed and are made
	// again. Defaults to no logging.
	Logger *slog.Logger
}

// WhenAggregated says what a [Reader] does with aggregated records.
type WhenAggregated int

const (
	// UnpackAggregates yields the user records inside an aggregated record one by one.
	UnpackAggregates WhenAggregated = iota

	// KeepAggregates yields an aggregated record as it was put, with the packed user
	// records in its Data.
	KeepAggregates
)

// WhenOutOfRange says what a [Reader] does with a user record inside an aggregated
// record whose hash key belongs to another shard.
//
// There are two ways for such a record to come about. A KPL that has not noticed a
// reshard put it into the wrong shard, noticed that, and put it again: then it is a
// duplicate. Or a producer aggregated records of different keys without
// asking where they belong, as most do that are not the KPL: then it is the only copy.
// Nothing in the record tells which, so by default it is delivered: a duplicate
// can be recognised, a lost record can't. Either way it is counted, and
// ReaderHooks.OutOfRange is called.
type WhenOutOfRange int

const (
	// DeliverOutOfRange yields the record like any other.
	DeliverOutOfRange WhenOutOfRange = iota

	// DropOutOfRange drops the record, as KCL does. Unlike KCL, which drops the
	// whole aggregated record, it keeps the neighbours that do belong to the shard.
	DropOutOfRange
)

// Stop says where a [Reader] stops. The zero Stop is never.
type Stop struct {
	kind stopKind
	at   time.Time // with stopAtTime
}

type stopKind uint8

const (
	stopNever stopKind = iota
	stopAtTip
	stopAtTime
)

// AtTip stops at what the shards hold when reading starts: each shard ends when the
// service has nothing more to give, or with the first record that arrived 3 seconds
// later, because arrival times are approximate.
// A reader that is ranged over again starts again, and gets what came in between.
func AtTip() Stop { return Stop{kind: stopAtTip} }

// AtTime stops each shard before the first record that arrived at or after t, by the
// clock of the service. That is the record at which [AtTimestamp] begins, so reading
// until t and then from t reads every record once. If t is in the future, reading goes
// on until then.
func AtTime(t time.Time) Stop {
	return Stop{kind: stopAtTime, at: t.UTC().Round(0).Truncate(time.Millisecond)}
}

// withDefaults returns cfg with every field filled and checked. It shares no map or
// slice with cfg.
func (cfg ReaderConfig) withDefaults() (ReaderConfig, error) {
	if err := checkStream("ReaderConfig.Stream", cfg.Stream); err != nil {
		return cfg, err
	}
	if cfg.From.IsZero() {
		cfg.From = TrimHorizon()
	}
	cfg.Positions = maps.Clone(cfg.Positions)
	cfg.SDKOptions = slices.Clone(cfg.SDKOptions)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	const owner = "ReaderConfig"
	return cfg, errors.Join(cfg.checkPositions(), cfg.checkBounds(owner), cfg.checkTimes(owner), cfg.checkChoices(owner))
}

func (cfg *ReaderConfig) checkPositions() error {
	if cfg.Shard == "" && cfg.From.seq != "" {
		return fmt.Errorf("kin: ReaderConfig.From (%v) is a position in one shard: set Shard as well, or use Positions", cfg.From)
	}
	if cfg.From.kind == shardEnd {
		return fmt.Errorf("kin: ReaderConfig.From (%v) is an end: nothing would be read", cfg.From)
	}
	for shard, position := range cfg.Positions {
		switch {
		case shard == "":
			return errors.New("kin: ReaderConfig.Positions names an empty shard ID")
		case position.IsZero():
			return fmt.Errorf("kin: ReaderConfig.Positions has no position for %s", shard)
		}
	}
	return nil
}

// The checks below are also those of a Consumer. owner is the struct that holds the fields.

func (cfg *ReaderConfig) checkBounds(owner string) error {
	const mostBytes = min(1<<40, math.MaxInt) // a TiB, where an int holds it
	return errors.Join(
		bounded(owner+".MaxRecords", &cfg.MaxRecords, 10_000, 1, 10_000),
		bounded(owner+".MaxBufferedBytes", &cfg.MaxBufferedBytes, 64<<20, 1, mostBytes),
		bounded(owner+".MaxCallsPerSecond", &cfg.MaxCallsPerSecond, 5, 0.01, 1e6, -1),
		bounded(owner+".MaxBytesPerSecond", &cfg.MaxBytesPerSecond, 2<<20, 1, mostBytes, -1),
	)
}

func (cfg *ReaderConfig) checkTimes(owner string) error {
	const longest = 365 * 24 * time.Hour
	if cfg.MaxIdleWait == 0 {
		cfg.MaxIdleWait = max(time.Second, cfg.MinIdleWait)
	}
	if cfg.MinIdleWait == 0 {
		cfg.MinIdleWait = min(250*time.Millisecond, cfg.MaxIdleWait)
	}
	if cfg.MinIdleWait > cfg.MaxIdleWait {
		return fmt.Errorf("kin: %s.MinIdleWait (%v) is longer than MaxIdleWait (%v)", owner, cfg.MinIdleWait, cfg.MaxIdleWait)
	}
	return errors.Join(
		// Iterators live for 5 minutes.
		bounded(owner+".MinIdleWait", &cfg.MinIdleWait, 0, time.Millisecond, 4*time.Minute),
		bounded(owner+".MaxIdleWait", &cfg.MaxIdleWait, 0, time.Millisecond, 4*time.Minute),
		bounded(owner+".ListEvery", &cfg.ListEvery, time.Minute, time.Second, longest),
		bounded(owner+".CallTimeout", &cfg.CallTimeout, 30*time.Second, time.Millisecond, longest),
		bounded(owner+".StartTimeout", &cfg.StartTimeout, 30*time.Second, time.Millisecond, longest, -1),
		bounded(owner+".GiveUpAfter", &cfg.GiveUpAfter, -1, time.Millisecond, longest, -1),
	)
}

func (cfg *ReaderConfig) checkChoices(owner string) error {
	switch {
	case cfg.WhenAggregated < UnpackAggregates || cfg.WhenAggregated > KeepAggregates:
		return fmt.Errorf("kin: %s.WhenAggregated (%d) must be UnpackAggregates or KeepAggregates", owner, cfg.WhenAggregated)
	case cfg.WhenOutOfRange < DeliverOutOfRange || cfg.WhenOutOfRange > DropOutOfRange:
		return fmt.Errorf("kin: %s.WhenOutOfRange (%d) must be DeliverOutOfRange or DropOutOfRange", owner, cfg.WhenOutOfRange)
	}
	return nil
}

func (cfg *ReaderConfig) pace() pace.Config {
	return pace.Config{
		MaxCallsPerSecond: max(cfg.MaxCallsPerSecond, 0),
		BytesPerSecond:    max(cfg.MaxBytesPerSecond, 0),
		MinIdle:           cfg.MinIdleWait,
		MaxIdle:           cfg.MaxIdleWait,
	}
}

// callOptions returns the options of each call. The caller's own come after the codec,
// which leaves a protocol that the client has alone, and before what switches retries off.
func (cfg *ReaderConfig) callOptions(codec *wire.Codec) []func(*kinesis.Options) {
	options := append([]func(*kinesis.Options){codec.Apply}, cfg.SDKOptions...)
	return append(options, fetch.Once)
}
