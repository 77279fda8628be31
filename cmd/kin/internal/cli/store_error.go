package cli

import (
	"context"
	"errors"

	"github.com/kinstream/kin/lease"
)

// storeError is an error of the store, which is explained as such: another machine than that of
// the streams may be meant.
type storeError struct {
	address storeAddress
	err     error
}

func (e *storeError) Error() string { return e.address.String() + ": " + e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// storeFailure marks an error as one of the store. What says what happened in the group stays as it is.
func storeFailure(address storeAddress, err error) error {
	if err == nil || errors.Is(err, lease.ErrNoWorker) {
		return err
	}
	if _, explained := errors.AsType[*failure](err); explained {
		return err
	}
	return &storeError{address, err}
}

// namedStore marks the errors of a store.
type namedStore struct {
	store   lease.Store
	address storeAddress
}

var _ lease.Store = (*namedStore)(nil)

// Load implements lease.Store.
func (s *namedStore) Load(ctx context.Context, group string) (lease.Snapshot, error) {
	rows, err := s.store.Load(ctx, group)
	return rows, storeFailure(s.address, err)
}

// Poll implements lease.Store.
func (s *namedStore) Poll(ctx context.Context, group string) (lease.Snapshot, error) {
	rows, err := s.store.Poll(ctx, group)
	return rows, storeFailure(s.address, err)
}

// Update implements lease.Store.
func (s *namedStore) Update(ctx context.Context, group string, changes []lease.Change) ([]lease.Result, error) {
	results, err := s.store.Update(ctx, group, changes)
	return results, storeFailure(s.address, err)
}

// PutStream implements lease.Store.
func (s *namedStore) PutStream(ctx context.Context, group string, row lease.Stream) (lease.Stream, error) {
	stored, err := s.store.PutStream(ctx, group, row)
	return stored, storeFailure(s.address, err)
}

// Join implements lease.Store.
func (s *namedStore) Join(ctx context.Context, group string, w lease.Worker) error {
	return storeFailure(s.address, s.store.Join(ctx, group, w))
}

// Beat implements lease.Store.
func (s *namedStore) Beat(ctx context.Context, group string, w lease.Worker) (lease.Worker, error) {
	row, err := s.store.Beat(ctx, group, w)
	return row, storeFailure(s.address, err)
}

// Drain implements lease.Store.
func (s *namedStore) Drain(ctx context.Context, group, worker string, draining bool) error {
	return storeFailure(s.address, s.store.Drain(ctx, group, worker, draining))
}

// Forget implements lease.Store.
func (s *namedStore) Forget(ctx context.Context, group, worker string, beat int64) (bool, error) {
	gone, err := s.store.Forget(ctx, group, worker, beat)
	return gone, storeFailure(s.address, err)
}

// Groups implements lease.Store.
func (s *namedStore) Groups(ctx context.Context) ([]string, error) {
	groups, err := s.store.Groups(ctx)
	return groups, storeFailure(s.address, err)
}

// Delete implements lease.Store.
func (s *namedStore) Delete(ctx context.Context, group string) error {
	return storeFailure(s.address, s.store.Delete(ctx, group))
}

// storeFailure explains an error of the store.
func (a *app) storeFailure(e *storeError) *failure {
	if f := groupFailure(e.err); f != nil {
		return f
	}
	elsewhere := &app{flags: a.flags, target: target{endpoint: e.address.String()}}
	if f := elsewhere.networkFailure(e.err); f != nil {
		f.hint = "is --store right?"
		return f
	}
	return &failure{code: exitFailed, what: oneLine(e.Error()), err: e}
}
