package leasetest

import (
	"context"
	"slices"
	"time"

	"github.com/kinstream/kin/lease"
)

// goOn does an operation that was under way when its caller gave up. Its goroutine ends with the
// operation, and [Faulty.Wait] waits for it.
func goOn[T any](ctx context.Context, f *Faulty, after time.Duration, do func(context.Context) (T, error)) {
	ctx = context.WithoutCancel(ctx)
	f.stray.Go(func() {
		_ = wait(ctx, after)
		_, _ = do(ctx)
	})
}

// Load implements [lease.Store].
func (f *Faulty) Load(ctx context.Context, group string) (lease.Snapshot, error) {
	return call(ctx, f, Call{Op: OpLoad, Group: group}, func(ctx context.Context) (lease.Snapshot, error) {
		return f.store.Load(ctx, group)
	})
}

// Poll implements [lease.Store].
func (f *Faulty) Poll(ctx context.Context, group string) (lease.Snapshot, error) {
	return call(ctx, f, Call{Op: OpPoll, Group: group}, func(ctx context.Context) (lease.Snapshot, error) {
		return f.store.Poll(ctx, group)
	})
}

// Update implements [lease.Store].
func (f *Faulty) Update(ctx context.Context, group string, changes []lease.Change) ([]lease.Result, error) {
	changes = slices.Clone(changes) // the caller's is its own again if it gives up
	return call(ctx, f, Call{Op: OpUpdate, Group: group, Changes: changes}, func(ctx context.Context) ([]lease.Result, error) {
		return f.store.Update(ctx, group, changes)
	})
}

// PutStream implements [lease.Store].
func (f *Faulty) PutStream(ctx context.Context, group string, s lease.Stream) (lease.Stream, error) {
	return call(ctx, f, Call{Op: OpPutStream, Group: group}, func(ctx context.Context) (lease.Stream, error) {
		return f.store.PutStream(ctx, group, s)
	})
}

// Join implements [lease.Store].
func (f *Faulty) Join(ctx context.Context, group string, w lease.Worker) error {
	return f.do(ctx, Call{Op: OpJoin, Group: group, Worker: w.ID}, func(ctx context.Context) error {
		return f.store.Join(ctx, group, w)
	})
}

// Beat implements [lease.Store].
func (f *Faulty) Beat(ctx context.Context, group string, w lease.Worker) (lease.Worker, error) {
	return call(ctx, f, Call{Op: OpBeat, Group: group, Worker: w.ID}, func(ctx context.Context) (lease.Worker, error) {
		return f.store.Beat(ctx, group, w)
	})
}

// Drain implements [lease.Store].
func (f *Faulty) Drain(ctx context.Context, group, worker string, draining bool) error {
	return f.do(ctx, Call{Op: OpDrain, Group: group, Worker: worker}, func(ctx context.Context) error {
		return f.store.Drain(ctx, group, worker, draining)
	})
}

// Forget implements [lease.Store].
func (f *Faulty) Forget(ctx context.Context, group, worker string, beat int64) (bool, error) {
	return call(ctx, f, Call{Op: OpForget, Group: group, Worker: worker}, func(ctx context.Context) (bool, error) {
		return f.store.Forget(ctx, group, worker, beat)
	})
}

// Groups implements [lease.Store].
func (f *Faulty) Groups(ctx context.Context) ([]string, error) {
	return call(ctx, f, Call{Op: OpGroups}, f.store.Groups)
}

// Delete implements [lease.Store].
func (f *Faulty) Delete(ctx context.Context, group string) error {
	return f.do(ctx, Call{Op: OpDelete, Group: group}, func(ctx context.Context) error {
		return f.store.Delete(ctx, group)
	})
}

// do is call for operations that answer nothing.
func (f *Faulty) do(ctx context.Context, c Call, do func(context.Context) error) error {
	_, err := call(ctx, f, c, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, do(ctx)
	})
	return err
}
