package assign_test

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkPlan is a large group: 10,000 leases, 200 workers.
func BenchmarkPlan(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	fresh := newGroup(10_000, 1, 200)
	many := newGroup(10_000, 100, 200).withLoads(r)
	mixed := newGroup(10_000, 20, 200).withLoads(r)
	for i := range mixed.workers {
		if i%4 == 0 {
			mixed.workers[i].Streams = mixed.workers[i].Streams[i%20:]
		}
	}
	for _, bm := range []struct {
		name string
		g    group
	}{
		{"same", fresh.settled()},
		{"join", fresh.settled().with("worker-new")},
		{"leave", fresh.settled().without(7)},
		{"cold start", fresh},
		{"cold start/100 streams with loads", many},
		{"join/100 streams with loads", many.settled().with("worker-new")},
		{"cold start/streams that not all can read", mixed},
		{"join/streams that not all can read", mixed.settled().with("worker-new")},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bm.g.plan()
			}
		})
	}
}
