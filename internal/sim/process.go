package sim

import (
	"fmt"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/sim/history"
	"github.com/kinstream/kin/lease"
)

// host is a machine on which one process after the other runs.
type host struct {
	number int
	runs   int
	rate   float64 // of its clock
	cut    int     // partitions that go on
	oneWay bool    // requests arrive, and answers get lost
	dark   int     // times in which the service does not answer it that go on
	away   bool    // no process is to be started until somebody says so
	// badClock says that its clock is wrong by more than the margin.
	badClock bool
	process  *process
}

// process is a worker: a Machine, and the readers of shards that it asks for.
type process struct {
	world   *world
	host    *host
	machine *coord.Machine
	readers map[lease.Key]*reader
	keys    []lease.Key // of readers, in order

	setAt   time.Duration // when its clock was looked at, in true time
	shown   time.Duration // what it showed then
	rate    float64       // how fast it runs since
	jumped  time.Duration // what it was set forward, until the Machine is told
	names   []string      // the IDs that it had
	frozen  int
	waiting []func() // what is to happen when it goes on
	dead    bool
	leaving bool

	beat    int64         // of its own row, as an answer last showed it
	beatAt  time.Duration // when that call began, on its own clock
	until   time.Duration // it may deliver until then, on its own clock
	tick    time.Duration // in true time; 0: none is due
	stepped time.Duration // since when steps are counted, in true time
	steps   int           // how many there were since
	ongoing bool          // progress is to be told soon

	shaded  bool // the judge was told that the service does not answer
	failing bool // the Machine was told so
}

// boot starts a process on a host that has none.
func (w *world) boot(h *host) {
	if h.process != nil {
		return
	}
	h.runs++
	p := &process{world: w, host: h, setAt: w.loop.now, shown: h.firstTime(), rate: h.rate, readers: map[lease.Key]*reader{}}
	h.process, h.away = p, false
	s := w.scenario
	p.machine = coord.New(coord.Config{
		ID:              fmt.Sprintf("host%d-%d", h.number, h.runs),
		TTL:             s.TTL,
		Capacity:        s.Capacity,
		CheckpointEvery: s.CheckpointEvery,
		ListEvery:       s.ListEvery,
		Streams:         w.streams(),
		Build:           "sim",
	})
	w.notef("host %d starts run %d", h.number, h.runs)
	p.step(coord.Tick{})
	p.sense()
}

// firstTime is what a clock shows when a process starts: anything, and nothing as a rule.
func (h *host) firstTime() time.Duration {
	if (h.number+h.runs)%4 == 0 {
		return 24 * time.Hour
	}
	return 0
}

// clock is the time on the process's own clock.
func (p *process) clock() time.Duration {
	return p.shown + time.Duration(float64(p.world.loop.now-p.setAt)*p.rate)
}

// worldTime is when the process's clock shows a time, rounded up.
func (p *process) worldTime(local time.Duration) time.Duration {
	return p.setAt + time.Duration(float64(local-p.shown)/p.rate) + 1
}

// setClock sets the clock forward, and its rate.
func (p *process) setClock(forward time.Duration, rate float64) {
	p.shown, p.setAt, p.rate = p.clock()+forward, p.world.loop.now, rate
}

// tell records what happened to the process, under each ID that it had.
func (p *process) tell(kind history.Kind) {
	for _, name := range p.names {
		p.world.record(history.Event{Kind: kind, Worker: name})
	}
}

// known notes the ID of the process when it has a new one.
func (p *process) known() {
	if id := p.machine.ID(); len(p.names) == 0 || p.names[len(p.names)-1] != id {
		p.names = append(p.names, id)
		p.shaded = false
		if p.host.badClock {
			p.world.record(history.Event{Kind: history.BadClock, Worker: id})
		}
		p.shade()
	}
}

// do does something in the process: now, or when it goes on, or never.
func (p *process) do(f func()) {
	switch {
	case p.dead:
	case p.frozen > 0:
		p.waiting = append(p.waiting, f)
	default:
		f()
	}
}

// after does something in the process after a time on its clock.
func (p *process) after(d time.Duration, f func()) {
	p.world.loop.at(p.worldTime(p.clock()+d), func() { p.do(f) })
}

