package outbox_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/outbox"
)

// BenchmarkRecord is all that the engine does for one record: offer, pick, settle, release.
func BenchmarkRecord(b *testing.B) {
	for _, mode := range []struct {
		name        string
		aggregation outbox.Aggregation
		ordered     bool
		shards      int
	}{
		{"raw/16", outbox.None, false, 16},
		{"raw/10000", outbox.None, false, 10_000},
		{"ByShard/16", outbox.ByShard, false, 16},
		{"ByShard/1000", outbox.ByShard, false, 1000},
		{"ByShard/16/ordered", outbox.ByShard, true, 16},
		{"ByPartitionKey/16", outbox.ByPartitionKey, false, 16},
		{"raw/16/ordered", outbox.None, true, 16},
	} {
		b.Run(mode.name, func(b *testing.B) {
			benchmark(b, mode.aggregation, mode.ordered, mode.shards)
		})
	}
}

func benchmark(b *testing.B, aggregation outbox.Aggregation, ordered bool, shards int) {
	b.Helper()
	space := outbox.NewSpace[int](outbox.SpaceLimits{Bytes: 64 << 20, Calls: 8})
	cfg := config()
	cfg.Aggregation, cfg.Ordered, cfg.BytesPerSecond, cfg.RecordsPerSecond = aggregation, ordered, 0, 0
	cfg.Linger = 100 * time.Millisecond
	o := outbox.New(space, cfg)
	o.Learn(outbox.View{Map: evenMap(b, shards), Distribution: outbox.ByKey}, 0)

	keys := make([]string, 4096)
	hashes := make([]hashkey.Key, len(keys))
	for i := range keys {
		keys[i] = fmt.Sprintf("key-%06d", rand.N(1_000_000))
		hashes[i] = hashkey.Of(keys[i])
	}
	data := make([]byte, 100)
	now := time.Duration(0)
	entries, records, calls := 0, 0, 0
	send := func() {
		for step := o.Next(now); step.Call != nil; step = o.Next(now) {
			c := step.Call
			for i := range c.Entries {
				c.Entries[i].Place = outbox.Place{Shard: c.Entries[i].Shard(), Sequence: "1"}
			}
			entries += len(c.Entries)
			records += len(c.Items)
			calls++
			o.Settle(c, nil, now)
			o.Release(c, now)
		}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		it := outbox.Item[int]{Record: outbox.Record{PartitionKey: keys[i%len(keys)], Data: data}, Hash: hashes[i%len(keys)]}
		_, wake, err := o.Offer(&it, now)
		if err != nil {
			b.Fatal(err)
		}
		i++
		now += 500
		if wake || i%10_000 == 0 {
			send()
		}
	}
	b.ReportMetric(float64(records)/float64(max(entries, 1)), "records/entry")
	b.ReportMetric(float64(entries)/float64(max(calls, 1)), "entries/call")
}

// BenchmarkStats is what a look at all lanes does while it has the lock that each Put needs.
func BenchmarkStats(b *testing.B) {
	o := outbox.New(outbox.NewSpace[int](outbox.SpaceLimits{Bytes: 64 << 20, Calls: 8}), config())
	o.Learn(outbox.View{Map: evenMap(b, 10_000), Distribution: outbox.ByKey}, 0)
	b.ReportAllocs()
	for b.Loop() {
		o.Stats(0)
	}
}

// config returns settings as a producer without any of its own has them.
func config() outbox.Config {
	return outbox.Config{
		MaxCallRecords: 500, MaxCallBytes: 5 << 20, MaxRecordBytes: 1 << 20,
		Linger: 10 * time.Millisecond, RecordTTL: 30 * time.Second,
		AggregateMaxBytes: 51_200, BytesPerSecond: 1 << 20, RecordsPerSecond: 1000,
		RetryAmbiguous: true, RefreshEvery: time.Minute, Random: func() float64 { return 0.5 },
	}
}

func evenMap(tb testing.TB, shards int) *outbox.Map {
	tb.Helper()
	listing := make([]outbox.Shard, shards)
	for i, r := range hashkey.Even(shards) {
		listing[i] = outbox.Shard{ID: fmt.Sprintf("shardId-%012d", i), Range: r}
	}
	m, err := outbox.NewMap(listing)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}
