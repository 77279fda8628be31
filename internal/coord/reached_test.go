package coord_test

import (
	"context"
	"slices"

	"github.com/kinstream/kin/lease"
)

// reached is a store that a killed worker can't reach, and nobody while it is down. It counts
// requests as dynamostore makes them.
type reached struct {
	lease.Store
	f *fake
}

func (r *reached) fails(requests int) error {
	if r.f.killed() || r.f.b.down.Load() {
		return errKilled
	}
	r.f.b.requests.Add(int64(requests))
	return nil
}

// Load implements lease.Store.
func (r *reached) Load(ctx context.Context, group string) (lease.Snapshot, error) {
	if err := r.fails(3); err != nil {
		return lease.Snapshot{}, err
	}
	return r.Store.Load(ctx, group)
}

// Poll implements lease.Store.
func (r *reached) Poll(ctx context.Context, group string) (lease.Snapshot, error) {
	if err := r.fails(1); err != nil {
		return lease.Snapshot{}, err
	}
	return r.Store.Poll(ctx, group)
}

// Update implements lease.Store.
func (r *reached) Update(ctx context.Context, group string, changes []lease.Change) ([]lease.Result, error) {
	requests := len(changes)
	if slices.ContainsFunc(changes, lease.Change.Announces) {
		requests++
	}
	if err := r.fails(requests); err != nil {
		return nil, err
	}
	return r.Store.Update(ctx, group, changes)
}

// PutStream implements lease.Store.
func (r *reached) PutStream(ctx context.Context, group string, s lease.Stream) (lease.Stream, error) {
	if err := r.fails(1); err != nil {
		return s, err
	}
	return r.Store.PutStream(ctx, group, s)
}

// Join implements lease.Store.
func (r *reached) Join(ctx context.Context, group string, w lease.Worker) error {
	if err := r.fails(2); err != nil {
		return err
	}
	return r.Store.Join(ctx, group, w)
}

// Beat implements lease.Store.
func (r *reached) Beat(ctx context.Context, group string, w lease.Worker) (lease.Worker, error) {
	if err := r.fails(1); err != nil {
		return w, err
	}
	return r.Store.Beat(ctx, group, w)
}

// Drain implements lease.Store.
func (r *reached) Drain(ctx context.Context, group, worker string, draining bool) error {
	if err := r.fails(2); err != nil {
		return err
	}
	return r.Store.Drain(ctx, group, worker, draining)
}

// Forget implements lease.Store.
func (r *reached) Forget(ctx context.Context, group, worker string, beat int64) (bool, error) {
	if err := r.fails(2); err != nil {
		return false, err
	}
	return r.Store.Forget(ctx, group, worker, beat)
}
