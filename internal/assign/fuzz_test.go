package assign_test

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// FuzzPlan tries groups that are small enough to know the best plan.
func FuzzPlan(f *testing.F) {
	f.Add(uint64(1), uint8(5), uint8(3), false)
	f.Add(uint64(2), uint8(6), uint8(4), true)
	f.Fuzz(func(t *testing.T, seed uint64, leases, workers uint8, loaded bool) {
		r := rand.New(rand.NewPCG(seed, 1))
		g := randomGroup(r, 1+int(leases%6), 1+int(workers%4))
		best := g.bestByTrying()
		if loaded {
			g = g.withLoads(r)
		}
		plan := g.plan()
		got := g.score(plan)
		if loaded { // exchanges may move more
			got.moves, best.moves = 0, 0
		}
		if got != best {
			t.Errorf("%+v: score of %v = %+v, want %+v", g, plan, got, best)
		}
		if again := g.carryOut(plan).plan(); !slices.Equal(again, plan) {
			t.Errorf("%+v: plan %v, then %v", g, plan, again)
		}
	})
}
