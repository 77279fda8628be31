package assign_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kinstream/kin/internal/assign"
	"github.com/kinstream/kin/lease"
)

// groups calls f with many random groups, small and large, with and without loads.
func groups(t *testing.T, f func(t *testing.T, r *rand.Rand, g group)) {
	t.Helper()
	r := newRand(t)
	for i := range 300 {
		size := 1 + r.IntN(60)
		if i%30 == 0 {
			size = 500
		}
		g := randomGroup(r, size, 1+r.IntN(20))
		if i%2 == 0 {
			g = g.withLoads(r)
		}
		f(t, r, g)
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()

	t.Run("gives leases only to workers that can have them, and not more than they may", func(t *testing.T) {
		t.Parallel()
		groups(t, func(t *testing.T, _ *rand.Rand, g group) {
			t.Helper()
			plan := g.plan()
			for i, id := range plan {
				if id != "" && !can(g.worker(id), g.leases[i]) {
					t.Fatalf("%+v goes to %+v", g.leases[i], g.worker(id))
				}
			}
			for id, n := range g.counts(plan) {
				if most := g.worker(id).Capacity; most > 0 && n > most {
					t.Fatalf("%s has %d leases, want at most %d", id, n, most)
				}
			}
			for i, pinned := range g.pinned() {
				if pinned && plan[i] != g.leases[i].Pin {
					t.Fatalf("%+v goes to %q", g.leases[i], plan[i])
				}
			}
		})
	})

	t.Run("changes nothing more when it has been carried out", func(t *testing.T) {
		t.Parallel()
		groups(t, func(t *testing.T, _ *rand.Rand, g group) {
			t.Helper()
			plan := g.plan()
			if got := g.carryOut(plan).plan(); !slices.Equal(got, plan) {
				t.Fatalf("%+v: plan %v, then %v", g, plan, got)
			}
		})
	})

	t.Run("moves no more when a part of it has been carried out", func(t *testing.T) {
		t.Parallel()
		groups(t, func(t *testing.T, r *rand.Rand, g group) {
			t.Helper()
			for i := range g.leases {
				g.leases[i].Load = 0
			}
			plan := g.plan()
			part := slices.Clone(plan)
			for i := range part {
				if r.IntN(2) == 0 {
					part[i] = g.leases[i].Owner
				}
			}
			half := g.carryOut(part)
			if got, most := half.moved(half.plan()), g.moved(plan); got > most {
				t.Fatalf("%+v: %d moves more after a part of %d", g, got, most)
			}
		})
	})

	t.Run("is the same whatever the order", func(t *testing.T) {
		t.Parallel()
		groups(t, func(t *testing.T, r *rand.Rand, g group) {
			t.Helper()
			want := make(map[assign.Lease]string)
			for i, id := range g.plan() {
				want[g.leases[i]] = id
			}
			shuffled := group{slices.Clone(g.leases), slices.Clone(g.workers)}
			r.Shuffle(len(g.leases), func(i, j int) {
				shuffled.leases[i], shuffled.leases[j] = shuffled.leases[j], shuffled.leases[i]
			})
			r.Shuffle(len(g.workers), func(i, j int) {
				shuffled.workers[i], shuffled.workers[j] = shuffled.workers[j], shuffled.workers[i]
			})
			before := slices.Clone(shuffled.leases)
			for i, id := range shuffled.plan() {
				if l := shuffled.leases[i]; id != want[l] {
					t.Fatalf("%+v goes to %q, and to %q in another order", l, want[l], id)
				}
			}
			if !slices.Equal(before, shuffled.leases) {
				t.Fatal("the leases that were handed in have changed")
			}
		})
	})

	t.Run("never breaks how even the counts are for the sake of loads", func(t *testing.T) {
		t.Parallel()
		groups(t, func(t *testing.T, _ *rand.Rand, g group) {
			t.Helper()
			got := g.score(g.plan())
			for i := range g.leases {
				g.leases[i].Load = 0
			}
			want := g.score(g.plan())
			if got.without != want.without || got.squares != want.squares {
				t.Fatalf("score = %+v, and %+v without loads", got, want)
			}
		})
	})

	t.Run("is the one that the package's page draws", func(t *testing.T) {
		t.Parallel()
		var g group
		has := map[string]string{"a1": "A", "a2": "A", "a3": "A", "a4": "A", "a5": "B", "a6": "B", "a7": "C", "d1": "B", "d2": "B", "d3": "C"}
		for shard, owner := range has {
			key := lease.Key{Stream: shard[:1], Shard: shard}
			g.leases = append(g.leases, assign.Lease{Key: key, Owner: owner})
		}
		g.workers = []assign.Worker{
			{ID: "A", Streams: []string{"a"}}, {ID: "B", Streams: []string{"a", "d"}}, {ID: "D", Streams: []string{"a", "d"}},
		}
		want := maps.Clone(has)
		want["d3"], want["a7"], want["a4"] = "D", "D", "D"
		for i, id := range g.plan() {
			if shard := g.leases[i].Key.Shard; id != want[shard] {
				t.Errorf("%s goes to %s, want %s", shard, id, want[shard])
			}
		}
	})

	t.Run("keeps what is pinned where it is, if a worker can't have all that is pinned to it", func(t *testing.T) {
		t.Parallel()
		g := newGroup(3, 1, 2)
		g.workers[0].Capacity = 1
		for i := range g.leases {
			g.leases[i].Pin = g.workers[0].ID
		}
		g.leases[1].Owner = g.workers[0].ID
		want := []string{g.workers[1].ID, g.workers[0].ID, g.workers[1].ID}
		if got := g.plan(); !slices.Equal(got, want) {
			t.Errorf("plan = %v, want %v", got, want)
		}
	})

	t.Run("has no answer where there is none", func(t *testing.T) {
		t.Parallel()
		g := newGroup(3, 1, 1)
		if got := assign.Plan(nil, g.workers); len(got) != 0 {
			t.Errorf("plan = %v without leases", got)
		}
		for name, workers := range map[string][]assign.Worker{
			"no worker":        nil,
			"draining":         {{ID: "a", Streams: g.workers[0].Streams, Draining: true}},
			"another's stream": {{ID: "a", Streams: []string{"other"}}},
		} {
			if got := assign.Plan(g.leases, workers); !slices.Equal(got, []string{"", "", ""}) {
				t.Errorf("%s: plan = %v, want nobody", name, got)
			}
		}
	})
}
