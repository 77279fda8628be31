package operator

import (
	"context"
	"time"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/lease"
)

// Life is what watching a worker's beat has shown.
type Life int

const (
	// Unwatched says that nobody looked.
	Unwatched Life = iota

	// Alive says that the beat changed, or that the worker joined, while we looked.
	Alive

	// Silent says that the beat did not change for as long as we looked, which is too short to call
	// the worker dead.
	Silent

	// Dead says that the beat did not change for as long as it takes other workers to
	// forget the worker.
	Dead
)

// String returns the word for l in lower case.
func (l Life) String() string {
	switch l {
	case Unwatched:
		return "unwatched"
	case Alive:
		return "alive"
	case Silent:
		return "silent"
	case Dead:
		return "dead"
	}
	return "invalid"
}

// Worker is a worker's row, and what watching it has shown.
type Worker struct {
	lease.Worker

	Life Life

	// Quiet is how long the beat was seen unchanged.
	Quiet time.Duration

	// Leases is how many leases it owns.
	Leases int
}

// For how long to look, as a part of each worker's TTL.
const (
	Glance  = 0.45 // shows who lives
	Certain = 0.85 // shows who is dead
)

const (
	ttlUnknown = 10 * time.Second // of a row that does not say
	pollEvery  = 0.05             // of the TTL
	mostGap    = 0.3              // of the TTL: who looked away for longer begins again
	mostWatch  = 3                // times what it takes: a store so slow that nothing can be said ends the watch
)

// watched is one worker while it is being watched.
type watched struct {
	worker lease.Worker
	since  time.Time // when this beat was known to be written
	quiet  time.Duration
	alive  bool
}

func (w *watched) ttl() time.Duration {
	if w.worker.TTL > 0 {
		return w.worker.TTL
	}
	return ttlUnknown
}

func (w *watched) part(share float64) time.Duration { return time.Duration(share * float64(w.ttl())) }

func (w *watched) life() Life {
	switch {
	case w.alive:
		return Alive
	case w.quiet >= w.part(Certain):
		return Dead
	}
	return Silent
}

// Watch looks at the beats of all workers of a group until each of them has changed, or has
// been the same for share of the worker's TTL: see [Glance] and [Certain]. Workers whose
// rows go meanwhile are not in the answer. With a share of 0 it looks once.
func Watch(ctx context.Context, store lease.Store, group string, share float64) ([]Worker, error) {
	var all map[string]*watched
	var order []string
	var first, last time.Time
	for {
		began := time.Now()
		snapshot, err := store.Poll(ctx, group)
		if err != nil {
			return nil, err
		}
		if all == nil {
			first, last = began, began
		}
		all, order = look(all, snapshot.Workers, began, last)
		last = began
		wait, more := next(all, share, began.Sub(first))
		if !more {
			return result(all, order, share), nil
		}
		if err := fetch.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// look takes in the rows that a poll read which began at a time, the one before at last. The
// first time, before is nil.
func look(before map[string]*watched, rows []lease.Worker, began, last time.Time) (now map[string]*watched, order []string) {
	at := time.Now()
	now = make(map[string]*watched, len(rows))
	for _, row := range rows {
		w, known := before[row.ID], false
		if w == nil {
			w = &watched{since: at, alive: before != nil} // joined while we looked
		} else {
			known = true
		}
		changed := known && row.Beat != w.worker.Beat
		w.alive = w.alive || changed
		w.worker = row
		if changed || began.Sub(last) > w.part(mostGap)+w.part(pollEvery) {
			w.since = at
		}
		w.quiet = max(began.Sub(w.since), 0)
		now[row.ID] = w
		order = append(order, row.ID)
	}
	return now, order
}

// next returns how long to wait before looking again, and whether to.
func next(all map[string]*watched, share float64, watching time.Duration) (wait time.Duration, more bool) {
	for _, w := range all {
		if w.alive || w.quiet >= w.part(share) || watching > mostWatch*w.part(share) {
			continue
		}
		every := min(max(w.part(pollEvery), 10*time.Millisecond), 500*time.Millisecond)
		if left := w.part(share) - w.quiet; left < every {
			every = max(left, time.Millisecond)
		}
		if !more || every < wait {
			wait = every
		}
		more = true
	}
	return wait, more
}

func result(all map[string]*watched, order []string, share float64) []Worker {
	workers := make([]Worker, 0, len(order))
	for _, id := range order {
		w := all[id]
		worker := Worker{Worker: w.worker, Quiet: w.quiet}
		if share > 0 {
			worker.Life = w.life()
		}
		workers = append(workers, worker)
	}
	return workers
}
