package sim

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/kinstream/kin/internal/sim/history"
)

// Options say how to run a [Scenario].
type Options struct {
	Mutant Mutant
	Trace  io.Writer // gets each event as a line; may be nil
}

// Result is what came of a run.
type Result struct {
	Violation *history.Violation // nil if all promises were kept
	Figures   history.Figures
	Events    int64
	Sum       uint64        // stands for the whole history
	Tail      []string      // the last events, if there is a violation
	Time      time.Duration // that passed in the group
	Settled   time.Duration // how long it took after trouble was over
	Requests  Requests
}

// Requests are the calls of the store that a calm group made.
type Requests struct {
	Workers, Leases                 int
	Beats, Polls, Loads, Other, Row int64 // in Time; Row: rows that were changed
	Time                            time.Duration
}

// Run runs a scenario: trouble, then time to settle, then a calm time in which a worker joins
// and one leaves, then trouble of one worker alone. The same scenario gives the same history.
func Run(s Scenario, o Options) Result {
	cfg := history.Config{Trace: o.Trace, MaxGap: maxGap(s)}
	w := newWorld(s, o.Mutant, cfg)
	for _, h := range w.hosts {
		w.loop.at(time.Duration(w.rand.Int64N(int64(s.TTL))), func() { w.boot(h) })
	}
	for _, service := range w.services {
		w.feed(service)
	}
	for _, step := range s.Steps {
		w.loop.at(step.At, func() { w.take(step) })
	}
	w.loop.run(s.Trouble, w.failed)
	r := Result{}
	if !w.failed() {
		w.calmDown()
		r.Settled = w.settle()
	}
	if !w.failed() && !w.skewed() {
		r.Requests = w.calmPhase()
		w.incident()
	}
	r.Violation, r.Figures, r.Events, r.Sum = w.checker.Violation(), w.checker.Figures(), w.checker.Events(), w.checker.Sum()
	r.Time = w.loop.now
	if r.Violation != nil {
		r.Tail = w.checker.Tail(1 << 16)
	}
	return r
}

// maxGap is for how long a planned hand-over may leave a shard unread: a second, with the
// default TTL.
func maxGap(s Scenario) time.Duration { return max(s.TTL/10, 700*time.Millisecond) }

// skewed says whether a clock is wrong by more than the margin, so that nothing about time can
// be promised.
func (w *world) skewed() bool {
	return slices.ContainsFunc(w.hosts, func(h *host) bool { return h.badClock })
}

// calmDown ends all trouble. Whatever was started goes on for as long as it was to.
func (w *world) calmDown() {
	w.calm = true
	w.notef("trouble is over")
	for _, h := range w.hosts {
		if h.process == nil {
			w.boot(h)
		}
	}
}

// settle puts records for a while longer, and returns how long the group took until every
// record was done.
func (w *world) settle() time.Duration {
	s := w.scenario
	began := w.loop.now
	w.loop.run(began+s.TTL, w.failed)
	w.puts = false
	limit := began + w.settleLimit()
	for w.loop.now < limit && !w.failed() {
		if w.settled() == "" {
			return w.loop.now - began
		}
		w.loop.run(w.loop.now+s.TTL/10, w.failed)
	}
	if text := w.settled(); text != "" {
		w.checker.Unsettled(fmt.Sprintf("%s after trouble: %s", w.loop.now-began, text))
	}
	return w.loop.now - began
}

func (w *world) settled() string {
	if text := w.checker.Settled(); text != "" {
		return text
	}
	for _, h := range w.hosts {
		if h.process == nil || h.process.leaving || h.process.frozen > 0 {
			return fmt.Sprintf("host %d has no worker", h.number)
		}
		if h.process.dark() {
			return fmt.Sprintf("the service does not answer host %d", h.number)
		}
	}
	return w.uneven()
}

// settleLimit is how long a group may take until all is done: what had begun ends, the dead are
// found, and generations of shards are read one after the other.
func (w *world) settleLimit() time.Duration {
	s := w.scenario
	generations := 1
	for _, step := range s.Steps {
		if step.What == Split || step.What == Merge {
			generations++
		}
	}
	dark, longest := 0, time.Duration(0)
	for _, step := range s.Steps {
		if step.What == Dark || step.What == Gloom {
			dark, longest = dark+1, max(longest, step.For)
		}
	}
	if dark > 0 { // who can't read again and again comes back later each time
		longest += s.TTL << dark
	}
	return longest + 10*s.TTL + 4*s.Handler.Slow + 3*s.CheckpointEvery + 4*s.ListEvery + time.Duration(generations)*s.TTL + time.Duration(generations)*s.ListEvery
}

// uneven says whether shares differ by more than one, although nothing speaks against it.
func (w *world) uneven() string {
	if w.scenario.Capacity > 0 {
		return ""
	}
	for _, key := range w.table.keys {
		if w.table.leases[key].Pin != "" {
			return ""
		}
	}
	for _, row := range w.table.readWorkers() {
		if row.Draining {
			return ""
		}
	}
	shares := w.checker.Shares()
	least, most := 1<<30, 0
	for _, n := range shares {
		least, most = min(least, n), max(most, n)
	}
	if most > least+1 {
		return fmt.Sprintf("shares are uneven: %v", shares)
	}
	return ""
}

// calmPhase measures what a calm group asks of the store, and lets a worker join and another
// leave, under load.
func (w *world) calmPhase() Requests {
	s := w.scenario
	w.puts = true
	for _, service := range w.services {
		w.feed(service)
	}
	w.requests, w.updates = [requestKinds]int64{}, 0
	const length = time.Minute
	w.loop.run(w.loop.now+length, w.failed)
	r := Requests{
		Workers: len(w.table.ids), Leases: len(w.table.keys), Time: length, Row: w.updates,
		Beats: w.requests[beats], Polls: w.requests[polls], Loads: w.requests[loads], Other: w.requests[others],
	}
	w.record(history.Event{Kind: history.Calm, OK: true})
	h := &host{number: len(w.hosts), rate: 1}
	w.hosts = append(w.hosts, h)
	w.boot(h)
	w.loop.run(w.loop.now+2*s.TTL, w.failed)
	if p := w.hosts[0].process; p != nil && len(w.hosts) > 1 {
		p.leave()
		w.loop.run(w.loop.now+2*s.TTL, w.failed)
	}
	if n := w.checker.Figures().CalmDoubled; n > 0 && !w.failed() {
		w.checker.Unsettled(fmt.Sprintf("%d records were handled twice in planned hand-overs", n))
	}
	w.record(history.Event{Kind: history.Calm})
	return r
}
