package kin

import (
	"container/heap"
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

// dispatcher is the producer's one goroutine that decides: it starts calls and looks at streams, and has answered what
// expired or was given up. It looks at the streams of which something is new, so its work grows with what happens and not
// with the number of streams:
//
//	marked    something happened: a record that changes when a call goes, the end of a call, an answer of a look
//	alarms    the moment has come that the engine named
//	hungry    had records to send when no call was free: they come first, in turns, when one is
//
// What may matter to all streams at once marks all: Flush, Close, Puts that wait for room while no call is out, and a large
// record that lets nobody pass.
type dispatcher struct {
	p      *Producer
	timer  *time.Timer
	taken  []*putStream // marked, in this turn
	hungry []*putStream // in the order in which they are served
	alarms alarms
	looks  lookQueue
}

// dispatch runs the dispatcher. It is started by the first accepted record and ends when Close was called and
// nothing is left; Close waits for it.
func (p *Producer) dispatch() {
	d := &dispatcher{p: p, timer: time.NewTimer(time.Hour)}
	d.timer.Stop()
	for d.turn() {
	}
}

// turn does what is to be done now, and waits if that is nothing. It returns false at the end.
func (d *dispatcher) turn() bool {
	p := d.p
	p.mu.Lock()
	finished, free := p.space.Finished(), p.space.Gauges().Calls < p.cfg.MaxInFlight
	d.taken, p.marked = p.marked, d.taken[:0]
	for _, s := range d.taken {
		s.marked = false
	}
	p.mu.Unlock()
	if finished {
		return false
	}
	more := d.feed(free)
	now := p.now()
	for len(d.alarms) > 0 && d.alarms[0].at <= now {
		s, _ := heap.Pop(&d.alarms).(*putStream) // nothing else is in there
		d.taken = append(d.taken, s)
	}
	for _, s := range d.taken {
		d.move(s)
	}
	worked := more || len(d.taken) > 0
	clear(d.taken)
	if until := d.startLooks(now); !worked {
		d.sleep(until)
	}
	return true
}

// feed lets each stream that waited for a free call have one, while there are some. It returns whether more could be fed:
// after the others have been looked at, since calls may come free as fast as they are taken.
func (d *dispatcher) feed(free bool) (more bool) {
	for range len(d.hungry) {
		if !free {
			break
		}
		s := d.hungry[0]
		d.hungry[0] = nil
		d.hungry = d.hungry[1:]
		s.hungry = false
		free = d.move(s)
	}
	return free && len(d.hungry) > 0
}

// move does what the engine of one stream wants done now. It returns whether another call may be made.
func (d *dispatcher) move(s *putStream) (free bool) {
	p := d.p
	now := p.now()
	p.mu.Lock()
	step := s.box.Next(now)
	calls := p.space.Gauges().Calls
	p.use.count(calls, p.cfg.MaxInFlight, now)
	free = calls < p.cfg.MaxInFlight
	if hungry := step.Call != nil || !free && s.box.Queued() > 0; hungry && !s.hungry {
		s.hungry = true
		d.hungry = append(d.hungry, s)
	}
	if step.Call != nil {
		p.take(s, step.Call)
	}
	if step.Shut {
		p.markAll()
	}
	if step.Shut || p.space.Finished() {
		p.nudge()
	}
	p.mu.Unlock()

	d.alarms.set(s, step.Wait)
	p.tell(step.Admitted)
	if over := step.Over; over != nil {
		// Not here: callbacks may wait for room, and this loop makes it.
		p.running.Go(func() { p.answer(s, over) })
	}
	if step.Ask {
		d.looks.wait = append(d.looks.wait, s)
	}
	return free
}

// sleep waits until something happens, or until a moment: that one, or the first alarm.
func (d *dispatcher) sleep(until time.Duration) {
	if len(d.alarms) > 0 {
		until = min(until, d.alarms[0].at)
	}
	if until != outbox.Never {
		d.timer.Reset(until - d.p.now())
	}
	select {
	case <-d.p.wake:
		d.timer.Stop()
	case <-d.timer.C:
	}
}

// mark has the dispatcher look at a stream. p.mu is held; nudge follows.
func (p *Producer) mark(s *putStream) {
	if !s.marked {
		s.marked = true
		p.marked = append(p.marked, s)
	}
}

// markAll has the dispatcher look at all streams. p.mu is held; nudge follows.
func (p *Producer) markAll() {
	for _, s := range p.order {
		p.mark(s)
	}
}

// nudge lets the dispatcher look again.
func (p *Producer) nudge() {
	select {
	case p.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// tell wakes Puts that waited for room. Each marks its stream.
func (p *Producer) tell(waiters []*outbox.Waiter[owner]) {
	for _, w := range waiters {
		close(w.Settled)
	}
}

// alarms is a heap of streams by the moments at which their engines want to be asked.
type alarms []*putStream

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].at < a[j].at }

func (a alarms) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].alarm, a[j].alarm = i+1, j+1
}

// Push implements [heap.Interface].
func (a *alarms) Push(x any) {
	s, _ := x.(*putStream) // nothing else is pushed
	*a = append(*a, s)
	s.alarm = len(*a)
}

// Pop implements [heap.Interface].
func (a *alarms) Pop() any {
	last := len(*a) - 1
	s := (*a)[last]
	(*a)[last], s.alarm = nil, 0
	*a = (*a)[:last]
	return s
}

// set changes the moment of a stream, in place of any other before it.
func (a *alarms) set(s *putStream, at time.Duration) {
	switch {
	case s.alarm > 0 && at == outbox.Never:
		heap.Remove(a, s.alarm-1)
	case s.alarm > 0 && at != s.at:
		s.at = at
		heap.Fix(a, s.alarm-1)
	case s.alarm == 0 && at != outbox.Never:
		s.at = at
		heap.Push(a, s)
	}
}
