package sim

import (
	"errors"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/sim/history"
	"github.com/kinstream/kin/lease"
)

var errDark = errors.New("sim: the service does not answer")

// darken begins or ends a time in which the service does not answer.
func (w *world) darken(count *int, by int) {
	*count += by
	for _, h := range w.hosts {
		if p := h.process; p != nil {
			p.shade()
			p.sense()
		}
	}
}

// dark says whether the service does not answer the process.
func (p *process) dark() bool { return p.host.dark > 0 || p.world.gloom > 0 }

// shade tells the judge.
func (p *process) shade() {
	if dark := p.dark(); dark != p.shaded {
		p.shaded = dark
		p.world.record(history.Event{Kind: history.Shaded, Worker: p.machine.ID(), OK: dark})
	}
}

// sense has the process find out soon, if it reads, that the service does not answer or does again.
func (p *process) sense() {
	if len(p.keys) == 0 || p.dark() == p.failing {
		return
	}
	p.after(time.Duration(p.world.rand.IntN(1000))*time.Millisecond, func() {
		dark := p.dark()
		if len(p.keys) == 0 || dark == p.failing {
			return
		}
		p.failing = dark
		p.step(coord.Served{OK: !dark})
		p.refetch()
	})
}

// refetch goes on with the shards that found the service dark.
func (p *process) refetch() {
	if p.dark() {
		return
	}
	for _, key := range append([]lease.Key(nil), p.keys...) {
		if r := p.readers[key]; r != nil {
			r.fetch()
		}
	}
}

// probe asks the service for anything.
func (p *process) probe(a coord.Probe) {
	w, err := p.world, error(nil)
	takes := time.Duration(5+w.rand.IntN(50)) * time.Millisecond
	if p.dark() {
		err = errDark
		if w.rand.IntN(2) == 0 {
			takes = coord.CallTimeout(w.scenario.TTL, a)
		}
	}
	p.after(takes, func() {
		if err == nil {
			p.failing = false
		}
		p.step(coord.Probed{Err: err})
		p.sense()
	})
}
