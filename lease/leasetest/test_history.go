package leasetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/kinstream/kin/lease"
)

// historyTests let many clients do what workers do, and check all that they saw.
func historyTests() []test {
	return []test{
		{"History/of many workers has one order for each row", func(g *group) { workHistory(g, Rates{}) }},
		{"History/of workers whose answers get lost has one order for each row", func(g *group) {
			workHistory(g, Rates{Lost: 0.15, Dropped: 0.15})
		}},
	}
}

const (
	historyRows    = 8
	historyWriters = 6
	historyReaders = 3
)

func workHistory(g *group, rates Rates) {
	h := newHistory()
	var create []lease.Change
	for i := range historyRows {
		create = append(create, lease.Create(lease.Lease{Key: row(i).Key, Checkpoint: lease.TrimHorizon}))
	}
	s := h.begin()
	h.write(s, create, g.update(create...))

	var writing atomic.Int64
	writing.Store(historyWriters)
	errs := make([]error, historyWriters+historyReaders)
	var wait sync.WaitGroup
	for i := range errs {
		g := g.on(i)
		wait.Go(func() {
			if i >= historyWriters {
				errs[i] = g.watch(h)
				return
			}
			defer func() {
				if writing.Add(-1) == 0 {
					close(h.wrote)
				}
			}()
			faulty := NewFaulty(g.store)
			faulty.Decide(Random(uint64(i), rates))
			errs[i] = g.through(faulty).work(h, i)
		})
	}
	wait.Wait()
	g.must("history", errors.Join(errs...))
	g.must("history", g.see(h, true))
	violations := h.violations()
	for _, v := range violations[:min(len(violations), 5)] {
		g.Error(v)
	}
	if len(violations) > 0 {
		g.Errorf("%d violations in %d changes and %d reads", len(violations), len(h.writes), len(h.reads))
	}
}

// watch reads the rows whenever something was written, while other writers go on, until there
// are none.
func (g *group) watch(h *history) error {
	n := 0
	for range h.wrote {
		if err := g.see(h, n%3 > 0); err != nil {
			return err
		}
		n++
	}
	return nil
}

// see reads the rows and notes what it saw.
func (g *group) see(h *history, all bool) (err error) {
	s := h.begin()
	var snapshot lease.Snapshot
	if all {
		snapshot, err = g.store.Load(g.Context(), g.name)
	} else {
		snapshot, err = g.store.Poll(g.Context(), g.name)
	}
	if err == nil {
		h.read(s, snapshot, all)
	}
	return err
}

// work is the part of one writer: it joins under a new ID, takes some leases, moves their
// checkpoints, and begins again.
func (g *group) work(h *history, writer int) error {
	random := rand.New(rand.NewPCG(uint64(writer), 7))
	for round := range g.rounds(30) {
		id := fmt.Sprintf("writer-%d-%d", writer, round)
		if err := g.retry(func() error { return g.store.Join(g.Context(), g.name, worker(id)) }); err != nil {
			return err
		}
		var snapshot lease.Snapshot
		s := h.begin()
		if err := g.retry(func() (err error) {
			s = h.begin()
			snapshot, err = g.store.Load(g.Context(), g.name)
			return err
		}); err != nil {
			return err
		}
		h.read(s, snapshot, true)

		var changes []lease.Change
		for _, n := range random.Perm(len(snapshot.Leases))[:1+random.IntN(4)] {
			old := snapshot.Leases[n]
			next := old
			next.Owner = id
			next.Epoch++
			changes = append(changes, lease.Set(old, next))
		}
		results, err := g.change(h, changes)
		if err != nil {
			return err
		}
		for _, r := range results {
			if !r.Made {
				continue
			}
			next := r.Lease
			next.Checkpoint = lease.Checkpoint(fmt.Sprintf("AFTER_SEQUENCE_NUMBER:%d%06d", writer+1, round))
			if _, err := g.change(h, []lease.Change{lease.Set(r.Lease, next)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// change makes changes until their results are known. Each attempt is noted.
func (g *group) change(h *history, changes []lease.Change) (results []lease.Result, err error) {
	err = g.retry(func() error {
		s := h.begin()
		r, err := g.store.Update(g.Context(), g.name, changes)
		if err != nil {
			r = nil
		}
		h.write(s, changes, r)
		results = r
		return err
	})
	return results, err
}

// retry calls f again when a fault of the suite's own has hit it.
func (g *group) retry(f func() error) error {
	for {
		err := f()
		if !errors.Is(err, ErrLost) && !errors.Is(err, ErrDropped) {
			return err
		}
	}
}
