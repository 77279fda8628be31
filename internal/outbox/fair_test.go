package outbox_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

// newParties returns a load of engines that know nothing of each other: each has a Space of its own. One shard is for all.
func newParties(tb testing.TB, seed uint64, size, engines int, cfg outbox.Config) *load {
	tb.Helper()
	limits := outbox.SpaceLimits{Bytes: 8 << 20, Calls: 8}
	l := newIdleLoad(tb, 1, size, limits)
	l.random = rand.New(rand.NewPCG(seed, 2))
	l.service.random = l.random
	for range engines {
		l.space = outbox.NewSpace[int](limits)
		o := l.box(cfg)
		l.view(o)
		l.boxes = append(l.boxes, o)
	}
	return l
}

// party is what an engine got.
type party struct{ stored, tried, refused float64 } // share of what the shard takes; entries

func (l *load) parties() (all []party) {
	for _, o := range l.boxes {
		lane := o.Stats(l.now).Lanes[0]
		all = append(all, party{max(float64(lane.EntryBytes)/(1<<20), float64(lane.Entries)/1000), float64(lane.Entries + lane.Throttled), float64(lane.Throttled)})
	}
	return all
}

// since returns what the engines got in some time: the shares of each, and of all that they sent how much was refused.
func (l *load) since(before []party, lasted time.Duration) (shares []float64, total, refused float64) {
	var tried float64
	for i, p := range l.parties() {
		share := (p.stored - before[i].stored) / lasted.Seconds()
		shares = append(shares, share)
		total += share
		refused += p.refused - before[i].refused
		tried += p.tried - before[i].tried
	}
	return shares, total, refused / tried
}

// TestFairShares has engines that know nothing of each other put more into one shard than that takes. Wherever they begin, they
// share it, and use what it takes.
func TestFairShares(t *testing.T) {
	t.Parallel()
	const begin, lasts = 30 * time.Second, 2 * time.Minute
	starts := map[string]func(l *load){
		"together": func(*load) {},
		"the first one alone": func(l *load) {
			l.feed(0)
			l.run(begin)
		},
		"all but one with little": func(l *load) {
			for _, o := range l.boxes[1:] {
				o.Level(0.05)
			}
			for i := range l.boxes {
				l.feed(i)
			}
			l.run(begin)
		},
	}
	for name, test := range map[string]struct {
		size   int
		change func(*outbox.Config)
	}{
		"small":      {size: 50},
		"raw":        {size: 10_000},
		"aggregated": {size: 1000, change: func(cfg *outbox.Config) { cfg.Aggregation = outbox.ByShard }},
		"in order":   {size: 1000, change: func(cfg *outbox.Config) { cfg.Aggregation, cfg.Ordered = outbox.ByShard, true }},
	} {
		for how, start := range starts {
			for engines, least := range map[int]float64{2: 0.30, 5: 0.09} {
				t.Run(fmt.Sprintf("%d, %s, %s", engines, name, how), func(t *testing.T) {
					t.Parallel()
					for seed := range uint64(fairSeeds) {
						cfg := config()
						cfg.RecordTTL = outbox.Never
						if test.change != nil {
							test.change(&cfg)
						}
						l := newParties(t, seed, test.size, engines, cfg)
						start(l)
						before := l.parties()
						for i := range l.boxes {
							l.feed(i)
						}
						l.run(l.now + lasts)
						shares, total, refused := l.since(before, lasts)
						if slices.Min(shares) < least*total || total < 0.95 {
							t.Errorf("seed %d: shares = %.2f, sum %.3f, want at least %.2f of that for each, and 0.95 in sum", seed, shares, total, least)
						}
						if most := map[int]float64{2: 0.11, 5: 0.22}[engines]; refused > most {
							t.Errorf("seed %d: refused = %.1f %%, want at most %v %%", seed, 100*refused, 100*most)
						}
					}
				})
			}
		}
	}
}

// fairSeeds is how often TestFairShares tries each case.
const fairSeeds = 3
