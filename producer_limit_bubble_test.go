package kin_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
)

// limitTime is how long TestProducerAtTheLimits puts, in virtual time, if not for half a minute: ten minutes in make bench.
const limitTime = "KIN_LIMIT_TIME"

// TestProducerAtTheLimits puts more than 64 shards take, through a client of the SDK into a server that keeps to the limits
// of shards, takes 20 ms for an answer, and throttles 5 % of the records and 5 % of the calls for no reason. It wants
// what the shards take used, no record lost or stored twice, order where that was asked for, and memory that does not grow.
//
//nolint:paralleltest // one after the other: each needs much memory and all processors
func TestProducerAtTheLimits(t *testing.T) {
	lasts, least := 30*time.Second, 0.95
	if text := os.Getenv(limitTime); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		lasts, least = d, 0.97
	}
	for _, test := range []struct {
		name string
		size int
		keys int // of each shard
		cfg  kin.ProducerConfig
	}{
		{"records of 25 kB", 25_000, 10, kin.ProducerConfig{}},
		{"records of 10 kB, in order", 10_000, 100, kin.ProducerConfig{Ordered: true}},
		{"records of 1 KiB, aggregated", 1 << 10, 10, kin.ProducerConfig{Aggregation: kin.AggregateByShard}},
		{"records of 1 KiB, aggregated, in order", 1 << 10, 10, kin.ProducerConfig{Aggregation: kin.AggregateByShard, Ordered: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { putAtTheLimits(t, test.size, test.keys, lasts, least, test.cfg) })
		})
	}
}

func putAtTheLimits(t *testing.T, size, keys int, lasts time.Duration, least float64, cfg kin.ProducerConfig) {
	t.Helper()
	const shards = 64
	s := atLimits(t, shards)
	stopRefusing := refuseSome(s, 0.05)
	p := newProducer(t, client(s), cfg)
	f := startFlood(t, size, keysOfShards(t, s, keys), p)
	l := newLedger(t, s, shards)
	stopReading := l.watch()

	begin := lasts / 5 // what the server takes at once at first is over by then
	time.Sleep(begin)  // in a bubble
	before, heapBefore := p.Stats(), heap()
	time.Sleep(lasts - begin) // in a bubble
	after, heapAfter := p.Stats(), heap()

	f.stop()
	mustClose(t, p)
	stopRefusing()
	stopReading()
	stored, failed := f.check(l)

	got := rates(&after, &before)
	used := got.bytes / (shards << 20)
	t.Logf("limit: %.1f %% of what %d shards take in %v, %s: %.1f MB/s, refused %.1f %%, stored %d, not stored %d, heap %d MB, then %d MB",
		100*used, shards, lasts, t.Name()[len("TestProducerAtTheLimits/"):], got.bytes/1e6, 100*got.refused, stored, failed, heapBefore>>20, heapAfter>>20)
	if used < least {
		t.Errorf("used = %.2f %% of what the shards take, want at least %v %%", 100*used, 100*least)
	}
	if failed > 0 || l.again > 0 {
		t.Errorf("not stored = %d, stored twice = %d, want none", failed, l.again)
	}
	if cfg.Ordered && l.disorder > 0 {
		t.Errorf("records out of order = %d, want none", l.disorder)
	}
	if most := heapBefore + heapBefore/5; heapAfter > most {
		t.Errorf("heap = %d bytes after %v, and %d after %v, want it flat", heapBefore, begin, heapAfter, lasts)
	}
	if got := after.Explain(before); got.Limit != kin.LimitShards && !cfg.Ordered {
		t.Errorf("explanation = %v: %s, want shards", got.Limit, got.Text)
	}
}

// putRates is what a stream got between two readings.
type putRates struct {
	bytes, entries float64 // in a second
	refused        float64 // share of the Kinesis records
}

func rates(after, before *kin.ProducerStats) putRates {
	now, was := &after.Streams[0].PutCounts, &before.Streams[0].PutCounts
	seconds := (after.Uptime - before.Uptime).Seconds()
	throttled, stored := float64(now.Throttled-was.Throttled), float64(now.Entries-was.Entries)
	return putRates{
		bytes: float64(now.EntryBytes-was.EntryBytes) / seconds, entries: stored / seconds, refused: throttled / max(1, throttled+stored),
	}
}
