package outbox_test

import (
	"testing"
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

// TestHotShard has one shard that takes nothing, whose callers put as fast as they can,
// and others with little to do.
func TestHotShard(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*outbox.Config){
		"raw":        func(*outbox.Config) {},
		"aggregated": func(cfg *outbox.Config) { cfg.Aggregation = outbox.ByShard },
		"by key":     func(cfg *outbox.Config) { cfg.Aggregation = outbox.ByPartitionKey },
		"ordered":    func(cfg *outbox.Config) { cfg.Aggregation, cfg.Ordered = outbox.ByShard, true },
	} {
		t.Run(name+": does not hold up the others", func(t *testing.T) {
			t.Parallel()
			cfg := config()
			cfg.RecordTTL = outbox.Never
			change(&cfg)
			limits := outbox.SpaceLimits{Bytes: 4 << 20, Calls: 2}
			l := newLoad(t, 8, 2000, limits, cfg)
			hot := l.service.shards[0]
			hot.dead = true
			hotKey := l.hash[0]
			l.run(10 * time.Second)

			// Only the hot feeder goes on; the others offer one record every 10 ms each.
			l.admitted = func(i int) {
				if i == 0 {
					l.feed(0)
				}
			}
			l.run(20 * time.Second)
			waited, answered := 0, 0
			for range 500 {
				for i := 1; i < len(l.keys); i++ {
					it := outbox.Item[int]{Record: outbox.Record{PartitionKey: l.keys[i], Data: l.data[:100]}, Hash: l.hash[i], Owner: i}
					w, _, err := l.boxes[0].Offer(&it, l.now)
					if err != nil {
						t.Fatal(err)
					}
					if w != nil {
						waited++
						l.waiting[w] = true
					}
				}
				l.longest = 0
				before := l.stored
				l.run(l.now + 200*time.Millisecond)
				answered += l.stored - before
				if l.longest > 150*time.Millisecond {
					t.Fatalf("a record of another shard was answered after %v, want Linger and a call", l.longest)
				}
			}
			if waited > 0 {
				t.Errorf("callers of other shards that had to wait for room = %d, want none", waited)
			}
			if want := 500 * (len(l.keys) - 1); answered != want {
				t.Errorf("answered = %d, want %d", answered, want)
			}
			queued := 0
			for _, lane := range l.boxes[0].Stats(l.now).Lanes {
				if lane.Shard.Range.Contains(hotKey) {
					queued = lane.QueuedBytes
				}
			}
			if low, high := limits.Bytes*6/10, limits.Bytes*7/10; queued < low || queued > high {
				t.Errorf("bytes queued for the hot shard = %d, want %d to %d: its share", queued, low, high)
			}
		})
	}
}
