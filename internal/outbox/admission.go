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
	lane       *lane[T] // nil when settled
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

// fit says whether the lane may accept an item of that cost. An empty space takes any. If every item is answered
// and only callbacks are left, one more is accepted however full the space is: those
// callbacks may be waiting in a Put themselves. Another one after that only when it has been released, or
// nothing has moved for a while.
func (s *Space[T]) fit(l *lane[T], cost int) fit {
	free := s.limits.Bytes - s.held
	switch {
	case s.held == 0, s.now >= s.beyondAt():
		return fits
	case cost > free:
		return noBytes
	case l.cost > 0 && l.cost+cost > laneShare*free:
		return laneFull
	default:
		return fits
	}
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
	if s.calls > 0 || s.unanswered == 0 {
		return false
	}
	for l := s.line.head; l != nil; l = l.links[onWaiting].next {
		if s.short || l.state == Gathering {
			return true
		}
	}
	return false
}

// wait puts an item at the end of its lane's line.
func (s *Space[T]) wait(l *lane[T], it *Item[T]) *Waiter[T] {
	s.tickets++
	w := &Waiter[T]{Settled: make(chan struct{}), item: *it, ticket: s.tickets}
	s.join(l, w)
	return w
}

func (s *Space[T]) join(l *lane[T], w *Waiter[T]) {
	w.lane = l
	l.waiting.push(w)
	s.line.push(l)
	s.waiting++
}

// leave takes a waiter out of the line.
func (s *Space[T]) leave(w *Waiter[T]) {
	l := w.lane
	l.waiting.remove(w)
	w.lane = nil
	s.waiting--
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
	s.leave(w)
	return true, s.admit(s.tick(now))
}

// admit accepts items that wait while there is room: those of a lane in the order of
// their coming, and lanes in turns. A lane that has its share is passed over. One that needs more bytes than
// are free keeps its turn until there are, so that small records don't starve large ones.
func (s *Space[T]) admit(now time.Duration) (admitted []*Waiter[T]) {
	s.short = false
	passed := 0 // lanes that had their share, in a row
	for l := s.line.head; l != nil && passed < s.line.n; l = s.line.head {
		w := l.waiting.head
		switch s.fit(l, w.item.cost()) {
		case noBytes:
			s.short = true
			return admitted
		case laneFull:
			passed++
		case fits:
			passed = 0
			s.leave(w)
			l.box.accept(l, &w.item, now)
			admitted = append(admitted, w)
		}
		if l.waiting.head != nil {
			s.line.remove(l)
			s.line.push(l)
		}
	}
	return admitted
}
