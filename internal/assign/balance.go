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
	b := &balancer{planner: p, hands: make([]hand, len(p.workers))}
	for i, w := range p.to {
		if w != nobody && !p.pinned[i] {
			b.hands[w].leases = append(b.hands[w].leases, int32(i))
		}
	}
	order := make([]int32, len(p.workers))
	for w := range order {
		order[w] = int32(w)
	}
	for _, more := range []int{0, 2} {
		for w := range b.hands {
			b.hands[w].changed = b.rounds
		}
		for b.round(order, more) {
		}
	}
}

// balancer knows what workers hold.
type balancer struct {
	*planner

	hands  []hand // by worker
	rounds int    // how many were begun
}

// hand is what a worker holds, without what is pinned to it.
type hand struct {
	leases  []int32
	changed int // in which round it did last

	kinds              []kind // nil if they are to be made anew
	lightest, heaviest int64  // the weights of the kinds, if there are any
}

// kind is the leases of a worker that are alike.
type kind struct {
	class  int32
	weight int64
	owner  int32
	lease  int32 // the one to move first; nobody if there is none
}

// round goes through all pairs of workers, those that differ most first, and reports whether it
// exchanged something. An exchange may make so many more leases move. A pair that has not
// changed since the round before began was looked at as it is, in vain.
func (b *balancer) round(order []int32, more int) (changed bool) {
	before := b.rounds
	b.rounds++
	slices.SortStableFunc(order, func(v, w int32) int { return cmp.Compare(b.load[w], b.load[v]) })
	for n, high := range order {
		for _, low := range slices.Backward(order[n+1:]) {
			for max(b.hands[high].changed, b.hands[low].changed) >= before && b.relieve(high, low, more) {
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
	kinds, others := b.kindsOf(high), b.kindsOf(low)
	lightest, heaviest := b.hands[low].lightest, b.hands[low].heaviest
	for _, a := range kinds {
		if !b.classes[a.class].can[low] {
			continue
		}
		price := b.price(a, high, low)
		if rest := abs(gap - 2*a.weight); single && rest < left && price <= more {
			away, back, left = a, none, rest
		}
		if rest := gap - 2*a.weight; rest+2*lightest >= left || rest+2*heaviest <= -left {
			continue // whatever came back would be too heavy, or too light
		}
		for _, c := range others {
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
	h := &b.hands[w]
	if h.kinds != nil {
		return h.kinds
	}
	slices.SortFunc(h.leases, func(i, j int32) int {
		return cmp.Or(cmp.Compare(b.class[i], b.class[j]), cmp.Compare(b.weight[j], b.weight[i]),
			cmp.Compare(b.owner[i], b.owner[j]), cmp.Compare(i, j))
	})
	h.kinds = make([]kind, 0, 8)
	for n, i := range h.leases {
		k := kind{b.class[i], b.weight[i], b.owner[i], i}
		if n == 0 {
			h.lightest, h.heaviest = k.weight, k.weight
		}
		h.lightest, h.heaviest = min(h.lightest, k.weight), max(h.heaviest, k.weight)
		if n := len(h.kinds); n == 0 || h.kinds[n-1].class != k.class || h.kinds[n-1].weight != k.weight || h.kinds[n-1].owner != k.owner {
			h.kinds = append(h.kinds, k)
		}
	}
	return h.kinds
}

func (b *balancer) move(i, from, to int32) {
	giver, taker := &b.hands[from], &b.hands[to]
	at := slices.Index(giver.leases, i)
	giver.leases = slices.Delete(giver.leases, at, at+1)
	taker.leases = append(taker.leases, i)
	for _, h := range []*hand{giver, taker} {
		h.kinds, h.changed = nil, b.rounds
	}
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
