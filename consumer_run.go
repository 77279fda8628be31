package kin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/dispatch"
	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/lease"
)

// consumerRun is a Consumer while it runs. It is the [coord.Reader] of its worker, whose
// methods never wait:
//
//	coord.Worker -- Start, Stop, Trust, Progress --> consumerRun --> shardRun, one for each lease
//	             <-- Moved, Stopped, Ended --------------------------'
type consumerRun struct {
	c       *Consumer
	worker  *coord.Worker
	gate    *dispatch.Gate
	budget  *fetch.Budget
	buffers sync.Pool // of *[]Record
	work    sync.WaitGroup

	// ctx ends when the worker has left: then nothing is read or waited for any more.
	ctx context.Context
	end context.CancelFunc

	// until is until when a listing that is refused for good ends Run, if none has worked before.
	until  time.Time
	listed atomic.Bool

	serving serving

	// leave makes the worker leave the group, for an error.
	leave context.CancelCauseFunc

	mu      sync.Mutex // guards all below; taken alone
	shards  map[lease.Key]*shardRun
	dirty   []*shardRun                // whose position has moved since Progress
	streams map[string]*consumedStream // by ARN; none is ever taken out
	err     error                      // why leave was called
}

// coldStart is how long what was never allowed to be listed counts as set wrong, at least.
const coldStart = 30 * time.Second

// newConsumerRun returns a run in which nothing runs yet. ctx is that of Run.
func newConsumerRun(ctx context.Context, c *Consumer, streams []*consumedStream) (*consumerRun, error) {
	r := &consumerRun{
		c:       c,
		gate:    dispatch.NewGate(ctx, ErrLeaseLost, coord.Trusted),
		budget:  fetch.NewBudget(c.cfg.MaxBufferedBytes),
		shards:  make(map[lease.Key]*shardRun),
		streams: make(map[string]*consumedStream),
	}
	r.serving.began = time.Now()
	r.until = time.Now().Add(max(c.reading.StartTimeout, coldStart))
	r.buffers.New = func() any { return new([]Record) }
	r.ctx, r.end = context.WithCancel(context.WithoutCancel(ctx))
	worker, err := coord.NewWorker(coord.WorkerConfig{
		Store: c.cfg.Store, Group: c.cfg.Group, Name: c.cfg.WorkerName,
		TTL: c.cfg.LeaseTTL, Capacity: max(c.cfg.MaxLeases, 0),
		CheckpointEvery: c.cfg.CheckpointEvery, ListEvery: c.cfg.ListEvery, Build: programBuild(),
		StartTimeout: max(c.reading.StartTimeout, 0), ShutdownTimeout: c.cfg.ShutdownTimeout,
		Streams: r.add(streams), List: r.list, Probe: r.probe, Reader: r, Hooks: r.hooks(), Logger: c.cfg.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("kin: NewConsumer: %w", err)
	}
	r.worker = worker
	return r, nil
}

// loop runs the worker, and returns when nothing of it runs any more.
func (r *consumerRun) loop(ctx context.Context) error {
	stop, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	r.leave = leave
	// Ends with r.ctx; waited for below.
	r.work.Go(func() { r.followStreams(r.ctx) })
	r.work.Go(func() { r.listen(r.ctx) }) // likewise
	return r.result(r.runWorker(stop))
}

// runWorker runs the worker, and sees to the end of all else, also when a hook ends the goroutine.
func (r *consumerRun) runWorker(ctx context.Context) error {
	defer r.work.Wait()
	defer r.end()
	defer r.gate.Close() // for handlers that were cut off and don't heed it, and if the worker failed
	return r.worker.Run(ctx)
}

// result returns what Run returns, given what the worker returned.
func (r *consumerRun) result(left error) error {
	if e, ok := errors.AsType[*coord.LeaveError](left); ok && len(e.CutOff) > 0 {
		left = fmt.Errorf("%w: %w", ErrShutdown, left)
	}
	if left != nil {
		left = fmt.Errorf("consume as group %s: %w", r.c.cfg.Group, left)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.err, left)
}

// fail makes Run end with err, which is the first one if there are several.
func (r *consumerRun) fail(err error) {
	r.mu.Lock()
	if r.err == nil {
		r.err = err
	}
	r.mu.Unlock()
	r.leave(err)
}

// Start implements [coord.Reader].
func (r *consumerRun) Start(l lease.Lease) {
	r.mu.Lock()
	stream := r.streams[l.Stream]
	s := newShardRun(r, stream, l)
	r.shards[l.Key] = s
	r.mu.Unlock()
	// Ends after stop, or with the shard; loop waits for it.
	r.work.Go(s.main)
}

// Stop implements [coord.Reader].
func (r *consumerRun) Stop(key lease.Key, epoch int64, why coord.Why) {
	r.mu.Lock()
	s := r.shards[key]
	r.mu.Unlock()
	if s != nil && s.lease.Epoch == epoch {
		s.stop(why)
	}
}

// Trust implements [coord.Reader].
func (r *consumerRun) Trust(until time.Time) {
	if opened := r.gate.Trust(until); opened && r.c.cfg.ManualAcks {
		for _, s := range r.all() {
			s.recall()
		}
	}
}

// Progress implements [coord.Reader].
func (r *consumerRun) Progress() []coord.Progress {
	r.mu.Lock()
	dirty := r.dirty
	r.dirty = nil
	r.mu.Unlock()
	var progress []coord.Progress
	for _, s := range dirty {
		if p, ok := s.progress(); ok {
			progress = append(progress, p)
		}
	}
	return progress
}

// moved notes that the position of a shard has moved, or that a checkpoint is due.
func (r *consumerRun) moved(s *shardRun) {
	r.mu.Lock()
	r.dirty = append(r.dirty, s)
	r.mu.Unlock()
	r.worker.Moved()
}

// remove forgets a shard that is about to be given up.
func (r *consumerRun) remove(s *shardRun) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shards[s.lease.Key] == s {
		delete(r.shards, s.lease.Key)
	}
}

// all returns the shards that are being read.
func (r *consumerRun) all() []*shardRun {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Values(r.shards))
}

// checkpoint stores how far a shard is done, and waits for it.
func (r *consumerRun) checkpoint(ctx context.Context, s *shardRun) error {
	err := r.worker.Checkpoint(ctx, s.lease.Key, s.lease.Epoch)
	if errors.Is(err, coord.ErrLost) {
		err = ErrLeaseLost
	}
	if err != nil {
		return fmt.Errorf("checkpoint %s %s: %w", s.stream.name, s.id, err)
	}
	return nil
}

// give gives back what a page held. It may be nil.
func (r *consumerRun) give(p *heldPage) {
	switch {
	case p == nil:
	case p.forced:
		r.budget.GiveForced(p.bytes)
	default:
		r.budget.Give(p.bytes)
	}
}

// recycle keeps a slice of records for later. What they point at must not be kept in memory
// with it.
func (r *consumerRun) recycle(buffer *[]Record) {
	if cap(*buffer) > 2*r.c.cfg.MaxBatchRecords+16 {
		return // that of an aggregated record with many user records
	}
	clear(*buffer)
	r.buffers.Put(buffer)
}
