package leasetest_test

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/kinstream/kin/lease"
)

// naive is a store of its own kind: its methods do one step after the other, as one does over a
// network, and may have a flaw. Without one it passes the suite.
type naive struct {
	flaw string

	mu     sync.Mutex // guards what follows; held for one step
	groups map[string]*naiveGroup
	cached map[string]lease.Snapshot // of the flaw "reads what it read before"
}

type naiveGroup struct {
	version int64
	workers map[string]lease.Worker
	streams map[string]lease.Stream
	leases  map[lease.Key]lease.Lease
}

func newNaive(flaw string) *naive {
	return &naive{flaw: flaw, groups: map[string]*naiveGroup{}, cached: map[string]lease.Snapshot{}}
}

func (n *naive) has(flaw string) bool { return n.flaw == flaw }

// step runs f with the rows of a group. Other goroutines get their turn between two steps.
func (n *naive) step(group string, f func(g *naiveGroup)) {
	for range 3 {
		runtime.Gosched()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.has("folds the names of groups") {
		group = strings.ToLower(group)
	}
	g, found := n.groups[group]
	if !found {
		g = &naiveGroup{workers: map[string]lease.Worker{}, streams: map[string]lease.Stream{}, leases: map[lease.Key]lease.Lease{}}
	}
	f(g)
	if len(g.workers)+len(g.streams)+len(g.leases) > 0 || n.has("makes groups by looking") {
		n.groups[group] = g
	}
}

// linger gives others much time to raise the version, at a moment at which that shows a flaw.
func (n *naive) linger(group string) {
	version := func() (v int64) {
		n.step(group, func(g *naiveGroup) { v = g.version })
		return v
	}
	before := version()
	for range 20 {
		if version() != before {
			return
		}
	}
}

func (n *naive) check(ctx context.Context, group string) error {
	if !n.has("takes any name of a group") {
		if err := lease.CheckGroup(group); err != nil {
			return err
		}
	}
	if n.has("ignores contexts") {
		return nil
	}
	return ctx.Err()
}

func (n *naive) Load(ctx context.Context, group string) (s lease.Snapshot, err error) {
	if err := n.check(ctx, group); err != nil {
		return s, err
	}
	version := func() { n.step(group, func(g *naiveGroup) { s.Version = g.version }) }
	workers := func() { n.step(group, func(g *naiveGroup) { s.Workers = n.workersOf(g) }) }
	if n.has("loads workers first") {
		workers()
		n.linger(group)
	}
	if !n.has("loads the version last") {
		version()
	}
	n.step(group, func(g *naiveGroup) {
		s.Leases = slices.Collect(maps.Values(g.leases))
		if !n.has("loads rows as they come") {
			slices.SortFunc(s.Leases, func(a, b lease.Lease) int { return a.Compare(b.Key) })
		}
		for i := range s.Leases {
			if !n.has("shares its slices") {
				s.Leases[i].Parents = slices.Clone(s.Leases[i].Parents)
			}
		}
		s.Streams = slices.SortedFunc(maps.Values(g.streams), func(a, b lease.Stream) int { return strings.Compare(a.ARN, b.ARN) })
	})
	if n.has("loads the version last") {
		n.linger(group)
		version()
	}
	if !n.has("loads workers first") {
		workers()
	}
	if n.has("reads what it read before") {
		n.mu.Lock()
		defer n.mu.Unlock()
		old, found := n.cached[group]
		if n.cached[group] = s; found && old.Version == s.Version {
			return old, nil
		}
	}
	return s, nil
}

func (n *naive) workersOf(g *naiveGroup) []lease.Worker {
	all := slices.SortedFunc(maps.Values(g.workers), func(a, b lease.Worker) int { return strings.Compare(a.ID, b.ID) })
	for i := range all {
		all[i].Streams = slices.Clone(all[i].Streams)
	}
	return all
}

func (n *naive) Poll(ctx context.Context, group string) (s lease.Snapshot, err error) {
	if err := n.check(ctx, group); err != nil {
		return s, err
	}
	n.step(group, func(g *naiveGroup) { s.Version = g.version })
	n.step(group, func(g *naiveGroup) { s.Workers = n.workersOf(g) })
	return s, nil
}

func (n *naive) Update(ctx context.Context, group string, changes []lease.Change) ([]lease.Result, error) {
	if err := n.check(ctx, group); err != nil {
		return nil, err
	}
	if !n.has("takes any change") {
		if err := lease.CheckChanges(changes); err != nil {
			return nil, err
		}
	}
	announces := func(c lease.Change) bool {
		switch {
		case n.has("does not announce pins"):
			c.Old.Pin, c.New.Pin = "", ""
		case n.has("does not announce the end"):
			c.Old.Checkpoint = c.New.Checkpoint
		case n.has("announces checkpoints"):
			return true
		case n.has("announces nothing"):
			return false
		}
		return c.Announces()
	}
	early := n.has("announces before the change")
	if early && slices.ContainsFunc(changes, announces) {
		n.raise(group)
		n.linger(group)
	}
	results := make([]lease.Result, len(changes))
	raise := false
	for i, c := range changes {
		var made bool
		results[i], made = n.update(group, c)
		raise = raise || (made || results[i].Made || n.has("announces what it refused")) && announces(c)
		if n.has("stops at the first refusal") && !results[i].Made {
			break
		}
	}
	if raise && !early {
		n.raise(group)
	}
	if n.has("returns results in the order of keys") {
		slices.SortFunc(results, func(a, b lease.Result) int { return a.Lease.Compare(b.Lease.Key) })
	}
	return results, nil
}

// raise raises the version of a group.
func (n *naive) raise(group string) {
	var version int64
	n.step(group, func(g *naiveGroup) {
		version = g.version + 1
		if !n.has("raises the version in two steps") {
			g.version = version
		}
	})
	if n.has("raises the version in two steps") {
		n.linger(group)
	}
	n.step(group, func(g *naiveGroup) {
		if n.has("raises the version in two steps") {
			g.version = version
		}
	})
}

// update makes one change, and says whether it has just been made and not before.
func (n *naive) update(group string, c lease.Change) (result lease.Result, made bool) {
	key := c.New.Key
	var row lease.Lease
	read := func(g *naiveGroup) {
		row = g.leases[key]
		row.Key = key
		made = c.Fits(row) || n.has("ignores revisions") || n.has("ignores owners") && row.Revision == c.Old.Revision
	}
	write := func(g *naiveGroup) {
		switch {
		case !made:
		case c.Removes():
			delete(g.leases, key)
			row = lease.Lease{Key: key}
		default:
			row = n.stored(c.New)
			g.leases[key] = row
		}
	}
	if n.has("compares and sets in two steps") {
		n.step(group, read)
		n.step(group, write)
	} else {
		n.step(group, func(g *naiveGroup) {
			read(g)
			write(g)
		})
	}
	mine := c.MadeIn(row)
	switch {
	case n.has("does not know its own changes"):
		mine = false
	case n.has("takes each row with the revision for its own"):
		mine = row.Revision == c.New.Revision
	case n.has("compares the times of checkpoints"):
		mine = mine && row.CheckpointAt.Equal(c.New.CheckpointAt)
	}
	if row.Revision == 0 && n.has("forgets the key") {
		row.Key = lease.Key{}
	}
	return lease.Result{Made: made || mine, Lease: row}, made
}
