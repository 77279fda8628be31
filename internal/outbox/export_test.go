package outbox

import "time"

// Queue is the queue of a lane, for tests: of items that are told apart by their seq.
type Queue struct {
	q queue[int]
	p pool[int]
}

func item(seq uint64) *Item[int] { return &Item[int]{seq: seq, Owner: int(seq)} }

func (q *Queue) Push(seq uint64) { q.q.push(&q.p, item(seq)) }

// Insert inserts a run of items, each searched from where the one before went.
func (q *Queue) Insert(run ...uint64) {
	var from *chunk[int]
	for _, seq := range run {
		from = q.q.insert(&q.p, item(seq), from)
	}
}

func (q *Queue) Take(n int) (seqs []uint64) {
	for _, it := range q.q.take(&q.p, n, nil) {
		seqs = append(seqs, it.seq)
	}
	return seqs
}

// Remove removes item i, and returns the seq of the one after it; 0: none.
func (q *Queue) Remove(i int) uint64 {
	at := q.q.begin()
	for range i {
		at = at.next()
	}
	if at = q.q.remove(&q.p, at); at.c == nil {
		return 0
	}
	return at.item().seq
}

// Compact removes the items for which drop is true, looking at the first n.
func (q *Queue) Compact(n int, drop func(seq uint64) bool) {
	var last *chunk[int]
	for at := q.q.begin(); at.c != nil && n > 0; at = at.next() {
		n--
		last = at.c
		if drop(at.item().seq) {
			at.item().seq = 0
		}
	}
	if last != nil {
		q.q.compact(&q.p, last)
	}
}

// Seqs returns all items, and fails if the queue's own figures are wrong.
func (q *Queue) Seqs(fail func(string)) (seqs []uint64) {
	var prev *chunk[int]
	for c := q.q.head; c != nil; prev, c = c, c.next {
		if c.first >= c.end || c.prev != prev {
			fail("a chunk is empty, or not linked")
		}
		for i := range c.items {
			if used := i >= c.first && i < c.end; used != (c.items[i].seq != 0) || int(c.items[i].seq) != c.items[i].Owner {
				fail("a place outside of the chunk holds something, or one inside nothing")
			}
		}
	}
	if q.q.tail != prev {
		fail("the tail is not the last chunk")
	}
	for at := q.q.begin(); at.c != nil; at = at.next() {
		seqs = append(seqs, at.item().seq)
	}
	if len(seqs) != q.q.n {
		fail("the number of items is wrong")
	}
	return seqs
}

// Chunks returns how many chunks are in use, and kept.
func (q *Queue) Chunks() (used, kept int) { return q.p.used, q.p.kept }

// Kept returns how many chunks and calls a Space keeps for later.
func Kept[T any](s *Space[T]) (chunks, calls int) { return s.pool.kept, len(s.spare) }

// Pace is the pace of a lane, for tests.
type Pace struct{ p pace }

func NewPace(bytes, records float64) *Pace {
	p := &Pace{}
	p.p.start(bytes, records, 0)
	return p
}

// Take takes an entry at a moment, for a call that ends then.
func (p *Pace) Take(size int, now time.Duration) bool {
	took := p.Send(size, now)
	if took {
		p.p.ended(size, size, unknown)
	}
	return took
}

// Send takes an entry at a moment, for a call that stays out until Stored.
func (p *Pace) Send(size int, now time.Duration) bool {
	p.p.refill(now)
	return p.p.take(size)
}

// Stored ends an entry that was sent.
func (p *Pace) Stored(size int, now time.Duration) {
	p.p.refill(now)
	p.p.ended(size, size, wasStored)
}

func (p *Pace) Ready(size int, now time.Duration) time.Duration { return p.p.ready(size, now) }
func (p *Pace) Factor() float64                                 { return p.p.factor }
func (p *Pace) PausedUntil() time.Duration                      { return p.p.pausedUntil }

// Learn tells that of entries of a size so many were stored, refused for throughput, and failed otherwise.
func (p *Pace) Learn(size, stored, throttled, failed int, now time.Duration) {
	p.p.refill(now)
	for range stored {
		p.p.ended(size, size, wasStored)
	}
	for range throttled {
		p.p.ended(size, size, wasRefused)
	}
	t := tried{entries: stored + throttled + failed, failed: throttled + failed, throttled: throttled}
	p.p.learn(t, now, func() float64 { return 1 })
}

// Level sets the level of the paces of all lanes.
func (o *Outbox[T]) Level(level float64) {
	for _, l := range o.lanes {
		l.pace.change(level)
	}
}

// Agenda is a heap of lanes, for tests: lanes are numbers.
type Agenda struct {
	a     agenda[int]
	lanes map[int]*lane[int]
}

func (a *Agenda) Set(n int, at time.Duration) {
	if a.lanes == nil {
		a.lanes = map[int]*lane[int]{}
	}
	if a.lanes[n] == nil {
		a.lanes[n] = &lane[int]{}
	}
	a.a.set(a.lanes[n], at)
}

func (a *Agenda) Remove(n int) {
	if l := a.lanes[n]; l != nil {
		a.a.remove(l)
	}
}

func (a *Agenda) First() time.Duration { return a.a.first() }
func (a *Agenda) Moment(n int) time.Duration {
	if a.lanes[n] == nil {
		return Never
	}
	return a.a.moment(a.lanes[n])
}

// Constants that tests name.
const (
	MaxRefusals = maxRefusals
	JudgeWithin = judgeWithin
)

// Share returns what a lane may queue in a space of so many bytes, of which so many are free.
func Share(bytes, free int) int { return NewSpace[int](SpaceLimits{Bytes: bytes}).share(free) }
