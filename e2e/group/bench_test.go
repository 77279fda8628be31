//go:build unix

package group_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kinstream/kin/e2e/server"
)

// BenchmarkGroup measures what changes in a group cost, with default settings: how long
// a shard with records waits at most (longest-gap-ms), and how soon a fresh group shares
// evenly (even-after-ms). Run it with -benchtime 1x.
func BenchmarkGroup(b *testing.B) {
	for _, s := range []struct {
		name string
		run  func(tb testing.TB, c combo, rng *rand.Rand)
	}{
		{"start of 10 workers on 100 shards", freshGroup},
		{"rolling restart of 10 workers", rollingRestart},
		{"from 1 worker to 10 to 3", scale},
		{"kill -9", killWithDefaults},
	} {
		for _, store := range benchStores() {
			b.Run(s.name+"/store="+store.name, func(b *testing.B) {
				for b.Loop() {
					s.run(b, combo{server.KinServe(), store}, rand.New(rand.NewPCG(1, 1)))
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// metric prints a figure of a scenario, or reports it as one of a benchmark.
func (r *rig) metric(d time.Duration, unit string) {
	r.Helper()
	if b, ok := r.TB.(*testing.B); ok {
		b.ReportMetric(float64(d.Milliseconds()), unit)
		return
	}
	r.Logf("%d %s", d.Milliseconds(), unit)
}
