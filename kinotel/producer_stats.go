package kinotel

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/kinstream/kin"
)

// watched is a producer, and what is remembered of it between collections.
type watched struct {
	producer *kin.Producer
	limits   kin.Explainer
}

// producerFigures is what is asked for at each collection.
type producerFigures struct {
	maxShards int
	with      []attribute.KeyValue // of all series

	whole       []figure[kin.ProducerStats]
	limit       observed
	streams     []figure[kin.StreamStats]
	sent, lanes observed
	shards      []figure[kin.ShardPutStats]
	shardLanes  observed
}

func newProducerFigures(mk *maker, with []attribute.KeyValue, maxShards int) *producerFigures {
	const prefix = "kin.producer."
	return &producerFigures{
		maxShards:  maxShards,
		with:       with,
		whole:      figures(mk, prefix, kin.ProducerFigures()),
		limit:      mk.observed(gauge, prefix+"limit", unitRatio, "1 for what limited the throughput since the collection before, else 0."),
		streams:    figures(mk, prefix, kin.StreamFigures()),
		sent:       mk.observed(counter, "messaging.client.sent.messages", "{message}", "Number of messages producer attempted to send to the broker."),
		lanes:      mk.observed(counter, prefix+"lane.time", unitSeconds, "Time of all shards together, by what held up their records."),
		shards:     append(figures(mk, prefix+"shard.", kin.ShardFigures()), figures(mk, prefix+"shard.", timeFigures())...),
		shardLanes: mk.observed(counter, prefix+"shard.lane.time", unitSeconds, "Time of the shard, by what held up its records."),
	}
}

// timeFigures are sums of what package histogram has for streams.
func timeFigures() []kin.Figure[kin.ShardPutStats] {
	type shard = kin.ShardPutStats
	return []kin.Figure[shard]{
		{
			Name: "buffer.time", Unit: unitSeconds, Counter: true, Help: "Time from the acceptance of user records to their first calls, in sum.",
			Value: func(s *shard) float64 { return float64(s.TimeInBuffer.Sum) },
		},
		{
			Name: "begun.records", Unit: unitRecords, Counter: true, Help: "User records that had a first call.",
			Value: func(s *shard) float64 { return float64(s.TimeInBuffer.Count()) },
		},
		{
			Name: "delay.time", Unit: unitSeconds, Counter: true, Help: "Time from the acceptance of user records to their answers, in sum.",
			Value: func(s *shard) float64 { return float64(s.Delay.Sum) },
		},
	}
}

// set returns the attributes of a series.
func (m *producerFigures) set(more ...attribute.KeyValue) attribute.Set {
	return attribute.NewSet(slices.Concat(m.with, more)...)
}

func (m *producerFigures) observe(w *watched, to metric.Observer) {
	stats := w.producer.Stats()
	tell(m.whole, &stats, to, m.set())
	is := w.limits.Explain(stats).Limit
	for l := range kin.Limits() {
		value := 0.0
		if l == is {
			value = 1
		}
		m.limit.tell(to, value, m.set(keyLimit.String(labelValue(l.String()))))
	}
	for i := range stats.Streams {
		s := &stats.Streams[i]
		stream := keyStream.String(s.Stream)
		tell(m.streams, s, to, m.set(stream))
		m.tellSent(to, s, stream)
		m.tellTimes(m.lanes, s.LaneTime, to, stream)
		for _, shard := range s.Busiest(m.maxShards) {
			id := keyShard.String(string(shard.ShardID))
			tell(m.shards, shard, to, m.set(stream, id))
			m.tellTimes(m.shardLanes, shard.LaneTime, to, stream, id)
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

// tellTimes tells the time spent in each state.
func (m *producerFigures) tellTimes(in observed, t kin.LaneTime, to metric.Observer, with ...attribute.KeyValue) {
	for state, spent := range t.All() {
		in.tell(to, float64(spent), m.set(slices.Concat(with, []attribute.KeyValue{keyState.String(state)})...))
	}
}
