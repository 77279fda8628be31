package assign

import (
	"cmp"
	"slices"
)

// weightOf returns about what a lease of that load weighs, in units of half a KiB per second:
// the middle of the range for which the load stands. A lease without records weighs something
// too.
func weightOf(load int) int64 {
	const highest = 40 // a TiB per second
	if load <= 0 {
		return 1
	}
	return 3 << (min(load, highest) - 1)
}

// place decides which leases make up the counts: workers keep what they have as far as
// the counts allow, and what is left goes where there is the least load.
func (p *planner) place() {
	p.settle(p.part())
}

// part gives each worker those of its leases that it keeps, and returns the others, and those
// that nobody has.
func (p *planner) part() (pool []int32) {
	var total int64
	held, excess := make([]int64, len(p.workers)), make([]float64, len(p.workers))
	copy(held, p.load)
	for i, w := range p.owner {
		total += p.weight[i]
		switch {
		case p.pinned[i]:
		case w == nobody:
			pool = append(pool, int32(i))
		default:
			held[w] += p.weight[i]
		}
	}
	parting := make(map[[2]int32][]int32) // leases of workers that have too many of a class
	for i, w := range p.owner {
		if p.pinned[i] || w == nobody {
			continue
		}
		c := p.class[i]
		if class := &p.classes[c]; class.gets[w] >= class.has[w] {
			p.give(i, w)
		} else {
			parting[[2]int32{w, c}] = append(parting[[2]int32{w, c}], int32(i))
		}
	}
	p.mean = float64(total) / float64(len(p.order))
	for w := range p.workers {
		// The conversion keeps machines from fusing the two steps: on all of them the result
		// must be the same.
		excess[w] = float64(held[w]) - float64(p.mean*float64(p.count[w]))
	}
	for w := range int32(len(p.workers)) {
		for c := range int32(len(p.classes)) {
			if leases := parting[[2]int32{w, c}]; leases != nil {
				pool = append(pool, p.choose(w, leases, int(p.classes[c].gets[w]), &excess[w])...)
			}
		}
	}
	return pool
}

// choose returns which of the leases a worker is to give away to keep n. They are between the
// average and what would take its excess of load along, and come from the streams of which it
// has the most. Only what the worker has itself matters, so that it chooses the same ones while
// others hand theirs over.
func (p *planner) choose(w int32, leases []int32, n int, excess *float64) []int32 {
	// Rank: how many leases of the same stream the worker has before this one.
	rank, inStream := make(map[int32]int, len(leases)), make(map[int32]int)
	for _, i := range leases {
		rank[i] = inStream[p.stream[i]]
		inStream[p.stream[i]]++
	}
	slices.SortFunc(leases, func(a, b int32) int {
		return cmp.Or(cmp.Compare(p.weight[a], p.weight[b]), cmp.Compare(rank[b], rank[a]), cmp.Compare(b, a))
	})
	var runs [][]int32 // leases of the same weight
	for from, to := 0, 0; from < len(leases); from = to {
		for to < len(leases) && p.weight[leases[to]] == p.weight[leases[from]] {
			to++
		}
		runs = append(runs, leases[from:to])
	}
	away := make([]int32, 0, len(leases)-n)
	for left := len(leases) - n; left > 0; left-- {
		best := nearest(p, runs, (*excess/float64(left)+p.mean)/2, chance(p.hash[w], uint64(left)))
		i := runs[best][0]
		runs[best] = runs[best][1:]
		away = append(away, i)
		*excess -= float64(p.weight[i])
	}
	for _, run := range runs {
		for _, i := range run {
			p.give(int(i), w)
		}
	}
	return away
}