// step tells the Machine an event, and does what it wants.
func (p *process) step(e coord.Event) {
	if p.dead {
		return
	}
	if now := p.world.loop.now; now-p.stepped > time.Millisecond {
		p.stepped, p.steps = now, 0
	}
	if p.steps++; p.steps > maxSteps {
		p.world.checker.Endless(p.machine.ID())
		return
	}
	var actions []coord.Action
	if by := p.jumped; by > 0 {
		p.jumped = 0
		actions = append(actions, p.machine.Step(p.clock(), coord.Jumped{By: by})...)
	}
	actions = append(actions, p.machine.Step(p.clock(), e)...)
	p.known()
	for _, a := range actions {
		p.count(a)
		p.perform(a)
	}
	p.schedule()
}

// maxSteps is how many steps a Machine may make in a millisecond, and maxWait is later than
// anything is due.
const (
	maxSteps = 20_000
	maxWait  = 1000 * time.Hour
)

// schedule sees to it that the Machine gets its tick.
func (p *process) schedule() {
	if p.dead || p.world.failed() {
		return
	}
	wake := p.machine.Wake()
	if wake > p.clock()+maxWait {
		return // nothing is due
	}
	at := max(p.worldTime(wake), p.world.loop.now)
	if p.tick != 0 && p.tick <= at {
		return
	}
	p.tick = at
	p.world.loop.at(at, func() {
		if p.tick != at {
			return
		}
		p.do(func() {
			if p.tick != at {
				return
			}
			p.tick = 0
			if p.machine.Wake() > p.clock() {
				p.schedule()
				return
			}
			p.step(coord.Tick{})
		})
	})
}

// freeze stops the process, and thaw lets it go on.
func (p *process) freeze() {
	p.frozen++
	if p.frozen == 1 {
		p.tell(history.Frozen)
	}
}

func (p *process) thaw() {
	p.frozen--
	if p.frozen > 0 || p.dead {
		return
	}
	p.tell(history.Thawed)
	waiting := p.waiting
	p.waiting = nil
	if n := len(waiting); n > 1 && p.world.rand.IntN(2) == 0 { // what was there first need not come first
		i := p.world.rand.IntN(n)
		waiting[0], waiting[i] = waiting[i], waiting[0]
	}
	for _, f := range waiting {
		p.do(f)
	}
}

// crash ends the process without a word.
func (p *process) crash() {
	p.dead = true
	p.host.process = nil
	p.tell(history.Crashed)
}

// leave asks the process to stop.
func (p *process) leave() {
	if p.leaving {
		return
	}
	p.leaving = true
	p.world.notef("%s is to leave", p.machine.ID())
	p.do(func() { p.step(coord.Leave{}) })
	p.after(shutdownTimeout, func() { p.step(coord.Cut{}) })
}

// shutdownTimeout is how long a process may take to leave.
const shutdownTimeout = 30 * time.Second

// left ends the process as it wanted to.
func (p *process) left(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	p.world.record(history.Event{Kind: history.Left, Worker: p.machine.ID(), OK: err == nil, Text: text})
	p.dead = true
	p.host.process = nil
	if err != nil {
		p.tell(history.Crashed)
	}
	if !p.leaving {
		p.world.notef("BUG: %s left by itself: %s", p.machine.ID(), text)
	}
}

// trusted takes in until when records may be delivered.
func (p *process) trusted(until time.Duration) {
	p.until = p.world.mutant.trust(p, until)
	for _, key := range p.keys {
		p.readers[key].fetch()
	}
	p.watchTrust()
}

// watchTrust cancels the handlers when trust has passed.
func (p *process) watchTrust() {
	until := p.until
	p.world.loop.at(p.worldTime(until), func() {
		p.do(func() {
			if p.clock() < p.until {
				return
			}
			for _, key := range p.keys {
				p.readers[key].cancel()
			}
		})
	})
}

func (p *process) mayDeliver() bool { return p.clock() < p.until }

// What is counted of the requests of a group.
const (
	beats = iota
	polls
	loads
	others
	requestKinds
)

func (p *process) count(a coord.Action) {
	switch a.(type) {
	case coord.Beat:
		p.world.requests[beats]++
	case coord.Poll:
		p.world.requests[polls]++
	case coord.Load:
		p.world.requests[loads]++
	case coord.StartShard, coord.StopShard, coord.Trust, coord.Left, coord.List, coord.Probe:
	default:
		p.world.requests[others]++
	}
}
