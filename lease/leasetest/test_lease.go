package leasetest

import (
	"fmt"
	"slices"

	"github.com/kinstream/kin/lease"
)

// leaseTests are about compare-and-set, with one call after the other.
func leaseTests() []test {
	return []test{
		{"Update/a row is created once, with all its fields", createOnce},
		{"Update/a change needs the revision of the row", changeNeedsRevision},
		{"Update/the revision and the owner are compared, and nothing else", revisionAndOwnerAreCompared},
		{"Update/a row that is not there is not changed", noRowIsNotChanged},
		{"Update/a row is removed, and may be created again", removeRow},
		{"Update/each change of a call is on its own, with its result in its place", changesAreOnTheirOwn},
		{"Update/no changes, no results", noChanges},
		{"Update/a thousand changes at once", thousandChanges},
		{"Load/rows come in order", rowsInOrder},
		{"Load/rows belong to the caller", rowsBelongToTheCaller},
	}
}

func createOnce(g *group) {
	want := row(1)
	wantLease(g, "the result", g.made(lease.Create(want))[0], want)

	other := want
	other.Owner = "worker-z"
	g.on(1).refused(want, lease.Create(other))

	s := g.on(2).load()
	if len(s.Leases) != 1 {
		g.Fatalf("load shows %d leases, want 1: %+v", len(s.Leases), s.Leases)
	}
	wantLease(g, "the row that load shows", s.Leases[0], want)
}

func changeNeedsRevision(g *group) {
	first := g.made(lease.Create(row(1)))[0]
	next := first
	next.Owner, next.Epoch, next.Checkpoint = "worker-b", 8, "TRIM_HORIZON"
	second := g.made(lease.Set(first, next))[0]
	if second.Revision != 2 {
		g.Errorf("the first change of a row made revision %d, want 2", second.Revision)
	}

	late := first
	late.Checkpoint = lease.ShardEnd
	early := second
	early.Revision = 3
	g.refused(second, lease.Set(first, late))
	g.refused(second, lease.Set(early, late))
	g.refused(second, lease.Create(late))
	g.refused(second, lease.Remove(first))
	g.refused(second, lease.Remove(early))
	wantLease(g, "the row after changes that were refused", g.load().Leases[0], second)
}

// A row that was deleted and made again has its old revisions once more. What was under way for
// the first one must not hit the second.
func revisionAndOwnerAreCompared(g *group) {
	first := g.made(lease.Create(row(1)))[0]
	moved := first
	moved.Checkpoint = lease.ShardEnd
	g.made(lease.Remove(first))
	again := row(1)
	again.Owner = "worker-z"
	second := g.made(lease.Create(again))[0]
	taken := first
	taken.Owner = "worker-c"
	g.refused(second, lease.Set(first, moved))
	g.refused(second, lease.Set(first, taken))
	g.refused(second, lease.Remove(first))

	again.Owner = "" // nobody's, which is an owner like any other here
	g.made(lease.Remove(second))
	third := g.made(lease.Create(again))[0]
	g.refused(third, lease.Set(second, taken))
	old := lease.Lease{Key: third.Key, Revision: 1} // nothing else is compared
	owned := g.made(lease.Set(old, taken))[0]
	old.Revision = 2
	g.refused(owned, lease.Set(old, again))
	old.Owner = taken.Owner
	g.made(lease.Set(old, again))
}

func noRowIsNotChanged(g *group) {
	absent := row(1)
	none := lease.Lease{Key: absent.Key}
	next := absent
	next.Owner = "worker-b"
	g.refused(none, lease.Set(absent, next))
	if s := g.load(); len(s.Leases) != 0 {
		g.Errorf("a refused change made rows: %+v", s.Leases)
	}
}

func removeRow(g *group) {
	first := g.made(lease.Create(row(1)))[0]
	other := g.made(lease.Create(row(2)))[0]
	g.made(lease.Remove(first))
	if s := g.load(); len(s.Leases) != 1 || !s.Leases[0].Equal(other) {
		g.Errorf("leases after a removal: %+v, want only %+v", s.Leases, other)
	}
	again := first
	again.Owner = ""
	if got := g.made(lease.Create(again))[0]; got.Revision != 1 {
		g.Errorf("revision of a row that was created again = %d, want 1", got.Revision)
	}
}

func changesAreOnTheirOwn(g *group) {
	rows := g.made(lease.Create(row(1)), lease.Create(row(2)), lease.Create(row(3)), lease.Create(row(4)))
	set := func(old lease.Lease, owner string) lease.Change {
		next := old
		next.Owner = owner
		return lease.Set(old, next)
	}
	current := g.made(set(rows[1], "somebody"))[0]
	stale := set(rows[1], "stale")
	changes := []lease.Change{
		lease.Remove(rows[3]),
		stale,
		lease.Create(row(5)),
		set(rows[0], "w"),
		lease.Create(rows[2]), // equal to what is there: made already
		lease.Create(func() lease.Lease { l := rows[2]; l.Key = rows[1].Key; l.Shard = shard(9); return l }()),
	}
	want := []bool{true, false, true, true, true, true}
	for i, r := range g.update(changes...) {
		if r.Made != want[i] {
			g.Errorf("change %d: made = %t, want %t", i, r.Made, want[i])
		}
		if r.Lease.Key != changes[i].New.Key {
			g.Errorf("result %d is of lease %s, want %s", i, r.Lease.Shard, changes[i].New.Shard)
		}
		if want[i] && !changes[i].MadeIn(r.Lease) {
			g.Errorf("change %d was made, but the row is %+v", i, r.Lease)
		}
		if !want[i] && !r.Lease.Equal(current) {
			g.Errorf("change %d was refused with row %+v, want %+v", i, r.Lease, current)
		}
	}
}

