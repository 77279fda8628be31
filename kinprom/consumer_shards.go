package kinprom

import (
	"maps"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinstream/kin"
)

// shardMetrics is what is asked for at each scrape.
type shardMetrics struct {
	owned  *prometheus.Desc
	shards []figure[kin.OwnedShard]

	mu      sync.Mutex      // guards streams
	streams map[string]bool // of which this worker has owned shards
}

func newShardMetrics(f family) *shardMetrics {
	return &shardMetrics{
		streams: map[string]bool{},
		owned:   f.desc("owned_shards", "Shards that this worker reads now.", labelStream),
		shards:  figures(f, "shard_", kin.OwnedShardFigures(), labelStream, labelShard),
	}
}

func (m *shardMetrics) describe(descs chan<- *prometheus.Desc) {
	descs <- m.owned
	describe(m.shards, descs)
}

func (m *shardMetrics) collect(shards []kin.OwnedShard, metrics chan<- prometheus.Metric) {
	owned := map[string]int{}
	for i := range shards {
		s := &shards[i]
		owned[s.Stream]++
		tell(m.shards, s, metrics, s.Stream, string(s.Shard))
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
