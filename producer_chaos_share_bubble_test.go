package kin_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
)

// TestProducersShareAShard has several producers that do not know of each other put into one shard more than it takes: each
// gets something, the shard gives nearly all it has, and few records are refused.
func TestProducersShareAShard(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		producers int
		size      int
		cfg       kin.ProducerConfig
	}{
		{name: "records of 10 kB", producers: 2, size: 10_000},
		{name: "aggregated", producers: 2, size: 1000, cfg: kin.ProducerConfig{Aggregation: kin.AggregateByShard}},
		{name: "aggregated, in order", producers: 2, size: 1000, cfg: kin.ProducerConfig{Aggregation: kin.AggregateByShard, Ordered: true}},
		{name: "aggregated", producers: 5, size: 1000, cfg: kin.ProducerConfig{Aggregation: kin.AggregateByShard}},
	} {
		t.Run(fmt.Sprintf("%d, %s", test.producers, test.name), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := atLimits(t, 1)
				var all []*kin.Producer
				for range test.producers {
					cfg := test.cfg
					cfg.RecordTTL = -1
					cfg.MaxBufferedBytes = 8 << 20
					all = append(all, newProducer(t, client(s), cfg))
				}
				f := startFlood(t, test.size, keysOfShards(t, s, 5), all...)
				time.Sleep(30 * time.Second) // in a bubble: they find their parts
				before := make([]kin.ProducerStats, len(all))
				for i, p := range all {
					before[i] = p.Stats()
				}
				time.Sleep(time.Minute) // in a bubble
				var total, refused, entries float64
				var parts []float64
				for i, p := range all {
					after := p.Stats()
					got := rates(&after, &before[i])
					part := max(got.bytes/(1<<20), got.entries/1000)
					parts = append(parts, part)
					total += part
					refused += got.refused * got.entries / (1 - got.refused)
					entries += got.entries / (1 - got.refused)
				}
				f.stop()
				for _, p := range all {
					mustClose(t, p)
				}
				if least := 0.2 / float64(test.producers); slices.Min(parts)/total < least {
					t.Errorf("parts = %.2f of what the shard takes, want at least %.2f for each", parts, least)
				}
				t.Logf("parts = %.2f, total %.3f, refused %.1f %%", parts, total, 100*refused/entries)
				if total < 0.9 {
					t.Errorf("stored = %.1f %% of what the shard takes, want at least 90 %%", 100*total)
				}
				if share := refused / entries; share > 0.2 {
					t.Errorf("refused = %.1f %%, want at most 20 %%", 100*share)
				}
			})
		})
	}
}
