package kinprom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinstream/kin"
)

// watched is a producer, and what is remembered of it between scrapes.
type watched struct {
	producer *kin.Producer
	limits   kin.Explainer
}

// producerFigures is what is asked for at each scrape.
type producerFigures struct {
	maxShards int
	shardTime func(*prometheus.Desc, *kin.Histogram, ...string) prometheus.Metric

	whole []figure[kin.ProducerStats]
	limit *prometheus.Desc

	streams       []figure[kin.StreamStats]
	lanes         *prometheus.Desc
	buffer, delay *prometheus.Desc

	shards                  []figure[kin.ShardPutStats]
	shardLanes              *prometheus.Desc
	shardBuffer, shardDelay *prometheus.Desc
}

func newProducerFigures(f family, cfg ProducerConfig) *producerFigures {
	m := &producerFigures{
		maxShards:   cfg.MaxShards,
		shardTime:   summary,
		whole:       figures(f, "", kin.ProducerFigures()),
		limit:       f.desc("limit", "1 for what limited the throughput since the scrape before, else 0.", "limit"),
		streams:     figures(f, "", kin.StreamFigures(), labelStream),
		lanes:       f.desc("lane_seconds_total", "Time of all shards together, by what held up their records.", labelStream, "state"),
		buffer:      f.desc("buffer_seconds", "Time from the acceptance of user records to their first calls.", labelStream),
		delay:       f.desc("delay_seconds", "Time from the acceptance of user records to their answers.", labelStream),
		shards:      figures(f, "shard_", kin.ShardFigures(), labelStream, labelShard),
		shardLanes:  f.desc("shard_lane_seconds_total", "Time of the shard, by what held up its records.", labelStream, labelShard, "state"),
		shardBuffer: f.desc("shard_buffer_seconds", "Time from the acceptance of user records to their first calls.", labelStream, labelShard),
		shardDelay:  f.desc("shard_delay_seconds", "Time from the acceptance of user records to their answers.", labelStream, labelShard),
	}
	if cfg.ShardHistograms {
		m.shardTime = histogram
	}
	return m
}

func (m *producerFigures) describe(descs chan<- *prometheus.Desc) {
	describe(m.whole, descs)
	describe(m.streams, descs)
	describe(m.shards, descs)
	for _, d := range []*prometheus.Desc{m.limit, m.lanes, m.buffer, m.delay, m.shardLanes, m.shardBuffer, m.shardDelay} {
		descs <- d
	}
}

func (m *producerFigures) collect(w *watched, metrics chan<- prometheus.Metric) {
	stats := w.producer.Stats()
	tell(m.whole, &stats, metrics)
	is := w.limits.Explain(stats).Limit
	for l := range kin.Limits() {
		value := 0.0
		if l == is {
			value = 1
		}
		metrics <- prometheus.MustNewConstMetric(m.limit, prometheus.GaugeValue, value, labelValue(l.String()))
	}
	for i := range stats.Streams {
		s := &stats.Streams[i]
		tell(m.streams, s, metrics, s.Stream)
		tellTimes(m.lanes, s.LaneTime, metrics, s.Stream)
		metrics <- histogram(m.buffer, &s.TimeInBuffer, s.Stream)
		metrics <- histogram(m.delay, &s.Delay, s.Stream)
		for _, shard := range s.Busiest(m.maxShards) {
			id := string(shard.ShardID)
			tell(m.shards, shard, metrics, s.Stream, id)
			tellTimes(m.shardLanes, shard.LaneTime, metrics, s.Stream, id)
			metrics <- m.shardTime(m.shardBuffer, &shard.TimeInBuffer, s.Stream, id)
			metrics <- m.shardTime(m.shardDelay, &shard.Delay, s.Stream, id)
		}
	}
}

// tellTimes tells the time spent in each state.
func tellTimes(desc *prometheus.Desc, t kin.LaneTime, metrics chan<- prometheus.Metric, labels ...string) {
	for state, spent := range t.All() {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(spent), append(labels, state)...)
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
	return prometheus.MustNewConstHistogram(desc, sum, float64(h.Sum), buckets, labels...)
}

// summary is the sum and the count of h, which a histogram has too.
func summary(desc *prometheus.Desc, h *kin.Histogram, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstSummary(desc, h.Count(), float64(h.Sum), nil, labels...)
}
