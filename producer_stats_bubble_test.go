package kin_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

func TestProducerStats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, 4)
		var mu sync.Mutex // of what hooks append to
		var maps []kin.MapInfo
		var calls []kin.PutCallInfo
		p := newProducer(t, client(s), kin.ProducerConfig{
			Aggregation: kin.AggregateByShard, MaxInFlight: 1,
			Hooks: kin.ProducerHooks{
				MapChanged: func(i kin.MapInfo) {
					mu.Lock()
					defer mu.Unlock()
					maps = append(maps, i)
				},
				Called: func(i kin.PutCallInfo) {
					mu.Lock()
					defer mu.Unlock()
					calls = append(calls, i)
				},
			},
		})
		if got := p.Stats(); len(got.Streams) != 1 || got.Streams[0].Mapped || got.Streams[0].Shards != nil {
			t.Errorf("streams before the first record = %+v, want one that is not known", got.Streams)
		}
		l := newPutLog(t, p)
		shout(l, "first", 1)
		time.Sleep(time.Second)

		refuse := s.Inject(kintest.Fault{Operation: "PutRecords", Shard: "shardId-000000000001", Error: throttledCode})
		shout(l, "k", 400)
		time.Sleep(150 * time.Millisecond)
		during := p.Stats()
		refuse()
		time.Sleep(10 * time.Second)
		checkRefused(t, &during)

		if _, err := s.SplitShard("orders", "shardId-000000000000"); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			shout(l, fmt.Sprint("s", i, "-"), 40)
			time.Sleep(time.Second)
		}
		if err := p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		after := p.Stats()
		mustClose(t, p)
		checkAccount(t, &after, calls, 1+400+20*40)
		if len(maps) != 2 || len(maps[0].Shards) != 4 || len(maps[1].Shards) != 5 || slices.Contains(maps[1].Shards, "shardId-000000000000") {
			t.Errorf("map changed = %+v, want 4 shards, then 5 without the first", maps)
		}
		if got := p.Stats().Streams[0].Delay.Count(); got != after.Streams[0].Stored {
			t.Errorf("delays = %d, want one for each of %d records", got, after.Streams[0].Stored)
		}
	})
}

// checkRefused looks at figures while a shard refuses everything.
func checkRefused(t *testing.T, stats *kin.ProducerStats) {
	t.Helper()
	at := &stats.Streams[0]
	if !at.Mapped || at.Auto || at.Aggregation != kin.AggregateByShard || at.ViewErr != nil || len(at.Shards) != 4 {
		t.Fatalf("stream = %+v, want four known shards, aggregated", at)
	}
	for i, shard := range at.Shards {
		refused := i == 1
		if (shard.Buffered > 0) != refused || (shard.Throttled > 0) != refused || (shard.Oldest > 0) != refused || (shard.LaneTime.Paused > 0) != refused {
			t.Errorf("shard %d = %+v, want records that wait because they are refused: %v", i, shard, refused)
		}
		if shard.Accepted < 50 {
			t.Errorf("shard %d accepted %d records, want about a quarter of 400", i, shard.Accepted)
		}
	}
	if stats.Unanswered != at.Buffered || stats.BufferedBytes <= 0 || at.Retried == 0 {
		t.Errorf("unanswered = %d, buffered = %d (%d bytes), retried = %d", stats.Unanswered, at.Buffered, stats.BufferedBytes, at.Retried)
	}
}

// checkAccount compares figures with what hooks have told.
func checkAccount(t *testing.T, stats *kin.ProducerStats, calls []kin.PutCallInfo, records int) {
	t.Helper()
	at := &stats.Streams[0]
	if at.Accepted != uint64(records) || at.Stored != at.Accepted || at.Failed != 0 || at.Buffered != 0 || stats.BufferedBytes != 0 {
		t.Errorf("accepted = %d, stored = %d, failed = %d, buffered = %d, want %d, all stored", at.Accepted, at.Stored, at.Failed, at.Buffered, records)
	}
	var stored, entries, throttled int
	for _, call := range calls {
		stored += call.Stored
		for _, shard := range call.Shards {
			entries += shard.Stored
			throttled += shard.Throttled
		}
	}
	// An aggregate that is stored where it must be put again counts for the service, and once more.
	if uint64(entries) != at.Entries || uint64(throttled) != at.Throttled || uint64(stored) != at.Stored {
		t.Errorf("hooks told of %d entries, %d throttled, %d records; figures have %d, %d, %d", entries, throttled, stored, at.Entries, at.Throttled, at.Stored)
	}
	if at.Strayed == 0 || at.Repeated == 0 {
		t.Errorf("strayed = %d, repeated = %d, want some after the split", at.Strayed, at.Repeated)
	}
	if got := calls[0].Shards[0].Oldest; got != 100*time.Millisecond {
		t.Errorf("the first record waited for %v, want the Linger of 100 ms", got)
	}
	for i := range at.Shards {
		shard := &at.Shards[i]
		if shard.Delay.Count() != shard.Stored+shard.Failed || shard.TimeInBuffer.Count() == 0 || shard.Delay.Sum < shard.TimeInBuffer.Sum {
			t.Errorf("shard %s = %+v, want a delay for each record, and times in the buffer below them", shard.ShardID, shard)
		}
	}
	if at.Recovered == 0 || at.Fill() < 5 || at.StoredBytes == 0 || at.EntryBytes <= at.StoredBytes {
		t.Errorf("recovered = %d, fill = %.1f, bytes = %d in %d", at.Recovered, at.Fill(), at.StoredBytes, at.EntryBytes)
	}
}

func TestProducerClosesWhileItLooksAtAStream(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"ListShards", "DescribeStreamSummary"} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 2)
			defer s.Inject(kintest.Fault{Operation: op, Hang: true})()
			p := newProducer(t, client(s), kin.ProducerConfig{Aggregation: kin.AggregateByShard, Ordered: true})
			begun := time.Now()
			if _, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "k"}); err != nil {
				t.Errorf("%s hangs: Put = %v, want stored", op, err)
			}
			mustClose(t, p)
			if took := time.Since(begun); took > 500*time.Millisecond {
				t.Errorf("%s hangs: Put and Close took %v, want half a second at most", op, took)
			}
		})
	}
}

func TestHistogram(t *testing.T) {
	t.Parallel()
	var h kin.Histogram
	if h.Quantile(0.5) != 0 || h.Count() != 0 {
		t.Errorf("an empty histogram has a median of %v", h.Quantile(0.5))
	}
	h.Counts[3], h.Counts[5], h.Counts[kin.HistogramBuckets-1] = 90, 9, 1
	for q, want := range map[float64]time.Duration{0.5: 8 * time.Millisecond, 0.9: 8 * time.Millisecond, 0.95: 32 * time.Millisecond, 1: 65536 * time.Millisecond} {
		if got := h.Quantile(q); got != want {
			t.Errorf("quantile %v = %v, want %v", q, got, want)
		}
	}
	for d, want := range map[time.Duration]int{
		-1: 0, 0: 0, time.Millisecond: 0, time.Millisecond + 1: 1, 2 * time.Millisecond: 1, 2*time.Millisecond + 1: 2,
		65536 * time.Millisecond: 16, 65536*time.Millisecond + 1: 17, time.Hour: 17,
	} {
		if got := kin.BucketOf(d); got != want {
			t.Errorf("bucket of %v = %d, want %d", d, got, want)
		}
		if bound := kin.HistogramBound(want); bound != 0 && d > bound {
			t.Errorf("bound of bucket %d = %v, below %v", want, bound, d)
		}
	}
}
