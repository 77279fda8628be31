package kin

import (
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

// dispatch is the producer's one goroutine that decides: it starts calls and looks at
// streams, and has answered what expired or was given up. It is started by the first accepted
// record and ends when Close was called and nothing is left; Close waits for it.
func (p *Producer) dispatch() {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	for turn := 0; ; {
		p.mu.Lock()
		streams, finished := p.order, p.space.Finished()
		p.mu.Unlock()
		if finished {
			return
		}
		busy, wait := false, outbox.Never
		next := turn
		for i := range streams {
			at := (turn + i) % len(streams)
			called, again, until := p.move(streams[at])
			if called {
				next = at + 1 // the next round begins behind the one that got the last call, so that all get theirs
			}
			busy = busy || called || again
			wait = min(wait, until)
		}
		turn = next
		if !busy {
			p.sleep(timer, wait)
		}
	}
}

// move does what the engine of one stream wants done now. called says that a call goes, again that all streams
// are to be looked at once more, at once; until is when this one is to be, if nothing happens before.
func (p *Producer) move(s *putStream) (called, again bool, until time.Duration) {
	now := p.now()
	p.mu.Lock()
	step := s.box.Next(now)
	p.use.count(p.space.Gauges().Calls, p.cfg.MaxInFlight, now)
	finished := p.space.Finished()
	p.mu.Unlock()

	p.tell(step.Admitted)
	if over := step.Over; over != nil {
		// Not here: callbacks may wait for room, and this loop makes it.
		p.running.Go(func() { p.answer(s, over) })
	}
	if step.Ask {
		p.running.Go(func() { p.look(s) })
	}
	if call := step.Call; call != nil {
		p.running.Go(func() { p.send(s, call) })
	}
	return step.Call != nil, len(step.Admitted) > 0 || finished, step.Wait
}

// sleep waits until something happens, or until the moment until.
func (p *Producer) sleep(timer *time.Timer, until time.Duration) {
	if until != outbox.Never {
		timer.Reset(until - p.now())
	}
	select {
	case <-p.wake:
		timer.Stop()
	case <-timer.C:
	}
}

// nudge lets the dispatcher look again.
func (p *Producer) nudge() {
	select {
	case p.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// tell wakes Puts that waited for room.
func (p *Producer) tell(waiters []*outbox.Waiter[owner]) {
	for _, w := range waiters {
		close(w.Settled)
	}
	if len(waiters) > 0 {
		p.nudge() // what they put is in a lane now, perhaps of another stream
	}
}
