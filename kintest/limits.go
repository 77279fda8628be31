package kintest

import "fmt"

// Limits are the service's throughput limits and quotas. A zero field is a limit
// that is not enforced. The package documentation describes the burst model.
type Limits struct {
	// WriteBytesPerSecond is what a shard takes in, data and keys. The service's
	// value is 1 MiB.
	WriteBytesPerSecond int

	// WriteRecordsPerSecond is how many records a shard takes in. The service's value
	// is 1,000.
	WriteRecordsPerSecond int

	// ReadBytesPerSecond is what a shard gives out to all callers of GetRecords
	// together. The service's value is 2 MiB.
	ReadBytesPerSecond int

	// ReadCallsPerSecond is how often GetRecords may be called per shard. The
	// service's value is 5.
	ReadCallsPerSecond int

	// IteratorCallsPerSecond is how often GetShardIterator may be called per shard.
	// The service's value is 5.
	IteratorCallsPerSecond int

	// SubscribeCallsPerSecond is how often SubscribeToShard may be called per
	// consumer and shard. The service's value is 1.
	SubscribeCallsPerSecond int

	// PushBytesPerSecond is what a subscription gives out. The service's value is
	// 2 MiB.
	PushBytesPerSecond int

	// ControlCalls enforces how often each operation on streams, tags and consumers
	// may be called per second, and per day, in an account and region.
	ControlCalls bool

	// Shards is how many open shards an account may have in a region. The service's
	// value depends on the region; 20,000 in the largest.
	Shards int

	// OnDemandStreams is how many on-demand streams an account may have in a region.
	// The service's value is 50.
	OnDemandStreams int

	// Consumers is how many consumers may be registered with a stream. The service's
	// value is 20, and 50 with a minimum throughput commitment, which raises a value
	// of 20 here to 50 too.
	Consumers int
}

// ServiceLimits returns the limits that the service enforces in its largest regions.
func ServiceLimits() Limits {
	return Limits{
		WriteBytesPerSecond:     1 << 20,
		WriteRecordsPerSecond:   1000,
		ReadBytesPerSecond:      2 << 20,
		ReadCallsPerSecond:      5,
		IteratorCallsPerSecond:  5,
		SubscribeCallsPerSecond: 1,
		PushBytesPerSecond:      2 << 20,
		ControlCalls:            true,
		Shards:                  20_000,
		OnDemandStreams:         50,
		Consumers:               20,
	}
}

// check refuses negative limits.
func (l Limits) check() error {
	for _, f := range []struct {
		name  string
		value int
	}{
		{"WriteBytesPerSecond", l.WriteBytesPerSecond},
		{"WriteRecordsPerSecond", l.WriteRecordsPerSecond},
		{"ReadBytesPerSecond", l.ReadBytesPerSecond},
		{"ReadCallsPerSecond", l.ReadCallsPerSecond},
		{"IteratorCallsPerSecond", l.IteratorCallsPerSecond},
		{"SubscribeCallsPerSecond", l.SubscribeCallsPerSecond},
		{"PushBytesPerSecond", l.PushBytesPerSecond},
		{"Shards", l.Shards},
		{"OnDemandStreams", l.OnDemandStreams},
		{"Consumers", l.Consumers},
	} {
		if f.value < 0 {
			return fmt.Errorf("kintest: Config.Limits.%s (%d) must not be negative", f.name, f.value)
		}
	}
	return nil
}
