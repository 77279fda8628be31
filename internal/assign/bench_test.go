package assign_test

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// BenchmarkPlan is a large group: 10,000 leases, 200 workers, in each of the situations in which
// plans are made.
func BenchmarkPlan(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	partly := newGroup(10_000, 20, 200).withLoads(r)
	for i := range partly.workers {
		if i%4 == 0 {
			partly.workers[i].Streams = partly.workers[i].Streams[i%20:]
		}
	}
	for _, shape := range []struct {
		name string
		g    group
	}{
		{"one stream", newGroup(10_000, 1, 200)},
		{"100 streams with loads", newGroup(10_000, 100, 200).withLoads(r)},
		{"streams that not all can read", partly},
		{"1,000 streams, each worker reads others, limited", newGroup(10_000, 1000, 200).withLoads(r).atRandom(r)},
	} {
		settled := shape.g.settled()
		half := settled
		half.workers = settled.workers[:100]
		for _, bm := range []struct {
			name string
			g    group
		}{
			{"cold start", shape.g},
			{"nothing changes", settled},
			{"join", settled.with("worker-new")},
			{"leave", settled.without(7)},
			{"half leave", half},
			{"loads change", settled.withLoads(r)},
		} {
			b.Run(shape.name+"/"+bm.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					bm.g.plan()
				}
			})
		}
	}
}

// atRandom returns the group with workers each of which reads nine of ten streams and some of
// which are limited, so that nearly every stream is a class.
func (g group) atRandom(r *rand.Rand) group {
	for i := range g.workers {
		w := &g.workers[i]
		w.Streams = slices.DeleteFunc(slices.Clone(w.Streams), func(string) bool { return r.IntN(10) == 0 })
		if r.IntN(2) == 0 {
			w.Capacity = 20 + r.IntN(60)
		}
	}
	return g
}
