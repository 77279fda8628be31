package shardlog

import (
	"sync"
	"sync/atomic"
)

// Budget bounds the payload of many logs together. When it is exceeded, the chunks
// that were begun first are dropped, whichever log they are in.
type Budget struct {
	max     int64
	held    atomic.Int64
	records atomic.Int64 // dropped
	bytes   atomic.Int64 // dropped

	mu    sync.Mutex // guards queue; taken while a log's is held, never the other way round
	queue []chunkRef // in the order in which the chunks were begun
}

// chunkRef names a chunk, which may be gone.
type chunkRef struct {
	log  *Log
	base uint64
}

// NewBudget makes a budget of a number of bytes.
func NewBudget(bytes int64) *Budget { return &Budget{max: bytes} }

// Dropped returns how many records and bytes the budget has cost so far.
func (b *Budget) Dropped() (records, bytes int64) { return b.records.Load(), b.bytes.Load() }

// chunkLimit is the largest chunk to make, so that what is dropped at once is a
// small part of the whole.
func (b *Budget) chunkLimit() int64 { return min(max(b.max/16, minChunk), maxChunk) }

// register queues a chunk that is about to be begun. The lock of the log is held:
// the lock order is log, then budget.
func (b *Budget) register(l *Log, base uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = append(b.queue, chunkRef{l, base})
}

// add accounts for payload, and drops chunks while there is too much. No lock is held.
func (b *Budget) add(bytes int64) {
	for b.held.Add(bytes) > b.max {
		ref, ok := b.oldest()
		if !ok {
			return
		}
		records, freed := ref.log.evict(ref.base)
		b.records.Add(records)
		b.bytes.Add(freed)
		bytes = -freed
	}
}

// oldest takes the first chunk out of the queue.
func (b *Budget) oldest() (chunkRef, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		return chunkRef{}, false
	}
	ref := b.queue[0]
	b.queue[0] = chunkRef{}
	b.queue = b.queue[1:]
	return ref, true
}
