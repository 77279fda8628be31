package discover

import (
	"slices"
	"time"

	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

// create plans leases for the listed shards that have none and whose parents stand in no way. It
// returns how many listed shards have none.
func (m *Memory) create(p *Plan, stream lease.Stream, x *index) (without int) {
	var waiting *known // the first that waits for the lease of a listed parent
	doubt := false     // another listing is needed
	var ended, returned map[string]bool
	for _, k := range x.order {
		if !k.listed || k.lease != nil {
			continue
		}
		if without++; without == 1 {
			ended, returned = m.ended(stream, x), toSet(x.returned())
		}
		if returned[k.ID] && m.returned[k.ID] < sightings {
			doubt = true
			continue
		}
		switch m.obstacle(k, x) {
		case parentHasNone:
			if waiting == nil {
				waiting = k
			}
		case parentLacking:
			doubt = true
		case none:
			p.Create = append(p.Create, newLease(stream, k, x, begin(stream, ended[k.ID], returned[k.ID])))
		}
	}
	if len(p.Create) == 0 && waiting != nil && !doubt {
		// Parents that form a circle: no service says so, and a server that does must not hang
		// its readers.
		p.Create = append(p.Create, newLease(stream, waiting, x, begin(stream, ended[waiting.ID], false)))
	}
	p.Again = p.Again || doubt
	return without
}

// obstacle is why a shard can't have a lease yet.
type obstacle int

const (
	none          obstacle = iota
	parentHasNone          // a parent is listed and has no lease yet
	parentLacking          // a parent ought to be listed
)

func (m *Memory) obstacle(k *known, x *index) obstacle {
	worst := none
	for _, p := range k.Parents {
		switch {
		case x.lease(p) != nil:
		case x.listed(p):
			worst = max(worst, parentHasNone)
		case m.expected(p):
			worst = max(worst, parentLacking)
		}
	}
	return worst
}

// begin returns where a shard begins. ended: before the start position. returned: it is older
// than others that have leases.
func begin(stream lease.Stream, ended, returned bool) lease.Checkpoint {
	switch {
	case stream.Seeded && !returned:
		return lease.TrimHorizon
	case ended:
		return lease.ShardEnd
	default:
		return stream.Start
	}
}

// ended returns the listed shards that had ended before the start position: those of which the
// service says so, and of all of their ancestors too that are not gone. Where it says so only of a
// descendant, what it says lacks the ancestor, or is about a listing that lacked the descendant:
// reading too much is better than finishing what has records.
func (m *Memory) ended(stream lease.Stream, x *index) map[string]bool {
	if stream.Seeded || stream.Start == lease.TrimHorizon {
		return nil
	}
	parents := make(map[string]bool)
	for _, k := range x.order {
		for _, p := range k.Parents {
			parents[p] = true
		}
	}
	ended, asked := make(map[string]bool), make(map[string]bool)
	var ask func(id string) bool
	ask = func(id string) bool {
		k := x.byID[id]
		if k == nil || !k.listed {
			// If it is gone, all before it are. But one that has a lease, or ought to be listed, may
			// be missing only here, as in what the service said of its children.
			_, lacking := m.lacking[id]
			return (k == nil || k.lease == nil) && !lacking
		}
		if !asked[id] {
			asked[id] = true // ends a circle of parents
			// A shard that is open, and has no child, has not ended whatever is said.
			ended[id] = m.listing.Before[id] && (k.Closed || parents[id])
			for _, p := range k.Parents {
				ended[id] = ask(p) && ended[id]
			}
		}
		return ended[id]
	}
	for _, k := range x.order {
		ask(k.ID)
	}
	return ended
}

// newLease returns the first row of a shard. It names those parents that have one.
func newLease(stream lease.Stream, k *known, x *index, begin lease.Checkpoint) lease.Lease {
	l := lease.Lease{Key: lease.Key{Stream: stream.ARN, Shard: k.ID}, Checkpoint: begin}
	for _, p := range k.Parents {
		if x.lease(p) != nil {
			l.Parents = append(l.Parents, p)
		}
	}
	slices.SortFunc(l.Parents, compareIDs)
	if k.Range.Valid() {
		l.HashStart, l.HashEnd = k.Range.Start.String(), k.Range.End.String()
	}
	return l
}

func toSet(ids []string) map[string]bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// End is what is to be done at the end of a shard, before its own lease is finished.
type End struct {
	// Create are leases of children to write, with [lease.Create], side by side.
	Create []lease.Lease

	// Wait says that a child that the service named can't have a lease yet, because the end of
	// one shard does not tell enough about it. After the next listing, and the leases that come
	// of it, ask [AtEnd] again.
	Wait bool

	// List says that a listing is needed now: because of Wait, or because the service named no
	// child.
	List bool
}

// AtEnd returns what is to be done before the lease of a shard is finished whose records are
// all done. named are the children that the service named at its end; rows are the leases of
// the group as they are known now. lacked is since when the end is known, and how many listings of
// the stream have begun and been taken in since then: when that proves it, a child that nothing
// else tells of is gone.
func AtEnd(stream lease.Stream, shard string, named []topology.Shard, rows []lease.Lease, now time.Duration, lacked topology.Absence) End {
	x := newIndex(stream.ARN, rows, nil)
	end := End{List: len(named) == 0 && lacked.Listings == 0}
	for _, s := range named {
		if s.ID == "" || s.ID == shard || x.lease(s.ID) != nil {
			continue
		}
		child := known{Shard: topology.Shard{ID: s.ID, Range: s.Range}}
		child.descend([]string{shard})
		child.descend(s.Parents)
		if x.clear(&child) {
			begin := begin(stream, false, false)
			end.Create = append(end.Create, newLease(stream, &child, x, begin))
		} else if !lacked.Proves(now) {
			end.Wait, end.List = true, true
		}
	}
	return end
}

// clear says whether all parents of a child are known to have leases: those that are named
// have, and owned all of its keys, so that there can be no other.
func (x *index) clear(child *known) bool {
	var owned keySet
	for _, p := range child.Parents {
		k := x.byID[p]
		if k == nil || k.lease == nil {
			return false
		}
		if !k.Range.Valid() {
			return false
		}
		owned.add(k.Range)
	}
	return child.Range.Valid() && (owned.covers(child.Range) || !owned.overlaps(child.Range))
}
