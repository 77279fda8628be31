package kinprom

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinstream/kin"
)

// figure is a metric whose value is in a T.
type figure[T any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*T) float64
}

func tell[T any](figures []figure[T], of *T, metrics chan<- prometheus.Metric, labels ...string) {
	for i := range figures {
		f := &figures[i]
		metrics <- prometheus.MustNewConstMetric(f.desc, f.kind, f.value(of), labels...)
	}
}

// producerFigures is what is asked for at each scrape.
type producerFigures struct {
	maxShards int

	whole        []figure[kin.ProducerStats]
	limit        *prometheus.Desc
	shardBytes   *prometheus.Desc
	shardRecords *prometheus.Desc

	streams       []figure[kin.StreamStats]
	lanes         *prometheus.Desc
	buffer, delay *prometheus.Desc

	shards     []figure[kin.ShardPutStats]
	shardLanes *prometheus.Desc

	mu        sync.Mutex // guards those below
	producer  *kin.Producer
	before    kin.ProducerStats // of producer
	explained kin.Limit         // what limited it until then
}

func newProducerFigures(f family, maxShards int) *producerFigures {
	return &producerFigures{
		maxShards:    maxShards,
		whole:        wholeFigures(f),
		limit:        f.desc("limit", "1 for what limited the throughput since the scrape before, else 0.", "limit"),
		shardBytes:   f.desc("shard_max_bytes_per_second", "What the producer gives one shard at most, as configured."),
		shardRecords: f.desc("shard_max_records_per_second", "What the producer gives one shard at most, as configured."),
		streams:      streamFigures(f),
		lanes:        f.desc("lane_seconds_total", "Time of all shards together, by what held up their records.", labelStream, "state"),
		buffer:       f.desc("buffer_seconds", "Time from the acceptance of user records to their first calls.", labelStream),
		delay:        f.desc("delay_seconds", "Time from the acceptance of user records to their answers.", labelStream),
		shards:       shardFigures(f),
		shardLanes:   f.desc("shard_lane_seconds_total", "Time of the shard, by what held up its records.", labelStream, labelShard, "state"),
	}
}

func describe[T any](figures []figure[T], descs chan<- *prometheus.Desc) {
	for i := range figures {
		descs <- figures[i].desc
	}
}

func (m *producerFigures) describe(descs chan<- *prometheus.Desc) {
	describe(m.whole, descs)
	describe(m.streams, descs)
	describe(m.shards, descs)
	for _, d := range []*prometheus.Desc{m.limit, m.shardBytes, m.shardRecords, m.lanes, m.buffer, m.delay, m.shardLanes} {
		descs <- d
	}
}

func (m *producerFigures) collect(p *kin.Producer, metrics chan<- prometheus.Metric) {
	stats := p.Stats()
	tell(m.whole, &stats, metrics)
	is := m.explain(p, &stats)
	for l := kin.LimitUnknown; l <= kin.LimitBuffer; l++ {
		metrics <- prometheus.MustNewConstMetric(m.limit, prometheus.GaugeValue, truth(l == is), labelValue(l.String()))
	}
	if n := stats.ShardBytesPerSecond; n >= 0 {
		metrics <- prometheus.MustNewConstMetric(m.shardBytes, prometheus.GaugeValue, float64(n))
	}
	if n := stats.ShardRecordsPerSecond; n >= 0 {
		metrics <- prometheus.MustNewConstMetric(m.shardRecords, prometheus.GaugeValue, float64(n))
	}
	for i := range stats.Streams {
		s := &stats.Streams[i]
		tell(m.streams, s, metrics, s.Stream)
		tellTimes(m.lanes, &s.LaneTime, metrics, s.Stream)
		metrics <- histogram(m.buffer, &s.TimeInBuffer, s.Stream)
		metrics <- histogram(m.delay, &s.Delay, s.Stream)
		for _, shard := range m.shown(s.Shards) {
			tell(m.shards, shard, metrics, s.Stream, string(shard.ShardID))
			tellTimes(m.shardLanes, &shard.LaneTime, metrics, s.Stream, string(shard.ShardID))
		}
	}
}

// explain returns what limited the producer since the scrape before. Several scrape it, perhaps, in short
// turns: what was found is kept for a second.
func (m *producerFigures) explain(p *kin.Producer, now *kin.ProducerStats) kin.Limit {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.producer != p {
		m.producer, m.before, m.explained = p, kin.ProducerStats{}, kin.LimitUnknown
	}
	if now.Uptime-m.before.Uptime >= time.Second {
		m.explained = now.Explain(m.before).Limit
		m.before = *now
	}
	return m.explained
}

// shown returns the shards that have series of their own: those that were given the most bytes.
func (m *producerFigures) shown(shards []kin.ShardPutStats) []*kin.ShardPutStats {
	shown := make([]*kin.ShardPutStats, len(shards))
	for i := range shards {
		shown[i] = &shards[i]
	}
	if len(shown) > m.maxShards {
		slices.SortStableFunc(shown, func(a, b *kin.ShardPutStats) int {
			switch {
			case a.AcceptedBytes > b.AcceptedBytes:
				return -1
			case a.AcceptedBytes < b.AcceptedBytes:
				return 1
			}
			return 0
		})
		shown = shown[:m.maxShards]
	}
	return shown
}

// tellTimes tells the time spent in each state.
func tellTimes(desc *prometheus.Desc, t *kin.LaneTime, metrics chan<- prometheus.Metric, labels ...string) {
	for _, in := range []struct {
		state string
		spent time.Duration
	}{
		{"idle", t.Idle},
		{"gathering", t.Gathering},
		{"ready", t.Ready},
		{"limited", t.Limited},
		{"paused", t.Paused},
		{"held", t.Held},
	} {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, in.spent.Seconds(), append(labels, in.state)...)
	}
}

// histogram is h as Prometheus counts: each bucket has what is in those below.
func histogram(desc *prometheus.Desc, h *kin.Histogram, labels ...string) prometheus.Metric {
	buckets := make(map[float64]uint64, kin.HistogramBuckets-1)
	sum := uint64(0)
	for i, n := range h.Counts {
		sum += n
		if bound := kin.HistogramBound(i); bound > 0 { // the last one has none, and is not told
			buckets[bound.Seconds()] = sum
		}
	}
	return prometheus.MustNewConstHistogram(desc, sum, h.Sum.Seconds(), buckets, labels...)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
