package outbox

import "time"

// Waiter is a caller that waits for room.
type Waiter[T any] struct {
	// Settled is closed by the caller of the method that returned the Waiter, when the
	// item was accepted or refused.
	Settled chan struct{}

	// Err is why the item was not accepted, or nil. It is set before Settled is closed.
	Err error

	item       Item[T]
	ticket     uint64
	lane       *lane[T] // nil when settled; it is in its line, or has the turn of the large record
	next, prev *Waiter[T]
}

// Item returns what waits.
func (w *Waiter[T]) Item() *Item[T] { return &w.item }

// waiters is a list of those that wait for one lane, in the order of their coming.
type waiters[T any] struct {
	head, tail *Waiter[T]
}

func (q *waiters[T]) push(w *Waiter[T]) {
	w.prev, w.next = q.tail, nil
	if q.tail == nil {
		q.head = w
	} else {
		q.tail.next = w
	}
	q.tail = w
}

func (q *waiters[T]) remove(w *Waiter[T]) {
	if w.prev == nil {
		q.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.next, w.prev = nil, nil
}

// fit says whether there is room for an item.
type fit uint8

const (
	fits     fit = iota
	laneFull     // the lane has its share
	noBytes      // nobody has room
)

// fit says whether the lane may accept an item of that cost; nil: the large record may, whose lane does not matter.
// An empty space takes any. If every item is answered and only callbacks are left, one more is accepted however
// full the space is: those callbacks may be waiting in a Put themselves. Another one after that only when
// it has been released, or nothing has moved for a while.
func (s *Space[T]) fit(l *lane[T], cost int) fit {
	free := s.limits.Bytes - s.held
	switch {
	case s.held == 0, s.now >= s.beyondAt():
		return fits
	case l != nil && s.shut != Never:
		return noBytes
	case l != nil && l.cost+l.out > 0 && (l.cost+l.out+cost > s.share(free) || l.late()):
		return laneFull
	case cost > free:
		return noBytes
	default:
		return fits
	}
}

// late says whether what waits in the lane would take a shard more than half of the time that records have: then
// more of it would expire, and whoever puts has to wait instead.
func (l *lane[T]) late() bool {
	cfg := &l.box.cfg
	if cfg.RecordTTL == Never {
		return false
	}
	seconds, fill := cfg.RecordTTL.Seconds()/2, 1.0
	if l.pace.limited() {
		seconds *= l.pace.factor
	}
	if l.counts.Entries > 0 {
		fill = max(fill, float64(l.counts.Stored)/float64(l.counts.Entries))
	}
	return cfg.BytesPerSecond > 0 && float64(l.bytes) > cfg.BytesPerSecond*seconds ||
		cfg.RecordsPerSecond > 0 && float64(l.queue.n) > cfg.RecordsPerSecond*seconds*fill
}

// beyondAt returns the moment from which an item may be accepted however full the space is.
func (s *Space[T]) beyondAt() time.Duration {
	switch {
	case s.unanswered > 0 || s.limits.Fail:
		return Never
	case s.beyond == 0:
		return 0
	default:
		return s.moved + beyondEvery
	}
}

// press says whether callers wait for room that only records can make that gather. Then nothing gathers.
func (s *Space[T]) press() bool {
	switch {
	case s.unanswered == 0:
		return false
	case s.shut != Never:
		return true
	case s.calls > 0:
		return false
	}
	for l := s.line.head; l != nil; l = l.links[onWaiting].next {
		if l.state == Gathering {
			return true
		}
	}
	return s.large != nil
}

// wait puts an item at the end of its lane's line.
func (s *Space[T]) wait(l *lane[T], it *Item[T]) *Waiter[T] {
	s.tickets++
	s.waiting++
	w := &Waiter[T]{Settled: make(chan struct{}), item: *it, ticket: s.tickets}
	s.join(l, w)
	return w
}

func (s *Space[T]) join(l *lane[T], w *Waiter[T]) {
	w.lane = l
	l.waiting.push(w)
	s.line.push(l)
}

// leave takes a waiter out of the line, or its turn from the large record.
func (s *Space[T]) leave(w *Waiter[T]) {
	l := w.lane
	w.lane = nil
	if w == s.large {
		s.turn = noTurn[T]()
		return
	}
	l.waiting.remove(w)
	if l.waiting.head == nil {
		s.line.remove(l)
	}
}

// Withdraw takes a waiter out of the line. It returns false if that is settled already,
// or about to be: then whoever settled it closes Settled. If it was in the way of others, admitted
// says whom to tell.
func (s *Space[T]) Withdraw(w *Waiter[T], now time.Duration) (withdrawn bool, admitted []*Waiter[T]) {
	if w.lane == nil {
		return false, nil
	}
	s.tick(now)
	s.leave(w)
	s.waiting--
	return true, s.admit()
}

// admit accepts items that wait while there is room: the large record first; then those of a lane in the order of
// their coming, and lanes in turns. A lane that has its share is passed over, and so are records that need more bytes
// than are free; the first one of them gets the turn of the large one, if nobody has it.
func (s *Space[T]) admit() (admitted []*Waiter[T]) {
	if w := s.large; w != nil && s.fit(nil, w.item.cost()) == fits {
		admitted = append(admitted, s.let(w))
	}
	for in := 0; in < s.line.n && s.shut == Never; { // lanes in a row of which none got in
		l := s.line.head
		in++
		if w := s.next(l); w != nil {
			in = 0
			admitted = append(admitted, s.let(w))
		}
		if l.waiting.head != nil {
			s.line.remove(l)
			s.line.push(l)
		}
	}
	return admitted
}

// next returns who of those that wait for a lane gets in now, or nil: the first one, but for those that need more
// bytes than are free.
func (s *Space[T]) next(l *lane[T]) *Waiter[T] {
	w := l.waiting.head
	for range maxPassed {
		if w == nil {
			break
		}
		next := w.next
		switch s.fit(l, w.item.cost()) {
		case fits:
			return w
		case laneFull:
			return nil
		case noBytes:
			if s.large == nil {
				s.claim(w)
			}
		}
		w = next
	}
	return nil
}

// heads says whether an item that comes now for a lane is the first one there, but for those that need more bytes
// than are free.
func (s *Space[T]) heads(l *lane[T]) bool {
	w := l.waiting.head
	for range maxPassed {
		if w == nil || w.item.cost() <= s.limits.Bytes-s.held {
			break
		}
		w = w.next
	}
	return w == nil
}

// let accepts an item that waits, unless the stream has lost its order meanwhile.
func (s *Space[T]) let(w *Waiter[T]) *Waiter[T] {
	l := w.lane
	s.leave(w)
	s.waiting--
	if l.box.orderless() {
		w.Err = ErrUnordered
		return w
	}
	l.box.accept(l, &w.item, s.now)
	return w
}
