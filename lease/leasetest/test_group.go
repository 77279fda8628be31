package leasetest

import (
	"errors"
	"slices"
	"strings"

	"github.com/kinstream/kin/lease"
)

// groupTests are about groups beside each other, and their end.
func groupTests() []test {
	return []test{
		{"Group/comes into being with its first row", firstRow},
		{"Group/rows of one are no rows of another", groupsAreIsolated},
		{"Group/names that are alike are not the same", namesAreAlike},
		{"Groups/returns all names in order", groupsInOrder},
		{"Delete/leaves nothing, and touches no other group", deleteLeavesNothing},
		{"Delete/a group that is gone begins anew", deleteBeginsAnew},
		{"Delete/rows do not come back from workers that go on", deleteWhileBeating},
	}
}

// wantGroup checks whether Groups names the group.
func (g *group) wantGroup(want bool) {
	g.Helper()
	if got := slices.Contains(g.groups(), g.name); got != want {
		g.Errorf("groups name the group = %t, want %t", got, want)
	}
}

// groups returns the names that begin with the one of the group.
func (g *group) groups() []string {
	g.Helper()
	ctx, cancel := g.timeout()
	defer cancel()
	all, err := g.store.Groups(ctx)
	g.must("groups", err)
	if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
		g.Errorf("groups are not in order, each once: %q", all)
	}
	return slices.DeleteFunc(all, func(name string) bool { return !strings.HasPrefix(name, g.name) })
}

func (g *group) delete() {
	g.Helper()
	ctx, cancel := g.timeout()
	defer cancel()
	g.must("delete", g.store.Delete(ctx, g.name))
}

func firstRow(g *group) {
	for name, first := range map[string]func(g *group){
		"a worker": func(g *group) { g.join(worker("w")) },
		"a stream": func(g *group) { g.putStream(stream(arn)) },
		"a lease":  func(g *group) { g.made(lease.Create(row(1))) },
	} {
		g := g.another()
		g.wantGroup(false)
		g.load()
		g.wantGroup(false)
		first(g)
		if got := g.on(1).groups(); !slices.Contains(got, g.name) {
			g.Errorf("%s made no group", name)
		}
		g.delete()
		g.wantGroup(false)
	}
}

func groupsAreIsolated(g *group) {
	one, two := g, g.another()
	for _, g := range []*group{one, two} {
		g.join(worker("w"))
		g.putStream(stream(arn))
		g.made(lease.Create(row(1)))
	}
	before := two.load()
	next := row(1)
	next.Owner = "worker-z"
	one.made(lease.Set(row(1), next), lease.Create(row(2)))
	one.beat(worker("w"))
	one.drain(true)
	one.join(worker("x"))
	s := stream(arn)
	s.Seeded, s.Revision = true, 2
	one.putStream(s)
	one.forget("w", lease.AnyBeat)
	after := two.load()
	if after.Version != before.Version || len(after.Leases) != 1 || len(after.Workers) != 1 || len(after.Streams) != 1 {
		g.Fatalf("another group changed: %+v, want %+v", after, before)
	}
	wantLease(g, "the lease of another group", after.Leases[0], before.Leases[0])
	wantWorker(g, "the worker of another group", after.Workers[0], before.Workers[0])
	wantStream(g, "the stream of another group", after.Streams[0], before.Streams[0])
}

// alike returns groups whose names have the one of g in common.
func (g *group) alike() []*group {
	var all []*group
	for _, suffix := range []string{"", "a", "A", ".", "-", "_", "a.b", "a_b", "0", strings.Repeat("x", 128-len(g.name))} {
		other := *g
		other.name += suffix
		all = append(all, &other)
		other.cleanUp()
	}
	return all
}

func namesAreAlike(g *group) {
	all := g.alike()
	for i, g := range all {
		w := worker("w")
		w.Capacity = i + 1
		g.join(w)
		l := row(1)
		l.Load = i
		g.made(lease.Create(l))
	}
	for i, g := range all {
		s := g.on(i).load()
		if len(s.Workers) != 1 || s.Workers[0].Capacity != i+1 || len(s.Leases) != 1 || s.Leases[0].Load != i {
			g.Errorf("group %s: %+v, want its own rows, with number %d", g.name, s, i)
		}
	}
	all[0].delete()
	for _, g := range all[1:] {
		if s := g.load(); len(s.Workers) != 1 || len(s.Leases) != 1 {
			g.Errorf("group %s after %s was deleted: %+v", g.name, all[0].name, s)
		}
	}
}

func groupsInOrder(g *group) {
	var want []string
	for _, g := range g.alike() {
		g.join(worker("w"))
		want = append(want, g.name)
	}
	slices.Sort(want)
	if got := g.groups(); !slices.Equal(got, want) {
		g.Errorf("groups = %q, want %q", got, want)
	}
}

func deleteLeavesNothing(g *group) {
	other := g.another()
	for _, g := range []*group{g, other} {
		g.join(worker("w"))
		g.join(worker("x"))
		g.putStream(stream(arn))
		var create []lease.Change
		for i := range 300 {
			create = append(create, lease.Create(row(i)))
		}
		g.made(create...)
	}
	g.on(1).delete()
	if s := g.load(); s.Version != 0 || len(s.Leases)+len(s.Streams)+len(s.Workers) != 0 {
		g.Errorf("a group that was deleted: %+v", s)
	}
	g.wantGroup(false)
	if s := other.load(); len(s.Leases) != 300 || len(s.Workers) != 2 || len(s.Streams) != 1 {
		g.Errorf("another group lost rows: %d leases, %d workers, %d streams", len(s.Leases), len(s.Workers), len(s.Streams))
	}
}

func deleteBeginsAnew(g *group) {
	l := g.made(lease.Create(row(1)))[0]
	g.join(worker("w"))
	g.delete()
	if _, err := g.store.Beat(g.Context(), g.name, worker("w")); !errors.Is(err, lease.ErrNoWorker) {
		g.Errorf("heartbeat in a group that was deleted: %v, want ErrNoWorker", err)
	}
	next := l
	next.Owner = "worker-z"
	g.refused(lease.Lease{Key: l.Key}, lease.Set(l, next))
	g.join(worker("x"))
	if s := g.load(); len(s.Workers) != 1 || s.Workers[0].ID != "x" || len(s.Leases) != 0 || s.Version == 0 {
		g.Errorf("a group that began anew: %+v, want worker x and nothing else", s)
	}
}

func deleteWhileBeating(g *group) {
	for range g.rounds(20) {
		g := g.another()
		g.join(worker("w"))
		l := g.made(lease.Create(row(1)))[0]
		err := g.atOnce(4, func(g *group, i int) error {
			switch i {
			case 0:
				return g.store.Delete(g.Context(), g.name)
			case 1:
				next := l
				next.Owner = "worker-z"
				_, err := g.store.Update(g.Context(), g.name, []lease.Change{lease.Set(l, next)})
				return err
			case 2:
				err := g.store.Drain(g.Context(), g.name, "w", true)
				if errors.Is(err, lease.ErrNoWorker) {
					err = nil
				}
				return err
			}
			_, err := g.store.Beat(g.Context(), g.name, worker("w"))
			if errors.Is(err, lease.ErrNoWorker) {
				err = nil
			}
			return err
		})
		g.must("delete while workers go on", err)
		if s := g.load(); len(s.Leases)+len(s.Workers) != 0 {
			g.Fatalf("rows came back after the group was deleted: %+v", s)
		}
	}
}
