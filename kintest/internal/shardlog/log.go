package shardlog

import (
	"sort"
	"sync"

	"github.com/kinstream/kin/kintest/internal/seqnum"
)

// Entry is a record to append. The log copies the bytes.
type Entry struct {
	Data    []byte
	Key     string // partition key
	HashKey string // explicit hash key as it was given; empty if none was
	HasKey  bool
	KMS     bool
}

// size is how many bytes of payload e is.
func (e *Entry) size() int { return len(e.Data) + len(e.Key) + len(e.HashKey) }

// Log is the records of one shard. It is safe for concurrent use.
type Log struct {
	id     Identity
	budget *Budget

	mu      sync.Mutex // guards what follows, and the fields of the chunks
	chunks  []*chunk   // ascending, none empty
	first   uint64     // smallest counter that was not trimmed; at most next
	next    uint64     // counter of the record to come
	arrival int64      // of the newest record; arrivals never go below
	bytes   int64      // payload from first on
	closed  bool
	wake    chan struct{} // closed at the next change; nil if nobody waits
}

// New makes an empty log. The budget may be nil.
func New(id Identity, budget *Budget) *Log {
	return &Log{id: id, budget: budget, first: 1, next: 1}
}

// Identity returns what the log's sequence numbers have in common.
func (l *Log) Identity() Identity { return l.id }

// Append adds a record that arrives at the given time in milliseconds, and returns
// its counter and the arrival that it got: not before that of the record before.
// ok is false if the log is closed. When a chunk is full, records that arrived
// before the horizon are trimmed, so that a log that nobody reads does not grow
// for ever.
func (l *Log) Append(e *Entry, now, horizon int64) (counter uint64, arrival int64, ok bool) {
	size := e.size()
	held := int64(size)
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return 0, 0, false
	}
	arrival = max(now, l.arrival)
	c, begun := l.room(size, arrival)
	if begun {
		held -= l.trim(horizon)
		l.chunks = append(l.chunks, c)
		if len(l.chunks) == 1 {
			l.first = l.next
		}
	}
	counter = l.next
	c.add(e, arrival)
	l.next++
	l.arrival = arrival
	l.bytes += int64(size)
	wake := l.wake
	l.wake = nil
	l.mu.Unlock()

	if wake != nil {
		close(wake)
	}
	if l.budget != nil {
		l.budget.add(held)
	}
	return counter, arrival, true
}

// room returns a chunk that the next record fits in, and whether it is one that was
// not yet among the log's. The lock is held.
func (l *Log) room(size int, arrival int64) (c *chunk, begun bool) {
	if n := len(l.chunks); n > 0 {
		c := l.chunks[n-1]
		if c.next() == l.next && c.fits(size, arrival) {
			return c, false
		}
		c.seal()
	}
	limit := int64(maxChunk)
	if l.budget != nil {
		limit = l.budget.chunkLimit()
		l.budget.register(l, l.next)
	}
	return newChunk(l.next, arrival, size, l.bytes, limit), true
}

// Advance makes the next record's counter at least the given one. What lies
// between is never used.
func (l *Log) Advance(counter uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = max(l.next, counter)
	if len(l.chunks) == 0 {
		l.first = l.next
	}
}

// Close ends the log: it takes no more records. It reports whether it was open.
func (l *Log) Close() bool {
	l.mu.Lock()
	was := !l.closed
	l.closed = true
	wake := l.wake
	l.wake = nil
	l.mu.Unlock()
	if wake != nil {
		close(wake)
	}
	return was
}

// Changed returns a channel that is closed once there is something to read at the
// position or the log is closed. It is closed already if that is so now.
func (l *Log) Changed(position uint64) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || position < l.next {
		return closedChannel
	}
	if l.wake == nil {
		l.wake = make(chan struct{})
	}
	return l.wake
}

var closedChannel = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Trim drops the records that arrived before the time in milliseconds.
func (l *Log) Trim(before int64) {
	l.mu.Lock()
	freed := l.trim(before)
	l.mu.Unlock()
	if l.budget != nil && freed != 0 {
		l.budget.add(-freed)
	}
}

