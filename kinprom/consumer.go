package kinprom

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinstream/kin"
)

// ConsumerCollector is a [prometheus.Collector] for one [kin.Consumer]. Its methods may be called at
// any time by several goroutines. The package comment lists the metrics.
type ConsumerCollector struct {
	consumer atomic.Pointer[kin.Consumer] // nil until Watch
	counts   consumerCounts
	shards   *shardMetrics
}

// NewConsumerCollector returns a collector for a consumer of the group. Before the consumer is made, its hooks
// are to be those that [ConsumerCollector.Hooks] returns, and after that [ConsumerCollector.Watch] is to be called.
//
// A registry takes one collector for each group. Where a process has several consumers of one group, each is registered by
// a [prometheus.WrapRegistererWith] that gives it a label of its own.
func NewConsumerCollector(group string) *ConsumerCollector {
	f := family{prefix: "kin_consumer_", labels: prometheus.Labels{"group": group}}
	return &ConsumerCollector{counts: newConsumerCounts(f), shards: newShardMetrics(f)}
}

// Watch makes c the consumer whose shards are shown from now on, in place of any other before it.
func (m *ConsumerCollector) Watch(c *kin.Consumer) { m.consumer.Store(c) }

// Describe implements [prometheus.Collector].
func (m *ConsumerCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, c := range m.counts.all() {
		c.Describe(descs)
	}
	m.shards.describe(descs)
}

// Collect implements [prometheus.Collector].
func (m *ConsumerCollector) Collect(metrics chan<- prometheus.Metric) {
	for _, c := range m.counts.all() {
		c.Collect(metrics)
	}
	if c := m.consumer.Load(); c != nil {
		m.shards.collect(c.Shards(), metrics)
	}
}