// settle gives the leases of the pool to workers that are to have more, the heaviest first.
// What is left when all have what they are to have stays without a worker.
func (p *planner) settle(pool []int32) {
	if len(pool) == 0 {
		return
	}
	slices.SortFunc(pool, func(a, b int32) int {
		return cmp.Or(cmp.Compare(p.weight[b], p.weight[a]), cmp.Compare(a, b))
	})
	band, bands := p.band(), make([]int64, len(p.workers))
	for w, load := range p.load {
		bands[w] = load / band
	}
	open := make([][]int32, len(p.classes)) // by class: the workers that are to have more than they have been given
	for c := range p.classes {
		class := &p.classes[c]
		for _, w := range class.eligible {
			if class.gets[w] > class.has[w] {
				open[c] = append(open[c], w)
			}
		}
	}
	spread := p.spread(pool)
	for _, i := range pool {
		c, inStream := p.class[i], spread[p.stream[i]]
		if len(open[c]) == 0 {
			continue
		}
		n := p.least(open[c], bands, inStream, hashOf(p.at(int(i)).Key.Shard))
		w := open[c][n]
		inStream[w]++
		p.give(int(i), w)
		bands[w] = p.load[w] / band
		class := &p.classes[c]
		if class.has[w]++; class.has[w] == class.gets[w] {
			open[c] = slices.Delete(open[c], n, n+1)
		}
	}
}

// least returns the index of the worker with the least load, in bands; of several, the one with
// the fewest leases of the stream; of those, with the least load exactly; and of those, the one
// that a hash chooses, so that it is the same one also if others come or go.
func (p *planner) least(workers []int32, bands []int64, inStream []int32, hash uint64) int {
	best, first := 0, workers[0]
	band, stream, load, tie := bands[first], inStream[first], p.load[first], mix(hash, p.hash[first])
	for n, w := range workers[1:] {
		switch {
		case bands[w] > band:
			continue
		case bands[w] < band:
		case inStream[w] > stream:
			continue
		case inStream[w] < stream:
		case p.load[w] > load || p.load[w] == load && mix(hash, p.hash[w]) >= tie:
			continue
		}
		best, band, stream, load, tie = n+1, bands[w], inStream[w], p.load[w], mix(hash, p.hash[w])
	}
	return best
}

// band is how much two loads may differ before the difference matters more than to spread a stream.
func (p *planner) band() int64 {
	var total int64
	for _, w := range p.weight {
		total += w
	}
	return max(1, total/int64(8*max(1, len(p.workers))))
}

// spread returns how many leases each worker has of each stream that is in the pool.
func (p *planner) spread(pool []int32) [][]int32 {
	spread := make([][]int32, p.streams)
	for _, i := range pool {
		if s := p.stream[i]; spread[s] == nil {
			spread[s] = make([]int32, len(p.workers))
		}
	}
	for i, w := range p.to {
		if s := spread[p.stream[i]]; w != nobody && s != nil {
			s[w]++
		}
	}
	return spread
}

// nearest returns the run whose weight is next to want: the one above or the one below, by
// chance, so that over many choices the weights come to what was wanted.
func nearest(p *planner, runs [][]int32, want, chance float64) int {
	below, above := -1, -1
	for r, run := range runs {
		switch {
		case len(run) == 0:
		case float64(p.weight[run[0]]) <= want:
			below = r
		case above < 0:
			above = r
		}
	}
	if below < 0 || above < 0 {
		return max(below, above)
	}
	low, high := float64(p.weight[runs[below][0]]), float64(p.weight[runs[above][0]])
	if chance < (want-low)/(high-low) {
		return above
	}
	return below
}

// chance returns a number from 0 to 1 that is the same everywhere.
func chance(a, b uint64) float64 { return float64(mix(a, b)>>11) / (1 << 53) }

// mix returns a hash of two numbers.
func mix(a, b uint64) uint64 {
	h := a ^ b*0x9E3779B97F4A7C15
	h ^= h >> 32
	h *= 0xD6E8FEB86659FD93
	h ^= h >> 32
	h *= 0xD6E8FEB86659FD93
	return h ^ h>>32
}

// hashOf returns a hash of a text (FNV-1a).
func hashOf(text string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return h
}
