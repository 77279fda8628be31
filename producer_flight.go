package kin

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

// flight is a PutRecords call that is out. Who claims it answers its records: the goroutine that made it, when the client
// has returned; or Close, which waits no longer than abandonAfter for a client that goes on although its context has
// ended. Then that goroutine has nothing left of the call but what it gave to the client, and changes nothing when it
// comes back.
type flight struct {
	s       *putStream
	call    *outbox.Call[owner]
	begun   time.Duration
	claimed atomic.Bool
}

func (f *flight) claim() bool { return f.claimed.CompareAndSwap(false, true) }

// abandonAfter is how long Close waits for clients after the end of its context: those that heed it return at once.
const abandonAfter = time.Second

// Why a call failed whose client did not return.
var (
	clientGone     = &outbox.Failure{Err: errors.New("the client ended its goroutine in PutRecords"), Ambiguous: true}
	clientDoesStay = &outbox.Failure{
		Err:       errors.New("the client has not returned from PutRecords, although its context has ended"),
		Retryable: true, Ambiguous: true,
	}
)

// take lets a call go. p.mu is held.
func (p *Producer) take(s *putStream, call *outbox.Call[owner]) {
	f := &flight{s: s, call: call, begun: p.now()}
	p.flights[f] = struct{}{}
	p.running.Add(1)
	go p.fly(f) // ends with the call; whoever claimed it says that it is done
}

// fly makes one PutRecords call and answers its records. The call's place is
// free before any callback is called: they may put.
func (p *Producer) fly(f *flight) {
	f.s.box.Begun(f.call, f.begun)
	whole, mine := clientGone, false
	defer func() {
		if mine {
			p.running.Done()
		}
	}()
	defer func() {
		if v := recover(); v != nil {
			panic(v) //nolint:forbidigo // the panic of the client goes on, and nobody is answered
		}
		if mine = mine || f.claim(); mine { // also if the client ends the goroutine (a test's FailNow)
			p.settle(f, whole)
		}
	}()
	whole, mine = p.putRecords(f)
}

// abandon answers the records of calls that are still out.
func (p *Producer) abandon() {
	p.mu.Lock()
	var left []*flight
	for f := range p.flights {
		if f.claim() {
			left = append(left, f)
		}
	}
	p.mu.Unlock()
	for _, f := range left {
		// The client may go on reading what it was given: keys are in the items.
		f.call.Items = slices.Clone(f.call.Items)
		go func() { // of the flight, and done when that is
			defer p.running.Done()
			p.settle(f, clientDoesStay)
		}()
	}
}

// settle takes in the end of a call, and answers its records.
func (p *Producer) settle(f *flight, whole *outbox.Failure) {
	now := p.now()
	p.mu.Lock()
	delete(p.flights, f)
	admitted := f.s.box.Settle(f.call, whole, now)
	g := p.space.Gauges()
	p.use.count(g.Calls, p.cfg.MaxInFlight, now)
	if p.mark(f.s); g.Calls == 0 && g.Waiting > 0 {
		p.markAll() // what gathers anywhere has to leave
	}
	p.mu.Unlock()
	p.tell(admitted)
	p.nudge()

	defer p.answer(f.s, f.call) // also if a hook ends the goroutine
	p.report(f.s, f.call, whole, f.begun, now)
}
