package shardlog

import (
	"slices"
	"sort"

	"github.com/kinstream/kin/kintest/internal/seqnum"
)

const (
	minChunk = 4 << 10
	maxChunk = 1 << 20

	// maxSpan is how much later than the first record of its chunk, in milliseconds,
	// a record may arrive: marks have 32 bits for it.
	maxSpan = 1<<32 - 1
)

// mark describes one record of a chunk. The record begins where the one before
// ends: data, then key, then hash key.
type mark struct {
	end     uint32 // offset behind the record
	arrival uint32 // milliseconds after the chunk's first record
	keyLen  uint16
	hashLen uint8
	flags   uint8
}

const (
	flagKey uint8 = 1 << iota // there is a partition key
	flagKMS
)

// chunk is a run of records with consecutive counters. The Log's lock guards its
// fields; what the slices hold within their length never changes.
type chunk struct {
	base    uint64 // counter of the first record
	arrival int64  // its arrival in milliseconds
	data    []byte
	marks   []mark
}

// newChunk makes a chunk for a record of the given size that arrives at the given
// time in a log that holds the given number of bytes.
func newChunk(base uint64, arrival int64, size int, held, limit int64) *chunk {
	room := int(min(max(held/8, minChunk), limit))
	if size > room/2 {
		room = size // a large one gets its own, without waste
	}
	// Grow rounds up to what the allocator gives anyway.
	return &chunk{base: base, arrival: arrival, data: slices.Grow([]byte(nil), room)}
}

// fits says whether the chunk can take a record of the given size.
func (c *chunk) fits(size int, arrival int64) bool {
	return len(c.data)+size <= cap(c.data) && arrival-c.arrival <= maxSpan
}

// add appends a record that fits.
func (c *chunk) add(e *Entry, arrival int64) {
	c.data = append(c.data, e.Data...)
	c.data = append(c.data, e.Key...)
	c.data = append(c.data, e.HashKey...)
	m := mark{
		end:     uint32(len(c.data)),
		arrival: uint32(arrival - c.arrival),
		keyLen:  uint16(len(e.Key)),
		hashLen: uint8(len(e.HashKey)),
	}
	if e.HasKey {
		m.flags |= flagKey
	}
	if e.KMS {
		m.flags |= flagKMS
	}
	if len(c.marks) == cap(c.marks) {
		c.growMarks()
	}
	c.marks = append(c.marks, m)
}

// growMarks makes room for as many marks as records of the size so far will need.
func (c *chunk) growMarks() {
	n := len(c.marks)
	if n == 0 {
		c.marks = make([]mark, 0, 4)
		return
	}
	more := int(int64(cap(c.data)-len(c.data))*int64(n)/int64(max(len(c.data), 1))) + 1
	c.marks = slices.Grow(c.marks, min(max(more, 4), 2*n))
}

// seal gives back what the chunk will not use.
func (c *chunk) seal() {
	if cap(c.data)-len(c.data) > cap(c.data)/8 {
		c.data = append(make([]byte, 0, len(c.data)), c.data...)
	}
	if cap(c.marks)-len(c.marks) > cap(c.marks)/8 {
		c.marks = append(make([]mark, 0, len(c.marks)), c.marks...)
	}
}

// next is the counter behind the last record.
func (c *chunk) next() uint64 { return c.base + uint64(len(c.marks)) }

// last is the arrival of the last record.
func (c *chunk) last() int64 { return c.arrivalOf(len(c.marks) - 1) }

func (c *chunk) arrivalOf(i int) int64 { return c.arrival + int64(c.marks[i].arrival) }

// size is the number of bytes of records [0, i).
func (c *chunk) size(i int) int64 {
	if i == 0 {
		return 0
	}
	return int64(c.marks[i-1].end)
}

// since is the index of the first record that arrived at or after the time.
func (c *chunk) since(arrival int64) int {
	return sort.Search(len(c.marks), func(i int) bool { return c.arrivalOf(i) >= arrival })
}

// record makes the view of record i.
func (c *chunk) record(i int, shard Identity) Record {
	m := c.marks[i]
	begin := uint32(0)
	if i > 0 {
		begin = c.marks[i-1].end
	}
	hashAt := m.end - uint32(m.hashLen)
	keyAt := hashAt - uint32(m.keyLen)
	arrival := c.arrival + int64(m.arrival)
	r := Record{
		Seq:     shard.Number(c.base+uint64(i), arrival),
		Arrival: arrival,
		Data:    c.data[begin:keyAt:keyAt],
		KMS:     m.flags&flagKMS != 0,
	}
	if m.flags&flagKey != 0 {
		r.Key = c.data[keyAt:hashAt:hashAt]
	}
	if m.hashLen > 0 {
		r.HashKey = c.data[hashAt:m.end:m.end]
	}
	return r
}

// Identity is what the sequence numbers of a shard have in common.
type Identity struct {
	Created int64 // second of creation
	Shard   uint32
}

// Number is the sequence number of the record with a counter that arrived at a
// time in milliseconds.
func (id Identity) Number(counter uint64, arrival int64) seqnum.Number {
	return seqnum.Make(seqnum.Parts{Created: id.Created, Shard: id.Shard, Counter: counter, Time: arrival / 1000})
}
