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

// Source hands the histograms of a [kin.Producer] to a reader of OpenTelemetry's SDK. Its methods may be called at any
// time by several goroutines.
type Source struct {
	watched atomic.Pointer[watched] // nil until Watch
	with    []attribute.KeyValue
}

// watched is a producer and since when it counts.
type watched struct {
	producer *kin.Producer
	since    time.Time
}

// NewSource returns a Source that has nothing until its Watch is called. Its histograms have these attributes
// besides their own.
func NewSource(attributes ...attribute.KeyValue) *Source {
	return &Source{with: append([]attribute.KeyValue{attribute.String("messaging.system", "aws.kinesis")}, attributes...)}
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
	var buffer, delay []metricdata.HistogramDataPoint[float64]
	for i := range stats.Streams {
		of := &stats.Streams[i]
		point := func(h *kin.Histogram) metricdata.HistogramDataPoint[float64] {
			return metricdata.HistogramDataPoint[float64]{
				Attributes: attribute.NewSet(append(slices.Clone(s.with), attribute.String("messaging.destination.name", of.Stream))...),
				StartTime:  at.since, Time: now,
				Count: h.Count(), Sum: h.Sum.Seconds(), Bounds: bounds(), BucketCounts: slices.Clone(h.Counts[:]),
			}
		}
		buffer = append(buffer, point(&of.TimeInBuffer))
		delay = append(delay, point(&of.Delay))
	}
	if len(buffer) == 0 {
		return nil, nil
	}
	metrics := func(name, help string, points []metricdata.HistogramDataPoint[float64]) metricdata.Metrics {
		return metricdata.Metrics{
			Name: name, Description: help, Unit: "s",
			Data: metricdata.Histogram[float64]{DataPoints: points, Temporality: metricdata.CumulativeTemporality},
		}
	}
	return []metricdata.ScopeMetrics{{
		Scope: instrumentation.Scope{Name: scope},
		Metrics: []metricdata.Metrics{
			metrics("kin.producer.buffer.duration", "Time from the acceptance of user records to their first calls.", buffer),
			metrics("kin.producer.delay", "Time from the acceptance of user records to their answers.", delay),
		},
	}}, nil
}

// bounds are those of the buckets, in seconds; the last bucket has none.
func bounds() []float64 {
	all := make([]float64, kin.HistogramBuckets-1)
	for i := range all {
		all[i] = kin.HistogramBound(i).Seconds()
	}
	return all
}
