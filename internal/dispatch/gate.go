package dispatch

import (
	"context"
	"sync"
	"time"
)

// Gate lets deliveries begin while there is trust. It is safe for concurrent use. Make one with
// [NewGate].
type Gate struct {
	base    context.Context
	cause   error
	trusted func(now, until time.Time) bool

	mu     sync.Mutex // guards all below; never held while something waits
	until  time.Time  // zero: no trust
	timer  *time.Timer
	period context.Context // not nil while open; ends with the trust
	end    context.CancelCauseFunc
	opened chan struct{} // closed when the gate opens; not nil while it is shut
	closed bool
}

// NewGate returns a Gate that is shut. The contexts that it gives out have the values of base, and
// are cancelled with cause when the trust ends. trusted compares two times.
func NewGate(base context.Context, cause error, trusted func(now, until time.Time) bool) *Gate {
	return &Gate{base: context.WithoutCancel(base), cause: cause, trusted: trusted, opened: make(chan struct{})}
}

// Trust says until when there is trust; zero means that there is none. It reports whether that has opened the gate: a new
// period has begun.
func (g *Gate) Trust(until time.Time) (opened bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.until = until
	now := time.Now()
	if !g.trusted(now, until) {
		g.shut()
		return false
	}
	if opened = g.period == nil; opened {
		g.period, g.end = context.WithCancelCause(g.base)
		close(g.opened)
		g.opened = nil
	}
	if left := until.Sub(now); g.timer == nil {
		g.timer = time.AfterFunc(left, g.check)
	} else {
		g.timer.Reset(left)
	}
	return opened
}

// Enter waits until there is trust, and returns a context that is cancelled when that ends. It
// returns false when stop is closed, also if there is trust.
func (g *Gate) Enter(stop <-chan struct{}) (context.Context, bool) {
	for {
		select {
		case <-stop:
			return nil, false
		default:
		}
		period, opened := g.state()
		if period != nil {
			return period, true
		}
		select {
		case <-opened:
		case <-stop:
			return nil, false
		}
	}
}

// Close shuts the gate for good: contexts that were given out are cancelled.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	g.shut()
}

// state returns the period if the gate is open, and else what is closed when it opens.
func (g *Gate) state() (period context.Context, opened <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	// Not left to the timer: the machine may have been suspended, and the timer be late.
	if g.period != nil && !g.trusted(time.Now(), g.until) {
		g.shut()
	}
	return g.period, g.opened
}

// check shuts the gate if there is no trust any more.
func (g *Gate) check() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.period == nil {
		return
	}
	if now := time.Now(); g.trusted(now, g.until) {
		g.timer.Reset(g.until.Sub(now)) // it was moved on in this moment
		return
	}
	g.shut()
}

// shut ends the period. mu is held. Cancelling runs no code of others: what they do with
// context.AfterFunc has goroutines of its own.
func (g *Gate) shut() {
	if g.timer != nil {
		g.timer.Stop()
	}
	if g.period == nil {
		return
	}
	g.end(g.cause)
	g.period, g.end = nil, nil
	g.opened = make(chan struct{})
}
