package coord

import (
	"container/heap"
	"strings"
	"time"

	"github.com/kinstream/kin/lease"
)

// later says whether checkpoint a is further on in its shard than b. Starts, such as
// TRIM_HORIZON, are not further on than anything: which records are before them is not known.
func later(a, b lease.Checkpoint) bool {
	p, q := placeOf(a), placeOf(b)
	switch {
	case p.kind != q.kind && (p.kind != atRecord || q.kind != atRecord):
		return p.kind > q.kind
	case p.kind != atRecord:
		return false
	case len(p.number) != len(q.number):
		return len(p.number) > len(q.number)
	case p.number != q.number:
		return p.number > q.number
	case p.part != q.part:
		return p.part > q.part
	case len(p.index) != len(q.index):
		return len(p.index) > len(q.index)
	}
	return p.index > q.index
}

// place is where a checkpoint is, in parts that can be compared.
type place struct {
	kind   int // nothing, a start, a record, the end
	number string
	part   int    // before the record, inside, after it
	index  string // inside
}

const (
	nowhere = iota
	atStart
	atRecord
	atEnd
)

func placeOf(c lease.Checkpoint) place {
	text := string(c)
	switch {
	case text == "":
		return place{kind: nowhere}
	case c == lease.ShardEnd:
		return place{kind: atEnd}
	}
	if number, found := strings.CutPrefix(text, "AT_SEQUENCE_NUMBER:"); found {
		return place{kind: atRecord, number: digits(number)}
	}
	if rest, found := strings.CutPrefix(text, "AFTER_SEQUENCE_NUMBER:"); found {
		number, index, inside := strings.Cut(rest, ":")
		if inside {
			return place{kind: atRecord, number: digits(number), part: 1, index: digits(index)}
		}
		return place{kind: atRecord, number: digits(number), part: 2}
	}
	return place{kind: atStart}
}

// digits returns a number without zeros in front, so that longer ones are higher.
func digits(number string) string { return strings.TrimLeft(number, "0") }

// onProgress takes in how far the records of a shard are done.
func (m *Machine) onProgress(p Progress) {
	e := m.running(p.Key, p.Epoch)
	if e == nil || e.slot.state == Losing {
		return
	}
	s := e.slot
	if later(p.Checkpoint, s.done) {
		s.done = p.Checkpoint
	}
	if p.Load >= 0 {
		s.load = p.Load
	}
	if !later(s.done, e.row.Checkpoint) {
		return
	}
	if p.Now {
		m.storeNow(e)
		return
	}
	m.dueLater(e)
}

// storeNow stores what is done of a shard.
func (m *Machine) storeNow(e *entry) {
	m.dropDue(e)
	e.slot.storeNow = true
	m.enqueue(e)
}

// dueLater sees to it that what is done of a shard gets stored, if it is not.
func (m *Machine) dueLater(e *entry) {
	s := e.slot
	if s.heap >= 0 || s.storeNow || !later(s.done, e.row.Checkpoint) {
		return
	}
	s.due = max(m.now, s.storedAt+m.cfg.CheckpointEvery)
	heap.Push(&m.dues, e)
}

// dropDue forgets that.
func (m *Machine) dropDue(e *entry) {
	if e.slot.heap >= 0 {
		heap.Remove(&m.dues, e.slot.heap)
	}
}

// storeDues hands over to the queue what is due.
func (m *Machine) storeDues() {
	for len(m.dues) > 0 && m.dues[0].slot.due <= m.now {
		m.storeNow(m.dues[0])
	}
}

// loadOf returns the load to store with a lease. Others reload when it changes, so it only does
// when that tells them something; unless they reload anyway.
func (m *Machine) loadOf(e *entry, anyway bool) int {
	const large, small = 10 * time.Minute, time.Hour
	s, stored := e.slot, e.row.Load
	if s.load < 0 || s.load == stored {
		return stored
	}
	off, old := max(s.load-stored, stored-s.load), m.now-s.loadAt
	if anyway || off >= 2 && old >= large || old >= small {
		s.loadAt = m.now
		return s.load
	}
	return stored
}

func (m *Machine) onFlush(f Flush) {
	e := m.entries[f.Key]
	switch {
	case e == nil || e.slot == nil || e.slot.epoch != f.Epoch || e.slot.state == Losing || e.slot.state == Taking:
		m.do(Flushed{Token: f.Token, Err: ErrLost})
	case !later(e.slot.done, e.row.Checkpoint):
		m.do(Flushed{Token: f.Token})
	default:
		e.slot.flushes = append(e.slot.flushes, flush{token: f.Token, target: e.slot.done})
		if e.slot.advances() {
			m.storeNow(e)
		}
	}
}

// answerFlushes answers those whose checkpoint is stored, or all of them with err.
func (m *Machine) answerFlushes(e *entry, err error) {
	s := e.slot
	kept := s.flushes[:0]
	for _, f := range s.flushes {
		if err == nil && (e.row.Revision == 0 || later(f.target, e.row.Checkpoint)) {
			kept = append(kept, f)
			continue
		}
		m.do(Flushed{Token: f.token, Err: err})
	}
	s.flushes = kept
}

// dues are the entries whose checkpoint is to be stored, the first one first. It is a heap.
type dues []*entry

// Len implements heap.Interface.
func (d dues) Len() int { return len(d) }

// Less implements heap.Interface.
func (d dues) Less(i, j int) bool { return d[i].slot.due < d[j].slot.due }

// Swap implements heap.Interface.
func (d dues) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].slot.heap, d[j].slot.heap = i, j
}

// Push implements heap.Interface.
func (d *dues) Push(x any) {
	e := x.(*entry) //nolint:errcheck,forcetypeassert // only entries are pushed
	e.slot.heap = len(*d)
	*d = append(*d, e)
}

// Pop implements heap.Interface.
func (d *dues) Pop() any {
	last := len(*d) - 1
	e := (*d)[last]
	e.slot.heap = -1
	(*d)[last] = nil
	*d = (*d)[:last]
	return e
}
