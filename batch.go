package kin

import (
	"context"
	"time"
)

// Batch is a number of records of one shard, in order, at least one. Its fields are the
// handler's to read and not to change; its methods are safe for concurrent use. The methods of
// a Batch that a test makes itself do nothing.
type Batch struct {
	// Stream is the stream as configured, and StreamARN names it for good.
	Stream, StreamARN string

	// Shard is the shard that all records come from.
	Shard ShardID

	// Records are to be handled, in the order of the shard. With ConsumerConfig.Parallel above
	// 1 they are those of some partition keys. At another attempt those that were acknowledged
	// are missing.
	//
	// The slice is used again after Handle has returned, unless ManualAcks is set: copy the
	// records that are needed longer. What they point at stays valid: see [Record].
	Records []Record

	// Lag is how far behind the tip of the shard the page was that the records came in; -1 if
	// that is not known.
	Lag time.Duration

	// Epoch rises each time when the shard gets another owner. A database that stores it with what
	// a handler writes, and refuses lower ones, is safe from a former owner that does not know
	// that it is one.
	Epoch int64

	// Attempt counts the deliveries of these records by this worker, from 1.
	Attempt int

	// Err is why the last attempt failed; nil at the first one.
	Err error

	shard *shardRun
	chunk *chunk
	index []int32 // of each record in the chunk; nil: the same
}

// Ack acknowledges record i of Records: it is done, and will not be delivered again by this or
// any other worker once a checkpoint has been stored. Any order is fine: a checkpoint passes a
// record when all before it in the shard are acknowledged too. Acknowledging twice changes
// nothing, and neither does acknowledging after the lease was lost. It panics if there is no
// record i.
//
// Without ManualAcks it is optional: what was acknowledged is left out if the batch is
// delivered again.
func (b *Batch) Ack(i int) {
	_ = b.Records[i] // panics like any index
	switch {
	case b.shard == nil:
	case b.index != nil:
		b.shard.acknowledge(b.chunk, b.index[i:i+1], 0, 0)
	default:
		b.shard.acknowledge(b.chunk, nil, i, 1)
	}
}

// AckAll acknowledges all records of the batch.
func (b *Batch) AckAll() {
	if b.shard != nil {
		b.shard.acknowledge(b.chunk, b.index, 0, len(b.Records))
	}
}

// Checkpoint stores how far the shard is acknowledged, and returns when that is done: a
// checkpoint at a moment of the handler's choice, in addition to those that are made by
// themselves. It costs a write to the store. The error wraps [ErrLeaseLost] if this worker does
// not own the shard any more; any other error says that it is not known whether the checkpoint
// was stored, and nothing is lost by that.
func (b *Batch) Checkpoint(ctx context.Context) error {
	if b.shard == nil {
		return nil
	}
	return b.shard.checkpoint(ctx)
}

// chunk is a run of user records that came in one page: one batch or, with lanes, one for each
// lane. What a batch acknowledges is noted here.
type chunk struct {
	first uint64 // number of the first record in shardRun.mark
	n     int
	bytes int64 // of data and partition keys
	lag   time.Duration
	end   Position // after the last record, and after what was left out behind it; keeps no page in memory
	page  *heldPage

	// Guarded by shardRun.mu. The slice may be that of the batch which is being handled. Where
	// slices are used again, it is given up by whoever delivers it, otherwise when left is 0.
	records []Record
	left    int // records that are not acknowledged
}

// heldPage is what a page has taken from the budget. It is given back when all its chunks are done.
type heldPage struct {
	bytes  int
	forced bool // it was taken beyond the bound
	left   int  // chunks that are not done, and 1 while more may come; guarded by shardRun.mu
}

// heldBytes is what the pages of a shard have taken from the budget.
type heldBytes struct{ normal, forced int }

func (h *heldBytes) add(p *heldPage)  { h.change(p, 1) }
func (h *heldBytes) drop(p *heldPage) { h.change(p, -1) }

func (h *heldBytes) change(p *heldPage, sign int) {
	if p.forced {
		h.forced += sign * p.bytes
	} else {
		h.normal += sign * p.bytes
	}
}

// size returns what counts as the bytes of a record.
func (r *Record) size() int64 { return int64(len(r.Data) + len(r.PartitionKey)) }

// acknowledge notes records of c as done: those of index, or if that is nil n from from on.
func (s *shardRun) acknowledge(c *chunk, index []int32, from, n int) {
	now := time.Now()
	s.mu.Lock()
	if s.closed || c.left == 0 {
		s.mu.Unlock()
		return
	}
	before, prefix := s.mark.Unacked(), s.mark.Next()
	moved := false
	if index == nil {
		moved = s.mark.AckRange(c.first+uint64(from), n)
	}
	for _, i := range index {
		moved = s.mark.Ack(c.first+uint64(i)) || moved
	}
	fresh := before - s.mark.Unacked()
	c.left -= fresh
	s.lent = s.lent && s.mark.Unacked() > 0
	s.status.records += int64(fresh)
	var released *heldPage
	if c.left == 0 {
		s.status.bytes += c.bytes
		if !s.run.c.recycles() {
			c.records = nil
		}
		released = s.drop(c.page)
	}
	tell := false
	if moved {
		s.status.movedAt = now
		s.sinceStored += int(s.mark.Next() - prefix)
		tell, s.dirty = !s.dirty, true
	}
	wake := s.waiting && fresh > 0
	s.waiting = s.waiting && !wake
	s.mu.Unlock()

	s.run.give(released)
	if tell {
		s.run.moved(s)
	}
	if wake {
		s.wake()
	}
}

// drop notes that a chunk of a page is done, or that no more come, and returns the page if that
// was the last: to be given back when mu is not held any more. mu is held.
func (s *shardRun) drop(p *heldPage) *heldPage {
	if p.left--; p.left > 0 || s.closed {
		return nil
	}
	s.held.drop(p)
	return p
}

// checkpointDue says whether so many records are done that a checkpoint is to be stored at
// once. mu is held.
func (s *shardRun) checkpointDue() bool {
	limit := s.run.c.cfg.CheckpointRecords
	return limit > 0 && s.sinceStored >= limit
}

// settled moves the position on to where the records are done, and returns it. mu is held.
func (s *shardRun) settled() Position {
	if c, n, ok := s.mark.Take(); ok {
		if n == c.n {
			s.position = c.end
		} else {
			s.position = c.records[n-1].position()
		}
	}
	return s.position
}

// position is Record.Position without keeping a page in memory.
func (r *Record) position() Position {
	p := r.Position()
	p.seq = cloneSequence((*string)(&p.seq))
	return p
}

// unacked returns the records of a batch that are not acknowledged, and where in the chunk they
// are: nil if they are the whole chunk.
func (s *shardRun) unacked(c *chunk, index []int32) ([]Record, []int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || c.left == 0 {
		return nil, nil
	}
	if index == nil && c.left == c.n {
		return c.records, nil
	}
	var records []Record
	var where []int32
	add := func(i int32) {
		if !s.mark.Acked(c.first + uint64(i)) {
			records, where = append(records, c.records[i]), append(where, i)
		}
	}
	for _, i := range index {
		add(i)
	}
	if index == nil {
		for i := range c.n {
			add(int32(i))
		}
	}
	return records, where
}
