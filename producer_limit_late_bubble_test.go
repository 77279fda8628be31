package kin_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
)

// TestProducerHoldsBackWhatAShardDoesNotTakeInTime puts into one shard as fast as there is room, for longer than
// records live: whoever puts waits, and nothing expires.
func TestProducerHoldsBackWhatAShardDoesNotTakeInTime(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		size int
		cfg  kin.ProducerConfig
	}{
		"small records":             {100, kin.ProducerConfig{}},
		"records of 10 kB":          {10_000, kin.ProducerConfig{}},
		"aggregated":                {10_000, kin.ProducerConfig{Aggregation: kin.AggregateByShard}},
		"aggregated, in order":      {10_000, kin.ProducerConfig{Aggregation: kin.AggregateByShard, Ordered: true}},
		"aggregated by key, small":  {1000, kin.ProducerConfig{Aggregation: kin.AggregateByPartitionKey}},
		"with a short time to live": {1000, kin.ProducerConfig{RecordTTL: 5 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := atLimits(t, 4)
				p := newProducer(t, client(s), test.cfg)
				if _, err := p.Put(t.Context(), testRecord("first")); err != nil {
					t.Fatal(err)
				}
				synctest.Wait() // it knows the shards
				f := startFlood(t, test.size, keysOfShards(t, s, 3)[:1], p)
				const lasts = 40
				time.Sleep(lasts * time.Second) // in a bubble
				f.stop()
				mustClose(t, p)
				stats := p.Stats().Streams[0]
				if stats.Failed > 0 {
					t.Errorf("failed = %d of %d accepted, want none: %v", stats.Failed, stats.Accepted, f.feeders[0].lastErr)
				}
				if stats.EntryBytes < lasts<<20*97/100 && stats.Entries < lasts*970 {
					t.Errorf("stored = %d entries, %d bytes, want what the shard takes in %d s", stats.Entries, stats.EntryBytes, lasts)
				}
			})
		})
	}
}

// TestProducerIsFullForAShardThatTakesTooLittle is the same with Puts that don't wait.
func TestProducerIsFullForAShardThatTakesTooLittle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := atLimits(t, 4)
		p := newProducer(t, client(s), kin.ProducerConfig{WhenFull: kin.FailWhenFull, RecordTTL: 10 * time.Second})
		if _, err := p.Put(t.Context(), testRecord("first")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // it knows the shards
		hot, cold := keysOfShards(t, s, 1)[0][0], keysOfShards(t, s, 1)[1][0]
		l := newPutLog(t, p)
		refused := 0
		for i := range 40_000 { // in four seconds, with room for all of them
			key := fmt.Sprint(i)
			if err := p.PutAsync(t.Context(), kin.UserRecord{PartitionKey: hot, Data: make([]byte, 10)}, l.callback(key)); err != nil {
				refused++
			}
			if i%100 == 0 {
				if err := p.PutAsync(t.Context(), kin.UserRecord{PartitionKey: cold}, l.callback("cold"+key)); err != nil {
					t.Fatalf("Put into another shard = %v, want nil", err)
				}
				time.Sleep(10 * time.Millisecond) // in a bubble
			}
		}
		mustClose(t, p)
		if failed := p.Stats().Streams[0].Failed; failed > 0 || refused < 30_000 {
			t.Errorf("refused = %d, failed = %d, want most refused and none failed later", refused, failed)
		}
	})
}
