package kinotel

import (
	"maps"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/kinstream/kin"
)

// consumerShards is what is asked for at each collection.
type consumerShards struct {
	with    []attribute.KeyValue // of all series
	owned   observed
	figures []figure[kin.OwnedShard]

	mu      sync.Mutex      // guards streams
	streams map[string]bool // of which this worker has owned shards
}

func newConsumerShards(mk *maker, with []attribute.KeyValue) *consumerShards {
	const prefix = "kin.consumer."
	return &consumerShards{
		with:    with,
		streams: map[string]bool{},
		owned:   mk.observed(gauge, prefix+"owned_shards", unitShards, "Shards that this worker reads now."),
		figures: figures(mk, prefix+"shard.", kin.OwnedShardFigures()),
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
		tell(m.figures, s, to, set(keyStream.String(s.Stream), keyShard.String(string(s.Shard))))
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
