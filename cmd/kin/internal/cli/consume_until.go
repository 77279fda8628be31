package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/internal/operator"
	"github.com/kinstream/kin/lease"
)

// checkpointOf is a position as leases keep it.
func checkpointOf(p kin.Position) lease.Checkpoint { return lease.Checkpoint(p.String()) }

// tips knows up to when the records of each shard are done.
type tips struct {
	mu   sync.Mutex // guards seen
	seen map[shardKey]time.Time
}

type shardKey struct {
	arn   string
	shard kin.ShardID
}

// done notes that a batch is done.
func (t *tips) done(b *kin.Batch) {
	last := b.Records[len(b.Records)-1].ArrivalTime
	key := shardKey{b.StreamARN, b.Shard}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil {
		t.seen = make(map[shardKey]time.Time)
	}
	if last.After(t.seen[key]) {
		t.seen[key] = last
	}
}

// passed says whether a record is done that came after a time.
func (t *tips) passed(arn string, shard kin.ShardID, at time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen[shardKey{arn, shard}].After(at)
}

// watch stops the worker where --idle and --until say. It returns when ctx ends.
func (w *consumeWork) watch(ctx context.Context, consumer *kin.Consumer) {
	const (
		lookEvery  = 100 * time.Millisecond
		tipEvery   = 500 * time.Millisecond // for a look into the store
		tolerance  = 3 * time.Second        // arrival times are approximate: as kin.AtTip
		idleAtMost = 365 * 24 * time.Hour
	)
	start := time.Now()
	var looked time.Time
	idle := w.options.idle
	if idle == 0 {
		idle = idleAtMost
	}
	for fetch.Sleep(ctx, lookEvery) == nil {
		quiet := time.Since(time.Unix(0, w.activity.Load()))
		if w.inHand.Load() == 0 && quiet >= idle {
			w.stop(&endError{fmt.Sprintf("no record for %v: stopping", w.options.idle)})
			return
		}
		if w.options.until != "tip" || time.Since(looked) < tipEvery || !w.ownAtTip(consumer, start.Add(tolerance)) {
			continue
		}
		looked = time.Now()
		// An error is no answer; the worker itself says what is wrong with the store.
		if rest, err := w.othersHaveTheRest(ctx, consumer.WorkerID()); err == nil && rest && w.ownAtTip(consumer, start.Add(tolerance)) {
			w.stop(&endError{"nothing more to read: stopping"})
			return
		}
	}
}

// ownAtTip says whether each shard of this worker holds nothing more, or has given records that
// came after a time.
func (w *consumeWork) ownAtTip(consumer *kin.Consumer, after time.Time) bool {
	if consumer.WorkerID() == "" {
		return false
	}
	for _, s := range consumer.Shards() {
		if s.Unacked == 0 && s.Lag == 0 && s.Failures == 0 || w.tips.passed(s.StreamARN, s.Shard, after) {
			continue
		}
		return false
	}
	return true
}

// othersHaveTheRest says whether there is no shard that nobody reads.
func (w *consumeWork) othersHaveTheRest(ctx context.Context, self string) (bool, error) {
	g, err := operator.Describe(ctx, w.store, w.options.group, 0)
	if err != nil {
		return false, err
	}
	for _, s := range g.Streams {
		if !s.Seeded {
			return false, nil
		}
	}
	joined := false
	for _, worker := range g.Workers {
		joined = joined || worker.ID == self
	}
	for _, l := range g.Leases {
		if l.State != operator.Finished && l.State != operator.Reading {
			return false, nil
		}
	}
	return joined && len(g.Leases) > 0, nil
}
