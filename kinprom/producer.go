package kinprom

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinstream/kin"
)

// ProducerConfig holds the settings of a [ProducerCollector]. The zero value of every field means its
// default.
type ProducerConfig struct {
	// MaxShards is how many shards of one stream have series of their own, 27 for each. Where a
	// stream has more open shards, those are shown that were given the most bytes. The figures of the
	// stream have all of them in any case. -1 means none. Defaults to 50.
	MaxShards int

	// ShardHistograms makes histograms of what each shard shows of time in the buffer and of delay, 36 more series for
	// each: quantiles by shard. Else these are sums and counts, under the same names, which is enough for
	// averages by shard; streams have histograms in any case. Defaults to false.
	ShardHistograms bool
}

const defaultMaxShards = 50

// ProducerCollector is a [prometheus.Collector] for one [kin.Producer]. Its methods may be called at
// any time by several goroutines. The package comment lists the metrics.
type ProducerCollector struct {
	watched atomic.Pointer[watched] // nil until Watch
	counts  producerCounts
	figures *producerFigures
}

// NewProducerCollector returns a collector for a producer. Before the producer is made, its hooks are to be
// those that [ProducerCollector.Hooks] returns, and after that [ProducerCollector.Watch] is to be called.
//
// A registry takes one such collector. Where a process has several producers, each is registered by
// a [prometheus.WrapRegistererWith] that gives it a label of its own.
func NewProducerCollector(cfg ProducerConfig) *ProducerCollector {
	if cfg.MaxShards == 0 {
		cfg.MaxShards = defaultMaxShards
	}
	f := family{prefix: "kin_producer_"}
	return &ProducerCollector{counts: newProducerCounts(f), figures: newProducerFigures(f, cfg)}
}

// Watch makes p the producer whose figures are shown from now on, in place of any other before it.
func (m *ProducerCollector) Watch(p *kin.Producer) { m.watched.Store(&watched{producer: p}) }

// Describe implements [prometheus.Collector].
func (m *ProducerCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, c := range m.counts.all() {
		c.Describe(descs)
	}
	m.figures.describe(descs)
}

// Collect implements [prometheus.Collector].
func (m *ProducerCollector) Collect(metrics chan<- prometheus.Metric) {
	for _, c := range m.counts.all() {
		c.Collect(metrics)
	}
	if w := m.watched.Load(); w != nil {
		m.figures.collect(w, metrics)
	}
}
