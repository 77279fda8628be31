package topology

import (
	"iter"
	"maps"
	"slices"
	"time"
)

// Graph holds the shards of one stream and how far the caller is with each.
// Make one with [New]. It is not safe for concurrent use.
type Graph struct {
	start Start
	nodes map[string]*node

	// orphans are the nodes that name a parent which is not in nodes, by the ID of
	// that parent.
	orphans map[string][]*node

	// resumed is what Resume was told, by shard ID: whether the shard is done.
	resumed map[string]bool

	// ready are the nodes that are Waiting and not blocked, in the order of IDs.
	ready []*node

	waiting, reading int // how many nodes are in that state
	listings         int // taken in so far
}

// New returns an empty Graph for a caller that starts to read at the given kind of
// position.
func New(start Start) *Graph {
	return &Graph{
		start:   start,
		nodes:   make(map[string]*node),
		orphans: make(map[string][]*node),
		resumed: make(map[string]bool),
	}
}

// Resume names a shard that the caller has a position of from an earlier run: done
// if that is its end. Call it before the first [Graph.List]; later it has no
// effect on shards that are known already.
func (g *Graph) Resume(id string, done bool) { g.resumed[id] = done }

// List tells the Graph a complete listing: all pages of a ListShards call without
// filter, made at a time on any clock that goes forward. Shards that are known and not
// listed stay as they are. The first call fixes which shards begin at the start position.
func (g *Graph) List(now time.Duration, shards []Shard) {
	if g.listings++; g.listings == 1 {
		g.listFirst(now, shards)
		return
	}
	changed := g.addAll(shards, true)
	g.settle(now, shards)
	g.skipAncestors(changed)
	g.refreshAll(shards)
}

// Children tells the Graph the child shards that came with the end of a shard.
func (g *Graph) Children(shards []Shard) {
	g.skipAncestors(g.addAll(shards, true))
	g.refreshAll(shards)
}

// Ready returns the shards that may be read now and have not begun, in the order of
// their IDs. The caller calls [Graph.Begin] for those that it reads.
func (g *Graph) Ready() []Shard {
	if len(g.ready) == 0 {
		g.breakCycle()
	}
	shards := make([]Shard, len(g.ready))
	for i, n := range g.ready {
		shards[i] = n.export()
	}
	return shards
}

// Begin says that a shard is being read from now on. It has no effect on a shard
// that is not Waiting.
func (g *Graph) Begin(id string) {
	n := g.nodes[id]
	if n == nil || n.state != Waiting {
		return
	}
	g.setState(n, Reading)
	g.refresh(n)
}

// Finish says that a shard has been read to its end, so it is closed and its
// children may begin. Tell [Graph.Children] first if the end named any. A shard
// that could not be read because it was trimmed is finished as well.
func (g *Graph) Finish(id string) {
	n := g.nodes[id]
	if n == nil {
		return
	}
	n.Closed = true
	g.finish(n)
}

// State returns how far the caller is with a shard.
func (g *Graph) State(id string) State {
	if n := g.nodes[id]; n != nil {
		return n.state
	}
	return Unknown
}

// Late reports whether a shard was made while the caller was reading, so that it
// begins at TRIM_HORIZON whatever the start position. It is false for shards that
// Resume named: those begin at their own position.
func (g *Graph) Late(id string) bool {
	n := g.nodes[id]
	return n != nil && n.late
}

// All returns all known shards with their states, in the order of their IDs.
// Skipped shards are Done.
func (g *Graph) All() iter.Seq2[Shard, State] {
	return func(yield func(Shard, State) bool) {
		for _, n := range slices.SortedFunc(maps.Values(g.nodes), compareNodes) {
			if !yield(n.export(), n.state) {
				return
			}
		}
	}
}

// Done reports whether no known shard is left to begin or being read. It says
// nothing about shards that are not known yet: see [Graph.Coverage].
func (g *Graph) Done() bool { return g.waiting == 0 && g.reading == 0 }

// Missing returns the parents that block a shard because no listing has shown
// them or ruled them out yet, in the order of their IDs. In place of a parent that has
// not even been named stands its child. They make a new listing
// necessary, and after some listings at most there are none.
func (g *Graph) Missing() []string {
	var ids []string
	for id, children := range g.orphans {
		if slices.ContainsFunc(children, func(c *node) bool { return c.state == Waiting && !c.settled }) {
			ids = append(ids, id)
		}
	}
	for id, n := range g.nodes {
		if n.state == Waiting && !n.settled && n.partial() {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, compareIDs)
	return ids
}

// export returns the Shard of n without sharing memory that the Graph changes.
func (n *node) export() Shard {
	s := n.Shard
	s.Parents = slices.Clone(n.Parents)
	s.Closed = !n.open()
	return s
}
