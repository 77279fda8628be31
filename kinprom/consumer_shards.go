package kinprom

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinstream/kin"
)

// shardMetrics is what is asked for at each scrape.
type shardMetrics struct {
	owned, lag, records, bytes, unacked *prometheus.Desc
	failures, handlerFailures           *prometheus.Desc
	stuck, stopping                     *prometheus.Desc

	mu      sync.Mutex      // guards streams
	streams map[string]bool // of which this worker has owned shards
}

func newShardMetrics(f family) *shardMetrics {
	of := func(name, help string) *prometheus.Desc { return f.desc(name, help, labelStream, labelShard) }
	return &shardMetrics{
		streams:         map[string]bool{},
		owned:           f.desc("owned_shards", "Shards that this worker reads now.", labelStream),
		lag:             of("shard_lag_seconds", "How far the newest page was behind the tip of the shard."),
		records:         of("shard_records_total", "User records acknowledged since this worker took the shard."),
		bytes:           of("shard_bytes_total", "Data and partition keys of user records acknowledged since this worker took the shard."),
		unacked:         of("shard_unacked_records", "User records delivered, or waiting in lanes, and not acknowledged."),
		failures:        of("shard_failures", "Calls of Kinesis that have failed in a row."),
		handlerFailures: of("shard_handler_failures", "Times in a row that the handler has failed."),
		stuck:           of("shard_stuck_seconds", "For how long nothing has moved although something should."),
		stopping:        of("shard_stopping", "1 while the shard is being given up, else 0."),
	}
}

func (m *shardMetrics) describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		m.owned, m.lag, m.records, m.bytes, m.unacked, m.failures, m.handlerFailures, m.stuck, m.stopping,
	} {
		descs <- d
	}
}

func (m *shardMetrics) collect(shards []kin.OwnedShard, metrics chan<- prometheus.Metric) {
	now := time.Now()
	owned := map[string]int{}
	for i := range shards {
		s := &shards[i]
		owned[s.Stream]++
		tell := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64) {
			metrics <- prometheus.MustNewConstMetric(desc, kind, value, s.Stream, string(s.Shard))
		}
		if s.Lag >= 0 {
			tell(m.lag, prometheus.GaugeValue, s.Lag.Seconds())
		}
		tell(m.records, prometheus.CounterValue, float64(s.Records))
		tell(m.bytes, prometheus.CounterValue, float64(s.Bytes))
		tell(m.unacked, prometheus.GaugeValue, float64(s.Unacked))
		tell(m.failures, prometheus.GaugeValue, float64(s.Failures))
		tell(m.handlerFailures, prometheus.GaugeValue, float64(s.HandlerFailures))
		stuck := 0.0
		if !s.StuckSince.IsZero() {
			stuck = now.Sub(s.StuckSince).Seconds()
		}
		tell(m.stuck, prometheus.GaugeValue, stuck)
		stopping := 0.0
		if s.Stopping {
			stopping = 1
		}
		tell(m.stopping, prometheus.GaugeValue, stopping)
	}
	for _, stream := range m.known(owned) {
		metrics <- prometheus.MustNewConstMetric(m.owned, prometheus.GaugeValue, float64(owned[stream]), stream)
	}
}

// known returns the streams of which this worker owns shards, or has owned some: a series that ends looks the same as
// one that is fine.
func (m *shardMetrics) known(owned map[string]int) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for stream := range owned {
		m.streams[stream] = true
	}
	return slices.Collect(maps.Keys(m.streams))
}
