package outbox_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/outbox"
)

// load offers records of one size for every shard, as fast as there is room for them.
type load struct {
	*sim
	boxes []*outbox.Outbox[int]
	keys  []string // one for each shard
	hash  []hashkey.Key
	data  []byte
}

func newLoad(tb testing.TB, shards, size int, limits outbox.SpaceLimits, cfgs ...outbox.Config) *load {
	tb.Helper()
	l := newIdleLoad(tb, shards, size, limits, cfgs...)
	for i := range len(l.boxes) * shards {
		l.feed(i)
	}
	return l
}

// newIdleLoad returns a load of which nothing is offered yet.
func newIdleLoad(tb testing.TB, shards, size int, limits outbox.SpaceLimits, cfgs ...outbox.Config) *load {
	tb.Helper()
	l := &load{sim: newSim(tb, 7, shards, limits), data: make([]byte, size)}
	l.service.forgetful = true
	for _, h := range l.service.shards {
		for i := 0; ; i++ {
			key := fmt.Sprint("key-", i)
			if k := hashkey.Of(key); h.keys.Contains(k) {
				l.keys, l.hash = append(l.keys, key), append(l.hash, k)
				break
			}
		}
	}
	for _, cfg := range cfgs {
		o := l.box(cfg)
		l.view(o)
		l.boxes = append(l.boxes, o)
	}
	l.admitted = l.feed
	return l
}

// feed offers records of feeder i until it has to wait.
func (l *load) feed(i int) {
	shard := i % len(l.keys)
	for {
		it := outbox.Item[int]{Record: outbox.Record{PartitionKey: l.keys[shard], Data: l.data}, Hash: l.hash[shard], Owner: i}
		w, _, err := l.boxes[i/len(l.keys)].Offer(&it, l.now)
		if err != nil {
			l.tb.Fatal(err)
		}
		if w != nil {
			l.waiting[w] = true
			return
		}
	}
}

// TestThroughput holds the engine against the limits of the shards, by counts in virtual time.
func TestThroughput(t *testing.T) {
	t.Parallel()
	limits := outbox.SpaceLimits{Bytes: 64 << 20, Calls: 8}
	for _, test := range []struct {
		name     string
		shards   int
		size     int // of records
		change   func(*outbox.Config)
		engines  int
		throttle float64
		slowWay  time.Duration
		lasts    time.Duration
		least    float64 // share of what is possible that must be stored
		refused  float64 // share of entries that may be refused
	}{
		{
			name: "aggregated, 64 shards, 5 % of refusals, 10 minutes", shards: 64, size: 25_000, engines: 1, throttle: 0.05, lasts: 10 * time.Minute, least: 0.97, refused: 0.06,
			change: func(cfg *outbox.Config) { cfg.Aggregation, cfg.Linger = outbox.ByShard, 100*time.Millisecond },
		},
		{name: "records of 10 KB", shards: 16, size: 10_000, engines: 1, throttle: 0.05, lasts: 2 * time.Minute, least: 0.97, refused: 0.06},
		{name: "small records", shards: 8, size: 50, engines: 1, throttle: 0.05, lasts: time.Minute, least: 0.97, refused: 0.06},
		{
			name: "ordered", shards: 16, size: 10_000, engines: 1, throttle: 0.05, lasts: 2 * time.Minute, least: 0.97, refused: 0.06,
			change: func(cfg *outbox.Config) { cfg.Aggregation, cfg.Ordered = outbox.ByShard, true },
		},
		{
			name: "no refusals", shards: 16, size: 25_000, engines: 1, lasts: time.Minute, least: 0.97,
			change: func(cfg *outbox.Config) { cfg.Aggregation = outbox.ByShard },
		},
		{
			name: "two engines, aggregated", shards: 16, size: 25_000, engines: 2, lasts: 2 * time.Minute, least: 0.90, refused: 0.15,
			change: func(cfg *outbox.Config) { cfg.Aggregation = outbox.ByShard },
		},
		{
			name: "calls that overtake each other", shards: 16, size: 25_000, engines: 1, slowWay: 1500 * time.Millisecond, lasts: time.Minute, least: 0.60,
			change: func(cfg *outbox.Config) { cfg.Aggregation = outbox.ByShard },
		},
		{name: "small records in calls that overtake each other", shards: 4, size: 50, engines: 1, slowWay: 1500 * time.Millisecond, lasts: time.Minute, least: 0.60},
		{name: "two engines, small records", shards: 4, size: 50, engines: 2, lasts: time.Minute, least: 0.90, refused: 0.15},
		{
			name: "two engines, 5 % of refusals", shards: 16, size: 25_000, engines: 2, throttle: 0.05, lasts: 2 * time.Minute, least: 0.90, refused: 0.18,
			change: func(cfg *outbox.Config) { cfg.Aggregation = outbox.ByShard },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var cfgs []outbox.Config
			for range test.engines {
				cfg := config()
				if test.change != nil {
					test.change(&cfg)
				}
				cfgs = append(cfgs, cfg)
			}
			l := newLoad(t, test.shards, test.size, limits, cfgs...)
			l.service.throttle, l.trouble.slowWay = test.throttle, test.slowWay
			l.run(test.lasts)
			stored := float64(l.service.storedBytes())
			possible := float64(test.shards) * test.lasts.Seconds() * (1 << 20)
			if test.size < 1000 && cfgs[0].Aggregation == outbox.None {
				possible = float64(test.shards) * test.lasts.Seconds() * 1000 * float64(test.size+len("key-00"))
			}
			refused := float64(l.service.refused) / float64(l.service.attempts)
			t.Logf("stored %.2f %% of what is possible, refused %.2f %% of %d entries, highest %d bytes held",
				100*stored/possible, 100*refused, l.service.attempts, l.highest)
			if stored/possible < test.least {
				t.Errorf("stored = %.2f %% of what is possible, want at least %v %%", 100*stored/possible, 100*test.least)
			}
			if refused > test.refused {
				t.Errorf("refused = %.2f %%, want at most %v %%", 100*refused, 100*test.refused)
			}
			if l.highest > limits.Bytes {
				t.Errorf("bytes held = %d, want at most %d", l.highest, limits.Bytes)
			}
		})
	}
}
