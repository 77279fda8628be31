package kinotel

import (
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/kinstream/kin"
)

// producerFigures is what is asked for at each collection.
type producerFigures struct {
	maxShards int
	with      []attribute.KeyValue // of all series

	whole                           []figure[kin.ProducerStats]
	limit, shardBytes, shardRecords observed
	streams                         []figure[kin.StreamStats]
	sent, lanes                     observed
	shards                          []figure[kin.ShardPutStats]
	shardLanes                      observed

	mu        sync.Mutex // guards those below
	producer  *kin.Producer
	before    kin.ProducerStats // of producer
	explained kin.Limit         // what limited it until then
}

func newProducerFigures(mk *maker, maxShards int) *producerFigures {
	const prefix = "kin.producer."
	return &producerFigures{
		maxShards:    maxShards,
		whole:        wholeFigures(mk),
		limit:        mk.observed(gauge, prefix+"limit", unitRatio, "1 for what limited the throughput since the collection before, else 0."),
		shardBytes:   mk.observed(gauge, prefix+"shard.limit.bytes", "By/s", "What the producer gives one shard at most, as configured."),
		shardRecords: mk.observed(gauge, prefix+"shard.limit.records", "{record}/s", "What the producer gives one shard at most, as configured."),
		streams:      streamFigures(mk),
		sent:         mk.observed(counter, "messaging.client.sent.messages", "{message}", "Number of messages producer attempted to send to the broker."),
		lanes:        mk.observed(counter, prefix+"lane.time", unitSeconds, "Time of all shards together, by what held up their records."),
		shards:       shardFigures(mk),
		shardLanes:   mk.observed(counter, prefix+"shard.lane.time", unitSeconds, "Time of the shard, by what held up its records."),
	}
}

// set returns the attributes of a series.
func (m *producerFigures) set(more ...attribute.KeyValue) attribute.Set {
	return attribute.NewSet(slices.Concat(m.with, more)...)
}

func (m *producerFigures) observe(p *kin.Producer, to metric.Observer) {
	stats := p.Stats()
	tell(m.whole, &stats, to, m.set())
	is := m.explain(p, &stats)
	for l := kin.LimitUnknown; l <= kin.LimitBuffer; l++ {
		m.limit.tell(to, truth(l == is), m.set(keyLimit.String(labelValue(l.String()))))
	}
	if n := stats.ShardBytesPerSecond; n >= 0 {
		m.shardBytes.tell(to, float64(n), m.set())
	}
	if n := stats.ShardRecordsPerSecond; n >= 0 {
		m.shardRecords.tell(to, float64(n), m.set())
	}
	for i := range stats.Streams {
		s := &stats.Streams[i]
		stream := keyStream.String(s.Stream)
		tell(m.streams, s, to, m.set(stream))
		m.tellSent(to, s, stream)
		m.tellTimes(m.lanes, &s.LaneTime, to, stream)
		for _, shard := range m.shown(s.Shards) {
			id := keyShard.String(string(shard.ShardID))
			tell(m.shards, shard, to, m.set(stream, id))
			m.tellTimes(m.shardLanes, &shard.LaneTime, to, stream, id)
		}
	}
}

func (m *producerFigures) tellSent(to metric.Observer, s *kin.StreamStats, stream attribute.KeyValue) {
	operation := keyOperation.String("PutRecords")
	m.sent.tell(to, float64(s.Stored), m.set(stream, operation))
	if s.Failed > 0 {
		m.sent.tell(to, float64(s.Failed), m.set(stream, operation, keyError.String(otherError)))
	}
}

// explain returns what limited the producer since the collection before. Several readers collect, perhaps, in
// short turns: what was found is kept for a second.
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
func (m *producerFigures) tellTimes(in observed, t *kin.LaneTime, to metric.Observer, with ...attribute.KeyValue) {
	for _, at := range []struct {
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
		in.tell(to, at.spent.Seconds(), m.set(slices.Concat(with, []attribute.KeyValue{keyState.String(at.state)})...))
	}
}
