package memstore

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/kinstream/kin/lease"
)

// Store is a [lease.Store] in memory. Make one with [New]. It is safe for concurrent use, and
// gone with the process.
type Store struct {
	mu     sync.Mutex // guards what follows
	groups map[string]*rowsOf
}

var _ lease.Store = (*Store)(nil)

// New returns a store without groups.
func New() *Store {
	return &Store{groups: map[string]*rowsOf{}}
}

// rowsOf is what is stored of one group.
type rowsOf struct {
	version int64
	workers rows[string, lease.Worker]
	streams rows[string, lease.Stream]
	leases  rows[lease.Key, lease.Lease]
}

func newGroup() *rowsOf {
	return &rowsOf{
		workers: rows[string, lease.Worker]{
			compare: func(w lease.Worker, id string) int { return strings.Compare(w.ID, id) },
			clone: func(w lease.Worker) lease.Worker {
				w.Streams = slices.Clone(w.Streams)
				return w
			},
		},
		streams: rows[string, lease.Stream]{
			compare: func(s lease.Stream, arn string) int { return strings.Compare(s.ARN, arn) },
			clone:   func(s lease.Stream) lease.Stream { return s },
		},
		leases: rows[lease.Key, lease.Lease]{
			compare: func(l lease.Lease, key lease.Key) int { return l.Compare(key) },
			clone: func(l lease.Lease) lease.Lease {
				l.Parents = slices.Clone(l.Parents)
				return l
			},
		},
	}
}

// read runs f with the rows of a group, unless the context has ended; a group that is not there
// has no rows.
func (s *Store) read(ctx context.Context, name string, f func(*rowsOf)) error {
	if err := check(ctx, name); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, found := s.groups[name]
	if !found {
		g = newGroup()
	}
	f(g)
	return nil
}

// write is read with rows that are kept, so that the group comes into being with its first one.
func (s *Store) write(ctx context.Context, name string, f func(*rowsOf)) error {
	return s.read(ctx, name, func(g *rowsOf) {
		f(g)
		if g.version > 0 || len(g.streams.all) > 0 {
			s.groups[name] = g
		}
	})
}

func check(ctx context.Context, group string) error {
	if err := lease.CheckGroup(group); err != nil {
		return err
	}
	return ctx.Err()
}

// Load implements [lease.Store].
func (s *Store) Load(ctx context.Context, group string) (lease.Snapshot, error) {
	var snapshot lease.Snapshot
	err := s.read(ctx, group, func(g *rowsOf) {
		snapshot = lease.Snapshot{
			Version: g.version,
			Workers: g.workers.list(),
			Streams: g.streams.list(),
			Leases:  g.leases.list(),
		}
	})
	return snapshot, err
}

// Poll implements [lease.Store].
func (s *Store) Poll(ctx context.Context, group string) (lease.Snapshot, error) {
	var snapshot lease.Snapshot
	err := s.read(ctx, group, func(g *rowsOf) {
		snapshot = lease.Snapshot{Version: g.version, Workers: g.workers.list()}
	})
	return snapshot, err
}

// Update implements [lease.Store].
func (s *Store) Update(ctx context.Context, group string, changes []lease.Change) ([]lease.Result, error) {
	if err := lease.CheckChanges(changes); err != nil {
		return nil, err
	}
	results := make([]lease.Result, len(changes))
	err := s.write(ctx, group, func(g *rowsOf) {
		announce := false
		for i, change := range changes {
			row, made := g.update(change)
			results[i] = lease.Result{Made: made || change.MadeIn(row), Lease: row}
			announce = announce || made && change.Announces()
		}
		if announce {
			g.version++
		}
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// update makes a change if the row has the revision and the owner for it. It returns the row as
// it is then.
func (g *rowsOf) update(c lease.Change) (row lease.Lease, made bool) {
	row, _ = g.leases.get(c.Old.Key)
	row.Key = c.Old.Key
	if !c.Fits(row) {
		return row, false
	}
	if c.Removes() {
		g.leases.remove(c.Old.Key)
		return lease.Lease{Key: c.Old.Key}, true
	}
	g.leases.put(c.New.Key, c.New)
	row, _ = g.leases.get(c.New.Key)
	return row, true
}

// PutStream implements [lease.Store].
func (s *Store) PutStream(ctx context.Context, group string, row lease.Stream) (lease.Stream, error) {
	if err := row.Check(); err != nil {
		return lease.Stream{}, err
	}
	var stored lease.Stream
	err := s.write(ctx, group, func(g *rowsOf) {
		stored, _ = g.streams.get(row.ARN)
		if stored.Revision == row.Revision-1 {
			g.streams.put(row.ARN, row)
			stored = row
		}
	})
	return stored, err
}

// Join implements [lease.Store].
func (s *Store) Join(ctx context.Context, group string, w lease.Worker) error {
	if err := w.Check(); err != nil {
		return err
	}
	return s.write(ctx, group, func(g *rowsOf) {
		if _, found := g.workers.find(w.ID); !found {
			g.workers.put(w.ID, w)
			g.version++
		}
	})
}

// Beat implements [lease.Store].
func (s *Store) Beat(ctx context.Context, group string, w lease.Worker) (lease.Worker, error) {
	if err := w.Check(); err != nil {
		return lease.Worker{}, err
	}
	var stored lease.Worker
	var found bool
	err := s.write(ctx, group, func(g *rowsOf) {
		if stored, found = g.workers.get(w.ID); found {
			stored.Beat++
			stored.Streams, stored.Capacity, stored.Seen = slices.Clone(w.Streams), w.Capacity, w.Seen
			g.workers.put(w.ID, stored)
		}
	})
	if err == nil && !found {
		err = lease.ErrNoWorker
	}
	return stored, err
}

// Drain implements [lease.Store].
func (s *Store) Drain(ctx context.Context, group, worker string, draining bool) error {
	found := false
	err := s.write(ctx, group, func(g *rowsOf) {
		var w lease.Worker
		if w, found = g.workers.get(worker); found {
			w.Draining = draining
			g.workers.put(worker, w)
			g.version++
		}
	})
	if err == nil && !found {
		err = lease.ErrNoWorker
	}
	return err
}

// Forget implements [lease.Store].
func (s *Store) Forget(ctx context.Context, group, worker string, beat int64) (bool, error) {
	gone := false
	err := s.write(ctx, group, func(g *rowsOf) {
		w, found := g.workers.get(worker)
		if found && (beat == lease.AnyBeat || beat == w.Beat) {
			g.workers.remove(worker)
			g.version++
			found = false
		}
		gone = !found
	})
	return gone, err
}

// Groups implements [lease.Store].
func (s *Store) Groups(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.groups)), nil
}

// Delete implements [lease.Store].
func (s *Store) Delete(ctx context.Context, group string) error {
	if err := check(ctx, group); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.groups, group)
	return nil
}
