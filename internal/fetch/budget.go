package fetch

import (
	"context"
	"slices"
	"sync"
)

// Budget bounds the bytes of the pages that are being fetched or held. Take waits
// in the order of the calls. A Budget is safe for concurrent use.
//
// What is taken before a call is an expectation. [Budget.Settle] replaces it by
// what came, which may be more: then the budget is overdrawn, and no further call
// starts until enough was given back.
type Budget struct {
	max int

	mu      sync.Mutex // guards all below; never held while something waits
	used    int
	waiters []*waiter
}

type waiter struct {
	bytes   int
	granted chan struct{} // closed when the bytes were taken
}

// NewBudget returns a Budget of the given number of bytes, which is above 0.
func NewBudget(bytes int) *Budget { return &Budget{max: bytes} }

// Take waits until the bytes fit, and takes them. If nothing else is held, any
// number fits: so a page that is larger than the whole budget gets through.
func (b *Budget) Take(ctx context.Context, bytes int) error {
	b.mu.Lock()
	if len(b.waiters) == 0 && b.fits(bytes) {
		b.used += bytes
		b.mu.Unlock()
		return nil
	}
	w := &waiter{bytes: bytes, granted: make(chan struct{})}
	b.waiters = append(b.waiters, w)
	b.mu.Unlock()

	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.waiters, w); i >= 0 {
		b.waiters = slices.Delete(b.waiters, i, i+1)
	} else {
		b.used -= bytes // granted at the same moment
	}
	b.grant()
	return ctx.Err()
}

// Settle replaces what was expected by what came. It never waits.
func (b *Budget) Settle(expected, came int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used += came - expected
	b.grant()
}

// Give gives bytes back.
func (b *Budget) Give(bytes int) { b.Settle(bytes, 0) }

// GiveForced gives bytes back that were taken by Force.
func (b *Budget) GiveForced(bytes int) { b.Settle(bytes, 0) }

// Used returns how many bytes are taken.
func (b *Budget) Used() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

func (b *Budget) fits(bytes int) bool { return b.used <= 0 || b.used+bytes <= b.max }

// grant lets the waiters go on that fit now. mu is held.
func (b *Budget) grant() {
	for len(b.waiters) > 0 && b.fits(b.waiters[0].bytes) {
		b.used += b.waiters[0].bytes
		close(b.waiters[0].granted)
		b.waiters = slices.Delete(b.waiters, 0, 1)
	}
}
