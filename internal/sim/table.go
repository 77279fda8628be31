package sim

import (
	"slices"

	"github.com/kinstream/kin/internal/sim/history"
	"github.com/kinstream/kin/lease"
)

// table is what a lease.Store does, for one group, without the time that it takes: each method
// is one step that happens at once. Methods of a Store that read or write several rows are
// several steps: see calls.go.
type table struct {
	record  func(history.Event)
	mutant  Mutant
	version int64
	ids     []string // of workers, in order
	workers map[string]lease.Worker
	streams []lease.Stream // in order
	keys    []lease.Key    // in order
	leases  map[lease.Key]lease.Lease
}

func newTable(record func(history.Event), mutant Mutant) *table {
	return &table{record: record, mutant: mutant, workers: map[string]lease.Worker{}, leases: map[lease.Key]lease.Lease{}}
}

// announce raises the version.
func (t *table) announce() { t.version++ }

// readLeases returns a part of the rows: those after a key, at most most of them.
func (t *table) readLeases(after lease.Key, most int) []lease.Lease {
	from, found := slices.BinarySearchFunc(t.keys, after, lease.Key.Compare)
	if found {
		from++
	}
	to := min(len(t.keys), from+most)
	rows := make([]lease.Lease, 0, to-from)
	for _, key := range t.keys[from:to] {
		rows = append(rows, t.leases[key])
	}
	return rows
}

func (t *table) readWorkers() []lease.Worker {
	rows := make([]lease.Worker, 0, len(t.ids))
	for _, id := range t.ids {
		rows = append(rows, t.workers[id])
	}
	return rows
}

// update tries a change, and says whether the row is as it wants it.
func (t *table) update(c lease.Change, by string) lease.Result {
	key := c.Old.Key
	row, ok := t.leases[key]
	if !ok {
		row = lease.Lease{Key: key}
	}
	if !c.Fits(row) && !t.mutant.unconditional(row, c) {
		made := c.Removes() && !ok || ok && row.Equal(c.New)
		return lease.Result{Made: made, Lease: row}
	}
	if c.Old.Revision != row.Revision { // a mutant
		c.New.Revision = row.Revision + 1
	}
	t.set(row, c.New, by)
	if c.Removes() {
		return lease.Result{Made: true, Lease: lease.Lease{Key: key}}
	}
	return lease.Result{Made: true, Lease: c.New}
}

// set writes a row, or deletes it if it has no revision.
func (t *table) set(old, now lease.Lease, by string) {
	i, found := slices.BinarySearchFunc(t.keys, old.Key, lease.Key.Compare)
	switch {
	case now.Revision == 0 && found:
		t.keys = slices.Delete(t.keys, i, i+1)
		delete(t.leases, old.Key)
	case now.Revision == 0:
		return
	case !found:
		t.keys = slices.Insert(t.keys, i, old.Key)
		t.leases[old.Key] = now
	default:
		t.leases[old.Key] = now
	}
	t.record(history.Event{Kind: history.Changed, By: by, Key: old.Key, Change: &lease.Change{Old: old, New: now}})
}

// putStream writes the row of a stream if it has the revision before, and returns what is stored.
func (t *table) putStream(s lease.Stream) lease.Stream {
	i, found := slices.BinarySearchFunc(t.streams, s.ARN, func(row lease.Stream, arn string) int {
		return lease.Key{Stream: row.ARN}.Compare(lease.Key{Stream: arn})
	})
	switch {
	case !found && s.Revision == 1:
		t.streams = slices.Insert(t.streams, i, s)
	case found && t.streams[i].Revision == s.Revision-1:
		t.streams[i] = s
	case found:
		return t.streams[i]
	default:
		return lease.Stream{ARN: s.ARN}
	}
	t.record(history.Event{Kind: history.StreamPut, Key: lease.Key{Stream: s.ARN}, Text: string(s.Start), OK: s.Seeded})
	return s
}

// join writes the row of a worker if there is none.
func (t *table) join(w lease.Worker) {
	i, found := slices.BinarySearch(t.ids, w.ID)
	if found {
		return
	}
	t.ids = slices.Insert(t.ids, i, w.ID)
	t.workers[w.ID] = w
	t.record(history.Event{Kind: history.Joined, Worker: w.ID})
}

// beat raises a worker's beat.
func (t *table) beat(w lease.Worker) (lease.Worker, error) {
	row, ok := t.workers[w.ID]
	if !ok {
		if t.mutant != BeatMakesRow {
			return lease.Worker{}, lease.ErrNoWorker
		}
		t.join(w)
		row = w
	}
	row.Beat++
	row.Streams, row.Capacity, row.Seen = w.Streams, w.Capacity, w.Seen
	t.workers[w.ID] = row
	t.record(history.Event{Kind: history.Beat, Worker: w.ID})
	return row, nil
}

// drain sets a worker's Draining.
func (t *table) drain(id string, draining bool) error {
	row, ok := t.workers[id]
	if !ok {
		return lease.ErrNoWorker
	}
	row.Draining = draining
	t.workers[id] = row
	return nil
}

// forget deletes the row of a worker if its beat is still the one that was seen, and says
// whether it is gone.
func (t *table) forget(id string, beat int64, by string) bool {
	row, ok := t.workers[id]
	if !ok {
		return true
	}
	if beat != lease.AnyBeat && row.Beat != beat && t.mutant != ForgetAnyBeat {
		return false
	}
	i, _ := slices.BinarySearch(t.ids, id)
	t.ids = slices.Delete(t.ids, i, i+1)
	delete(t.workers, id)
	t.record(history.Event{Kind: history.Forgotten, Worker: id, By: by, OK: by == history.Operator})
	return true
}
