package leasetest

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/kinstream/kin/lease"
)

// Faulty is a [lease.Store] in front of another one that does to calls what a network and a
// busy server do: answers get lost, requests arrive late or never, everything is down for a
// while. It counts calls. It is safe for concurrent use.
//
// Give each worker of a test its own Faulty over one shared store, and any of them can be cut
// off alone.
//
// It is made for synctest bubbles: it waits on channels and timers only, and no lock is held
// meanwhile. What happens to a call is decided in this order: by the outage, by the faults that
// were queued for its operation, by the decision of [Faulty.Decide]. Nothing else happens to a
// call.
type Faulty struct {
	store lease.Store
	stray sync.WaitGroup // operations whose callers gave up

	mu     sync.Mutex // guards what follows
	counts map[Op]int
	queued map[Op][]Fault
	decide func(Call) Fault
	outage Outage
	ended  chan struct{} // closed when the outage changes
}

var _ lease.Store = (*Faulty)(nil)

// Outage is how a store is down.
type Outage int

const (
	// Up is a store that works.
	Up Outage = iota

	// Refusing fails each call at once with [ErrOutage]. Nothing is done.
	Refusing

	// Hanging makes each call wait until its context or the outage ends. Calls go on when the
	// outage ends.
	Hanging
)

// NewFaulty returns a store that passes all calls on to store until it is told otherwise.
func NewFaulty(store lease.Store) *Faulty {
	return &Faulty{store: store, counts: map[Op]int{}, queued: map[Op][]Fault{}, ended: make(chan struct{})}
}

// Inject queues faults for the next calls of an operation, one for each. A zero [Fault] lets
// its call through.
func (f *Faulty) Inject(op Op, faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queued[op] = append(f.queued[op], faults...)
}

// Decide lets a function decide about each call for which nothing is queued, in place of the
// function before; nil for none. It is called by the goroutines of the callers, several at a
// time, and may take its time.
func (f *Faulty) Decide(decide func(Call) Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.decide = decide
}

// SetOutage begins an outage, or ends it with [Up]. Calls whose request is under way are not hit.
func (f *Faulty) SetOutage(outage Outage) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.outage == outage {
		return
	}
	f.outage = outage
	close(f.ended)
	f.ended = make(chan struct{})
}

// Calls returns how many calls of an operation there have been, whatever became of them.
func (f *Faulty) Calls(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[op]
}

// Counts returns how many calls of each operation there have been.
func (f *Faulty) Counts() map[Op]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.counts)
}

// Wait waits until all operations are done whose callers gave up: see [Fault].Stray. A bubble
// that uses such faults has to call it at its end, when there are no calls any more.
func (f *Faulty) Wait() { f.stray.Wait() }

// next counts a call and returns what was queued for it, or else the function that decides.
func (f *Faulty) next(c *Call) (fault Fault, decide func(Call) Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[c.Op]++
	c.N = f.counts[c.Op]
	if queue := f.queued[c.Op]; len(queue) > 0 {
		f.queued[c.Op] = queue[1:]
		return queue[0], nil
	}
	return Fault{}, f.decide
}

// pass waits while the store hangs, and fails while it refuses.
func (f *Faulty) pass(ctx context.Context) error {
	for {
		f.mu.Lock()
		outage, ended := f.outage, f.ended
		f.mu.Unlock()
		switch outage {
		case Refusing:
			return ErrOutage
		case Hanging:
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-ended:
			}
		default:
			return nil
		}
	}
}

// call does an operation with what happens to it. The operation gets a context of its own if it
// may outlive the call.
func call[T any](ctx context.Context, f *Faulty, c Call, do func(context.Context) (T, error)) (T, error) {
	var none T
	fault, decide := f.next(&c)
	if err := f.pass(ctx); err != nil {
		return none, describe(c, err)
	}
	if decide != nil {
		fault = decide(c)
	}
	began := time.Now()
	if err := wait(ctx, fault.Before); err != nil {
		if fault.Stray && !fault.Drop {
			goOn(ctx, f, fault.Before-time.Since(began), do)
		}
		return none, describe(c, err)
	}
	if fault.Drop {
		if fault.Err == nil {
			fault.Err = ErrDropped
		}
		return none, describe(c, fault.Err)
	}
	answer, err := do(ctx)
	if waited := wait(ctx, fault.After); waited != nil {
		return none, describe(c, waited)
	}
	if fault.Err != nil {
		return none, describe(c, fault.Err)
	}
	return answer, err
}

func describe(c Call, err error) error { return fmt.Errorf("%s %d: %w", c.Op, c.N, err) }

// wait waits for d, or returns why ctx has ended before.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
