package kinotel

import (
	"maps"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/kinstream/kin"
)

// consumerShards is what is asked for at each collection.
type consumerShards struct {
	with       []attribute.KeyValue // of all series
	owned, lag observed
	figures    []figure[kin.OwnedShard]

	mu      sync.Mutex      // guards streams
	streams map[string]bool // of which this worker has owned shards
}

func newConsumerShards(mk *maker, with []attribute.KeyValue) *consumerShards {
	type shard = kin.OwnedShard
	const prefix = "kin.consumer."
	of := func(k kind, name, unit, help string, value func(*shard) float64) figure[shard] {
		return figure[shard]{mk.observed(k, prefix+"shard."+name, unit, help), value}
	}
	return &consumerShards{
		with:    with,
		streams: map[string]bool{},
		owned:   mk.observed(gauge, prefix+"owned_shards", unitShards, "Shards that this worker reads now."),
		lag:     mk.observed(gauge, prefix+"shard.lag", unitSeconds, "How far the newest page was behind the tip of the shard."),
		figures: []figure[shard]{
			of(counter, "records", unitRecords, "User records acknowledged since this worker took the shard.", func(s *shard) float64 { return float64(s.Records) }),
			of(counter, "bytes", unitBytes, "Their data and partition keys.", func(s *shard) float64 { return float64(s.Bytes) }),
			of(gauge, "unacked", unitRecords, "User records delivered, or waiting in lanes, and not acknowledged.", func(s *shard) float64 { return float64(s.Unacked) }),
			of(gauge, "failures", unitCalls, "Calls of Kinesis that have failed in a row.", func(s *shard) float64 { return float64(s.Failures) }),
			of(gauge, "handler_failures", unitCalls, "Times in a row that the handler has failed.", func(s *shard) float64 { return float64(s.HandlerFailures) }),
			of(gauge, "stuck", unitSeconds, "For how long nothing has moved although something should.", func(s *shard) float64 {
				if s.StuckSince.IsZero() {
					return 0
				}
				return time.Since(s.StuckSince).Seconds()
			}),
			of(gauge, "stopping", unitRatio, "1 while the shard is being given up, else 0.", func(s *shard) float64 { return truth(s.Stopping) }),
		},
	}
}

func (m *consumerShards) observe(shards []kin.OwnedShard, to metric.Observer) {
	set := func(more ...attribute.KeyValue) attribute.Set {
		return attribute.NewSet(slices.Concat(m.with, more)...)
	}
	owned := map[string]int{}
	for i := range shards {
		s := &shards[i]
		owned[s.Stream]++
		with := set(keyStream.String(s.Stream), keyShard.String(string(s.Shard)))
		if s.Lag >= 0 {
			m.lag.tell(to, s.Lag.Seconds(), with)
		}
		tell(m.figures, s, to, with)
	}
	for _, stream := range m.known(owned) {
		m.owned.tell(to, float64(owned[stream]), set(keyStream.String(stream)))
	}
}

// known returns the streams of which this worker owns shards, or has owned some: a series that ends looks the same as
// one that is fine.
func (m *consumerShards) known(owned map[string]int) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for stream := range owned {
		m.streams[stream] = true
	}
	return slices.Collect(maps.Keys(m.streams))
}
