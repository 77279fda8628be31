package assign_test

import (
	"math"
	"slices"
	"testing"

	"github.com/kinstream/kin/internal/assign"
)

// bestByTrying tries every plan that is allowed.
func (g group) bestByTrying() score {
	best := score{without: math.MaxInt}
	plan, pinned := make([]string, len(g.leases)), g.pinned()
	var try func(i int)
	try = func(i int) {
		if i == len(plan) {
			if s := g.score(plan); less(s, best) {
				best = s
			}
			return
		}
		if pinned[i] {
			plan[i] = g.leases[i].Pin
			try(i + 1)
			return
		}
		for _, w := range append([]assign.Worker{{}}, g.workers...) {
			if w.ID != "" && (!can(&w, g.leases[i]) || !g.hasRoom(w, plan[:i], i)) {
				continue
			}
			plan[i] = w.ID
			try(i + 1)
		}
	}
	try(0)
	return best
}

// hasRoom says whether a worker may have one more than it has in the first leases, and is
// pinned to in the others.
func (g group) hasRoom(w assign.Worker, plan []string, i int) bool {
	n := 0
	for _, id := range plan {
		if id == w.ID {
			n++
		}
	}
	for j, pinned := range g.pinned() {
		if j > i && pinned && g.leases[j].Pin == w.ID {
			n++
		}
	}
	return w.Capacity == 0 || n < w.Capacity
}

func less(a, b score) bool {
	if a.without != b.without {
		return a.without < b.without
	}
	if a.squares != b.squares {
		return a.squares < b.squares
	}
	return a.moves < b.moves
}

func TestPlanIsAsGoodAsTheBestOfAllPlans(t *testing.T) {
	t.Parallel()
	r := newRand(t)
	for range 400 {
		g := randomGroup(r, 1+r.IntN(6), 1+r.IntN(4))
		if got, want := g.score(g.plan()), g.bestByTrying(); got != want {
			t.Fatalf("%+v: score of %v = %+v, want %+v", g, g.plan(), got, want)
		}
	}
}

// bestByFlow places one lease after the other along the cheapest way that makes room for it: a
// flow of least cost, in a graph of leases and workers.
func (g group) bestByFlow() score {
	plan, pinned := make([]string, len(g.leases)), g.pinned()
	for i, l := range g.leases {
		if pinned[i] {
			plan[i] = l.Pin
		}
	}
	for i := range g.leases {
		if !pinned[i] {
			g.augment(plan, pinned, i)
		}
	}
	return g.score(plan)
}

// augment gives lease i to a worker, who may pass one of its own on, and so on.
func (g group) augment(plan []string, pinned []bool, i int) {
	const far = math.MaxInt / 2
	n := len(g.workers)
	distance, by, from := make([]int, n), make([]int, n), make([]int, n) // by: the lease that comes to the worker
	price := func(l int, id string) int {
		if o := g.leases[l].Owner; o != "" && can(g.worker(o), g.leases[l]) && o != id {
			return 1
		}
		return 0
	}
	for w := range n {
		distance[w], from[w] = far, -1
		if can(&g.workers[w], g.leases[i]) {
			distance[w], by[w] = price(i, g.workers[w].ID), i
		}
	}
	for range n {
		for l, id := range plan {
			u := slices.IndexFunc(g.workers, func(w assign.Worker) bool { return w.ID == id })
			if u < 0 || pinned[l] || distance[u] == far {
				continue
			}
			for w := range n {
				d := distance[u] + price(l, g.workers[w].ID) - price(l, id)
				if can(&g.workers[w], g.leases[l]) && d < distance[w] {
					distance[w], by[w], from[w] = d, l, u
				}
			}
		}
	}
	counts := g.counts(plan)
	best, least := -1, far
	for w, worker := range g.workers {
		c := counts[worker.ID]
		if distance[w] == far || worker.Capacity > 0 && c >= worker.Capacity {
			continue
		}
		if d := distance[w] + (2*c+1)*10_000; d < least {
			best, least = w, d
		}
	}
	for w := best; w >= 0; w = from[w] {
		plan[by[w]] = g.workers[w].ID
	}
}

func TestPlanIsAsGoodAsTheBestFlow(t *testing.T) {
	t.Parallel()
	r := newRand(t)
	for range 300 {
		g := randomGroup(r, 1+r.IntN(40), 1+r.IntN(8))
		got, want := g.score(g.plan()), g.bestByFlow()
		if got.without != want.without || got.squares != want.squares || got.moves > want.moves {
			t.Fatalf("%+v: score of %v = %+v, want %+v", g, g.plan(), got, want)
		}
	}
}
