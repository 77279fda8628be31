package sim

import (
	"errors"
	"math"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/sim/history"
	"github.com/kinstream/kin/lease"
)

// How calls fail. A Machine must not tell these apart.
var (
	errTimeout   = errors.New("sim: time-out")
	errThrottled = errors.New("sim: throttled")
	errDown      = errors.New("sim: the store is down")
)

// call is one way to make a call: the steps at the store, one after the other, and the event
// that its answer is.
type call struct {
	steps  []func()
	answer func(error) coord.Event
}

// fate is what becomes of a call.
type fate struct {
	steps  int           // how many of its steps are done
	late   time.Duration // how much later than usual
	gap    time.Duration // between two steps, apart from the usual
	answer time.Duration // how much later the answer comes; never if negative
	again  time.Duration // when it is done a second time, as if the client had retried; never if 0
	err    error         // that comes instead of an answer
	soon   bool          // it comes at once and not at the time-out
}

const never = -1

// fate draws what becomes of a call of a process that has a number of steps.
func (w *world) fate(p *process, steps int) fate {
	switch {
	case w.down > 0:
		return fate{err: errDown, soon: w.rand.IntN(2) == 0, answer: never}
	case p.host.cut > 0 && p.host.oneWay:
		return fate{steps: steps, answer: never, err: errTimeout}
	case p.host.cut > 0:
		return fate{err: errTimeout, answer: never}
	case w.throttled > 0 && w.rand.IntN(4) > 0:
		return fate{err: errThrottled, soon: true, answer: never}
	case w.calm || w.rand.Float64() >= w.scenario.Store.Noise:
		return fate{steps: steps}
	}
	ttl := int64(w.scenario.TTL)
	switch w.rand.IntN(9) {
	case 0: // not done
		return fate{err: errTimeout, answer: never, soon: w.rand.IntN(2) == 0}
	case 1: // throttled
		return fate{err: errThrottled, answer: never, soon: true}
	case 2: // done, and the answer is lost
		return fate{steps: steps, err: errTimeout, answer: never, soon: w.rand.IntN(2) == 0}
	case 3: // done in part
		return fate{steps: w.rand.IntN(steps + 1), err: errTimeout, answer: never, soon: w.rand.IntN(2) == 0}
	case 4: // done long after the time-out
		return fate{steps: steps, late: time.Duration(w.rand.Int64N(2 * ttl)), err: errTimeout, answer: never}
	case 5: // slow on the way there
		return fate{steps: steps, late: time.Duration(w.rand.Int64N(ttl / 4))}
	case 6: // slow on the way back
		return fate{steps: steps, answer: time.Duration(w.rand.Int64N(ttl / 2))}
	case 7: // slow in between
		return fate{steps: steps, gap: time.Duration(w.rand.Int64N(ttl / 10))}
	default: // done twice
		return fate{steps: steps, again: time.Duration(w.rand.Int64N(ttl))}
	}
}

// latency is how long a way takes.
func (w *world) latency() time.Duration {
	l := int64(w.scenario.Store.Latency)
	if w.calm {
		l = min(l, int64(20*time.Millisecond))
	}
	return time.Duration(l/6 + w.rand.Int64N(l/3+1))
}

// call makes a call for a process. It is answered once, by the answer or the time-out.
func (p *process) call(limit time.Duration, build func() call) {
	w := p.world
	c := build()
	f := w.fate(p, len(c.steps))
	at := w.latency() + f.late
	for _, step := range c.steps[:f.steps] {
		w.loop.after(at, step)
		at += w.latency()/4 + f.gap
	}
	if f.again > 0 {
		retry := at + f.again
		for _, step := range build().steps {
			w.loop.after(retry, step)
			retry += w.latency() / 4
		}
	}
	answered := false
	finish := func(err error) func() {
		return func() {
			p.do(func() {
				if !answered {
					answered = true
					p.step(c.answer(err))
				}
			})
		}
	}
	if f.answer != never {
		w.loop.after(at+f.answer+w.latency(), finish(nil))
	}
	switch {
	case f.err != nil && f.soon:
		w.loop.after(at+w.latency(), finish(f.err))
	default:
		w.loop.at(p.worldTime(p.clock()+limit), finish(either(f.err, errTimeout)))
	}
}

