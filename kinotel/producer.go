package kinotel

import (
	"context"
	"slices"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/kinstream/kin"
)

// ProducerConfig holds the settings of [ProducerMetrics]. The zero value of every field means its
// default.
type ProducerConfig struct {
	// MaxShards is how many shards of one stream have series of their own, 26 for each. Where a
	// stream has more open shards, those are shown that were given the most bytes. The figures of the
	// stream have all of them in any case. -1 means none. Defaults to 50.
	MaxShards int

	// Attributes are those of all series besides their own, as a name where a process has several producers.
	// Defaults to none.
	Attributes []attribute.KeyValue
}

const defaultMaxShards = 50

// ProducerMetrics measures one [kin.Producer]. Its methods may be called at any time by several goroutines. The
// package comment lists the instruments.
type ProducerMetrics struct {
	watched  atomic.Pointer[watched] // nil until Watch
	with     []attribute.KeyValue
	duration metric.Float64Histogram
	changes  metric.Int64Counter
	figures  *producerFigures
	callback metric.Registration
}

// NewProducerMetrics makes the instruments for a producer. Before the producer is made, its hooks are to be those
// that [ProducerMetrics.Hooks] returns, after that [ProducerMetrics.Watch] is to be called, and after the producer's
// Close [ProducerMetrics.Close]. The error is that of the provider.
func NewProducerMetrics(provider metric.MeterProvider, cfg ProducerConfig) (*ProducerMetrics, error) {
	if cfg.MaxShards == 0 {
		cfg.MaxShards = defaultMaxShards
	}
	mk := &maker{meter: provider.Meter(scope)}
	with := append([]attribute.KeyValue{keySystem.String(system)}, cfg.Attributes...)
	m := &ProducerMetrics{
		with:     with,
		duration: mk.durations("messaging.client.operation.duration", "Duration of messaging operation initiated by a producer or consumer client."),
		changes:  mk.counter("kin.producer.shard_map.changes", "{change}", "Times that the open shards were found to be others."),
		figures:  newProducerFigures(mk, with, cfg.MaxShards),
	}
	if mk.err != nil {
		return nil, mk.err
	}
	var err error
	m.callback, err = mk.meter.RegisterCallback(m.observe, mk.made...)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Watch makes p the producer whose figures are shown from now on, in place of any other before it.
func (m *ProducerMetrics) Watch(p *kin.Producer) { m.watched.Store(&watched{producer: p}) }

// Close ends the looks at the producer.
func (m *ProducerMetrics) Close() error { return m.callback.Unregister() }

func (m *ProducerMetrics) observe(_ context.Context, to metric.Observer) error {
	if w := m.watched.Load(); w != nil {
		m.figures.observe(w, to)
	}
	return nil
}

// Hooks returns hooks for the producer's configuration, which measure and then call those of next.
func (m *ProducerMetrics) Hooks(next kin.ProducerHooks) kin.ProducerHooks {
	return kin.ProducerHooks{
		Called: func(i kin.PutCallInfo) {
			with := []attribute.KeyValue{keyStream.String(i.Stream), keyOperation.String("PutRecords"), keyType.String("send")}
			if i.Err != nil {
				with = append(with, keyError.String(errorType(i.Err)))
			}
			m.duration.Record(context.Background(), i.Took.Seconds(), metric.WithAttributes(slices.Concat(m.with, with)...))
		},
		MapChanged: func(i kin.MapInfo) {
			m.changes.Add(context.Background(), 1, metric.WithAttributes(slices.Concat(m.with, []attribute.KeyValue{keyStream.String(i.Stream)})...))
		},
	}.Then(next)
}
