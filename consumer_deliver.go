package kin

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// laneBatch is what waits in a lane: records of a chunk.
type laneBatch struct {
	chunk *chunk
	index []int32
}

// deliver makes batches of a page and has them handled. It returns false if reading ended before.
func (s *shardRun) deliver(p *consumedPage) bool {
	c := s.run.c
	var d defects
	defer func() { s.unpacked(p, d) }()
	var buffer *[]Record
	used := 0 // of buffer, at most
	for i := 0; i < len(p.records); {
		if buffer == nil || !c.recycles() {
			buffer, _ = s.run.buffers.Get().(*[]Record)
		}
		next := s.fill(buffer, p.records[i:], &d) + i
		used = max(used, len(*buffer))
		after := AfterSequence(cloneSequence(p.records[next-1].SequenceNumber))
		i = next
		if !s.deliverRecords(p, *buffer, after) {
			return false
		}
	}
	if buffer != nil && c.recycles() {
		*buffer = (*buffer)[:used]
		s.run.recycle(buffer)
	}
	return true
}

// fill unpacks records until there are enough for a batch, and returns how many it has
// unpacked. What is inside an aggregated record comes at once, so there may be more.
func (s *shardRun) fill(buffer *[]Record, records []types.Record, d *defects) int {
	enough := s.run.c.cfg.MaxBatchRecords
	users := slices.Grow((*buffer)[:0], min(len(records), enough))
	packed := Record{ShardID: s.id}
	collect := func(rec *Record) bool {
		users = append(users, *rec)
		return true
	}
	n := 0
	for n < len(records) && len(users) < enough {
		if in := &records[n]; !s.unpacking.asItIs(in) {
			s.unpacking.each(in, &packed, d, collect)
		} else {
			users = append(users, Record{ShardID: s.id})
			users[len(users)-1].set(in) // most records by far, and each copy of one counts
		}
		n++
	}
	*buffer = users
	return n
}

// unpacked notes that no more chunks come of a page.
func (s *shardRun) unpacked(p *consumedPage, d defects) {
	s.mu.Lock()
	s.status.bad += d.bad
	s.status.outOfRange += d.outOfRange
	released := s.drop(p.held)
	s.mu.Unlock()
	s.run.give(released)
}

// deliverRecords has records handled, in batches. after is the position after them all, and
// after what was left out.
func (s *shardRun) deliverRecords(p *consumedPage, records []Record, after Position) bool {
	for {
		n := min(len(records), s.run.c.cfg.MaxBatchRecords)
		end := after
		if n < len(records) {
			end = records[n-1].position()
		}
		c := s.chunk(p, records[:n:n], end)
		if !s.deliverChunk(c) || s.run.c.recycles() && !s.letGo(c) {
			return false
		}
		if records = records[n:]; len(records) == 0 {
			return true
		}
	}
}

func (s *shardRun) chunk(p *consumedPage, records []Record, end Position) *chunk {
	c := &chunk{n: len(records), left: len(records), records: records, lag: p.lag, end: end, page: p.held}
	for i := range records {
		c.bytes += records[i].size()
	}
	return c
}

// letGo makes c let go of its records, so that the slice can be used again. It returns false if
// that is not possible because they could not be acknowledged: the lease was lost.
func (s *shardRun) letGo(c *chunk) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.left > 0 {
		return false
	}
	c.records = nil
	return true
}

// deliverChunk has a chunk handled: as one batch, before it returns, or in lanes.
func (s *shardRun) deliverChunk(c *chunk) bool {
	if !s.await(s.reading.Done(), func() bool { return s.room(c) }) {
		return false
	}
	s.add(c)
	switch {
	case c.n == 0:
		return true
	case s.lanes == nil:
		return s.handle(c, nil)
	}
	return s.putInLanes(c)
}

// room says whether c fits into what may be unacknowledged. mu is held.
func (s *shardRun) room(c *chunk) bool {
	records, bytes := s.mark.Window()
	if records == 0 {
		return true
	}
	cfg := &s.run.c.cfg
	return records+c.n <= cfg.MaxUnackedRecords && bytes+c.bytes <= int64(cfg.MaxUnackedBytes)
}

// add enters a chunk in the account.
func (s *shardRun) add(c *chunk) {
	s.mu.Lock()
	if s.mark.Unacked() == 0 {
		s.status.movedAt = time.Now()
	}
	c.first = s.mark.Add(c, c.n, c.bytes)
	if c.n > 0 {
		c.page.left++
	}
	told := s.dirty || !s.mark.Moved()
	s.dirty = s.dirty || s.mark.Moved() // a chunk without records may move the position
	s.mu.Unlock()
	if !told {
		s.run.moved(s)
	}
}

// putInLanes gives each record of a chunk to the lane of its partition key.
func (s *shardRun) putInLanes(c *chunk) bool {
	lanes := make([][]int32, s.lanes.Len())
	for i := range c.records {
		lane := s.lanes.Of(c.records[i].PartitionKey)
		lanes[lane] = append(lanes[lane], int32(i))
	}
	for n, index := range lanes {
		if len(index) > 0 && !s.lanes.Put(n, laneBatch{c, index}) {
			s.abandon(c, index)
		}
	}
	return s.reading.Err() == nil
}

// handleLane handles what waited in a lane.
func (s *shardRun) handleLane(b laneBatch) { s.handle(b.chunk, b.index) }
