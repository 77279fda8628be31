package topology

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kinstream/kin/internal/hashkey"
)

// Shard is what ListShards, or the end of a parent, says about a shard.
type Shard struct {
	// ID names the shard. IDs are compared by length first, so that numbers with
	// more digits come later.
	ID string

	// Parents are the shards that this one was made of: none, one after a split,
	// two after a merge. The service calls them ParentShardId and
	// AdjacentParentShardId, and ParentShards at the end of a shard. Empty IDs and
	// the shard's own are ignored. The Graph keeps no reference to the slice.
	Parents []string

	// Range is the range of hash keys that the shard owns. One that is not valid means
	// that it is not known.
	Range hashkey.Range

	// Closed says that the shard takes no more records: its sequence number range
	// has an end.
	Closed bool
}

// State is how far the caller is with a shard.
type State uint8

// The states, in the order in which a shard goes through them.
const (
	Unknown State = iota // the Graph was never told of the shard
	Waiting              // to be read; not begun
	Reading              // between Begin and Finish
	Done                 // read to its end, or skipped
)

// String returns the name of s in lower case.
func (s State) String() string {
	switch s {
	case Unknown:
		return "unknown"
	case Waiting:
		return "waiting"
	case Reading:
		return "reading"
	case Done:
		return "done"
	}
	return "invalid"
}

// Start is the kind of position at which the shards of the first listing begin.
type Start uint8

const (
	// AtHorizon reads every shard of the first listing, also closed ones. It is
	// right for TRIM_HORIZON and for a time: a closed shard may have records
	// after that time.
	AtHorizon Start = iota

	// AtTip skips the shards of the first listing that are closed. It is right
	// for LATEST.
	AtTip
)

// node is a shard of the Graph.
type node struct {
	Shard // Parents: own copy, no empty ID, not its own, no ID twice

	state     State
	settled   bool    // a listing had it: parents that are unknown are gone
	lacking   Absence // of such parents, in listings that had it and could not settle that
	doubtedIn int     // the last of them
	named     bool    // Resume named it
	late      bool    // see Graph.Late
	ready     bool    // is in Graph.ready
	parents   []*node
	// children are the known shards that name this one as a parent.
	children []*node
}

// atStart says whether n begins at the start position of the caller, or was
// skipped because of it.
func (n *node) atStart() bool { return !n.late && !n.named }

// open says whether n takes records as far as we know.
func (n *node) open() bool { return !n.Closed && len(n.children) == 0 }

// orphan says whether n has a parent that is not known.
func (n *node) orphan() bool { return len(n.parents) < len(n.Parents) }

// partial says whether n may have a parent that nobody has named: those that are known
// owned some of its keys and not the others, or who owned what is not known. It happens
// where the end of a shard names that shard as the only parent of a merge.
func (n *node) partial() bool {
	if n.orphan() {
		return false
	}
	unknown := func(p *node) bool { return !p.Range.Valid() }
	if len(n.parents) == 0 || unknown(n) || slices.ContainsFunc(n.parents, unknown) {
		return true
	}
	if !slices.ContainsFunc(n.parents, func(p *node) bool { return p.Range.Overlaps(n.Range) }) {
		return false // ranges that say nothing
	}
	for next := n.Range.Start; ; {
		i := slices.IndexFunc(n.parents, func(p *node) bool { return p.Range.Contains(next) })
		if i < 0 {
			return true
		}
		end := n.parents[i].Range.End
		if end.Compare(n.Range.End) >= 0 {
			return false
		}
		next = end.Next()
	}
}

// unclear says whether n waits for a listing to show its parents or to rule them out.
func (n *node) unclear() bool { return !n.settled && (n.orphan() || n.partial()) }

// blocked says whether a parent is in the way of n.
func (n *node) blocked() bool {
	if n.unclear() {
		return true
	}
	return slices.ContainsFunc(n.parents, func(p *node) bool { return p.state != Done })
}

func compareIDs(a, b string) int {
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

func compareNodes(a, b *node) int { return compareIDs(a.ID, b.ID) }
