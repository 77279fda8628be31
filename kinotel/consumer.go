package kinotel

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/kinstream/kin"
)

// ConsumerConfig holds the settings of [ConsumerMetrics]. The zero value of every field means its
// default.
type ConsumerConfig struct {
	// Group is the group of the consumer, the value of messaging.consumer.group.name.
	Group string

	// Attributes are those of all series besides their own. Defaults to none.
	Attributes []attribute.KeyValue
}

// ConsumerMetrics measures one [kin.Consumer]. Its methods may be called at any time by several goroutines. The
// package comment lists the instruments.
type ConsumerMetrics struct {
	consumer atomic.Pointer[kin.Consumer] // nil until Watch
	counts   consumerCounts
	shards   *consumerShards
	callback metric.Registration
}

// NewConsumerMetrics makes the instruments for a consumer. Before the consumer is made, its hooks are to be those
// that [ConsumerMetrics.Hooks] returns, after that [ConsumerMetrics.Watch] is to be called, and after its
// Run [ConsumerMetrics.Close]. The error is that of the provider.
func NewConsumerMetrics(provider metric.MeterProvider, cfg ConsumerConfig) (*ConsumerMetrics, error) {
	mk := &maker{meter: provider.Meter(scope)}
	with := append([]attribute.KeyValue{keySystem.String(system), keyGroup.String(cfg.Group)}, cfg.Attributes...)
	m := &ConsumerMetrics{counts: newConsumerCounts(mk, with), shards: newConsumerShards(mk, with)}
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

// Watch makes c the consumer whose shards are shown from now on, in place of any other before it.
func (m *ConsumerMetrics) Watch(c *kin.Consumer) { m.consumer.Store(c) }

// Close ends the looks at the consumer.
func (m *ConsumerMetrics) Close() error { return m.callback.Unregister() }

func (m *ConsumerMetrics) observe(_ context.Context, to metric.Observer) error {
	if c := m.consumer.Load(); c != nil {
		m.shards.observe(c.Shards(), to)
	}
	return nil
}
