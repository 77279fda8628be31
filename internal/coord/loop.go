package coord

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/kinstream/kin/lease"
)

// errRunTwice says that a Worker was used again.
var errRunTwice = errors.New("coord: Run was called before")

// collectMost is how long a checkpoint that moved waits at most until the Machine knows of it.
const collectMost = 250 * time.Millisecond

// loop is one Run of a Worker. One goroutine has it; calls run in others and answer by mail.
type loop struct {
	*Worker
	calls     context.Context //nolint:containedctx // of the calls: it ends after them all
	wg        sync.WaitGroup  // the calls
	actions   []Action        // being done
	waiters   map[int64]chan<- error
	failures  map[string]int // of each operation in a row
	leaving   bool
	cutAt     time.Duration
	collectAt time.Duration
	start     starting
	over      bool
	err       error
}

// Run joins the group and works in it until ctx ends, or until it can't. The end of ctx makes
// it leave: it hands its leases over and returns nil, or a [*LeaveError] if ShutdownTimeout was
// not enough. Other errors: [*StartError], [*TTLError], [*RecreatedError]. It can be called
// once. When it returns, none of its calls is under way, and each shard has been stopped; only
// handlers that were cut off may still be running.
func (w *Worker) Run(ctx context.Context) error {
	if w.began.Swap(true) {
		return errRunTwice
	}
	calls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &loop{
		Worker: w, calls: calls, waiters: map[int64]chan<- error{}, failures: map[string]int{},
		cutAt: never, collectAt: never,
	}
	l.start = l.newStarting()
	defer func() { // also when a hook ends the goroutine
		cancel()
		l.wg.Wait()
		w.mail.close()
		close(w.done)
		w.cfg.Reader.Trust(time.Time{})
	}()
	l.run(ctx)
	return l.err
}

func (l *loop) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	stop := ctx.Done()
	for !l.over {
		select {
		case <-stop:
			stop = nil
			l.tell(Leave{}) //nolint:contextcheck // calls go on after the end of ctx
		case <-l.mail.wake:
			l.deliver() //nolint:contextcheck // as above
		case <-timer.C:
			l.tick() //nolint:contextcheck // as above
		}
		timer.Reset(l.wait())
	}
}

// deliver tells the Machine what came by mail.
func (l *loop) deliver() {
	for _, m := range l.mail.take() {
		if f, ok := m.event.(Flush); ok {
			l.collect()
			l.waiters[f.Token] = m.answer
		}
		l.watch(m.event)
		l.tell(m.event)
		if l.learn(m.event); l.over {
			return
		}
	}
	if l.moved.Load() && l.collectAt == never {
		l.collectAt = l.now() + min(collectMost, l.cfg.CheckpointEvery/4)
	}
}

// tick does what is due.
func (l *loop) tick() {
	now := l.now()
	if l.collectAt <= now {
		l.collect()
	}
	if l.start.by <= now {
		l.startLate(now)
	}
	if l.cutAt <= now {
		l.cutAt = never
		l.tell(Cut{})
		return
	}
	l.tell(Tick{})
}

// collect tells the Machine how far shards are done.
func (l *loop) collect() {
	l.collectAt = never
	if !l.moved.Swap(false) {
		return
	}
	for _, p := range l.cfg.Reader.Progress() {
		l.tell(p)
	}
}

// now returns the time by the Machine's clock.
func (l *loop) now() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.clock.now(time.Now())
}

// wait returns how long there is nothing to do.
func (l *loop) wait() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.now(time.Now())
	return max(min(l.machine.Wake(), l.cutAt, l.collectAt, l.start.by)-now, 0)
}

// tell gives the Machine an event, and does what it wants. What is done may put mail; it never
// tells by itself.
func (l *loop) tell(e Event) {
	if l.over {
		return
	}
	l.mu.Lock()
	at := time.Now()
	now := l.clock.now(at)
	l.actions = l.actions[:0]
	if by := l.clock.jump(); by > 0 {
		l.actions = append(l.actions, l.machine.Step(now, Jumped{By: by})...)
	}
	l.actions = append(l.actions, l.machine.Step(now, e)...)
	leaving, joined := l.machine.Leaving(), l.machine.phase == member
	l.mu.Unlock()
	if leaving || joined {
		l.joined(now)
	}
	if leaving && !l.leaving {
		l.leaving, l.cutAt = true, now+l.cfg.ShutdownTimeout
	}
	for _, a := range l.actions {
		l.do(a, at, now)
	}
	clear(l.actions)
}

// do does one action. at and now are the same moment, by two clocks.
func (l *loop) do(a Action, at time.Time, now time.Duration) {
	switch a := a.(type) {
	case StartShard:
		l.cfg.Reader.Start(a.Lease)
	case StopShard:
		l.cfg.Reader.Stop(a.Key, a.Epoch, a.Why)
	case Trust:
		until := time.Time{}
		if a.Until > 0 {
			until = at.Add(a.Until - now)
		}
		l.cfg.Reader.Trust(until)
	case Flushed:
		l.waiters[a.Token] <- a.Err
		delete(l.waiters, a.Token)
	case StreamFailed:
		l.streamFailed(a)
	case Note:
		l.note(a)
	case Left:
		l.over, l.err = true, a.Err
	default:
		l.call(a)
	}
}

// stamp writes into changes when checkpoints were stored. The Machine has no clock, and keeps
// its own copy.
func stamp(changes []lease.Change, now time.Time) []lease.Change {
	stamped := make([]lease.Change, len(changes))
	for i, c := range changes {
		if c.Old.Checkpoint != c.New.Checkpoint && !c.Removes() {
			c.New.CheckpointAt = now.UTC().Truncate(time.Millisecond)
		}
		stamped[i] = c
	}
	return stamped
}
