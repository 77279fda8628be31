package assign

import (
	"cmp"
	"slices"
)

// idle is a difference of loads that is not worth a move: 16 KiB per second.
const idle = 32

// balance exchanges leases between workers of which one has more than twice the load of the
// other, which is how exact loads are, until no exchange is worth it any more; first those that
// move no more leases than before. It never changes how even the counts are.
//
// It depends only on who has what, and ends where it has nothing more to do: so the same plan
// follows from a plan that was carried out. An exchange closes as much of the gap as can be, so
// that a load which changes a little afterwards moves nothing.
func (p *planner) balance() {
	b := &balancer{planner: p, held: make([][]int32, len(p.workers)), kinds: make([][]kind, len(p.workers))}
	for i, w := range p.to {
		if w != nobody && !p.pinned[i] {
			b.held[w] = append(b.held[w], int32(i))
		}
	}
	order := make([]int32, len(p.workers))
	for w := range order {
		order[w] = int32(w)
	}
	for _, more := range []int{0, 2} {
		for b.round(order, more) {
		}
	}
}

// balancer knows what workers hold.
type balancer struct {
	*planner
	held  [][]int32 // by worker: its leases that can move
	kinds [][]kind  // by worker: nil if it is to be made anew
}

// kind is the leases of a worker that are alike.
type kind struct {
	class  int32
	weight int64
	owner  int32
	lease  int32 // the one to move first; nobody if there is none
}

// round goes through all pairs of workers, those that differ most first, and reports whether it
// exchanged something. An exchange may make so many more leases move.
func (b *balancer) round(order []int32, more int) (changed bool) {
	slices.SortStableFunc(order, func(v, w int32) int { return cmp.Compare(b.load[w], b.load[v]) })
	for n, high := range order {
		for _, low := range slices.Backward(order[n+1:]) {
			for b.relieve(high, low, more) {
				changed = true
			}
		}
	}
	return changed
}

// relieve makes the best exchange that takes load from one worker to another, and reports
// whether there was one.
func (b *balancer) relieve(high, low int32, more int) bool {
	gap := b.load[high] - b.load[low]
	if gap <= idle || b.load[high] <= 2*b.load[low] {
		return false
	}
	none := kind{lease: nobody}
	away, back := none, none
	// Worth it is what closes the gap by at least what a lease of the busy worker weighs on
	// average.
	left := gap - b.load[high]/int64(b.count[high])
	// If high has one lease more than low, one can simply go.
	single := b.count[high] == b.count[low]+1 && b.count[low] < b.room[low]
	for _, a := range b.kindsOf(high) {
		if !b.classes[a.class].can[low] {
			continue
		}
		price := b.price(a, high, low)
		if rest := abs(gap - 2*a.weight); single && rest < left && price <= more {
			away, back, left = a, none, rest
		}
		for _, c := range b.kindsOf(low) {
			rest := abs(gap - 2*(a.weight-c.weight))
			if rest < left && b.classes[c.class].can[high] && price+b.price(c, low, high) <= more {
				away, back, left = a, c, rest
			}
		}
	}
	if away == none {
		return false
	}
	b.move(away.lease, high, low)
	if back != none {
		b.move(back.lease, low, high)
	} else {
		b.count[high]--
		b.count[low]++
	}
	return true
}

// price returns by how much the number of leases that move changes if a lease goes from one
// worker to another.
func (b *balancer) price(k kind, from, to int32) int {
	switch k.owner {
	case from:
		return 1
	case to:
		return -1
	default:
		return 0
	}
}

// kindsOf returns the kinds of leases that a worker has.
func (b *balancer) kindsOf(w int32) []kind {
	if b.kinds[w] != nil {
		return b.kinds[w]
	}
	slices.SortFunc(b.held[w], func(i, j int32) int {
		return cmp.Or(cmp.Compare(b.class[i], b.class[j]), cmp.Compare(b.weight[j], b.weight[i]),
			cmp.Compare(b.owner[i], b.owner[j]), cmp.Compare(i, j))
	})
	kinds := make([]kind, 0, 8)
	for _, i := range b.held[w] {
		k := kind{b.class[i], b.weight[i], b.owner[i], i}
		if n := len(kinds); n == 0 || kinds[n-1].class != k.class || kinds[n-1].weight != k.weight || kinds[n-1].owner != k.owner {
			kinds = append(kinds, k)
		}
	}
	b.kinds[w] = kinds
	return kinds
}

func (b *balancer) move(i, from, to int32) {
	at := slices.Index(b.held[from], i)
	b.held[from] = slices.Delete(b.held[from], at, at+1)
	b.held[to] = append(b.held[to], i)
	b.kinds[from], b.kinds[to] = nil, nil
	b.load[from] -= b.weight[i]
	b.load[to] += b.weight[i]
	b.to[i] = to
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}
