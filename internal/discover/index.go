package discover

import (
	"slices"
	"strings"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

// known is what a listing and the rows say about a shard.
type known struct {
	topology.Shard // Parents: none is empty, its own or there twice
	listed         bool
	lease          *lease.Lease // nil if it has none
}

// index is what a listing and the rows say about all shards of a stream.
type index struct {
	byID  map[string]*known
	order []*known // lower IDs first
	spare []known
}

func newIndex(stream string, rows []lease.Lease, listing []topology.Shard) *index {
	x := &index{byID: make(map[string]*known, len(listing))}
	for _, s := range listing {
		k := x.at(s.ID)
		k.listed = true
		k.Closed = k.Closed || s.Closed
		if !k.Range.Valid() {
			k.Range = s.Range
		}
		k.descend(s.Parents)
	}
	for i := range rows {
		l := &rows[i]
		if l.Stream != stream {
			continue
		}
		k := x.at(l.Shard)
		k.lease = l
		k.Closed = k.Closed || l.Finished()
		if !k.Range.Valid() {
			k.Range = rangeOf(l)
		}
		k.descend(l.Parents)
	}
	byID := func(a, b *known) int { return compareIDs(a.ID, b.ID) }
	if !slices.IsSortedFunc(x.order, byID) {
		slices.SortFunc(x.order, byID)
	}
	return x
}

func (x *index) at(id string) *known {
	k := x.byID[id]
	if k == nil {
		if len(x.spare) == 0 {
			x.spare = make([]known, 64) // so many at once are cheaper
		}
		k, x.spare = &x.spare[0], x.spare[1:]
		k.Shard = topology.Shard{ID: id, Range: unknownRange()}
		x.byID[id] = k
		x.order = append(x.order, k)
	}
	return k
}

// descend takes in parents of a shard.
func (k *known) descend(parents []string) {
	for _, p := range parents {
		if p != "" && p != k.ID && !slices.Contains(k.Parents, p) {
			k.Parents = append(k.Parents, p)
		}
	}
}

// lease returns the lease of a shard, or nil.
func (x *index) lease(id string) *lease.Lease {
	if k := x.byID[id]; k != nil {
		return k.lease
	}
	return nil
}

func (x *index) listed(id string) bool {
	k := x.byID[id]
	return k != nil && k.listed
}

// holes says whether there are keys that no open shard owns, as far as is known.
func (x *index) holes() bool {
	parents := make(map[string]bool)
	for _, k := range x.order {
		for _, p := range k.Parents {
			parents[p] = true
		}
	}
	var open []hashkey.Range
	for _, k := range x.order {
		if !k.Closed && !parents[k.ID] && k.Range.Valid() {
			open = append(open, k.Range)
		}
	}
	slices.SortFunc(open, func(a, b hashkey.Range) int { return a.Start.Compare(b.Start) })
	var owned keySet
	for _, r := range open {
		owned.add(r)
	}
	return !owned.covers(hashkey.Full())
}

// lacking returns the parents that a listing ought to have, of shards that have no lease yet.
func (x *index) lacking() []string {
	if !slices.ContainsFunc(x.order, func(k *known) bool {
		return k.lease == nil && slices.ContainsFunc(k.Parents, x.isGone)
	}) {
		return nil
	}
	shards := make([]topology.Shard, len(x.order))
	for i, k := range x.order {
		shards[i] = k.Shard
	}
	g := topology.New(topology.AtHorizon)
	g.List(0, shards)
	return g.Missing()
}

// returned returns the listed shards without a lease which are older than a lease
// of the same keys, or of a descendant: their lease was deleted, or they were not listed before.
func (x *index) returned() []string {
	var ids []string
	var owned keySet
	younger := make(map[string]bool) // shards with a descendant that has a lease
	for _, k := range slices.Backward(x.order) {
		has := k.lease != nil
		if !has && (younger[k.ID] || k.Range.Valid() && owned.overlaps(k.Range)) {
			younger[k.ID] = true
			if k.listed {
				ids = append(ids, k.ID)
			}
		}
		if has || younger[k.ID] {
			for _, p := range k.Parents {
				younger[p] = true
			}
		}
		if has && k.Range.Valid() {
			owned.add(k.Range)
		}
	}
	return ids
}

// orphaned returns the leases that have not moved and name a parent that has none and is not
// listed.
func (x *index) orphaned() []string {
	var ids []string
	for _, k := range x.order {
		if k.lease != nil && !moved(k.lease) && slices.ContainsFunc(k.lease.Parents, x.isGone) {
			ids = append(ids, k.ID)
		}
	}
	return ids
}

// isGone says whether a shard neither has a lease nor is listed.
func (x *index) isGone(id string) bool {
	k := x.byID[id]
	return k == nil || k.lease == nil && !k.listed
}

// moved says whether a lease is not where it began any more: records were done, or there were none.
func moved(l *lease.Lease) bool {
	return l.Checkpoint != lease.TrimHorizon && !strings.HasPrefix(string(l.Checkpoint), atTimestamp)
}

const atTimestamp = "AT_TIMESTAMP:"

func compareIDs(a, b string) int {
	return lease.Key{Shard: a}.Compare(lease.Key{Shard: b})
}

func unknownRange() hashkey.Range { return hashkey.Range{Start: hashkey.Max()} }

// rangeOf returns the keys of a lease; one that is not valid if they are not known.
func rangeOf(l *lease.Lease) hashkey.Range {
	start, err := hashkey.Parse(l.HashStart)
	if err != nil {
		return unknownRange()
	}
	end, err := hashkey.Parse(l.HashEnd)
	if err != nil {
		return unknownRange()
	}
	return hashkey.Range{Start: start, End: end}
}
