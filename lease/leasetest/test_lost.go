package leasetest

import (
	"github.com/kinstream/kin/lease"
)

// lostTests are about answers that never came: whoever makes the same call again must be able
// to tell what became of it.
func lostTests() []test {
	return []test{
		{"Lost/a change that was made counts as made when it is tried again", madeAgain},
		{"Lost/the time of a checkpoint does not count", timeDoesNotCount},
		{"Lost/what another wrote is not taken for one's own", anothersIsNotOwn},
		{"Lost/a change on top of one's own is seen", changeOnTop},
		{"Lost/a part of a call is made again", partAgain},
		{"Lost/calls of workers and streams may be made again", othersAgain},
	}
}

func madeAgain(g *group) {
	first := row(1)
	next := first
	next.Owner, next.Epoch = "worker-b", 8
	for _, step := range []struct {
		name   string
		change lease.Change
	}{
		{"create", lease.Create(first)},
		{"set", lease.Set(first, next)},
		{"remove", lease.Remove(lease.Lease{Key: first.Key, Owner: next.Owner, Revision: 2})},
	} {
		before := g.poll().Version
		lossy := NewFaulty(g.store)
		lossy.Inject(OpUpdate, Lost())
		ctx, cancel := g.timeout()
		if _, err := lossy.Update(ctx, g.name, []lease.Change{step.change}); err == nil {
			g.Fatalf("%s: the answer should have been lost", step.name)
		}
		cancel()
		g.on(1).made(step.change)
		g.made(step.change)
		if after := g.poll().Version; after <= before {
			g.Errorf("%s: version = %d after a change that was made again, want more than %d", step.name, after, before)
		}
	}
	if s := g.load(); len(s.Leases) != 0 {
		g.Errorf("leases after the last one was removed: %+v", s.Leases)
	}
}

func timeDoesNotCount(g *group) {
	change := lease.Create(row(1))
	g.made(change)
	change.New.CheckpointAt = moment().Add(1234567) // as a clock is, before a store rounds it
	g.made(change)
}

func anothersIsNotOwn(g *group) {
	old := g.made(lease.Create(row(1)))[0]
	next := old
	next.Owner = "worker-b"
	stored := g.made(lease.Set(old, next))[0]
	for name, differ := range map[string]func(l *lease.Lease){
		"the parents":        func(l *lease.Lease) { l.Parents = []string{shard(3)} },
		"fewer parents":      func(l *lease.Lease) { l.Parents = l.Parents[:1] },
		"no parents":         func(l *lease.Lease) { l.Parents = nil },
		"the first hash key": func(l *lease.Lease) { l.HashStart = "1" },
		"the last hash key":  func(l *lease.Lease) { l.HashEnd = "2" },
		"the owner":          func(l *lease.Lease) { l.Owner = "worker-c" },
		"no owner":           func(l *lease.Lease) { l.Owner = "" },
		"the epoch":          func(l *lease.Lease) { l.Epoch++ },
		"the checkpoint":     func(l *lease.Lease) { l.Checkpoint = lease.ShardEnd },
		"the pin":            func(l *lease.Lease) { l.Pin = "" },
		"the load":           func(l *lease.Lease) { l.Load++ },
	} {
		mine := next
		differ(&mine)
		results := g.update(lease.Set(old, mine))
		if results[0].Made || !results[0].Lease.Equal(stored) {
			g.Errorf("a change that differs in %s from what another one wrote: made = %t with row %+v, want it refused with %+v",
				name, results[0].Made, results[0].Lease, stored)
		}
	}
}

func changeOnTop(g *group) {
	first := g.made(lease.Create(row(1)))[0]
	mine := first
	mine.Owner = "worker-b"
	change := lease.Set(first, mine)
	second := g.made(change)[0]
	theirs := second
	theirs.Owner = "worker-c"
	third := g.made(lease.Set(second, theirs))[0]
	g.refused(third, change)
}

func partAgain(g *group) {
	one, two, three := lease.Create(row(1)), lease.Create(row(2)), lease.Create(row(3))
	g.made(two)
	g.made(one, two, three)
	g.made(three, two, one)
}

func othersAgain(g *group) {
	g.join(worker("w"))
	before := g.beat(worker("w"))
	g.join(worker("w"))
	s := g.poll()
	if len(s.Workers) != 1 {
		g.Fatalf("workers after joining again = %q, want one", idsOf(s))
	}
	wantWorker(g, "a worker that joined again", s.Workers[0], before)

	g.drain(true)
	g.drain(true)
	if !g.poll().Workers[0].Draining {
		g.Error("a worker that was drained twice is not draining")
	}
	for range 2 {
		if !g.forget("w", before.Beat) {
			g.Error("a worker that is forgotten again: gone = false, want true")
		}
	}

	wantStream(g, "a stream that was put", g.putStream(stream(arn)), stream(arn))
	wantStream(g, "a stream that was put again", g.putStream(stream(arn)), stream(arn))
	g.must("delete", g.store.Delete(g.Context(), g.name))
	g.must("delete again", g.store.Delete(g.Context(), g.name))
}
