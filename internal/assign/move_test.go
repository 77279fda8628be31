package assign_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// least returns how many leases must move at least until the counts are even, if all workers
// are alike.
func (g group) least() int {
	counts := make(map[string]int)
	for _, l := range g.leases {
		counts[l.Owner]++
	}
	var has []int
	for _, w := range g.workers {
		has = append(has, counts[w.ID])
	}
	slices.Sort(has)
	slices.Reverse(has)
	least, each, more := 0, len(g.leases)/len(g.workers), len(g.leases)%len(g.workers)
	for i, n := range has {
		share := each
		if i < more {
			share++ // those that have the most may keep the most
		}
		least += max(0, n-share)
	}
	return least
}

func TestPlanMovesNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	r := newRand(t)
	for name, g := range map[string]group{
		"100 leases, 10 workers":                           newGroup(100, 1, 10),
		"1,003 leases, 7 workers":                          newGroup(1003, 5, 7),
		"10,000 leases, 200 workers":                       newGroup(10_000, 1, 200),
		"10,000 leases of 100 streams, 200 workers, loads": newGroup(10_000, 100, 200).withLoads(r),
	} {
		g = g.settled()
		for what, changed := range map[string]group{
			"nothing changes":           g,
			"one joins":                 g.with("worker-new"),
			"five join":                 g.with("new-1").with("new-2").with("new-3").with("new-4").with("new-5"),
			"one dies":                  g.without(3),
			"three die":                 g.without(3).without(3).without(1),
			"one is replaced":           g.without(2).with("worker-new"),
			"a deployment is half done": g.without(0).without(0).with("new-1").with("new-2"),
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				plan := changed.plan()
				if got, least := changed.moved(plan), changed.least(); got < least || got > least+least/100 {
					t.Errorf("%d leases move, want %d", got, least)
				}
				if again := changed.carryOut(plan).plan(); !slices.Equal(again, plan) {
					t.Error("the plan changes when it has been carried out")
				}
			})
		}
	}
}

// A plan that is carried out by many, one after the other, must not turn into another one
// on the way: what was to move still moves, and what was to stay stays.
func TestPlanHoldsWhileItIsCarriedOut(t *testing.T) {
	t.Parallel()
	r := newRand(t)
	for _, g := range []group{newGroup(100, 1, 10), newGroup(1000, 10, 20).withLoads(r), newGroup(10_000, 1, 200)} {
		g = g.settled().with("worker-new")
		plan := g.plan()
		part := slices.Clone(plan)
		for i := range part {
			if r.IntN(2) == 0 {
				part[i] = g.leases[i].Owner
			}
		}
		strayed := 0
		for i, id := range g.carryOut(part).plan() {
			if id != plan[i] {
				strayed++
			}
		}
		if most := len(plan) / 100; strayed > most {
			t.Errorf("%d of %d leases have another target, want at most %d", strayed, len(plan), most)
		}
	}
}

// Workers that start together know of each other a little sooner or later. Their plans should agree
// about most leases all the same, or they take each other's.
func TestPlansOfDifferentViewsAgreeAboutMuch(t *testing.T) {
	t.Parallel()
	for n := 3; n <= 20; n++ {
		g := newGroup(50*n, 1, n)
		all, without := g.plan(), g.without(n-1).plan()
		same := 0
		for i := range all {
			if all[i] == without[i] {
				same++
			}
		}
		// By chance it would be one in n.
		if got, want := float64(same)/float64(len(all)), 0.4; got < want {
			t.Errorf("%d workers: plans agree about %.2f of the leases, want %.2f", n, got, want)
		}
	}
}

// weigh returns what the workers have to do: the most that one has, what a certain one has, and
// the mean.
func weigh(g group, plan []string, id string) (most, one, mean float64) {
	loads := make(map[string]float64)
	for i, owner := range plan {
		weight := 0.5
		if n := g.leases[i].Load; n > 0 {
			weight = 1.5 * float64(int(1)<<(n-1))
		}
		loads[owner] += weight
		mean += weight / float64(len(g.workers))
	}
	for _, n := range loads {
		most = max(most, n)
	}
	return most, loads[id], mean
}

