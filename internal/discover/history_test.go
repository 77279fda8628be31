package discover_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kinstream/kin/lease"
)

func newRand(tb testing.TB) *rand.Rand {
	tb.Helper()
	seed := rand.Uint64()
	tb.Logf("seed %#x", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// deadIDs returns the owner if it is an earlier life of an actor.
func deadIDs(w *world, owner string) []string {
	for _, a := range w.actors {
		if strings.HasPrefix(owner, a.name+"-") && owner != a.id() {
			return []string{owner}
		}
	}
	return nil
}

// history is what happens in a run.
type history struct {
	trims, lags, crashes, held bool
}

var histories = map[string]history{
	"calm":                      {},
	"trims":                     {trims: true},
	"listings that lack shards": {lags: true},
	"crashes":                   {crashes: true},
	"listings from long ago":    {held: true, trims: true},
	"everything":                {true, true, true, true},
}

func TestRandomHistory(t *testing.T) {
	t.Parallel()
	for name, h := range histories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRand(t)
			for range 25 {
				h.run(t, r)
			}
		})
	}
}

// FuzzHistory runs more histories than a test has time for.
func FuzzHistory(f *testing.F) {
	f.Add(uint64(1), true, true, true, true)
	f.Fuzz(func(t *testing.T, seed uint64, trims, lags, crashes, held bool) {
		history{trims, lags, crashes, held}.run(t, rand.New(rand.NewPCG(seed, 1)))
	})
}

func (h history) run(t *testing.T, r *rand.Rand) {
	t.Helper()
	w := newWorld(t, r)
	for range r.IntN(30) {
		w.tick()
		if r.IntN(3) == 0 {
			w.reshard()
		}
		if r.IntN(10) == 0 {
			w.trim()
		}
	}
	w.stream = lease.Stream{ARN: arn, Start: lease.TrimHorizon, Revision: 1}
	if r.IntN(3) > 0 {
		w.tick()
		w.start = 1 + r.IntN(w.now)
		if r.IntN(2) == 0 {
			w.start = w.now // LATEST
		}
		w.stream.Start = lease.Checkpoint(fmt.Sprintf("AT_TIMESTAMP:%d", w.start))
	}
	w.actors = []*actor{newActor(w, "a"), newActor(w, "b"), newActor(w, "c")}
	for range 150 + r.IntN(150) {
		h.step(w)
	}
	for _, a := range w.actors {
		if h.held && a.listing != nil {
			a.kept, a.listing = a.listing, nil
		}
	}
	w.end()
	w.takeKept()
	w.checkRead()
}

// takeKept lets those that were held up while they listed go on now, when much of what they saw
// is gone.
func (w *world) takeKept() {
	for _, a := range w.actors {
		if a.kept == nil {
			continue
		}
		a.listing, a.kept = a.kept, nil
		for range 3 {
			a.endLoad()
			a.endListing()
			for len(a.pending) > 0 {
				a.write()
			}
			a.beginListing(false)
		}
	}
}

// step lets one random thing happen.
func (h history) step(w *world) {
	a := w.actors[w.r.IntN(len(w.actors))]
	switch n := w.r.IntN(40); {
	case n < 3:
		w.tick()
	case n < 5:
		w.reshard()
	case n < 6 && h.trims:
		w.trim()
	case n < 7 && h.crashes:
		a.crash()
	case n < 10:
		a.beginLoad()
	case n < 16:
		a.endLoad()
	case n < 18:
		a.beginListing(h.lags)
	case n < 22:
		if !h.held || w.r.IntN(6) == 0 {
			a.endListing()
		}
	case n < 30:
		a.write()
	default:
		a.work()
	}
}

// end ends the history: nothing goes wrong any more, and what is left is read.
func (w *world) end() {
	w.t.Helper()
	for range 3 {
		w.tick()
	}
	w.logf("the end begins")
	for after := 0; after < 12; {
		if w.allDone() {
			after++ // for what is to be deleted
		}
		if w.now++; w.now > 2000 {
			w.fatalf("it does not end")
		}
		for _, a := range w.actors {
			a.older = nil
			a.endLoad()
			a.beginListing(false)
			for len(a.pending) > 0 {
				a.write()
			}
			a.endListing()
			for len(a.pending) > 0 {
				a.write()
			}
			a.endLoad()
			a.work()
		}
	}
	w.checkRead()
	w.checkRows()
}

// allDone says whether all shards have been read as far as there is something to read.
func (w *world) allDone() bool {
	for _, s := range w.shards {
		if s.Closed && !s.done {
			return false
		}
		for i, at := range s.records {
			if !s.Closed && at >= w.start && !s.read[i] {
				return false
			}
		}
	}
	return true
}

// checkRead checks that everything was read that was there to be read.
func (w *world) checkRead() {
	w.t.Helper()
	for _, s := range w.shards {
		if s.trimmed {
			continue
		}
		for i, at := range s.records {
			if at >= w.start && !s.read[i] {
				w.fatalf("record %d of %s was never read", i, s.ID)
			}
		}
	}
	if !w.stream.Seeded {
		w.fatalf("the stream is not seeded")
	}
}

// checkRows checks that what is listed has a lease, and what is over has none.
func (w *world) checkRows() {
	w.t.Helper()
	for _, s := range w.shards {
		row, has := w.rows[s.ID]
		if !s.trimmed {
			if !has || row.Finished() != s.Closed {
				w.fatalf("%s has a lease: %v, finished: %v", s.ID, has, row.Finished())
			}
			continue
		}
		if !has {
			continue
		}
		// A lease that has not moved, or one further down, keeps it.
		if !w.heldByDescendant(s) {
			w.fatalf("%s was trimmed and its lease is still there", s.ID)
		}
	}
}

func (w *world) heldByDescendant(s *shard) bool {
	for _, c := range w.shards {
		row, has := w.rows[c.ID]
		if !has || !slices.Contains(c.Parents, s.ID) && !c.Range.Overlaps(s.Range) || c.number <= s.number {
			continue
		}
		if row.Checkpoint == lease.TrimHorizon || row.Checkpoint == w.stream.Start {
			return true
		}
	}
	// Its parent comes first.
	return slices.ContainsFunc(s.Parents, func(p string) bool { _, has := w.rows[p]; return has && w.heldByDescendant(w.shard(p)) })
}
