package kin

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/lease"
)

// serving is whether Kinesis answers this worker at all: one answer for any shard shows that it
// does. The worker of the group decides what follows when it does not: see "A worker that can't
// read" in package lease.
//
//	heard  <- each call of Kinesis that ended --+
//	listen <- calls that do not end ------------+--> coord.Worker.Served
//	probe  <- the worker asks for one more call
type serving struct {
	began    time.Time
	answered atomic.Int64 // when Kinesis did the last time: a time.Duration since began
	failing  atomic.Bool  // changed with mu held

	mu sync.Mutex // guards that the worker is told of changes in their order; taken alone
}

// now returns the time on the scale of answered.
func (s *serving) now() int64 { return int64(time.Since(s.began)) }

// heard takes in how a call of Kinesis ended that reads a shard.
func (r *consumerRun) heard(err error) {
	s := &r.serving
	if err != nil && !fetch.Answered(err) {
		r.tellServing(false, 0)
		return
	}
	s.answered.Store(s.now())
	r.tellServing(true, 0)
}

// tellServing tells the worker if something changes. For silent nothing has been answered.
func (r *consumerRun) tellServing(answers bool, silent time.Duration) {
	s := &r.serving
	if s.failing.Load() == !answers {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing.Swap(!answers) == answers {
		r.worker.Served(answers, silent) // which never waits
	}
}

// listen notices that calls are under way and nothing is answered, until the run ends. A network
// that swallows everything lets calls fail only after CallTimeout.
func (r *consumerRun) listen(ctx context.Context) {
	const parts = 4 // of LeaseTTL: how often, and twice as many must pass
	ticker := time.NewTicker(max(r.c.cfg.LeaseTTL/parts, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		now, answered := r.serving.now(), r.serving.answered.Load()
		for _, s := range r.all() {
			since := max(s.calling.Load(), answered)
			if silent := time.Duration(now - since); s.calling.Load() > 0 && silent >= 2*r.c.cfg.LeaseTTL/parts {
				r.tellServing(false, silent)
				break
			}
		}
	}
}

// probe is what the worker calls to find out whether Kinesis answers.
func (r *consumerRun) probe(ctx context.Context, key lease.Key) error {
	r.mu.Lock()
	s := r.streams[key.Stream]
	r.mu.Unlock()
	err := fetch.Probe(ctx, r.c.caller, r.c.client, s.call, key.Shard)
	if err == nil {
		r.heard(nil)
		return nil
	}
	return newShardError(s.name, ShardID(key.Shard), err)
}

// clockedClient notes since when a call of a shard is under way.
type clockedClient struct {
	fetch.Client
	s *shardRun
}

// GetRecords implements [fetch.Client]. It is the call that is under way most of the time.
func (c clockedClient) GetRecords(
	ctx context.Context, in *kinesis.GetRecordsInput, options ...func(*kinesis.Options),
) (*kinesis.GetRecordsOutput, error) {
	c.s.calling.Store(max(c.s.run.serving.now(), 1))
	defer c.s.calling.Store(0)
	return c.Client.GetRecords(ctx, in, options...)
}

// GetShardIterator implements [fetch.Client].
func (c clockedClient) GetShardIterator(
	ctx context.Context, in *kinesis.GetShardIteratorInput, options ...func(*kinesis.Options),
) (*kinesis.GetShardIteratorOutput, error) {
	c.s.calling.Store(max(c.s.run.serving.now(), 1))
	defer c.s.calling.Store(0)
	return c.Client.GetShardIterator(ctx, in, options...)
}