// either returns err, or otherwise if there is none.
func either(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// perform does what the Machine wants.
func (p *process) perform(a coord.Action) {
	a = p.world.mutant.action(p, a)
	switch a := a.(type) {
	case coord.StartShard:
		p.start(a.Lease)
	case coord.StopShard:
		p.stop(a)
	case coord.Trust:
		p.trusted(a.Until)
	case coord.Left:
		p.left(a.Err)
	case coord.List:
		p.list(a)
	case coord.Probe:
		p.probe(a)
	case coord.Note, coord.StreamFailed, coord.Flushed: // for people, and for those who wait
	default:
		p.call(coord.CallTimeout(p.world.scenario.TTL, a), func() call { return p.storeCall(a) })
	}
}

// storeCall says how a call of the store is made.
func (p *process) storeCall(a coord.Action) call {
	t := p.world.table
	began := p.clock()
	switch a := a.(type) {
	case coord.Join:
		p.beat, p.beatAt = 0, began // there is no row before
		return call{
			steps: []func(){func() { t.join(a.Worker) }, t.announce},
			answer: func(err error) coord.Event {
				p.answered(a.Worker, began, err)
				return coord.Joined{Worker: a.Worker.ID, Err: err}
			},
		}
	case coord.Beat:
		var row lease.Worker
		var refused error
		return call{
			steps: []func(){func() { row, refused = t.beat(a.Worker) }},
			answer: func(err error) coord.Event {
				err = either(err, refused)
				p.answered(row, began, err)
				if err != nil {
					row = a.Worker
				}
				return coord.Beaten{Worker: row, Err: err}
			},
		}
	case coord.Poll:
		return p.pollCall(began)
	case coord.Load:
		return p.loadCall(began)
	case coord.Update:
		return p.updateCall(a)
	case coord.PutStream:
		var row lease.Stream
		return call{
			steps:  []func(){func() { row = t.putStream(a.Stream) }},
			answer: func(err error) coord.Event { return coord.StreamPut{Stream: orElse(err, row, a.Stream), Err: err} },
		}
	case coord.Forget:
		gone := false
		return call{
			steps: []func(){func() { gone = t.forget(a.Worker, a.Beat, p.machine.ID()) }, t.announce},
			answer: func(err error) coord.Event {
				return coord.Forgotten{Worker: a.Worker, Gone: gone && err == nil, Err: err}
			},
		}
	case coord.Drain:
		var refused error
		return call{
			steps:  []func(){func() { refused = t.drain(a.Worker, true) }, t.announce},
			answer: func(err error) coord.Event { return coord.Drained{Worker: a.Worker, Err: either(err, refused)} },
		}
	default:
		panic("sim: BUG: an action that is not known")
	}
}

// orElse returns what a call returned, and what says least if it failed.
func orElse(err error, row, asked lease.Stream) lease.Stream {
	if err != nil {
		return lease.Stream{ARN: asked.ARN}
	}
	return row
}

func (p *process) pollCall(began time.Duration) call {
	t := p.world.table
	var s lease.Snapshot
	return call{
		steps: []func(){func() { s.Version = t.version }, func() { s.Workers = t.readWorkers() }},
		answer: func(err error) coord.Event {
			if err != nil {
				return coord.Polled{Err: err}
			}
			p.looked(s.Workers, began)
			return coord.Polled{Snapshot: s}
		},
	}
}

// loadCall reads the version, then the leases in two pages, then streams and workers.
func (p *process) loadCall(began time.Duration) call {
	t := p.world.table
	var s lease.Snapshot
	version := func() { s.Version = t.version }
	first := func() { s.Leases = t.readLeases(lease.Key{}, len(t.keys)/2) }
	rest := func() {
		var after lease.Key
		if n := len(s.Leases); n > 0 {
			after = s.Leases[n-1].Key
		}
		s.Leases = append(s.Leases, t.readLeases(after, len(t.keys))...)
	}
	workers := func() { s.Workers = t.readWorkers() }
	streams := func() { s.Streams = append([]lease.Stream(nil), t.streams...) }
	steps := []func(){version, first, rest, streams, workers}
	if p.world.mutant == LoadWorkersFirst {
		steps = []func(){workers, version, first, rest, streams}
	}
	return call{steps: steps, answer: func(err error) coord.Event {
		if err != nil {
			return coord.Loaded{Err: err}
		}
		p.looked(s.Workers, began)
		return coord.Loaded{Snapshot: s}
	}}
}

// updateCall tries each change on its own, and raises the version last.
func (p *process) updateCall(a coord.Update) call {
	t, w := p.world.table, p.world
	results := make([]lease.Result, len(a.Changes))
	announce := false
	var steps []func()
	by := p.machine.ID()
	const perStep = 25 // changes that are made in one request
	for from := 0; from < len(a.Changes); from += perStep {
		steps = append(steps, func() {
			for i := from; i < min(from+perStep, len(a.Changes)); i++ {
				results[i] = t.update(a.Changes[i], by)
				w.updates++
				announce = announce || results[i].Made && a.Changes[i].Announces()
			}
		})
	}
	steps = append(steps, func() {
		if announce && w.mutant != NoAnnouncement {
			t.announce()
		}
	})
	return call{steps: steps, answer: func(err error) coord.Event {
		if err != nil {
			return coord.Updated{Changes: a.Changes, Err: err}
		}
		return coord.Updated{Changes: a.Changes, Results: results}
	}}
}

// answered notes that a heartbeat was answered, which began at a time.
func (p *process) answered(row lease.Worker, began time.Duration, err error) {
	if err == nil {
		p.beat, p.beatAt = max(p.beat, row.Beat), max(p.beatAt, began)
		p.world.record(history.Event{Kind: history.Trusted, Worker: row.ID, Began: p.worldTime(began)})
	}
}

// looked notes that a call was answered which began at a time and has the rows of all workers.
// If the beat of our own has risen, there was a heartbeat after the call before, although its
// answer may have got lost.
func (p *process) looked(rows []lease.Worker, began time.Duration) {
	for _, row := range rows {
		if row.ID != p.machine.ID() {
			continue
		}
		if row.Beat > p.beat {
			p.world.record(history.Event{Kind: history.Trusted, Worker: row.ID, Began: p.worldTime(p.beatAt)})
		}
		p.beat, p.beatAt = max(p.beat, row.Beat), max(p.beatAt, began)
	}
}

// list asks the service for its shards.
func (p *process) list(a coord.List) {
	w := p.world
	s := w.service(a.Stream)
	how := w.scenario.Service
	lag, lacks := time.Duration(0), 0.0
	if !w.calm && how.ListLag > 0 {
		lag = time.Duration(w.rand.Int64N(int64(how.ListLag)))
	}
	if !w.calm && w.rand.Float64() < how.ListPartial {
		lacks = w.rand.Float64()
	}
	fails := !w.calm && w.rand.Float64() < how.ListFail
	w.loop.after(time.Duration(5+w.rand.IntN(50))*time.Millisecond, func() {
		e := coord.Listed{Stream: a.Stream, At: w.wall()}
		if fails || p.dark() {
			e.Err = errThrottled
		} else {
			e.Shards = s.list(w.loop.now-lag, lacks)
			if a.Start != "" {
				e.Before = s.before(w.startTime(a.Start))
			}
		}
		p.do(func() { p.step(e) })
	})
}

// startTime returns the time from which on records are to be read.
func (w *world) startTime(start lease.Checkpoint) time.Duration {
	at, ok := w.timestamp(start)
	if ok {
		return at
	}
	if start == "LATEST" {
		return w.loop.now
	}
	return math.MinInt64
}
