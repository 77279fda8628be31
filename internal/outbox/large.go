package outbox

import (
	"math"
	"time"
)

// How lanes and large records share a [Space]; see the package comment for why.
const (
	laneShare     = 4                      // times what is free above the reserve is what a lane may queue,
	reserveShare  = 8                      // or this part of all that is free,
	little        = 16 << 10               // or so many bytes, if laneShare times what is free are more
	reserved      = 6                      // part of the space that is the reserve
	maxPassed     = 8                      // records of a lane that are passed, since they need more than is free
	firstPatience = 250 * time.Millisecond // of the others, with a door that is shut
	maxPatience   = 4 * time.Second
)

// turn is the turn of a large record, who needs more bytes than are free. Others pass it through a door, which
// is shut when they hold the reserve, or when only they are in the way.
type turn[T any] struct {
	large    *Waiter[T]    // nil: nobody needs more than is free
	since    time.Duration // who is accepted from then on passes it; Never without one
	passed   int           // bytes of those that are held
	shut     time.Duration // moment at which the door opens, whatever is in the way; Never: it is open
	told     time.Duration // the latest shut of which a Step told
	patience time.Duration
}

func noTurn[T any]() turn[T] { return turn[T]{since: Never, shut: Never} }

// reserve is what lanes leave free that nobody empties, and what those hold at most who pass a large record.
func (s *Space[T]) reserve() int { return s.limits.Bytes / reserved }

// share returns what a lane may queue that is not empty.
func (s *Space[T]) share(free int) int {
	share := max(free/reserveShare, laneShare*min(free, little/laneShare))
	if s.large != nil {
		return share
	}
	return max(share, laneShare*min(free-s.reserve(), math.MaxInt/laneShare)) // which is less than 2 GiB on 32 bits
}

// claim takes a waiter out of its lane's line, and gives it the turn of the large record.
func (s *Space[T]) claim(w *Waiter[T]) {
	l := w.lane
	s.leave(w)
	w.lane = l
	s.turn = turn[T]{large: w, patience: firstPatience}
	s.begin()
}

// begin lets all that is held count as what was there before.
func (s *Space[T]) begin() {
	s.now++ // what was accepted at this very moment was before
	s.since, s.passed, s.shut = s.now, 0, Never
}

// judge shuts the door, or opens it, after what is held has changed.
func (s *Space[T]) judge() {
	switch {
	case s.large == nil:
	case s.passed == 0 || s.passed < s.reserve() && s.held-s.passed > max(s.limits.Bytes-s.large.item.cost(), 0): // an empty space takes any
		s.shut = Never
	case s.shut == Never:
		s.shut = s.now + s.patience
	}
}

// tell says once that the door has been shut.
func (s *Space[T]) tell() bool {
	news := s.shut != Never && s.shut != s.told
	s.told = s.shut
	return news
}

// reopen opens the door if it has been shut in vain for long enough, and says whether it did: what is in the way
// does not leave, so that there is no use in waiting for it.
func (s *Space[T]) reopen(now time.Duration) bool {
	if now < s.shut {
		return false
	}
	s.patience = min(2*s.patience, maxPatience)
	s.begin()
	return true
}
