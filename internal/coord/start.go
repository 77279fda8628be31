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
// right one: until it has joined, and for each operation until it has worked once.
type starting struct {
	by     time.Duration   // when to give up; never if the worker has joined, or need not
	works  map[string]bool // operations that have worked
	failed *StartError     // the last call that did not, and has not worked since
}

func (l *loop) newStarting() starting {
	s := starting{by: never, works: map[string]bool{}}
	if l.cfg.StartTimeout > 0 {
		s.by = l.now() + l.cfg.StartTimeout
	}
	return s
}

// learn takes in how a call ended that the Machine was told of, and gives up if trying again
// can't help.
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
	if !l.start.works[op] && (refused || errors.Is(err, lease.ErrSetup)) {
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