// trim is Trim with the lock held. It returns the bytes that were freed.
func (l *Log) trim(before int64) (freed int64) {
	held := l.bytes
	dropped := 0
	for dropped < len(l.chunks) && l.chunks[dropped].last() < before {
		dropped++
	}
	if dropped > 0 {
		l.dropChunks(dropped)
	}
	if len(l.chunks) > 0 && l.chunks[0].arrival < before {
		c := l.chunks[0]
		if to := c.base + uint64(c.since(before)); to > l.first {
			l.bytes -= c.size(int(to-c.base)) - c.size(int(max(l.first, c.base)-c.base))
			l.first = to
		}
	}
	return held - l.bytes
}

// dropChunks forgets the first n chunks. The lock is held.
func (l *Log) dropChunks(n int) {
	for _, c := range l.chunks[:n] {
		from := max(l.first, c.base) - c.base
		l.bytes -= c.size(len(c.marks)) - c.size(int(from))
		l.first = c.next()
	}
	// A new slice, because readers may hold the old one.
	l.chunks = append([]*chunk(nil), l.chunks[n:]...)
	if len(l.chunks) == 0 {
		l.first = l.next
	} else {
		l.first = max(l.first, l.chunks[0].base)
	}
}

// Discard drops all records and closes the log: its stream was deleted.
func (l *Log) Discard() {
	l.Close()
	l.mu.Lock()
	freed := l.bytes
	l.dropChunks(len(l.chunks))
	l.mu.Unlock()
	if l.budget != nil && freed != 0 {
		l.budget.add(-freed)
	}
}

// evict drops the chunk with the given base, and everything before it, to keep a
// budget. It returns how many records and bytes went.
func (l *Log) evict(base uint64) (records, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	held, count := l.bytes, l.count()
	n := sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i].base > base })
	l.dropChunks(n)
	return count - l.count(), held - l.bytes
}

// Info is the state of a log at one moment.
type Info struct {
	Records int64
	Bytes   int64
	Oldest  int64 // arrival of the oldest record; 0 if there is none
	Newest  int64 // arrival of the newest record ever; 0 if there never was one
	Next    uint64
	Closed  bool
}

// Info returns the state of the log.
func (l *Log) Info() Info {
	l.mu.Lock()
	defer l.mu.Unlock()
	info := Info{Records: l.count(), Bytes: l.bytes, Newest: l.arrival, Next: l.next, Closed: l.closed}
	if len(l.chunks) > 0 {
		c := l.chunks[0]
		info.Oldest = c.arrivalOf(int(max(l.first, c.base) - c.base))
	}
	return info
}

// count is the number of records that were not trimmed. The lock is held.
func (l *Log) count() (n int64) {
	if len(l.chunks) == 0 {
		return 0
	}
	for _, c := range l.chunks {
		n += int64(len(c.marks))
	}
	return n - int64(max(l.first, l.chunks[0].base)-l.chunks[0].base)
}

// Tip is the position behind the newest record: where LATEST is now.
func (l *Log) Tip() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

// SeekTime is the position of the first record that arrived at or after a time in
// milliseconds, or the tip.
func (l *Log) SeekTime(arrival int64) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i].last() >= arrival })
	if i == len(l.chunks) {
		return l.next
	}
	c := l.chunks[i]
	return max(c.base+uint64(c.since(arrival)), l.first)
}

// SeekNumber is the position of the first record whose sequence number is not
// below n, which must be one of this shard's.
func (l *Log) SeekNumber(n seqnum.Number) uint64 {
	parts, _ := n.Parts()
	l.mu.Lock()
	defer l.mu.Unlock()
	at := parts.Counter
	if c := l.find(at); c != nil && c.base <= at {
		if l.id.Number(at, c.arrivalOf(int(at-c.base))).Compare(n) < 0 {
			at++
		}
	}
	return at
}

// find returns the chunk with the first record at or after the counter, or nil.
// The lock is held.
func (l *Log) find(counter uint64) *chunk {
	i := sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i].next() > counter })
	if i == len(l.chunks) {
		return nil
	}
	return l.chunks[i]
}
