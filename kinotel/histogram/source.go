package histogram

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/kinstream/kin"
)

const scope = "github.com/kinstream/kin/kinotel/histogram"

// Config holds the settings of a [Source]. The zero value of every field means its default.
type Config struct {
	// MaxShards is how many shards of one stream have histograms of their own, besides those of the stream. Where a
	// stream has more open shards, those are shown that were given the most bytes. Package kinotel has sums by
	// shard in any case. Defaults to none.
	MaxShards int

	// Attributes are those of all histograms besides their own. Defaults to none.
	Attributes []attribute.KeyValue
}

// Source hands the histograms of a [kin.Producer] to a reader of OpenTelemetry's SDK. Its methods may be called at any
// time by several goroutines.
type Source struct {
	watched   atomic.Pointer[watched] // nil until Watch
	maxShards int
	with      []attribute.KeyValue
}

// watched is a producer and since when it counts.
type watched struct {
	producer *kin.Producer
	since    time.Time
}

// NewSource returns a Source that has nothing until its Watch is called.
func NewSource(cfg Config) *Source {
	return &Source{
		maxShards: cfg.MaxShards,
		with:      append([]attribute.KeyValue{attribute.String("messaging.system", "aws.kinesis")}, cfg.Attributes...),
	}
}

// Watch makes p the producer whose histograms are shown from now on, in place of any other before it.
func (s *Source) Watch(p *kin.Producer) {
	s.watched.Store(&watched{producer: p, since: time.Now().Add(-p.Stats().Uptime)})
}

// Produce implements the interface Producer of OpenTelemetry's SDK for metrics. It never fails.
func (s *Source) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	at := s.watched.Load()
	if at == nil {
		return nil, nil
	}
	stats, now := at.producer.Stats(), time.Now()
	var buffer, delay, shardBuffer, shardDelay []metricdata.HistogramDataPoint[float64]
	for i := range stats.Streams {
		of := &stats.Streams[i]
		with := append(slices.Clone(s.with), attribute.String("messaging.destination.name", of.Stream))
		buffer = append(buffer, at.point(&of.TimeInBuffer, now, with))
		delay = append(delay, at.point(&of.Delay, now, with))
		for _, shard := range of.Busiest(s.maxShards) {
			with := append(slices.Clone(with), attribute.String("messaging.destination.partition.id", string(shard.ShardID)))
			shardBuffer = append(shardBuffer, at.point(&shard.TimeInBuffer, now, with))
			shardDelay = append(shardDelay, at.point(&shard.Delay, now, with))
		}
	}
	var all []metricdata.Metrics
	add := func(name, help string, points []metricdata.HistogramDataPoint[float64]) {
		if len(points) > 0 {
			all = append(all, metricdata.Metrics{
				Name: name, Description: help, Unit: "s",
				Data: metricdata.Histogram[float64]{DataPoints: points, Temporality: metricdata.CumulativeTemporality},
			})
		}
	}
	add("kin.producer.buffer.duration", "Time from the acceptance of user records to their first calls.", buffer)
	add("kin.producer.delay", "Time from the acceptance of user records to their answers.", delay)
	add("kin.producer.shard.buffer.duration", "Time from the acceptance of user records to their first calls.", shardBuffer)
	add("kin.producer.shard.delay", "Time from the acceptance of user records to their answers.", shardDelay)
	if len(all) == 0 {
		return nil, nil
	}
	return []metricdata.ScopeMetrics{{Scope: instrumentation.Scope{Name: scope}, Metrics: all}}, nil
}

// point is a histogram as it is now. A shard that became open later counts from 0 nevertheless: there was nothing before.
func (w *watched) point(h *kin.Histogram, now time.Time, with []attribute.KeyValue) metricdata.HistogramDataPoint[float64] {
	return metricdata.HistogramDataPoint[float64]{
		Attributes: attribute.NewSet(with...),
		StartTime:  w.since, Time: now,
		Count: h.Count(), Sum: float64(h.Sum), Bounds: bounds(), BucketCounts: slices.Clone(h.Counts[:]),
	}
}

// bounds are those of the buckets, in seconds; the last bucket has none.
func bounds() []float64 {
	all := make([]float64, kin.HistogramBuckets-1)
	for i := range all {
		all[i] = kin.HistogramBound(i).Seconds()
	}
	return all
}
