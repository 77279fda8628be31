package stores_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/memstore"
)

const (
	costStream = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"
	costGroup  = "order-indexer"
	costTTL    = 10 * time.Second
)

// calls is what a group calls of its store.
type calls struct {
	Beats, Polls, Loads, Others int
	Checkpoints, Announced      int // changes of leases
	Bumps                       int // updates with at least one that is announced
}

// counter is a store that counts what is called.
type counter struct {
	lease.Store

	mu sync.Mutex // guards n
	n  calls
}

func (c *counter) count(f func(*calls)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.n)
}

// take returns what was called since the last take.
func (c *counter) take() (n calls) {
	c.count(func(now *calls) { n, *now = *now, calls{} })
	return n
}

func (c *counter) Load(ctx context.Context, group string) (lease.Snapshot, error) {
	c.count(func(n *calls) { n.Loads++ })
	return c.Store.Load(ctx, group)
}

func (c *counter) Poll(ctx context.Context, group string) (lease.Snapshot, error) {
	c.count(func(n *calls) { n.Polls++ })
	return c.Store.Poll(ctx, group)
}

func (c *counter) Beat(ctx context.Context, group string, w lease.Worker) (lease.Worker, error) {
	c.count(func(n *calls) { n.Beats++ })
	return c.Store.Beat(ctx, group, w)
}

func (c *counter) Update(ctx context.Context, group string, changes []lease.Change) ([]lease.Result, error) {
	c.count(func(n *calls) {
		announced := 0
		for _, change := range changes {
			if change.Announces() {
				announced++
			}
		}
		n.Announced += announced
		n.Checkpoints += len(changes) - announced
		n.Bumps += min(announced, 1)
	})
	return c.Store.Update(ctx, group, changes)
}

func (c *counter) PutStream(ctx context.Context, group string, s lease.Stream) (lease.Stream, error) {
	c.count(func(n *calls) { n.Others++ })
	return c.Store.PutStream(ctx, group, s)
}

func (c *counter) Join(ctx context.Context, group string, w lease.Worker) error {
	c.count(func(n *calls) { n.Others++ })
	return c.Store.Join(ctx, group, w)
}

func (c *counter) Forget(ctx context.Context, group, worker string, beat int64) (bool, error) {
	c.count(func(n *calls) { n.Others++ })
	return c.Store.Forget(ctx, group, worker, beat)
}

// hour runs a real group for an hour, after it has found its shares, and returns what it called
// in that hour: with records in all shards all the time, or without any.
func hour(t *testing.T, shards, workers int, busy bool) calls {
	t.Helper()
	var n calls
	synctest.Test(t, func(t *testing.T) {
		store := &counter{Store: memstore.New()}
		ctx, stop := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		var readers []*steadyReader
		for i := range workers {
			r := &steadyReader{reads: map[lease.Key]int64{}, busy: busy}
			w, err := coord.NewWorker(coord.WorkerConfig{
				Store: store, Group: costGroup, Name: fmt.Sprintf("ip-10-0-%d-12.ec2.internal", i), TTL: costTTL,
				CheckpointEvery: time.Minute, ListEvery: time.Minute, ShutdownTimeout: time.Minute, Reader: r,
				Streams: []coord.StreamConfig{{ARN: costStream, CreatedAt: time.Now(), Start: lease.TrimHorizon}},
				List: func(context.Context, string, lease.Checkpoint) (coord.Listed, error) {
					return coord.Listed{Shards: listing(shards), At: time.Now()}, nil
				},
				Probe: func(context.Context, lease.Key) error { return nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			r.worker = w
			readers = append(readers, r)
			wait.Go(func() {
				if err := w.Run(ctx); err != nil {
					t.Errorf("worker %d: %v", i, err)
				}
			})
		}
		run := func(d time.Duration) {
			for range d / readEvery {
				time.Sleep(readEvery)
				for _, r := range readers {
					r.worker.Moved()
				}
			}
		}
		run(10 * time.Minute)
		least, most := shards, 0
		for _, r := range readers {
			least, most = min(least, r.count()), max(most, r.count())
		}
		if most-least > 1 {
			t.Errorf("workers read %d to %d shards after ten minutes, want even shares", least, most)
		}
		store.take()
		run(time.Hour)
		n = store.take()
		stop()
		wait.Wait()
	})
	return n
}

const readEvery = 10 * time.Second

// steadyReader reads all shards that it is given, at a constant rate.
type steadyReader struct {
	worker *coord.Worker
	busy   bool

	mu    sync.Mutex // guards what follows
	reads map[lease.Key]int64
}

func (r *steadyReader) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.reads)
}

func (r *steadyReader) Start(l lease.Lease) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads[l.Key] = l.Epoch
}

func (r *steadyReader) Stop(key lease.Key, epoch int64, _ coord.Why) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, reads := r.reads[key]; reads {
		delete(r.reads, key)
		r.worker.Stopped(key, epoch, "")
	}
}

func (r *steadyReader) Trust(time.Time) {}

func (r *steadyReader) Progress() []coord.Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.busy {
		return nil
	}
	var all []coord.Progress
	for key, epoch := range r.reads {
		at := lease.Checkpoint(fmt.Sprintf("AFTER_SEQUENCE_NUMBER:496%053d", time.Now().UnixNano()))
		all = append(all, coord.Progress{Key: key, Epoch: epoch, Checkpoint: at, Load: 5})
	}
	return all
}

// listing is a stream of n even shards.
func listing(n int) []topology.Shard {
	shards := make([]topology.Shard, n)
	for i, r := range hashkey.Even(n) {
		shards[i] = topology.Shard{ID: shardID(i), Range: r}
	}
	return shards
}

func shardID(i int) string { return fmt.Sprintf("shardId-%012d", i) }
