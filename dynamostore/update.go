package dynamostore

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kinstream/kin/lease"
)

// Update implements [lease.Store] with one call for each change, Config.Parallel at a time, and
// one more for the version if it has to rise. When some changes fail, the others are made
// nevertheless, and announced, before the error is returned.
func (s *Store) Update(ctx context.Context, group string, changes []lease.Change) ([]lease.Result, error) {
	if err := errors.Join(lease.CheckGroup(group), lease.CheckChanges(changes)); err != nil {
		return nil, err
	}
	results := make([]lease.Result, len(changes))
	var announce atomic.Bool
	err := s.parallel(len(changes), func(i int) error {
		var err error
		results[i], err = s.change(ctx, group, changes[i])
		if err == nil && results[i].Made && changes[i].Announces() {
			announce.Store(true)
		}
		return err
	})
	if announce.Load() {
		err = errors.Join(err, s.raise(ctx, group, true))
	}
	if err != nil {
		return nil, s.fail("update leases", group, err)
	}
	return results, nil
}

// change makes one change.
func (s *Store) change(ctx context.Context, group string, c lease.Change) (lease.Result, error) {
	k := leaseKey(group, c.Old.Key)
	err := s.tryChange(ctx, k, c)
	if err == nil {
		return lease.Result{Made: true, Lease: stored(c.New)}, nil
	}
	failure, failed := refused(err)
	if !failed {
		return lease.Result{}, err
	}
	i, err := s.rowAfter(ctx, k, failure)
	if err != nil {
		return lease.Result{}, err
	}
	row := lease.Lease{Key: c.Old.Key}
	if i != nil {
		if row, err = decodeLease(i); err != nil {
			return lease.Result{}, err
		}
	}
	return lease.Result{Made: c.MadeIn(row), Lease: row}, nil
}

func (s *Store) tryChange(ctx context.Context, k key, c lease.Change) error {
	if c.Removes() {
		var e expression
		e.whenOwned(c.Old)
		return s.remove(ctx, k, e)
	}
	var u update
	putLease(&u, c.New)
	u.whenOwned(c.Old)
	_, err := s.write(ctx, k, &u, types.ReturnValueNone)
	return err
}

// stored returns a row as it is read after it was written.
func stored(l lease.Lease) lease.Lease {
	l.Parents = slices.Clone(l.Parents)
	l.CheckpointAt = l.CheckpointAt.UTC().Truncate(time.Millisecond)
	return l
}

// parallel calls do with 0 to n-1, Config.Parallel at a time. It returns the errors; after
// the first one it begins no more.
func (s *Store) parallel(n int, do func(int) error) error {
	var (
		next   atomic.Int64
		failed atomic.Bool
		mu     sync.Mutex // guards errs
		errs   []error
		wait   sync.WaitGroup
	)
	work := func() {
		for i := int(next.Add(1)) - 1; i < n && !failed.Load(); i = int(next.Add(1)) - 1 {
			if err := do(i); err != nil {
				failed.Store(true)
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		}
	}
	for range min(n, s.config.Parallel) - 1 {
		wait.Go(work)
	}
	work()
	wait.Wait()
	if len(errs) == 0 {
		return nil
	}
	return errs[0] // the others are the same trouble as a rule
}
