package kin

import (
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/internal/outbox"
)

// owner is whom to answer for a record.
type owner struct {
	done   func(PutResult, error) // nil if waiter is not
	waiter *putWaiter
	given  *UserRecord // the record before ProducerConfig.Encode changed it, if there is one
}

// putStream is one stream that a producer puts into.
type putStream struct {
	name  string // or ARN
	box   *outbox.Outbox[owner]
	limit atomic.Int64 // bytes of a record, as far as it is known
	seen  streamView   // guarded by Producer.mu

	marked bool // is in Producer.marked; guarded by Producer.mu

	// Of the dispatcher alone.
	hungry bool          // is in dispatcher.hungry
	at     time.Duration // of its alarm
	alarm  int           // place in dispatcher.alarms, counted from 1; 0: none
}

// streamOf returns the stream of a record, which it makes if it is not known.
func (p *Producer) streamOf(name string) (*putStream, error) {
	if name == "" || name == p.cfg.Stream {
		if p.preset == nil {
			return nil, invalidRecord("UserRecord.Stream is empty, and so is ProducerConfig.Stream")
		}
		return p.preset, nil
	}
	if s := (*p.streams.Load())[name]; s != nil {
		return s, nil
	}
	if err := checkStream("UserRecord.Stream", name); err != nil {
		return nil, invalidRecord("%s", strings.TrimPrefix(err.Error(), "kin: "))
	}
	return p.addStream(strings.Clone(name)), nil
}

// addStream makes a stream, unless another Put was faster.
func (p *Producer) addStream(name string) *putStream {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := *p.streams.Load()
	if at := old[name]; at != nil {
		return at
	}
	s := p.newStream(name) // looks at the Space, as everything that an engine does
	all := make(map[string]*putStream, len(old)+1)
	maps.Copy(all, old)
	all[name] = s
	p.streams.Store(&all)
	p.order = append(p.order[:len(p.order):len(p.order)], s)
	return s
}

// newStream returns a stream that nobody knows yet. p.mu is held, once p is known to others.
func (p *Producer) newStream(name string) *putStream {
	s := &putStream{name: name, box: outbox.New(p.space, p.cfg.outbox(p.looks()))}
	s.limit.Store(int64(p.cfg.maxRecord(p.looks())))
	return s
}

// looks says whether shards of streams are asked for.
func (p *Producer) looks() bool {
	return (p.lister != nil || p.describer != nil) && p.cfg.DescribeEvery > 0
}

// target sets the stream of a call.
func (s *putStream) target(in *kinesis.PutRecordsInput) {
	in.StreamName, in.StreamARN = nil, nil
	if strings.HasPrefix(s.name, "arn:") {
		in.StreamARN = &s.name
	} else {
		in.StreamName = &s.name
	}
}

// outbox returns the settings of the engine of a stream. looks says that its shards are asked for.
func (cfg *ProducerConfig) outbox(looks bool) outbox.Config {
	c := outbox.Config{
		MaxCallRecords: cfg.MaxBatchRecords, MaxCallBytes: cfg.MaxBatchBytes, MaxRecordBytes: cfg.maxRecord(looks),
		Linger: cfg.Linger, RecordTTL: outbox.Never,
		Aggregation: outbox.Aggregation(cfg.Aggregation), AggregateMaxBytes: cfg.AggregateMaxBytes, AggregateMaxRecords: cfg.AggregateMaxRecords,
		Ordered:        cfg.Ordered,
		BytesPerSecond: float64(max(cfg.ShardBytesPerSecond, 0)), RecordsPerSecond: float64(max(cfg.ShardRecordsPerSecond, 0)),
		RetryAmbiguous: cfg.WhenAmbiguous == RetryAmbiguous,
		Random:         cfg.random,
	}
	if cfg.RecordTTL > 0 {
		c.RecordTTL = cfg.RecordTTL
	}
	if looks {
		c.RefreshEvery = cfg.DescribeEvery
	}
	return c
}

// maxRecord returns how large a record may be while the stream's own limit is not known.
func (cfg *ProducerConfig) maxRecord(looks bool) int {
	switch {
	case cfg.MaxRecordBytes > 0:
		return cfg.MaxRecordBytes
	case looks:
		return min(serviceMaxRecord, cfg.MaxBufferedBytes-recordOverhead)
	default:
		return defaultMaxRecord
	}
}

// given returns the record of an item as the user gave it.
func (s *putStream) given(p *Producer, it *outbox.Item[owner]) UserRecord {
	if it.Owner.given != nil {
		return *it.Owner.given
	}
	rec := UserRecord{PartitionKey: it.PartitionKey, ExplicitHashKey: it.ExplicitHashKey, Data: it.Data}
	if s != p.preset {
		rec.Stream = s.name
	}
	return rec
}

// now is the clock of the engines.
func (p *Producer) now() time.Duration { return time.Since(p.epoch) }
