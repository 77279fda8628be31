package coord

import (
	"errors"
	"fmt"
	"time"

	"github.com/kinstream/kin/lease"
)

// StartError says that the worker ended because the store could not be used from the start on.
// Whether its row was written is not known; others find out that nobody is behind it.
type StartError struct {
	Op  string        // the call that failed: see StoreEvent
	For time.Duration // how long it was tried; 0 if trying again could not help
	Err error
}

// Error implements error.
func (e *StartError) Error() string {
	if e.For == 0 {
		return fmt.Sprintf("use the lease store: %s: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("use the lease store: %s: no success in %v: %v", e.Op, e.For, e.Err)
}

// Unwrap returns why the call failed.
func (e *StartError) Unwrap() error { return e.Err }

// errSilent says that the store has not even failed.
var errSilent = errors.New("it has not answered (can it be reached from here?)")

// starting is the part of a Worker's life in which nothing has shown yet that its store is the
// right one: until it has joined, and soon after for each operation until it has worked once.
type starting struct {
	by     time.Duration   // when to give up; never if the worker has joined, or need not
	over   time.Duration   // from when on nothing of the store ends the worker; never until it has joined
	works  map[string]bool // operations that have worked
	failed *StartError     // the last call that did not, and has not worked since
}

// startMost is how long a start lasts after joining, or the TTL if that is longer. By then a
// worker has made all calls that it can't do without, if there was any reason to. Those that
// come later are refused to all workers in the same moment, and would end the whole group.
const startMost = time.Minute

func (l *loop) newStarting() starting {
	s := starting{by: never, over: never, works: map[string]bool{}}
	if l.cfg.StartTimeout > 0 {
		s.by = l.now() + l.cfg.StartTimeout
	}
	return s
}

// joined says that the worker is in the group, or leaves it.
func (l *loop) joined(now time.Duration) {
	l.start.by = never
	l.start.over = min(l.start.over, now+max(startMost, l.cfg.TTL))
}

// learn takes in how a call ended that the Machine was told of, and gives up if trying again
// can't help. A worker can do without Forget: it is for the leases of others.
func (l *loop) learn(e Event) {
	op, _, err := outcome(e)
	switch {
	case op == "" || op == "List" || errors.Is(err, lease.ErrNoWorker):
		return
	case err == nil:
		l.start.works[op] = true
		if f := l.start.failed; f != nil && f.Op == op {
			l.start.failed = nil
		}
		return
	case l.leaving:
		return
	}
	l.start.failed = &StartError{Op: op, Err: err}
	refused := errors.Is(err, lease.ErrInvalid) && (op == "Load" || op == "Join")
	setup := errors.Is(err, lease.ErrSetup) && op != "Forget" && l.now() < l.start.over
	if !l.start.works[op] && (refused || setup) {
		l.giveUp(l.start.failed)
	}
}

// startLate gives up if the store is the reason why the worker has not joined yet. It may also
// wait for others, whose lease TTL is another one, to turn out alive or dead.
func (l *loop) startLate(now time.Duration) {
	l.start.by = never
	f := l.start.failed
	if f == nil {
		if len(l.start.works) > 0 {
			l.start.by = now + l.cfg.StartTimeout
			return
		}
		f = &StartError{Op: "Load", Err: errSilent}
	}
	l.giveUp(&StartError{Op: f.Op, For: l.cfg.StartTimeout, Err: f.Err})
}

// giveUp ends the worker with an error. The store does nothing for it, so it does not wait for
// that.
func (l *loop) giveUp(err error) {
	l.tell(GiveUp{Err: err})
	l.tell(Cut{})
}
