package leasetest

import (
	"fmt"
	"math/rand/v2"

	"github.com/kinstream/kin/lease"
)

// raceTests are about workers that want the same.
func raceTests() []test {
	return []test{
		{"Race/32 workers change one row: one wins each time", raceForARow},
		{"Race/32 workers create one row: one wins", raceToCreate},
		{"Race/removal against change: one wins", raceToRemove},
		{"Race/batches that overlap, in any order: each change is made or refused", raceOfBatches},
		{"Race/workers that join at the same time are all there", raceToJoin},
	}
}

const racers = 32

// race lets all racers try a change each, and returns the row that the only one which was made
// has left. changeOf is given the number of the racer.
func (g *group) race(changeOf func(racer int) lease.Change) lease.Lease {
	g.Helper()
	results := make([]lease.Result, racers)
	g.must("update", g.atOnce(racers, func(g *group, i int) error {
		r, err := g.store.Update(g.Context(), g.name, []lease.Change{changeOf(i)})
		if err == nil {
			results[i] = r[0]
		}
		return err
	}))
	winner := -1
	for i, r := range results {
		if r.Made && winner >= 0 {
			g.Fatalf("workers %d and %d have both made their change: %+v and %+v", winner, i, results[winner].Lease, r.Lease)
		}
		if r.Made {
			winner = i
		}
	}
	if winner < 0 {
		g.Fatal("none of the changes was made")
	}
	if want := changeOf(winner).New; !results[winner].Lease.Equal(want) {
		g.Fatalf("the winner's row is %+v, want %+v", results[winner].Lease, want)
	}
	for i, r := range results {
		if !r.Lease.Equal(results[winner].Lease) {
			g.Fatalf("worker %d was refused with row %+v, want the winner's: %+v", i, r.Lease, results[winner].Lease)
		}
	}
	return results[winner].Lease
}

func raceForARow(g *group) {
	l := g.made(lease.Create(row(1)))[0]
	for range g.rounds(40) {
		l = g.race(func(racer int) lease.Change {
			next := l
			next.Owner = fmt.Sprintf("racer-%d", racer)
			next.Epoch++
			return lease.Set(l, next)
		})
	}
	if stored := g.load().Leases[0]; !stored.Equal(l) {
		g.Errorf("the row is %+v, want the last winner's: %+v", stored, l)
	}
}

func raceToCreate(g *group) {
	for round := range g.rounds(10) {
		g.race(func(racer int) lease.Change {
			l := row(round)
			l.Owner = fmt.Sprintf("racer-%d", racer)
			return lease.Create(l)
		})
	}
}

func raceToRemove(g *group) {
	for range g.rounds(20) {
		l := g.made(lease.Create(row(1)))[0]
		next := l
		next.Owner = "worker-z"
		changes := []lease.Change{lease.Remove(l), lease.Set(l, next)}
		results := make([]lease.Result, len(changes))
		g.must("update", g.atOnce(len(changes), func(g *group, i int) error {
			r, err := g.store.Update(g.Context(), g.name, changes[i:i+1])
			if err == nil {
				results[i] = r[0]
			}
			return err
		}))
		if results[0].Made == results[1].Made {
			g.Fatalf("removed = %t, changed = %t; want one of them", results[0].Made, results[1].Made)
		}
		if results[0].Made && results[1].Lease.Revision != 0 || results[1].Made && !results[0].Lease.Equal(changes[1].New) {
			g.Fatalf("the loser was shown %+v and %+v", results[0].Lease, results[1].Lease)
		}
		if results[1].Made {
			g.made(lease.Remove(results[1].Lease))
		}
	}
}

// raceOfBatches has workers lock the same rows in different orders, where there are locks.
func raceOfBatches(g *group) {
	const rows, workers = 24, 8
	var create []lease.Change
	for i := range rows {
		create = append(create, lease.Create(row(i)))
	}
	stored := g.made(create...)
	for round := range g.rounds(20) {
		results := make([]map[int]lease.Result, workers)
		g.must("update", g.atOnce(workers, func(g *group, w int) error {
			order := rand.New(rand.NewPCG(uint64(round), uint64(w))).Perm(rows)[:rows*2/3]
			changes := make([]lease.Change, len(order))
			for i, n := range order {
				next := stored[n]
				next.Owner = fmt.Sprintf("worker-%d", w)
				changes[i] = lease.Set(stored[n], next)
			}
			r, err := g.store.Update(g.Context(), g.name, changes)
			results[w] = map[int]lease.Result{}
			for i, result := range r {
				results[w][order[i]] = result
			}
			return err
		}))
		for n := range stored {
			made := 0
			for w := range results {
				if r, tried := results[w][n]; tried && r.Made {
					made++
					stored[n] = r.Lease
				}
			}
			if made > 1 || stored[n].Revision > int64(round+2) {
				g.Fatalf("round %d: %d workers changed lease %d, whose revision is %d now", round, made, n, stored[n].Revision)
			}
		}
		for i, l := range g.load().Leases {
			if !l.Equal(stored[i]) {
				g.Fatalf("round %d: lease %d is %+v, want what its winner wrote: %+v", round, i, l, stored[i])
			}
			stored[i] = l
		}
	}
}

func raceToJoin(g *group) {
	g.must("join", g.atOnce(racers, func(g *group, i int) error {
		return g.store.Join(g.Context(), g.name, worker(fmt.Sprintf("racer-%02d", i)))
	}))
	if got := len(g.poll().Workers); got != racers {
		g.Errorf("%d workers, want %d", got, racers)
	}
}
