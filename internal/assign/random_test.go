package assign_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kinstream/kin/internal/assign"
	"github.com/kinstream/kin/lease"
)

// group is a group of workers with its leases.
type group struct {
	leases  []assign.Lease
	workers []assign.Worker
}

// newRand returns a source of random numbers that a failed test names.
func newRand(tb testing.TB) *rand.Rand {
	tb.Helper()
	seed := rand.Uint64()
	tb.Logf("seed %#x", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func streamName(i int) string {
	return fmt.Sprintf("arn:aws:kinesis:eu-west-1:123456789012:stream/s%d", i)
}

// newGroup returns a group of alike workers that has just started: nobody owns anything.
func newGroup(leases, streams, workers int) group {
	var g group
	var arns []string
	for s := range streams {
		arns = append(arns, streamName(s))
	}
	for i := range leases {
		key := lease.Key{Stream: arns[i%streams], Shard: fmt.Sprintf("shardId-%012d", i/streams)}
		g.leases = append(g.leases, assign.Lease{Key: key})
	}
	slices.SortFunc(g.leases, func(a, b assign.Lease) int { return a.Key.Compare(b.Key) })
	for i := range workers {
		g.workers = append(g.workers, assign.Worker{ID: fmt.Sprintf("worker-%03d", i), Streams: arns})
	}
	return g
}

// randomGroup returns a group in which everything may be odd.
func randomGroup(r *rand.Rand, leases, workers int) group {
	streams := 1 + r.IntN(4)
	g := newGroup(leases, streams, workers)
	someone := func() string {
		if r.IntN(8) == 0 {
			return "worker-gone"
		}
		return fmt.Sprintf("worker-%03d", r.IntN(workers))
	}
	for i := range g.leases {
		if r.IntN(3) > 0 {
			g.leases[i].Owner = someone()
		}
		if r.IntN(10) == 0 {
			g.leases[i].Pin = someone()
		}
	}
	alike, limited := r.IntN(2) == 0, r.IntN(2) == 0
	for i := range g.workers {
		w := &g.workers[i]
		if !alike {
			w.Streams = slices.DeleteFunc(slices.Clone(w.Streams), func(string) bool { return r.IntN(3) == 0 })
		}
		if limited && r.IntN(2) == 0 {
			w.Capacity = 1 + r.IntN(2+2*leases/workers)
		}
		w.Draining = r.IntN(8) == 0
	}
	return g
}

// withLoads gives the leases random loads: a few have most of it.
func (g group) withLoads(r *rand.Rand) group {
	g.leases = slices.Clone(g.leases)
	for i := range g.leases {
		g.leases[i].Load = r.IntN(12)
		if r.IntN(2) == 0 {
			g.leases[i].Load = 0
		}
	}
	return g
}

func (g group) plan() []string { return assign.Plan(g.leases, g.workers) }

// carryOut returns the group after a plan was carried out.
func (g group) carryOut(plan []string) group {
	g.leases = slices.Clone(g.leases)
	for i, id := range plan {
		g.leases[i].Owner = id
	}
	return g
}

func (g group) settled() group { return g.carryOut(g.plan()) }

// without returns the group after a worker died.
func (g group) without(i int) group {
	g.workers = slices.Delete(slices.Clone(g.workers), i, i+1)
	return g
}

// with returns the group after a worker like the first one joined.
func (g group) with(id string) group {
	w := g.workers[0]
	w.ID = id
	g.workers = append(slices.Clone(g.workers), w)
	return g
}

func (g group) worker(id string) *assign.Worker {
	for i := range g.workers {
		if g.workers[i].ID == id {
			return &g.workers[i]
		}
	}
	return nil
}

// can says whether a worker can have a lease, as far as its capacity goes.
func can(w *assign.Worker, l assign.Lease) bool {
	return w != nil && !w.Draining && slices.Contains(w.Streams, l.Key.Stream)
}

// moved counts the leases that somebody has who may have them, and that another one or nobody gets.
func (g group) moved(plan []string) int {
	n := 0
	for i, l := range g.leases {
		if plan[i] != l.Owner && can(g.worker(l.Owner), l) {
			n++
		}
	}
	return n
}

func (g group) counts(plan []string) map[string]int {
	counts := make(map[string]int)
	for _, id := range plan {
		if id != "" {
			counts[id]++
		}
	}
	return counts
}

// pinned returns which leases go to the worker to which they are pinned.
func (g group) pinned() []bool {
	pinned, count := make([]bool, len(g.leases)), make(map[string]int)
	order := make([]int, len(g.leases))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return g.leases[a].Key.Compare(g.leases[b].Key) })
	for _, owned := range []bool{true, false} {
		for _, i := range order {
			l := g.leases[i]
			w := g.worker(l.Pin)
			if l.Pin == "" || !can(w, l) || (l.Owner == l.Pin) != owned || w.Capacity > 0 && count[l.Pin] >= w.Capacity {
				continue
			}
			count[l.Pin]++
			pinned[i] = true
		}
	}
	return pinned
}

// score is how good a plan is: lower is better, and what comes first matters more.
type score struct{ without, squares, moves int }

func (g group) score(plan []string) score {
	s := score{moves: g.moved(plan)}
	for _, id := range plan {
		if id == "" {
			s.without++
		}
	}
	for _, n := range g.counts(plan) {
		s.squares += n * n
	}
	return s
}
