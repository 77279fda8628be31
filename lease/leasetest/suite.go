package leasetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinstream/kin/lease"
)

// callTimeout bounds each call that the suite makes, so that a store which hangs fails instead
// of hanging the test.
const callTimeout = time.Minute

// clients is how many clients of the store the suite uses.
const clients = 4

// Run holds a store to the contract of [lease.Store]. It calls open several times, which has to
// return clients of one and the same store, and sees to it that they end with t, by t.Cleanup.
// Calls of one client are made at the same time, too.
//
// Its tests run in parallel with each other, in groups of their own. With -short the random
// ones are shorter.
func Run(t *testing.T, open func(t testing.TB) lease.Store) {
	t.Helper()
	s := &suite{prefix: "leasetest-" + strings.ToLower(rand.Text()[:10])}
	for range clients {
		s.clients = append(s.clients, open(t))
	}
	s.oneStore(t)
	for _, part := range [][]test{
		leaseTests(), lostTests(), versionTests(), workerTests(), streamTests(),
		groupTests(), valueTests(), refusalTests(), contextTests(), raceTests(), historyTests(),
	} {
		for _, test := range part {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				test.run(s.group(t))
			})
		}
	}
}

// test is one sentence of the contract.
type test struct {
	name string
	run  func(g *group)
}

type suite struct {
	clients []lease.Store
	prefix  string
	groups  atomic.Int64
}

// oneStore ends the suite if the clients don't see each other's rows: what follows would only
// say so less clearly.
func (s *suite) oneStore(t *testing.T) {
	t.Helper()
	g := s.group(t)
	g.join(worker("first"))
	for i := range s.clients {
		if got := g.on(i).poll().Workers; len(got) != 1 {
			t.Fatalf("client %d sees workers %v of a group that client 0 has made one worker in: open must return clients of one store", i, got)
		}
	}
}

// group returns a new group, which goes when t ends.
func (s *suite) group(t *testing.T) *group {
	t.Helper()
	g := &group{T: t, suite: s, store: s.clients[0], name: fmt.Sprintf("%s-%06d", s.prefix, s.groups.Add(1))}
	g.cleanUp()
	return g
}

// group is a group of one test, and a client of the store. Its methods fail the test if the
// store returns an error.
type group struct {
	*testing.T

	suite *suite
	store lease.Store
	name  string
}

// cleanUp deletes the group when the test ends.
func (g *group) cleanUp() {
	g.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(g.Context()), callTimeout)
		defer cancel()
		if err := g.store.Delete(ctx, g.name); err != nil {
			g.Errorf("delete group %s: %v", g.name, err)
		}
	})
}

// on returns the same group through another client.
func (g *group) on(client int) *group {
	other := *g
	other.store = g.suite.clients[client%len(g.suite.clients)]
	return &other
}

// through returns the same group through another store.
func (g *group) through(store lease.Store) *group {
	other := *g
	other.store = store
	return &other
}

// another returns another group of the same test.
func (g *group) another() *group {
	g.Helper()
	return g.suite.group(g.T)
}

// rounds returns how often something random is tried.
func (g *group) rounds(n int) int {
	if testing.Short() {
		return max(n/10, 2)
	}
	return n
}

// must ends the test if a call of the suite did not work. Tests call it in the goroutine of the
// test only.
func (g *group) must(what string, err error) {
	g.Helper()
	if err != nil {
		g.Fatalf("%s: %v", what, err)
	}
}

func (g *group) timeout() (context.Context, context.CancelFunc) {
	return context.WithTimeout(g.Context(), callTimeout)
}

func (g *group) load() lease.Snapshot {
	g.Helper()
	ctx, cancel := g.timeout()
	defer cancel()
	s, err := g.store.Load(ctx, g.name)
	g.must("load", err)
	return s
}

func (g *group) poll() lease.Snapshot {
	g.Helper()
	ctx, cancel := g.timeout()
	defer cancel()
	s, err := g.store.Poll(ctx, g.name)
	g.must("poll", err)
	return s
}

// update makes changes and wants a result for each.
func (g *group) update(changes ...lease.Change) []lease.Result {
	g.Helper()
	ctx, cancel := g.timeout()
	defer cancel()
	results, err := g.store.Update(ctx, g.name, changes)
	g.must("update", err)
	if len(results) != len(changes) {
		g.Fatalf("update returned %d results for %d changes", len(results), len(changes))
	}
	return results
}

// made makes changes that the store has to make, and returns the rows as they are then.
func (g *group) made(changes ...lease.Change) []lease.Lease {
	g.Helper()
	rows := make([]lease.Lease, len(changes))
	results := g.update(changes...)
	for i, c := range changes {
		r := results[i]
		rows[i] = r.Lease
		if !r.Made {
			g.Errorf("change %d was refused: %+v; the row is %+v", i, c, r.Lease)
		}
		if !c.MadeIn(r.Lease) {
			g.Errorf("change %d was made, but the row is %+v, want %+v", i, r.Lease, c.New)
		}
	}
	return rows
}

// refused makes changes that the store must not make, and wants the results to show what is stored.
func (g *group) refused(stored lease.Lease, changes ...lease.Change) {
	g.Helper()
	results := g.update(changes...)
	for i, c := range changes {
		r := results[i]
		if r.Made {
			g.Errorf("change %d was made: %+v", i, c)
		}
		if !r.Lease.Equal(stored) {
			g.Errorf("change %d was refused with row %+v, want %+v", i, r.Lease, stored)
		}
	}
}

func (g *group) putStream(s lease.Stream) lease.Stream {
	g.Helper()
	ctx, cancel := g.timeout()
	defer cancel()
	stored, err := g.store.PutStream(ctx, g.name, s)
	g.must("put stream", err)
	return stored
}

func (g *group) join(w lease.Worker) {
	g.Helper()
	ctx, cancel := g.timeout()
	defer cancel()
	g.must("join", g.store.Join(ctx, g.name, w))
}

func (g *group) beat(w lease.Worker) lease.Worker {
	g.Helper()
	ctx, cancel := g.timeout()
	defer cancel()
	row, err := g.store.Beat(ctx, g.name, w)
	g.must("beat", err)
	return row
}

// drain sets the draining of worker "w".
func (g *group) drain(draining bool) {
	g.Helper()
	ctx, cancel := g.timeout()
	defer cancel()
	g.must("drain", g.store.Drain(ctx, g.name, "w", draining))
}

func (g *group) forget(id string, beat int64) bool {
	g.Helper()
	ctx, cancel := g.timeout()
	defer cancel()
	gone, err := g.store.Forget(ctx, g.name, id, beat)
	g.must("forget", err)
	return gone
}
