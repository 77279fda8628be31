package leasetest

import (
	"github.com/kinstream/kin/lease"
)

// versionTests are about the number that tells workers to look.
func versionTests() []test {
	return []test{
		{"Version/rises when a change announces", versionRises},
		{"Version/stays when a checkpoint moves on", versionStays},
		{"Version/stays when changes are refused", versionStaysWhenRefused},
		{"Version/rises if one of many changes announces", versionOfBatch},
		{"Version/rises when workers come, drain and go", versionOfWorkers},
		{"Version/stays at heartbeats and streams", versionStaysElsewhere},
		{"Version/is the same in Load and Poll", versionIsTheSame},
	}
}

// rises runs f and says whether the version rose. It fails if the version went back.
func (g *group) rises(what string, f func()) bool {
	g.Helper()
	before := g.poll().Version
	f()
	after := g.on(1).poll().Version
	if after < before {
		g.Errorf("%s: the version fell from %d to %d", what, before, after)
	}
	return after > before
}

func versionRises(g *group) {
	open := lease.Lease{Key: row(1).Key, Checkpoint: lease.TrimHorizon}
	for i, step := range []struct {
		name string
		set  func(l *lease.Lease)
	}{
		{"an owner", func(l *lease.Lease) { l.Owner, l.Epoch = "w", 1 }},
		{"another owner", func(l *lease.Lease) { l.Owner, l.Epoch = "v", 2 }},
		{"an epoch alone", func(l *lease.Lease) { l.Epoch = 3 }},
		{"no owner", func(l *lease.Lease) { l.Owner = "" }},
		{"a pin", func(l *lease.Lease) { l.Pin = "w" }},
		{"a load", func(l *lease.Lease) { l.Load = 4 }},
		{"the end", func(l *lease.Lease) { l.Checkpoint = lease.ShardEnd }},
		{"a reset", func(l *lease.Lease) { l.Checkpoint = lease.TrimHorizon }},
	} {
		key := lease.Key{Stream: arn, Shard: shard(i)}
		old := open
		old.Key = key
		if i > 4 {
			old.Checkpoint = "AFTER_SEQUENCE_NUMBER:1"
		}
		if step.name == "a reset" {
			old.Checkpoint = lease.ShardEnd
		}
		if step.name == "no owner" {
			old.Owner = "w"
		}
		if !g.rises("create", func() { old = g.made(lease.Create(old))[0] }) {
			g.Error("creating a row: the version stayed")
		}
		next := old
		step.set(&next)
		if !g.rises(step.name, func() { next = g.made(lease.Set(old, next))[0] }) {
			g.Errorf("%s: the version stayed", step.name)
		}
		if !g.rises("remove", func() { g.made(lease.Remove(next)) }) {
			g.Error("removing a row: the version stayed")
		}
	}
}

func versionStays(g *group) {
	l := g.made(lease.Create(row(1)))[0]
	for _, checkpoint := range []lease.Checkpoint{"AFTER_SEQUENCE_NUMBER:2", "AFTER_SEQUENCE_NUMBER:2:7", lease.TrimHorizon} {
		next := l
		next.Checkpoint = checkpoint
		next.CheckpointAt = l.CheckpointAt.Add(60e9)
		if g.rises("a checkpoint", func() { l = g.made(lease.Set(l, next))[0] }) {
			g.Errorf("checkpoint %s raised the version", checkpoint)
		}
	}
}

func versionStaysWhenRefused(g *group) {
	first := g.made(lease.Create(row(1)))[0]
	next := first
	next.Owner = "w"
	second := g.made(lease.Set(first, next))[0]
	other := first
	other.Owner = "v"
	for name, change := range map[string]lease.Change{
		"set": lease.Set(first, other), "create": lease.Create(other), "remove": lease.Remove(first),
	} {
		if g.rises(name, func() { g.refused(second, change) }) {
			g.Errorf("%s: a change that was refused raised the version", name)
		}
	}
}

func versionOfBatch(g *group) {
	rows := g.made(lease.Create(row(1)), lease.Create(row(2)), lease.Create(row(3)))
	move := func(i int) lease.Change {
		next := rows[i]
		next.Checkpoint = "AFTER_SEQUENCE_NUMBER:9" + lease.Checkpoint(shard(i))
		return lease.Set(rows[i], next)
	}
	take := func(i int) lease.Change {
		next := rows[i]
		next.Owner = "taker"
		return lease.Set(rows[i], next)
	}
	if !g.rises("one of three", func() { rows = g.made(move(0), take(1), move(2)) }) {
		g.Error("one of three changes announces: the version stayed")
	}
	stale := take(1)
	stale.Old.Revision, stale.New.Revision = 7, 8
	if g.rises("the one is refused", func() {
		if r := g.update(move(0), stale, move(2)); !r[0].Made || r[1].Made || !r[2].Made {
			g.Errorf("results = %+v, want made, refused, made", r)
		}
	}) {
		g.Error("the only change that announces was refused, but the version rose")
	}
}

func versionOfWorkers(g *group) {
	if !g.rises("join", func() { g.join(worker("w")) }) {
		g.Error("joining: the version stayed")
	}
	if !g.rises("drain", func() { g.drain(true) }) {
		g.Error("draining: the version stayed")
	}
	if g.rises("forget with an old beat", func() { g.forget("w", 1) }) {
		g.Error("a worker that was not forgotten raised the version")
	}
	if !g.rises("forget", func() { g.forget("w", worker("w").Beat) }) {
		g.Error("forgetting: the version stayed")
	}
	g.join(worker("v"))
	if !g.rises("forget any beat", func() { g.forget("v", lease.AnyBeat) }) {
		g.Error("forgetting whatever the beat is: the version stayed")
	}
}

func versionStaysElsewhere(g *group) {
	g.join(worker("w"))
	if g.rises("beat", func() {
		w := worker("w")
		w.Streams, w.Capacity, w.Seen = []string{arn}, 1, 99
		g.beat(w)
	}) {
		g.Error("a heartbeat raised the version")
	}
	if g.rises("stream", func() {
		s := g.putStream(stream(arn))
		s.Seeded, s.Revision = true, 2
		g.putStream(s)
	}) {
		g.Error("a stream raised the version")
	}
}

func versionIsTheSame(g *group) {
	if s := g.load(); s.Version != 0 || len(s.Leases)+len(s.Streams)+len(s.Workers) != 0 {
		g.Errorf("a group that is not there: %+v, want nothing", s)
	}
	g.join(worker("w"))
	g.made(lease.Create(row(1)))
	if load, poll := g.load(), g.poll(); load.Version != poll.Version || load.Version == 0 {
		g.Errorf("load shows %s, poll %s, want the same", versionOf(load), versionOf(poll))
	}
}
