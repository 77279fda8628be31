package topology

import (
	"slices"
	"time"
)

// listFirst adds the first listing and decides where its shards begin.
func (g *Graph) listFirst(now time.Duration, shards []Shard) {
	g.addAll(shards, false)
	g.settle(now, shards)
	g.markDescendants()
	if g.start == AtTip {
		for _, s := range shards {
			if n := g.nodes[s.ID]; n.atStart() && !n.open() {
				g.finish(n)
			}
		}
	}
	g.refreshAll(shards)
}

// markDescendants makes the shards Late that were made after the positions were
// kept which Resume was told of.
func (g *Graph) markDescendants() {
	resumed := len(g.resumed) > 0
	cut := false // a named shard is not listed, so its descendants may not be linked to it
	for id := range g.resumed {
		cut = cut || g.nodes[id] == nil
	}
	var queue []*node
	for _, n := range g.nodes {
		if n.named {
			queue = append(queue, n)
		}
	}
	for parent, children := range g.orphans {
		_, named := g.resumed[parent]
		for i, n := range children {
			// Not settled: a shard between n and a named one may be missing in the listing.
			if named || cut || resumed && !n.settled {
				queue = appendLate(queue, children[i:i+1])
			}
		}
	}
	for len(queue) > 0 {
		n := queue[len(queue)-1]
		queue = appendLate(queue[:len(queue)-1], n.children)
	}
}

// appendLate makes those nodes Late that begin at the start so far, and appends
// them to the queue.
func appendLate(queue, nodes []*node) []*node {
	for _, n := range nodes {
		if n.atStart() {
			n.late = true
			queue = append(queue, n)
		}
	}
	return queue
}

// skipAncestors finishes the shards among nodes that are older than the start:
// with AtTip, those that have a child that began there.
func (g *Graph) skipAncestors(nodes []*node) {
	if g.start != AtTip {
		return
	}
	for len(nodes) > 0 {
		n := nodes[len(nodes)-1]
		nodes = nodes[:len(nodes)-1]
		if n.state == Waiting && n.late && slices.ContainsFunc(n.children, (*node).atStart) {
			n.late = false
			g.finish(n)
			nodes = append(nodes, n.parents...)
		}
	}
}

// addAll adds shards or what is new about known ones. It returns the nodes that
// it made.
func (g *Graph) addAll(shards []Shard, late bool) []*node {
	var made []*node
	for _, s := range shards {
		n := g.nodes[s.ID]
		if n == nil {
			n = g.insert(s, late)
			made = append(made, n)
		}
		n.Closed = n.Closed || s.Closed
		if !n.Range.Valid() {
			n.Range = s.Range // it was not told before
		}
		for _, p := range s.Parents {
			g.addParent(n, p)
		}
	}
	return made
}

func (g *Graph) insert(s Shard, late bool) *node {
	n := &node{Shard: s, state: Waiting, late: late}
	n.Parents = nil
	g.waiting++
	g.nodes[s.ID] = n
	if done, ok := g.resumed[s.ID]; ok {
		n.named, n.late = true, false
		if done {
			n.Closed = true
			g.setState(n, Done)
		}
	}
	for _, child := range g.orphans[s.ID] {
		link(n, child)
	}
	delete(g.orphans, s.ID)
	for _, child := range n.children {
		g.refresh(child) // it may have been ready as if its parent were gone
	}
	return n
}

func (g *Graph) addParent(n *node, id string) {
	if id == "" || id == n.ID || slices.Contains(n.Parents, id) {
		return
	}
	n.Parents = append(n.Parents, id)
	if p := g.nodes[id]; p != nil {
		link(p, n)
	} else {
		g.orphans[id] = append(g.orphans[id], n)
	}
}

func link(parent, child *node) {
	parent.children = append(parent.children, child)
	child.parents = append(child.parents, parent)
}

func (g *Graph) finish(n *node) {
	if n.state == Done {
		return
	}
	g.setState(n, Done)
	g.refresh(n)
	for _, child := range n.children {
		g.refresh(child)
	}
}

func (g *Graph) setState(n *node, to State) {
	g.count(n.state, -1)
	n.state = to
	g.count(to, +1)
}

func (g *Graph) count(s State, by int) {
	switch s {
	case Waiting:
		g.waiting += by
	case Reading:
		g.reading += by
	case Unknown, Done:
	}
}

func (g *Graph) refreshAll(shards []Shard) {
	for _, s := range shards {
		g.refresh(g.nodes[s.ID])
	}
}

// refresh puts n among the ready nodes, or takes it away from there.
func (g *Graph) refresh(n *node) {
	if ready := n.state == Waiting && !n.blocked(); ready != n.ready {
		g.setReady(n, ready)
	}
}

func (g *Graph) setReady(n *node, ready bool) {
	n.ready = ready
	i, _ := slices.BinarySearchFunc(g.ready, n, compareNodes)
	if ready {
		g.ready = slices.Insert(g.ready, i, n)
	} else {
		g.ready = slices.Delete(g.ready, i, i+1)
	}
}

// breakCycle makes the first waiting shard ready if nothing else can ever make one
// ready. Then the parents that the listing named form a circle: no service does
// that, and a server that does must not hang its readers.
func (g *Graph) breakCycle() {
	if g.waiting == 0 || g.reading > 0 || len(g.Missing()) > 0 {
		return
	}
	var first *node
	for _, n := range g.nodes {
		if n.state == Waiting && (first == nil || compareNodes(n, first) < 0) {
			first = n
		}
	}
	g.setReady(first, true)
}
