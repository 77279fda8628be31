package assign_test

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestPlanWithUnableWorkers(t *testing.T) {
	t.Parallel()

	t.Run("is as if none were unable when all are", func(t *testing.T) {
		t.Parallel()
		groups(t, func(t *testing.T, _ *rand.Rand, g group) {
			t.Helper()
			want := g.plan()
			for i := range g.workers {
				g.workers[i].Unable = true
			}
			if got := g.plan(); !slices.Equal(got, want) {
				t.Fatalf("plan %v, want %v", got, want)
			}
		})
	})

	t.Run("gives them only what is left over without them", func(t *testing.T) {
		t.Parallel()
		groups(t, func(t *testing.T, r *rand.Rand, g group) {
			t.Helper()
			able := group{leases: g.leases}
			for i := range g.workers {
				if g.workers[i].Unable = r.IntN(3) == 0; !g.workers[i].Unable {
					able.workers = append(able.workers, g.workers[i])
				}
			}
			without := able.plan()
			for i, id := range g.plan() {
				if without[i] != "" && id != without[i] {
					t.Fatalf("%+v goes to %q, want %q as without the unable ones", g.leases[i], id, without[i])
				}
				if without[i] == "" && id != "" && (!g.worker(id).Unable || !can(g.worker(id), g.leases[i])) {
					t.Fatalf("%+v goes to %+v", g.leases[i], g.worker(id))
				}
			}
		})
	})
}
