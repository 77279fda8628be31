package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/sim/history"
	"github.com/kinstream/kin/lease"
)

// world is everything that there is: hosts with their processes, the store, the streams, and what
// disturbs them. It has one thread and one source of chance.
type world struct {
	scenario  Scenario
	mutant    Mutant
	loop      loop
	rand      *rand.Rand
	checker   *history.Checker
	table     *table
	services  []*service
	hosts     []*host
	down      int // outages of the store that go on
	throttled int
	gloom     int  // times in which the service answers nobody that go on
	calm      bool // nothing fails, and handlers are quick
	puts      bool
	ids       int64 // of deliveries
	requests  [requestKinds]int64
	updates   int64 // rows that were to be changed
}

// base is the time on the service's clock at the beginning.
var base = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newWorld(s Scenario, m Mutant, cfg history.Config) *world {
	w := &world{scenario: s, mutant: m, rand: rand.New(rand.NewPCG(s.Seed, 2)), puts: true}
	cfg.TTL, cfg.Wall, cfg.ClockError = s.TTL, base, s.ClockError
	w.checker = history.New(cfg)
	w.table = newTable(w.record, m)
	for i := range s.Streams {
		arn := fmt.Sprintf("arn:aws:kinesis:eu-west-1:123456789012:stream/%d", i)
		w.services = append(w.services, newService(w, arn, s.Shards))
	}
	for i := range s.Hosts {
		w.hosts = append(w.hosts, &host{number: i, rate: 1 + s.ClockError*(2*w.rand.Float64()-1)})
	}
	return w
}

func (w *world) record(e history.Event) {
	e.At = w.loop.now
	w.checker.Record(e)
}

func (w *world) notef(format string, args ...any) {
	w.record(history.Event{Kind: history.Note, Text: fmt.Sprintf(format, args...)})
}

// failed says whether a promise was broken, so that there is no use in going on.
func (w *world) failed() bool { return w.checker.Violation() != nil }

// wall is the time on the service's clock.
func (w *world) wall() time.Time { return base.Add(w.loop.now) }

// timestamp returns the time of an AT_TIMESTAMP.
func (w *world) timestamp(cp lease.Checkpoint) (time.Duration, bool) {
	text, ok := strings.CutPrefix(string(cp), "AT_TIMESTAMP:")
	if !ok {
		return 0, false
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return at.Sub(base), err == nil
}

func (w *world) service(arn string) *service {
	for _, s := range w.services {
		if s.arn == arn {
			return s
		}
	}
	return nil
}

// streams are the settings of every worker.
func (w *world) streams() []coord.StreamConfig {
	var all []coord.StreamConfig
	for _, s := range w.services {
		all = append(all, coord.StreamConfig{ARN: s.arn, CreatedAt: base, Start: w.scenario.Start})
	}
	return all
}

// wakeReaders tells those who read a shard that there is something new.
func (w *world) wakeReaders(sh *shard) {
	for _, h := range w.hosts {
		if p := h.process; p != nil {
			if r := p.readers[sh.key]; r != nil {
				r.fetch()
			}
		}
	}
}

// feed puts records into random shards for as long as there are to be some.
func (w *world) feed(s *service) {
	pause := time.Duration(w.rand.Int64N(int64(2 * w.scenario.PutEvery)))
	w.loop.after(pause, func() {
		if !w.puts {
			return
		}
		for range 1 + len(s.open)/10 {
			s.put(s.open[w.rand.IntN(len(s.open))], 1+w.rand.Int64N(6))
		}
		w.feed(s)
	})
}
