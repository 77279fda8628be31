package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kinstream/kin/lease"
)

// attempts is how often a compare-and-set is tried when others are faster.
const attempts = 20

// ErrRaced says that others changed the same lease again and again.
var ErrRaced = errors.New("others keep changing it")

// LiveError says that workers are in the way of what needs a group at rest.
type LiveError struct {
	// Workers are those that live, or may: alive, or silent for too short a time.
	Workers []Worker
}

// Error names the workers.
func (e *LiveError) Error() string {
	names := make([]string, 0, len(e.Workers))
	for _, w := range e.Workers {
		names = append(names, w.ID)
	}
	return "workers live: " + strings.Join(names, ", ")
}

// MoveError says why a worker can't get a lease.
type MoveError struct {
	Worker, Why string
}

// Error says why.
func (e *MoveError) Error() string { return fmt.Sprintf("worker %s %s", e.Worker, e.Why) }

// Move pins a lease to a worker, so that all plans give it to that one for as long as it
// lives; an empty worker takes the pin away. It returns the lease as it is then. The present owner
// hands the lease over when it sees the pin: soon, and not yet when Move returns.
func Move(ctx context.Context, store lease.Store, group string, key lease.Key, worker string) (lease.Lease, error) {
	rows, err := Load(ctx, store, group)
	if err != nil {
		return lease.Lease{}, err
	}
	old, err := FindLease(rows, key.Stream, key.Shard)
	if err != nil {
		return lease.Lease{}, err
	}
	if worker != "" {
		if err := canHave(rows, worker, old); err != nil {
			return lease.Lease{}, err
		}
	}
	for range attempts {
		if old.Pin == worker {
			return old, nil
		}
		pinned := old
		pinned.Pin = worker
		results, err := store.Update(ctx, group, []lease.Change{lease.Set(old, pinned)})
		if err != nil {
			return lease.Lease{}, err
		}
		switch r := results[0]; {
		case r.Made:
			return r.Lease, nil
		case r.Lease.Revision == 0:
			return lease.Lease{}, fmt.Errorf("%w: %s", ErrNoLease, key.Shard)
		default:
			old = r.Lease
		}
	}
	return lease.Lease{}, fmt.Errorf("pin %s: %w", key.Shard, ErrRaced)
}

// canHave says why a worker can't have a lease, if it can't.
func canHave(rows lease.Snapshot, worker string, l lease.Lease) error {
	at := slices.IndexFunc(rows.Workers, func(w lease.Worker) bool { return w.ID == worker })
	switch {
	case at < 0:
		return fmt.Errorf("%w: %s", lease.ErrNoWorker, worker)
	case l.Finished():
		return &MoveError{worker, fmt.Sprintf("can't get %s: it has been read to its end", l.Shard)}
	case rows.Workers[at].Draining:
		return &MoveError{worker, "is draining, so that no plan gives it anything"}
	case !slices.Contains(rows.Workers[at].Streams, l.Stream):
		return &MoveError{worker, "does not read " + StreamName(l.Stream)}
	}
	return nil
}

// Delete deletes a group with all its rows. The error is a [*LiveError] if there are
// workers that may live, unless force is set: then they find their rows gone, and those that
// still run make the group anew, from its start position.
func Delete(ctx context.Context, store lease.Store, group string, force bool) error {
	if _, err := Load(ctx, store, group); err != nil {
		return err
	}
	if !force {
		if _, err := bury(ctx, store, group); err != nil {
			return err
		}
	}
	return store.Delete(ctx, group)
}

// bury makes sure that a group has no workers: it forgets those that are dead, and returns
// their IDs, or a [*LiveError] about the others.
func bury(ctx context.Context, store lease.Store, group string) ([]string, error) {
	workers, err := Watch(ctx, store, group, Certain)
	if err != nil {
		return nil, err
	}
	var live []Worker
	for _, w := range workers {
		if w.Life != Dead {
			live = append(live, w)
		}
	}
	if len(live) > 0 {
		return nil, &LiveError{live}
	}
	var gone []string
	for _, w := range workers {
		forgotten, err := store.Forget(ctx, group, w.ID, w.Beat)
		if err != nil {
			return gone, fmt.Errorf("forget worker %s: %w", w.ID, err)
		}
		if !forgotten {
			w.Life = Alive // it beat just now
			return gone, &LiveError{[]Worker{w}}
		}
		gone = append(gone, w.ID)
	}
	return gone, nil
}