func TestLoad(t *testing.T) {
	t.Parallel()

	t.Run("is spread much better than by chance", func(t *testing.T) {
		t.Parallel()
		r := newRand(t)
		for _, size := range [][2]int{{60, 3}, {100, 10}, {1000, 20}} {
			var got, chance float64
			for range 20 {
				g := newGroup(size[0], 2, size[1]).withLoads(r)
				most, _, mean := weigh(g, g.plan(), "")
				got += most/mean - 1
				byChance := make([]string, size[0])
				for i, n := range r.Perm(size[0]) {
					byChance[i] = g.workers[n%size[1]].ID
				}
				most, _, mean = weigh(g, byChance, "")
				chance += most/mean - 1
			}
			if got > chance/2 {
				t.Errorf("%v: %.3f above the mean on average, want half of %.3f", size, got/20, chance/20)
			}
		}
	})

	t.Run("that has become uneven is spread again", func(t *testing.T) {
		t.Parallel()
		r := newRand(t)
		for range 20 {
			g := newGroup(400, 1, 10).settled()
			for i := range g.leases { // all that some workers have becomes hot
				if id := g.leases[i].Owner; id == "worker-001" || id == "worker-004" {
					g.leases[i].Load = 5 + r.IntN(5)
				}
			}
			plan := g.plan()
			if most, _, mean := weigh(g, plan, ""); most > 1.6*mean {
				t.Errorf("load = %.0f at most, mean %.0f", most, mean)
			}
			if got := g.moved(plan); got > 150 {
				t.Errorf("%d leases move, want at most 150", got)
			}
		}
	})

	t.Run("that changes a little moves nothing", func(t *testing.T) {
		t.Parallel()
		r := newRand(t)
		for range 20 {
			g := newGroup(1000, 1, 20)
			for i := range g.leases {
				g.leases[i].Load = 4 + r.IntN(4)
			}
			g = g.settled()
			for i := range g.leases {
				g.leases[i].Load += r.IntN(3) - 1
			}
			if got := g.moved(g.plan()); got > 0 {
				t.Errorf("%d leases move", got)
			}
		}
	})

	t.Run("comes to who joins without a move more", func(t *testing.T) {
		t.Parallel()
		r := newRand(t)
		g := newGroup(2000, 1, 20).withLoads(r).settled().with("worker-new")
		plan := g.plan()
		if _, one, mean := weigh(g, plan, "worker-new"); one < 0.75*mean || one > 1.25*mean {
			t.Errorf("load = %.0f, mean %.0f", one, mean)
		}
		if got, want := g.moved(plan), g.least(); got != want {
			t.Errorf("%d leases move, want %d", got, want)
		}
	})

	t.Run("makes few leases move when there are not many", func(t *testing.T) {
		t.Parallel()
		r := rand.New(rand.NewPCG(5, 6)) // always the same: it is the sum that counts
		least, moved := 0, 0
		for range 200 {
			g := newGroup(20+r.IntN(100), 2, 3+r.IntN(10)).withLoads(r).settled().with("worker-new")
			least += g.least()
			moved += g.moved(g.plan())
		}
		if most := least + least/10; moved > most {
			t.Errorf("%d leases move, want at most %d; the counts need %d", moved, most, least)
		}
	})

	t.Run("of nearly nothing moves nothing", func(t *testing.T) {
		t.Parallel()
		g := newGroup(10, 1, 5).settled()
		for i, l := range g.leases {
			if l.Owner == "worker-002" {
				g.leases[i].Load = 3
			}
		}
		if got := g.moved(g.plan()); got > 0 {
			t.Errorf("%d leases move", got)
		}
	})
}

func TestPlanSpreadsEachStream(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	g := newGroup(500, 50, 10) // each worker should get one lease of each stream
	half := g.without(9).without(8).without(7).without(6).without(5).settled()
	for _, tt := range []struct {
		what string
		g    group
		most int
	}{
		{"cold start", g, 0},
		{"one died", g.settled().without(4), 50},
		{"half of them join", half.with("a").with("b").with("c").with("d").with("e"), 0},
		{"loads", newGroup(500, 50, 10).withLoads(r), 25},
	} {
		second := 0
		counts := make(map[string]int)
		for i, id := range tt.g.plan() {
			key := fmt.Sprint(tt.g.leases[i].Key.Stream, id)
			if counts[key]++; counts[key] > 1 {
				second++
			}
		}
		if second > tt.most {
			t.Errorf("%s: %d leases are the second of their stream at a worker, or more, want at most %d", tt.what, second, tt.most)
		}
	}
}
