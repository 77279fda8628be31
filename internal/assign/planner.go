package assign

import (
	"math"
	"slices"
	"strings"
)

// nobody stands for the worker of a lease that has none.
const nobody int32 = -1

// planner is the work on one plan. Leases, workers, streams and classes go by number: leases in the
// order of their keys, workers in the order of their IDs, without those that are draining.
type planner struct {
	leases  []Lease
	order   []int32 // where each lease is in leases
	workers []Worker
	room    []int // how many leases each worker may have

	stream  []int32 // of each lease
	streams int
	class   []int32 // of each lease
	classes []class
	weight  []int64 // of each lease
	owner   []int32 // of each lease: who has it, and can have it; or nobody
	pinned  []bool  // of each lease: its place is fixed

	hash  []uint64 // of the ID of each worker
	mean  float64  // weight of a lease
	count []int    // of each worker: how many leases it is to have, those that are pinned among them
	load  []int64  // of each worker: the weight of those that it has been given
	to    []int32  // of each lease: the plan
}

// class is the leases of all streams that the same workers can read.
type class struct {
	eligible []int32 // the workers
	can      []bool  // by worker
	has      []int32 // by worker: how many leases it has now, without those that are pinned
	gets     []int32 // by worker: how many it is to have
	left     int     // how many are still to be given to somebody
}

func newPlanner(leases []Lease, workers []Worker) *planner {
	p := &planner{leases: leases, order: make([]int32, len(leases))}
	for i := range p.order {
		p.order[i] = int32(i)
	}
	byKey := func(a, b int32) int { return leases[a].Key.Compare(leases[b].Key) }
	if !slices.IsSortedFunc(p.order, byKey) {
		slices.SortFunc(p.order, byKey)
	}
	for _, w := range workers {
		if !w.Draining {
			p.workers = append(p.workers, w)
		}
	}
	slices.SortFunc(p.workers, func(a, b Worker) int { return strings.Compare(a.ID, b.ID) })
	p.count, p.load, p.room = make([]int, len(p.workers)), make([]int64, len(p.workers)), make([]int, len(p.workers))
	byID := make(map[string]int32, len(p.workers))
	for i, w := range p.workers {
		byID[w.ID] = int32(i)
		p.hash = append(p.hash, hashOf(w.ID))
		p.room[i] = w.Capacity
		if w.Capacity <= 0 {
			p.room[i] = math.MaxInt
		}
	}
	p.classify()
	p.owner, p.to = make([]int32, len(leases)), make([]int32, len(leases))
	p.weight, p.pinned = make([]int64, len(leases)), make([]bool, len(leases))
	for i := range p.order {
		l := p.at(i)
		p.weight[i], p.to[i], p.owner[i] = weightOf(l.Load), nobody, nobody
		if w, alive := byID[l.Owner]; alive && p.can(i, w) {
			p.owner[i] = w
		}
		if w, alive := byID[l.Pin]; l.Pin != "" && alive && p.can(i, w) {
			p.pinned[i], p.to[i] = true, w
		}
	}
	return p
}

func (p *planner) at(i int) *Lease { return &p.leases[p.order[i]] }

// can says whether a worker can read the stream of a lease.
func (p *planner) can(i int, w int32) bool { return p.classes[p.class[i]].can[w] }

// classify numbers the streams of the leases, and finds their classes.
func (p *planner) classify() {
	p.stream, p.class = make([]int32, len(p.order)), make([]int32, len(p.order))
	numbers := make(map[string]int32)
	for i := range p.order {
		arn := p.at(i).Key.Stream
		if i == 0 || arn != p.at(i-1).Key.Stream {
			numbers[arn] = int32(len(numbers))
		}
		p.stream[i] = int32(len(numbers)) - 1
	}
	p.streams = len(numbers)
	readers := make([][]byte, p.streams) // of each stream: 1 for each worker that can read it
	for s := range readers {
		readers[s] = make([]byte, len(p.workers))
	}
	for w := range p.workers {
		for _, arn := range p.workers[w].Streams {
			if s, known := numbers[arn]; known {
				readers[s][w] = 1
			}
		}
	}
	classOf, byReaders := make([]int32, p.streams), make(map[string]int32)
	for s, r := range readers {
		c, known := byReaders[string(r)]
		if !known {
			c = int32(len(p.classes))
			byReaders[string(r)] = c
			p.classes = append(p.classes, newClass(r))
		}
		classOf[s] = c
	}
	for i, s := range p.stream {
		p.class[i] = classOf[s]
	}
}

func newClass(readers []byte) class {
	n := len(readers)
	c := class{can: make([]bool, n), has: make([]int32, n), gets: make([]int32, n)}
	for w, can := range readers {
		if can == 1 {
			c.can[w] = true
			c.eligible = append(c.eligible, int32(w))
		}
	}
	return c
}

// pin fixes the leases that are pinned to a worker. If those are more than the worker may have,
// those that it has come first.
func (p *planner) pin() {
	for _, owned := range []bool{true, false} {
		for i := range p.order {
			w := p.to[i]
			if !p.pinned[i] || (p.owner[i] == w) != owned {
				continue
			}
			if p.count[w] < p.room[w] {
				p.give(i, w)
				p.count[w]++
			} else {
				p.pinned[i], p.to[i] = false, nobody
			}
		}
	}
}

// give makes a worker the one that is to have a lease.
func (p *planner) give(i int, w int32) {
	p.to[i] = w
	p.load[w] += p.weight[i]
}
