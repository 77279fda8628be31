package topology

import (
	"slices"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
)

// settle notes that a complete listing had these shards: where a parent is not
// known now, the stream has trimmed it, unless there is a reason to doubt that. Then it
// counts as trimmed when its absence proves it.
func (g *Graph) settle(now time.Duration, shards []Shard) {
	var older []*node // candidates for the doubt, made when the first orphan needs them
	for _, s := range shards {
		n := g.nodes[s.ID]
		if n.settled || !n.orphan() {
			n.settled = true
			continue
		}
		if older == nil {
			older = g.untrimmed(shards)
		}
		if n.doubtedIn == g.listings {
			continue // it is listed twice
		}
		n.doubtedIn = g.listings
		n.lacking = n.lacking.Again(now)
		n.settled = n.lacking.Proves(now) || !slices.ContainsFunc(older, n.doubtedBy)
	}
}

// Incomplete reports whether a listing itself shows that it lacks shards: a parent is
// not listed, and can't have been trimmed either. A listing of which it is false may be
// complete.
func Incomplete(listing []Shard) bool {
	g := New(AtHorizon)
	g.List(0, listing)
	return len(g.Missing()) > 0
}

// untrimmed returns the nodes that the stream has not trimmed as far as we know:
// those of the listing, and those that are still to be read.
func (g *Graph) untrimmed(listing []Shard) []*node {
	nodes := make([]*node, 0, len(listing))
	for _, s := range listing {
		nodes = append(nodes, g.nodes[s.ID])
	}
	for _, n := range g.nodes {
		if n.state != Done {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// doubtedBy reports whether the untrimmed shard o says that the unknown parent of
// n is not trimmed either, but missing from the listing.
//
// Shards are trimmed in the order in which they were closed. Of each hash key, n's
// parent was the last owner before n. So an older shard that owned a key of n, and
// was not a parent of n, was closed before that parent was opened: while it is
// there, the parent is there.
//
//	keys  |------ o ------|            listed
//	      |-- parent --|- ... -|       not listed, but younger than o
//	      |- n -|- ... -|              listed
func (n *node) doubtedBy(o *node) bool {
	if compareNodes(o, n) >= 0 || slices.Contains(n.Parents, o.ID) {
		return false
	}
	if !o.Range.Valid() || !n.Range.Valid() || !o.Range.Overlaps(n.Range) {
		return false
	}
	shared := intersection(o.Range, n.Range)
	// Keys that n has from a parent that is known say nothing about the other one.
	return !slices.ContainsFunc(n.parents, func(p *node) bool {
		return p.Range.Contains(shared.Start) && p.Range.Contains(shared.End)
	})
}

// intersection returns the keys that two overlapping ranges have in common.
func intersection(a, b hashkey.Range) hashkey.Range {
	if a.Start.Compare(b.Start) < 0 {
		a.Start = b.Start
	}
	if a.End.Compare(b.End) > 0 {
		a.End = b.End
	}
	return a
}
