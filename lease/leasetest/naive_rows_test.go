package leasetest_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kinstream/kin/lease"
)

// stored is a lease as it comes back.
func (n *naive) stored(l lease.Lease) lease.Lease {
	l.Parents = slices.Clone(l.Parents)
	switch {
	case n.has("keeps seconds"):
		l.CheckpointAt = l.CheckpointAt.Truncate(time.Second)
	case n.has("takes no time for 1970") && l.CheckpointAt.IsZero():
		l.CheckpointAt = time.Unix(0, 0)
	case n.has("keeps numbers as floating point"):
		l.Epoch = int64(float64(l.Epoch))
	case n.has("joins lists with commas"):
		l.Parents = strings.Split(strings.Join(l.Parents, ","), ",")
	case n.has("cuts long texts"):
		l.Owner = l.Owner[:min(len(l.Owner), 128)]
	case n.has("trims spaces"):
		l.Owner = strings.TrimRight(l.Owner, " ")
	case n.has("forgets hash keys"):
		l.HashStart = ""
	}
	return l
}

func (n *naive) PutStream(ctx context.Context, group string, s lease.Stream) (stored lease.Stream, err error) {
	if err := n.check(ctx, group); err != nil {
		return s, err
	}
	if err := s.Check(); err != nil {
		return s, err
	}
	read := func(g *naiveGroup) { stored = g.streams[s.ARN] }
	write := func(g *naiveGroup) {
		if stored.Revision == s.Revision-1 || n.has("overwrites streams") {
			g.streams[s.ARN] = s
			stored = s
		}
	}
	if n.has("puts streams in two steps") {
		n.step(group, read)
		n.step(group, write)
	} else {
		n.step(group, func(g *naiveGroup) {
			read(g)
			write(g)
		})
	}
	if n.has("raises the version at streams") {
		n.raise(group)
	}
	if n.has("returns the stream that it was given") {
		return s, nil
	}
	return stored, nil
}

// id is the key of a worker.
func (n *naive) id(id string) string {
	if n.has("folds the IDs of workers") {
		return strings.ToLower(id)
	}
	return id
}

func (n *naive) Join(ctx context.Context, group string, w lease.Worker) error {
	if err := n.check(ctx, group); err != nil {
		return err
	}
	if err := w.Check(); err != nil && !n.has("takes any worker") {
		return err
	}
	n.step(group, func(g *naiveGroup) {
		if _, found := g.workers[n.id(w.ID)]; !found || n.has("overwrites workers that join again") {
			w.Streams = slices.Clone(w.Streams)
			if n.has("rounds the TTL") {
				w.TTL = w.TTL.Truncate(time.Millisecond)
			}
			g.workers[n.id(w.ID)] = w
		}
	})
	if !n.has("does not announce workers") {
		n.raise(group)
	}
	return nil
}

func (n *naive) Beat(ctx context.Context, group string, w lease.Worker) (stored lease.Worker, err error) {
	if err := n.check(ctx, group); err != nil {
		return w, err
	}
	if err := w.Check(); err != nil && !n.has("takes any worker") {
		return w, err
	}
	err = lease.ErrNoWorker
	n.step(group, func(g *naiveGroup) {
		var found bool
		if stored, found = g.workers[n.id(w.ID)]; !found && !n.has("makes rows by heartbeats") {
			return
		}
		err = nil
		stored.ID, stored.Streams, stored.Capacity, stored.Seen = w.ID, slices.Clone(w.Streams), w.Capacity, w.Seen
		switch {
		case n.has("writes Draining with heartbeats"):
			stored.Draining = w.Draining
		case n.has("does not write what is seen"):
			stored.Seen = g.workers[n.id(w.ID)].Seen
		case n.has("takes the beat of the worker"):
			stored.Beat = w.Beat
		}
		stored.Beat++
		g.workers[n.id(w.ID)] = stored
	})
	if n.has("raises the version at heartbeats") {
		n.raise(group)
	}
	return stored, err
}

func (n *naive) Drain(ctx context.Context, group, worker string, draining bool) error {
	if err := n.check(ctx, group); err != nil {
		return err
	}
	err := lease.ErrNoWorker
	var w lease.Worker
	var found bool
	read := func(g *naiveGroup) { w, found = g.workers[n.id(worker)] }
	write := func(g *naiveGroup) {
		if found || n.has("makes rows by draining") {
			err = nil
			w.ID, w.Draining = worker, draining
			g.workers[n.id(worker)] = w
		}
	}
	if n.has("drains in two steps") {
		n.step(group, read)
		n.step(group, write)
	} else {
		n.step(group, func(g *naiveGroup) {
			read(g)
			write(g)
		})
	}
	if err == nil {
		n.raise(group)
	}
	return err
}

func (n *naive) Forget(ctx context.Context, group, worker string, beat int64) (gone bool, err error) {
	if err := n.check(ctx, group); err != nil {
		return false, err
	}
	found, same := false, false
	read := func(g *naiveGroup) {
		var w lease.Worker
		w, found = g.workers[n.id(worker)]
		same = beat == lease.AnyBeat || beat == w.Beat || n.has("forgets whatever the beat is")
		if n.has("takes beat 0 for any") && beat == 0 {
			same = true
		}
	}
	write := func(g *naiveGroup) {
		if found && same {
			delete(g.workers, n.id(worker))
		}
	}
	if n.has("forgets in two steps") {
		n.step(group, read)
		n.step(group, write)
	} else {
		n.step(group, func(g *naiveGroup) {
			read(g)
			write(g)
		})
	}
	if found && same || n.has("announces workers that stay") {
		n.raise(group)
	}
	if !found && n.has("says that a missing worker is not gone") {
		return false, nil
	}
	return !found || same, nil
}

func (n *naive) Groups(ctx context.Context) ([]string, error) {
	if err := n.check(ctx, "any"); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	names := slices.Collect(maps.Keys(n.groups))
	if !n.has("names groups as they come") {
		slices.Sort(names)
	}
	return names, nil
}

func (n *naive) Delete(ctx context.Context, group string) error {
	if err := n.check(ctx, group); err != nil {
		return err
	}
	n.step(group, func(g *naiveGroup) {
		switch {
		case n.has("deletes leases only"):
			clear(g.leases)
		case n.has("deletes groups with the same beginning"):
			maps.DeleteFunc(n.groups, func(name string, _ *naiveGroup) bool { return strings.HasPrefix(name, group) })
			fallthrough
		default:
			clear(g.leases)
			clear(g.workers)
			clear(g.streams)
			delete(n.groups, group)
			g.version = 0
		}
	})
	return nil
}
