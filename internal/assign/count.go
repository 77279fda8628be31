package assign

import (
	"cmp"
	"math"
	"slices"
)

// keep lets each worker keep what it has and may have.
func (p *planner) keep() {
	for i, w := range p.owner {
		c := &p.classes[p.class[i]]
		switch {
		case p.pinned[i]:
		case w == nobody:
			c.left++
		default:
			c.has[w]++
			if p.count[w] < p.room[w] {
				c.gets[w]++
				p.count[w]++
			} else {
				c.left++
			}
		}
	}
}

// fill gives the leases that are left to the workers that have the fewest. Those that
// few workers can read come first.
func (p *planner) fill() {
	classes := make([]*class, len(p.classes))
	for i := range p.classes {
		classes[i] = &p.classes[i]
	}
	slices.SortStableFunc(classes, func(a, b *class) int { return cmp.Compare(len(a.eligible), len(b.eligible)) })
	for _, c := range classes {
		for c.left > 0 && p.raise(c) {
		}
	}
}

// raise gives one lease to each of the workers that have the fewest, as long as some are left.
// It reports whether there was a worker with room.
func (p *planner) raise(c *class) bool {
	fewest := math.MaxInt
	for _, w := range c.eligible {
		if p.count[w] < p.room[w] {
			fewest = min(fewest, p.count[w])
		}
	}
	for _, w := range c.eligible {
		if c.left > 0 && p.count[w] == fewest && p.count[w] < p.room[w] {
			c.gets[w]++
			p.count[w]++
			c.left--
		}
	}
	return fewest < math.MaxInt
}

// level moves leases from workers that have more to workers that have fewer, class by class. It
// is quick, and in a single class it leaves nothing to improve.
func (p *planner) level() {
	for moved := true; moved; {
		moved = false
		for i := range p.classes {
			c := &p.classes[i]
			for {
				from, to := p.highest(c), p.lowest(c)
				if from == nobody || to == nobody || p.count[from]-p.count[to] < 2 {
					break
				}
				c.gets[from]--
				p.count[from]--
				c.gets[to]++
				p.count[to]++
				moved = true
			}
		}
	}
}

// lowest returns the worker with room that can read a class and has the fewest leases.
func (p *planner) lowest(c *class) int32 {
	best := nobody
	for _, w := range c.eligible {
		if p.count[w] < p.room[w] && (best == nobody || p.count[w] < p.count[best]) {
			best = w
		}
	}
	return best
}

// highest returns the worker with leases of a class that has the most leases; among several,
// one that would not lose what it has.
func (p *planner) highest(c *class) int32 {
	best := nobody
	for _, w := range c.eligible {
		if c.gets[w] == 0 {
			continue
		}
		if best == nobody || p.count[w] > p.count[best] ||
			p.count[w] == p.count[best] && c.gets[w] > c.has[w] && c.gets[best] <= c.has[best] {
			best = w
		}
	}
	return best
}
