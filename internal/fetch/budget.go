package fetch

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Budget bounds the bytes of the pages that are being fetched or held. Take waits
// in the order of the calls. A Budget is safe for concurrent use.
//
// What is taken before a call is an expectation. [Budget.Settle] replaces it by
// what came, which may be more: then the budget is overdrawn, and no further call
// starts until enough was given back.
//
// Who holds pages for long can't starve the others: see [Budget.TakeOr] and [Budget.Force].
type Budget struct {
	max int

	mu      sync.Mutex // guards all below; never held while something waits
	used    int
	forced  int
	moved   time.Time // when something was last taken or given back, but for what is forced
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
	_, err := b.TakeOr(ctx, bytes, 0)
	return err
}

// TakeOr is Take that returns false when nothing was taken or given back for so long: those who
// hold the budget don't get on, and may never. A patience of 0 means for ever.
func (b *Budget) TakeOr(ctx context.Context, bytes int, patience time.Duration) (bool, error) {
	b.mu.Lock()
	if b.take(bytes) {
		b.mu.Unlock()
		return true, nil
	}
	w := &waiter{bytes: bytes, granted: make(chan struct{})}
	b.waiters = append(b.waiters, w)
	b.mu.Unlock()

	granted, err := b.wait(ctx, w, patience)
	if granted {
		return true, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.waiters, w)
	switch {
	case i >= 0:
		b.waiters = slices.Delete(b.waiters, i, i+1)
	case err == nil:
		return true, nil // granted at the same moment
	default:
		b.used -= bytes // likewise
	}
	b.grant()
	return false, err
}

// Try takes the bytes if they fit, and nobody waits.
func (b *Budget) Try(bytes int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.take(bytes)
}

// take is Try. mu is held.
func (b *Budget) take(bytes int) bool {
	if len(b.waiters) > 0 || !b.fits(bytes) {
		return false
	}
	b.used += bytes
	b.moved = time.Now()
	return true
}

// wait waits for a grant. It returns false with the error of ctx, or without one when patience
// has run out.
func (b *Budget) wait(ctx context.Context, w *waiter, patience time.Duration) (bool, error) {
	var over <-chan time.Time // never, if patience is 0
	var timer *time.Timer
	if patience > 0 {
		timer = time.NewTimer(patience - b.still())
		defer timer.Stop()
		over = timer.C
	}
	for {
		select {
		case <-w.granted:
			return true, nil
		case <-ctx.Done():
			return false, ctx.Err()
		case <-over:
		}
		left := patience - b.still()
		if left <= 0 {
			return false, nil
		}
		timer.Reset(left)
	}
}

// still returns how long ago something was last taken or given back.
func (b *Budget) still() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Since(b.moved)
}

// Force takes bytes beyond the bound, at once. They are given back by GiveForced.
func (b *Budget) Force(bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forced += bytes
}

// GiveForced gives bytes back that were taken by Force.
func (b *Budget) GiveForced(bytes int) { b.Force(-bytes) }

// Settle replaces what was expected by what came. It never waits.
func (b *Budget) Settle(expected, came int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used += came - expected
	b.moved = time.Now()
	b.grant()
}

// Give gives bytes back.
func (b *Budget) Give(bytes int) { b.Settle(bytes, 0) }

// Used returns how many bytes are taken, those that are forced included.
func (b *Budget) Used() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used + b.forced
}

func (b *Budget) fits(bytes int) bool { return b.used <= 0 || b.used+bytes <= b.max }

// grant lets the waiters go on that fit now. mu is held.
func (b *Budget) grant() {
	for len(b.waiters) > 0 && b.fits(b.waiters[0].bytes) {
		b.used += b.waiters[0].bytes
		b.moved = time.Now()
		close(b.waiters[0].granted)
		b.waiters = slices.Delete(b.waiters, 0, 1)
	}
}
