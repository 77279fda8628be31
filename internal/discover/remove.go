package discover

import (
	"slices"

	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

// noteAbsence notes which finished leases a listing does not have.
func (m *Memory) noteAbsence(x *index, sound bool) {
	absent := make(map[string]topology.Absence)
	for _, k := range x.order {
		if k.lease == nil || k.listed || !k.lease.Finished() {
			continue
		}
		a := m.absent[k.ID]
		if sound {
			a = a.Again(m.now)
		}
		absent[k.ID] = a
	}
	m.absent = absent
}

// remove plans the deletion of leases that are over, and whose parents have none any more.
func (m *Memory) remove(p *Plan, x *index) {
	var passed keySet              // keys of younger leases that have moved
	held := make(map[string]bool)  // named as a parent by a lease that has not moved
	named := make(map[string]bool) // named as a parent at all
	for _, k := range slices.Backward(x.order) {
		if k.lease == nil {
			continue
		}
		if m.over(k) && !held[k.ID] && x.first(k) && (passed.covers(k.Range) || !k.Range.Valid() && named[k.ID]) {
			p.Delete = append(p.Delete, *k.lease)
		}
		hasMoved := moved(k.lease)
		for _, id := range k.lease.Parents {
			named[id] = true
			held[id] = held[id] || !hasMoved
		}
		if hasMoved && k.Range.Valid() {
			passed.add(k.Range)
		}
	}
	slices.Reverse(p.Delete)
}

// first says whether no parent of a shard has a lease.
func (x *index) first(k *known) bool {
	return !slices.ContainsFunc(k.lease.Parents, func(id string) bool { return x.lease(id) != nil })
}

// over says whether a lease is finished and the service has not listed its shard for long enough.
func (m *Memory) over(k *known) bool {
	a := m.absent[k.ID]
	return k.lease.Finished() && a.Listings >= absentListings && m.now-a.Since >= absentFor
}

// mend plans to take the names of parents that are gone out of leases that would wait for them
// for ever.
func (m *Memory) mend(p *Plan, x *index) {
	for id, n := range m.orphaned {
		k := x.byID[id]
		if k == nil || k.lease == nil || k.lease.Owner != "" || moved(k.lease) {
			continue
		}
		if n < sightings {
			p.Again = true
			continue
		}
		old, mended := *k.lease, *k.lease
		mended.Parents = slices.DeleteFunc(slices.Clone(old.Parents), x.isGone)
		if len(mended.Parents) < len(old.Parents) {
			p.Mend = append(p.Mend, lease.Set(old, mended))
		}
	}
	slices.SortFunc(p.Mend, func(a, b lease.Change) int { return a.Old.Compare(b.Old.Key) })
}
