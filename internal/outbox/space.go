package outbox

import (
	"errors"
	"time"
)

// Why [Outbox.Offer] did not accept an item.
var (
	ErrClosed    = errors.New("closed")
	ErrFull      = errors.New("full")
	ErrTooLarge  = errors.New("larger than the stream takes")
	ErrUnordered = errors.New("the service chooses the shards of this stream: there is no order to keep")
)

// SpaceLimits are the bounds of a [Space].
type SpaceLimits struct {
	Bytes int  // data, keys and Overhead of all that is held
	Calls int  // that are out at a time
	Fail  bool // refuse what does not fit, instead of letting it wait
}

// Space is what the outboxes of a producer share: the bound on bytes, the bound on
// calls, Flush and Close. It is guarded, together with its outboxes, by one lock of the caller's.
//
// An item is held from its acceptance until [Outbox.Release], and unanswered until its
// verdict is final. Invariant: 0 <= unanswered <= outstanding, and held is the cost of all outstanding.
type Space[T any] struct {
	limits SpaceLimits
	now    time.Duration // never goes back

	held, outstanding, unanswered, calls int

	line    chain[T] // of lanes for which callers wait
	pressed bool     // see press
	waiting int
	tickets uint64

	turn[T]

	beyond int           // items that are held on top of the bound
	moved  time.Duration // moment of the last acceptance or release

	// What is not used now, for all outboxes: each would else keep as much as it has ever needed.
	pool  pool[T]
	spare []*Call[T]

	generations []generation // the last one takes what is accepted now; never empty
	first       uint32       // number of generations[0]

	closed bool
	giveUp error // why nothing is sent any more
	left   Left
}

// generation counts the items that were accepted between two flushes.
type generation struct {
	outstanding int
	answered    chan struct{}
}

// Left is how many items were given up.
type Left struct {
	NotStored, Ambiguous int
}

// NewSpace returns an empty Space.
func NewSpace[T any](limits SpaceLimits) *Space[T] {
	return &Space[T]{
		limits: limits, line: chain[T]{which: onWaiting}, turn: noTurn[T](),
		generations: []generation{{answered: make(chan struct{})}},
	}
}

// Gauges is how full a Space is.
type Gauges struct {
	Bytes      int // held
	Unanswered int // items accepted and not yet answered
	Calls      int // that are out
	Waiting    int // callers that wait for room
}

// Gauges returns how full the Space is.
func (s *Space[T]) Gauges() Gauges {
	return Gauges{Bytes: s.held, Unanswered: s.unanswered, Calls: s.calls, Waiting: s.waiting}
}

// Left returns how many items were given up so far.
func (s *Space[T]) Left() Left { return s.left }

// Finished reports that Close was called and nothing is held.
func (s *Space[T]) Finished() bool { return s.closed && s.outstanding == 0 }

// tick takes in the time. Callers read their clocks before they have the lock, so
// moments may come in the wrong order.
func (s *Space[T]) tick(now time.Duration) time.Duration {
	s.now = max(s.now, now)
	return s.now
}

// hurried says that somebody waits for everything to leave, or for room while nothing leaves.
func (s *Space[T]) hurried() bool { return s.closed || len(s.generations) > 1 || s.pressed }

// Flush returns a channel that is to be closed when everything that was accepted so far
// is answered and released (see [Outbox.Release]), or nil if that is so already. The
// outboxes hurry meanwhile: look at all of them.
func (s *Space[T]) Flush() <-chan struct{} {
	if s.outstanding == 0 {
		return nil
	}
	newest := len(s.generations) - 1
	if s.generations[newest].outstanding == 0 {
		// Nothing was accepted since the last Flush, and of what was before something
		// is outstanding.
		return s.generations[newest-1].answered
	}
	s.generations = append(s.generations, generation{answered: make(chan struct{})})
	return s.generations[newest].answered
}

// Close refuses everything that is not accepted yet. It returns whom to tell.
func (s *Space[T]) Close() []*Waiter[T] {
	s.closed = true
	var refused []*Waiter[T]
	for l := s.line.head; l != nil; l = s.line.head {
		for w := l.waiting.head; w != nil; w = l.waiting.head {
			refused = append(refused, s.refuse(w))
		}
	}
	if s.large != nil {
		refused = append(refused, s.refuse(s.large))
	}
	return refused
}

func (s *Space[T]) refuse(w *Waiter[T]) *Waiter[T] {
	s.leave(w)
	s.waiting--
	w.Err = ErrClosed
	return w
}

// GiveUp ends all attempts: [Outbox.Next] then returns what no call carries, and calls
// that end put nothing back.
func (s *Space[T]) GiveUp(cause error) {
	if s.giveUp == nil {
		s.giveUp = cause
	}
}

// GaveUp returns the cause that was given to GiveUp first, or nil.
func (s *Space[T]) GaveUp() error { return s.giveUp }

// enter counts an accepted item.
func (s *Space[T]) enter(it *Item[T]) {
	newest := len(s.generations) - 1
	it.gen = s.first + uint32(newest)
	s.generations[newest].outstanding++
	s.held += it.cost()
	if it.beyond = s.held > s.limits.Bytes; it.beyond {
		s.beyond++
	}
	if s.large != nil {
		s.passed += it.cost()
		s.judge()
	}
	s.moved = s.now
	s.outstanding++
	s.unanswered++
}

// decided counts an item whose verdict is final.
func (s *Space[T]) decided(it *Item[T]) {
	s.unanswered--
	if it.Verdict != GivenUp {
		return
	}
	if it.Ambiguous {
		s.left.Ambiguous++
	} else {
		s.left.NotStored++
	}
}

// exit forgets items whose verdict is final, and clears all.
func (s *Space[T]) exit(items []Item[T]) {
	s.moved = s.now
	for i := range items {
		it := &items[i]
		if it.Verdict.Final() {
			s.held -= it.cost()
			if it.beyond {
				s.beyond--
			}
			if it.accepted >= s.since {
				s.passed -= it.cost()
			}
			s.outstanding--
			s.generations[it.gen-s.first].outstanding--
		}
		*it = Item[T]{}
	}
	s.judge()
}

// over removes generations that are answered, and returns whom to tell.
func (s *Space[T]) over() (answered []chan struct{}) {
	for len(s.generations) > 1 && s.generations[0].outstanding == 0 {
		answered = append(answered, s.generations[0].answered)
		s.generations[0] = generation{}
		s.generations = s.generations[1:]
		s.first++
	}
	return answered
}
