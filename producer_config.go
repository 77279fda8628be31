package kin

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// ProducerConfig holds the settings of a [Producer]. Only Stream is required: the
// zero value of every other field means its default.
type ProducerConfig struct {
	// Stream is the name or the ARN of the stream. Required.
	Stream string

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
	// together, 1 to 10 MiB. It should be the stream's own MaxRecordSizeInKiB: a lower
	// value refuses records that the service would take, a higher one lets records pass
	// that the service refuses together with the call that they are in.
	// Defaults to 1 MiB, as does the service.
	MaxRecordBytes int

	// Linger is how long a record may wait for others to fill its call. A call that
	// is full leaves at once, and while MaxInFlight calls are out, batches go on
	// filling whatever Linger is. So it matters at low rates, where it is delay added to
	// each record; a low value makes more and smaller calls. -1 means none.
	// Defaults to 10 milliseconds: at most 100 small calls a second, and less
	// delay than a call takes.
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
	// only their callbacks are left: those may be waiting for room themselves.
	// Defaults to 64 MiB: a minute of a shard's 1 MiB a second.
	MaxBufferedBytes int

	// WhenFull says what a Put does when MaxBufferedBytes is reached.
	// Defaults to BlockWhenFull.
	WhenFull WhenFull

	// RecordTTL is how long the producer tries to put a record, counted from its
	// acceptance. No attempt begins later; a call that is out then is waited for, so
	// that a record is answered after RecordTTL plus CallTimeout at most. A low value loses
	// records that a throttled shard or an endpoint that is away would have taken later;
	// a high one holds their memory for longer. More than Linger. -1 means no limit.
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

	// SDKOptions are applied to each PutRecords call, after the producer's own codec.
	// Settings of retries have no effect: the producer retries itself, so that attempts are
	// counted and only what failed is sent again. Defaults to none.
	SDKOptions []func(*kinesis.Options)

	// Hooks are called as things happen. Defaults to none.
	Hooks ProducerHooks

	// Logger receives what nobody is told otherwise: calls that failed and are tried
	// again. Defaults to no logging.
	Logger *slog.Logger
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

// fill puts defaults where the zero value is, and checks the rest.
func (cfg *ProducerConfig) fill() error {
	if err := checkStream("ProducerConfig.Stream", cfg.Stream); err != nil {
		return err
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
	// The lower bounds of the later ones depend on MaxRecordBytes.
	if err := bounded("ProducerConfig.MaxRecordBytes", &cfg.MaxRecordBytes, defaultMaxRecord, 1, serviceMaxRecord); err != nil {
		return err
	}
	return errors.Join(
		bounded("ProducerConfig.MaxBatchRecords", &cfg.MaxBatchRecords, 500, 1, 500),
		bounded("ProducerConfig.MaxBatchBytes", &cfg.MaxBatchBytes, max(5<<20, cfg.MaxRecordBytes), cfg.MaxRecordBytes, 10<<20),
		bounded("ProducerConfig.MaxInFlight", &cfg.MaxInFlight, 8, 1, 1000),
		bounded("ProducerConfig.MaxBufferedBytes", &cfg.MaxBufferedBytes, 64<<20, cfg.MaxRecordBytes+recordOverhead, 1<<31-1),
	)
}

func (cfg *ProducerConfig) checkTimes() error {
	const none = -1
	switch {
	case cfg.Linger == 0:
		cfg.Linger = 10 * time.Millisecond
	case cfg.Linger == none:
		cfg.Linger = 0
	case cfg.Linger < 0:
		return fmt.Errorf("kin: ProducerConfig.Linger (%v) must be above 0, or -1 for none", cfg.Linger)
	}
	switch {
	case cfg.RecordTTL == 0:
		cfg.RecordTTL = max(30*time.Second, 2*cfg.Linger)
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
	return nil
}

// target sets the stream of a call.
func (cfg *ProducerConfig) target(in *kinesis.PutRecordsInput) {
	if strings.HasPrefix(cfg.Stream, "arn:") {
		in.StreamARN = &cfg.Stream
	} else {
		in.StreamName = &cfg.Stream
	}
}
