package assign

import "slices"

// The counts are a flow of leases: from each class to workers, and from them to one place where all
// arrive. It is the best possible if no circle of changes makes it better, each taking a
// lease from one worker and giving one to another:
//
//	             -1               +1
//	worker 1 --------> class A --------> worker 2 --> ... --> back to worker 1, or
//	    ^                                    |
//	    | -1 lease                  +1 lease |
//	    +------------- all <-----------------+                through all: the counts change
//
// What a change costs has three parts, each of which outweighs all of the next: leases that
// nobody has; the squares of the counts, which are least when counts are most even; and leases
// that move. Circles are found by the algorithm of Bellman and Ford.

// cost is a sum of costs of changes.
type cost int64

// costs are the weights of the parts.
type costs struct{ missing, square, move cost }

func (p *planner) costs() costs {
	nodes := cost(len(p.classes) + len(p.workers) + 2)
	c := costs{move: 1}
	c.square = 2 * nodes                                    // no circle moves more
	c.missing = c.square * 4 * (cost(len(p.order)) + nodes) // no circle changes two counts by more
	return c
}

// search looks for circles of changes that cost less than nothing.
type search struct {
	*planner
	costs

	// distance is of the shortest way to each node so far. It is kept from one circle to the
	// next: wherever a search begins, it finds a circle if there is one, and most of what it
	// found before is still true.
	distance []cost
	before   []int32 // from which node the shortest way comes; -1 where none has come yet
	changed  []int   // in which round each node was last given a distance or other ways; all at first
	round    int
	awake    []int32 // the workers that have changed since the round before began
}

// The numbers of nodes: classes, then workers, then all, then nobody.
func (p *planner) nodeOf(w int32) int32 { return int32(len(p.classes)) + w }
func (p *planner) all() int32           { return int32(len(p.classes) + len(p.workers)) }
func (p *planner) none() int32          { return p.all() + 1 }

// improve makes the counts better until there is nothing to improve.
func (p *planner) improve() {
	if len(p.classes) == 0 || len(p.workers) == 0 {
		return
	}
	n := int(p.none()) + 1
	s := &search{planner: p, costs: p.costs(), distance: make([]cost, n), before: make([]int32, n), changed: make([]int, n)}
	for circles := s.find(); len(circles) > 0; circles = s.find() {
		for _, circle := range circles {
			s.apply(circle)
			for _, node := range circle {
				s.changed[node] = s.round // what leads from here costs something else now
			}
		}
	}
}

// find returns circles of which no two have a node in common; none if there is none.
func (s *search) find() [][]int32 {
	for i := range s.before {
		s.before[i] = -1
	}
	for {
		s.round++
		if !s.relax() {
			return nil
		}
		if circles := s.circles(); len(circles) > 0 {
			return circles
		}
	}
}

// relax looks at each possible change whose first node has changed since it was looked at last:
// no other one can be a shorter way. It reports whether there was one.
func (s *search) relax() bool {
	s.awake = s.awake[:0]
	for w := range int32(len(s.workers)) {
		if s.isAwake(s.nodeOf(w)) {
			s.awake = append(s.awake, w)
		}
	}
	all, none := s.all(), s.none()
	left := 0
	for c := range s.classes {
		s.relaxClass(int32(c))
		left += s.classes[c].left
	}
	s.step(none, all, s.missing)
	if left > 0 {
		s.step(all, none, -s.missing)
	}
	for w := range int32(len(s.workers)) {
		n := cost(s.count[w])
		if s.count[w] < s.room[w] {
			s.step(s.nodeOf(w), all, s.square*(2*n+1))
		}
		if n > 0 {
			s.step(all, s.nodeOf(w), -s.square*(2*n-1))
		}
	}
	return slices.Contains(s.changed, s.round)
}

// relaxClass looks at the changes that take a lease of a class from a worker or from nobody, or
// give one to them.
func (s *search) relaxClass(node int32) {
	class, none := &s.classes[node], s.none()
	givers := s.awake
	if len(class.eligible) < len(givers) {
		givers = class.eligible
	}
	for _, w := range givers {
		if gets, has := class.gets[w], class.has[w]; gets > 0 {
			s.step(s.nodeOf(w), node, pick(gets <= has, s.move, 0))
		}
	}
	if class.left > 0 {
		s.step(none, node, 0)
	}
	if !s.isAwake(node) {
		return
	}
	for _, w := range class.eligible {
		s.step(node, s.nodeOf(w), pick(class.gets[w] < class.has[w], -s.move, 0))
	}
	s.step(node, none, 0)
}

// isAwake says whether a node has changed since the round before began.
func (s *search) isAwake(node int32) bool { return s.changed[node] >= s.round-1 }

func (s *search) step(from, to int32, by cost) {
	if d := s.distance[from] + by; d < s.distance[to] {
		s.distance[to], s.before[to], s.changed[to] = d, from, s.round
	}
}

func pick(yes bool, a, b cost) cost {
	if yes {
		return a
	}
	return b
}

// circles returns the circles among the shortest ways so far. All of them cost less than
// nothing, and no two have a node in common.
func (s *search) circles() [][]int32 {
	var found [][]int32
	seen := make([]int32, len(s.before)) // by node: the walk that came by first, plus 1
	for start := range s.before {
		n := int32(start)
		for n >= 0 && seen[n] == 0 {
			seen[n] = int32(start) + 1
			n = s.before[n]
		}
		if n < 0 || seen[n] != int32(start)+1 {
			continue
		}
		circle := []int32{n}
		for m := s.before[n]; m != n; m = s.before[m] {
			circle = append(circle, m)
		}
		found = append(found, circle)
	}
	return found
}

// apply makes the changes of a circle, which goes backwards: each node comes after the one that
// it leads to.
func (s *search) apply(circle []int32) {
	classes, all, none := int32(len(s.classes)), s.all(), s.none()
	for i, to := range circle {
		from := circle[(i+1)%len(circle)]
		switch {
		case from == all && to == none || from == none && to == all:
		case from == all:
			s.count[to-classes]--
		case to == all:
			s.count[from-classes]++
		case from == none:
			s.classes[to].left--
		case to == none:
			s.classes[from].left++
		case from < classes:
			s.classes[from].gets[to-classes]++
		default:
			s.classes[to].gets[from-classes]--
		}
	}
}
