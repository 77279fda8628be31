package cli

import (
	"context"

	"github.com/kinstream/kin/lease"
)

// guardedStore is a store whose calls may be refused, and whose errors are changed on their way
// out.
type guardedStore struct {
	store  lease.Store
	before func() error      // refuses a call by its error; nil refuses none
	after  func(error) error // gets the error of each call, also nil
}

var _ lease.Store = (*guardedStore)(nil)

// guarded makes a call of a store.
func guarded[T any](s *guardedStore, call func() (T, error)) (T, error) {
	if s.before != nil {
		if err := s.before(); err != nil {
			var none T
			return none, err
		}
	}
	answer, err := call()
	return answer, s.after(err)
}

// guardedDo makes a call that answers nothing.
func guardedDo(s *guardedStore, call func() error) error {
	_, err := guarded(s, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// Load implements lease.Store.
func (s *guardedStore) Load(ctx context.Context, group string) (lease.Snapshot, error) {
	return guarded(s, func() (lease.Snapshot, error) { return s.store.Load(ctx, group) })
}

// Poll implements lease.Store.
func (s *guardedStore) Poll(ctx context.Context, group string) (lease.Snapshot, error) {
	return guarded(s, func() (lease.Snapshot, error) { return s.store.Poll(ctx, group) })
}

// Update implements lease.Store.
func (s *guardedStore) Update(ctx context.Context, group string, changes []lease.Change) ([]lease.Result, error) {
	return guarded(s, func() ([]lease.Result, error) { return s.store.Update(ctx, group, changes) })
}

// PutStream implements lease.Store.
func (s *guardedStore) PutStream(ctx context.Context, group string, row lease.Stream) (lease.Stream, error) {
	return guarded(s, func() (lease.Stream, error) { return s.store.PutStream(ctx, group, row) })
}

// Join implements lease.Store.
func (s *guardedStore) Join(ctx context.Context, group string, w lease.Worker) error {
	return guardedDo(s, func() error { return s.store.Join(ctx, group, w) })
}

// Beat implements lease.Store.
func (s *guardedStore) Beat(ctx context.Context, group string, w lease.Worker) (lease.Worker, error) {
	return guarded(s, func() (lease.Worker, error) { return s.store.Beat(ctx, group, w) })
}

// Drain implements lease.Store.
func (s *guardedStore) Drain(ctx context.Context, group, worker string, draining bool) error {
	return guardedDo(s, func() error { return s.store.Drain(ctx, group, worker, draining) })
}

// Forget implements lease.Store.
func (s *guardedStore) Forget(ctx context.Context, group, worker string, beat int64) (bool, error) {
	return guarded(s, func() (bool, error) { return s.store.Forget(ctx, group, worker, beat) })
}

// Groups implements lease.Store.
func (s *guardedStore) Groups(ctx context.Context) ([]string, error) {
	return guarded(s, func() ([]string, error) { return s.store.Groups(ctx) })
}

// Delete implements lease.Store.
func (s *guardedStore) Delete(ctx context.Context, group string) error {
	return guardedDo(s, func() error { return s.store.Delete(ctx, group) })
}
