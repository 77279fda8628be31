package coord

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kinstream/kin/lease"
)

// How long calls may take: a part of the TTL, and at least so long. Nothing but the pace depends
// on it: a call that is made after its time-out is one whose answer was lost. Every change is a
// compare-and-set, Forget too; a Join is not made twice under one ID; and trust counts from when
// a call began, however late its answer comes.
const (
	shortCall      = 0.2 // one round trip: another attempt is to come before trust lapses
	shortCallLeast = time.Second
	stepsCall      = 0.5 // several, one after the other, and perhaps a connection before them
	stepsCallLeast = 3 * time.Second
	longCall       = 0.5 // those that grow with the group
	longCallLeast  = 5 * time.Second
	listCall       = 30 * time.Second
	probeCall      = 0.3 // two round trips: what takes longer is no reading
	probeCallLeast = 2 * time.Second
)

// call makes a call in a goroutine of its own, which Run waits for, and mails the answer.
func (l *loop) call(a Action) {
	l.wg.Go(func() {
		ctx, cancel := context.WithTimeout(l.calls, CallTimeout(l.cfg.TTL, a))
		defer cancel()
		l.mail.put(message{event: l.answer(ctx, a)})
	})
}

// CallTimeout returns how long a call may take that a [Machine] asks for.
func CallTimeout(ttl time.Duration, a Action) time.Duration {
	switch a.(type) {
	case Load, Update:
		return max(part(ttl, longCall), longCallLeast)
	case Join, Drain, Forget, PutStream:
		return max(part(ttl, stepsCall), stepsCallLeast)
	case List:
		return listCall
	case Probe:
		return max(part(ttl, probeCall), probeCallLeast)
	}
	return max(part(ttl, shortCall), shortCallLeast)
}

// answer makes a call and returns its answer.
func (l *loop) answer(ctx context.Context, a Action) Event {
	store, group := l.cfg.Store, l.cfg.Group
	switch a := a.(type) {
	case Join:
		a.Worker.JoinedAt = time.Now().UTC().Truncate(time.Millisecond)
		return Joined{Worker: a.Worker.ID, Err: store.Join(ctx, group, a.Worker)}
	case Beat:
		row, err := store.Beat(ctx, group, a.Worker)
		if err != nil {
			row = a.Worker
		}
		return Beaten{Worker: row, Err: err}
	case Poll:
		s, err := store.Poll(ctx, group)
		return Polled{Snapshot: s, Err: err}
	case Load:
		s, err := store.Load(ctx, group)
		return Loaded{Snapshot: s, Err: err}
	case Update:
		results, err := store.Update(ctx, group, stamp(a.Changes, time.Now()))
		if err == nil && len(results) != len(a.Changes) {
			err = fmt.Errorf("update leases: %d results of %d changes", len(results), len(a.Changes))
		}
		return Updated{Changes: a.Changes, Results: results, Err: err}
	case PutStream:
		row, err := store.PutStream(ctx, group, a.Stream)
		if err != nil {
			row = a.Stream
		}
		return StreamPut{Stream: row, Err: err}
	case Forget:
		gone, err := store.Forget(ctx, group, a.Worker, a.Beat)
		return Forgotten{Worker: a.Worker, Gone: gone, Err: err}
	case Drain:
		return Drained{Worker: a.Worker, Err: store.Drain(ctx, group, a.Worker, true)}
	case List:
		listed, err := l.cfg.List(ctx, a.Stream, a.Start)
		listed.Stream, listed.Err = a.Stream, err
		return listed
	case Probe:
		return Probed{Err: l.cfg.Probe(ctx, a.Key)}
	}
	panic("kin: BUG: coord: no such call")
}

// outcome returns what an event says of a call: what was called, for which stream, and the
// error. The name is empty if it is no answer.
func outcome(e Event) (op, stream string, err error) {
	switch e := e.(type) {
	case Joined:
		return "Join", "", e.Err
	case Beaten:
		return "Beat", "", e.Err
	case Polled:
		return "Poll", "", e.Err
	case Loaded:
		return "Load", "", e.Err
	case Updated:
		return "Update", "", e.Err
	case StreamPut:
		return "PutStream", "", e.Err
	case Forgotten:
		return "Forget", "", e.Err
	case Drained:
		return "Drain", "", e.Err
	case Listed:
		return "List", e.Stream, e.Err
	}
	return "", "", nil
}

// watch tells and logs that calls fail, and that they work again.
func (l *loop) watch(e Event) {
	op, stream, err := outcome(e)
	if op == "" || errors.Is(err, lease.ErrNoWorker) {
		return
	}
	key := op + " " + stream
	n := l.failures[key]
	switch {
	case err == nil && n == 0:
		return
	case err == nil:
		delete(l.failures, key)
		l.cfg.Logger.Info("consuming: a call for the group works again", "op", op, "group", l.cfg.Group, "failures", n)
	default:
		l.failures[key] = n + 1
		if n&(n+1) == 0 { // the 1st, 2nd, 4th, 8th in a row
			l.cfg.Logger.Warn("consuming: a call for the group failed, trying again",
				"op", op, "group", l.cfg.Group, "stream", stream, "attempt", n+1, "err", err)
		}
	}
	if l.cfg.Hooks.Store != nil {
		l.cfg.Hooks.Store(StoreEvent{Op: op, Stream: stream, Attempt: l.failures[key], Err: err})
	}
}

// note tells what happened.
func (l *loop) note(n Note) {
	hooks, log := l.cfg.Hooks, l.cfg.Logger.With("group", l.cfg.Group, "worker", n.Worker)
	switch n.What {
	case LeaseTaken, LeaseLost, LeaseHandedOver, LeaseFinished:
		if hooks.Lease != nil {
			hooks.Lease(LeaseEvent{What: n.What, Lease: n.Lease, Heir: n.Worker})
		}
		return
	case TrustLapsed:
		log.Warn("no heartbeat was answered in time: delivering nothing")
	case TrustBack:
		log.Info("delivering again")
	case Unable:
		log.Warn("no call of Kinesis is answered: leaving the shards to workers that can read, if there are any", "err", n.Err)
	case Able:
		log.Info("Kinesis answers: taking shards again")
	case WorkerJoined, WorkerLeft, WorkerDied:
	}
	if hooks.Worker != nil {
		hooks.Worker(WorkerEvent{What: n.What, Worker: n.Worker, Own: n.Own, Err: n.Err})
	}
}

// streamFailed tells that a stream is not read, or is again.
func (l *loop) streamFailed(s StreamFailed) {
	if s.Err != nil {
		l.cfg.Logger.Error("stream is not read", "group", l.cfg.Group, "stream", s.Stream, "err", s.Err)
	}
	if l.cfg.Hooks.Stream != nil {
		l.cfg.Hooks.Stream(StreamEvent(s))
	}
}