func noChanges(g *group) {
	g.join(worker("w"))
	before := g.poll().Version
	g.update()
	if after := g.poll().Version; after != before {
		g.Errorf("version after an update without changes = %d, want %d", after, before)
	}
}

func thousandChanges(g *group) {
	const n = 1000
	create := make([]lease.Change, n)
	for i := range create {
		// Backwards, so that the order of results is not the order of keys.
		create[i] = lease.Create(row(n - 1 - i))
	}
	rows := g.made(create...)

	half := make([]lease.Change, 0, n/2)
	for _, r := range rows[:n/2] {
		next := r
		next.Owner = "first"
		half = append(half, lease.Set(r, next))
	}
	g.made(half...)
	all := make([]lease.Change, n)
	for i, r := range rows {
		next := r
		next.Owner = "second"
		all[i] = lease.Set(r, next)
	}
	for i, r := range g.on(1).update(all...) {
		wantOwner := "second"
		if i < n/2 {
			wantOwner = "first"
		}
		if r.Made != (i >= n/2) || r.Lease.Owner != wantOwner || r.Lease.Key != rows[i].Key {
			g.Fatalf("change %d of %s: made = %t, row %+v; want owner %q", i, rows[i].Shard, r.Made, r.Lease, wantOwner)
		}
	}
	s := g.on(2).load()
	if len(s.Leases) != n {
		g.Fatalf("load shows %d leases, want %d", len(s.Leases), n)
	}
	for i, l := range s.Leases {
		if l.Shard != shard(i) {
			g.Fatalf("lease %d is of shard %s, want %s", i, l.Shard, shard(i))
		}
	}
}

func rowsInOrder(g *group) {
	shards := []string{"shard-10", "shard-9", "a", "B", "shard-2", "Shard-2", "shard-100", "é"}
	for _, arn := range []string{"arn:z", "arn:a", "arn:B"} {
		g.putStream(lease.Stream{ARN: arn, Start: lease.TrimHorizon, Revision: 1})
		for _, shard := range shards {
			g.made(lease.Create(lease.Lease{Key: lease.Key{Stream: arn, Shard: shard}, Checkpoint: lease.TrimHorizon}))
		}
	}
	for _, id := range []string{"w10", "w9", "a", "B", "é", "-"} {
		g.join(worker(id))
	}
	s := g.load()
	keys, arns, ids := keysOf(s), arnsOf(s), idsOf(s)
	if !slices.IsSortedFunc(keys, lease.Key.Compare) || len(keys) != 3*len(shards) {
		g.Errorf("leases are not all there in the order of their keys: %q", keys)
	}
	if want := []string{"arn:B", "arn:a", "arn:z"}; !slices.Equal(arns, want) {
		g.Errorf("streams = %q, want %q", arns, want)
	}
	if want := []string{"-", "B", "a", "w10", "w9", "é"}; !slices.Equal(ids, want) || !slices.Equal(idsOf(g.poll()), want) {
		g.Errorf("workers = %q, want %q", ids, want)
	}
	if p := g.poll(); p.Leases != nil || p.Streams != nil {
		g.Errorf("poll returned leases or streams: %+v", p)
	}
}

func rowsBelongToTheCaller(g *group) {
	g.made(lease.Create(row(1)))
	g.join(worker("w"))
	spoil := func(s lease.Snapshot) {
		s.Leases[0].Parents[0] = "spoiled"
		s.Leases[0].Owner = "spoiled"
		s.Workers[0].Streams[0] = "spoiled"
	}
	spoil(g.load())
	s := g.load()
	wantLease(g, "the row after a caller wrote to its own copy", s.Leases[0], row(1))
	wantWorker(g, "the worker after a caller wrote to its own copy", s.Workers[0], worker("w"))
}

func keysOf(s lease.Snapshot) (keys []lease.Key) {
	for _, l := range s.Leases {
		keys = append(keys, l.Key)
	}
	return keys
}

func arnsOf(s lease.Snapshot) (arns []string) {
	for _, stream := range s.Streams {
		arns = append(arns, stream.ARN)
	}
	return arns
}

func idsOf(s lease.Snapshot) (ids []string) {
	for _, w := range s.Workers {
		ids = append(ids, w.ID)
	}
	return ids
}

// versionOf says which version a group has, in failures.
func versionOf(s lease.Snapshot) string { return fmt.Sprintf("version %d", s.Version) }
