package sim

import (
	"time"

	"github.com/kinstream/kin/internal/sim/history"
	"github.com/kinstream/kin/lease"
)

// take does a step.
func (w *world) take(s Step) {
	h := w.hosts[s.Host%len(w.hosts)]
	service := w.services[s.Pick%len(w.services)]
	w.notef("step: %s", s)
	switch s.What {
	case Split, Merge, Trim, Expire:
		w.reshard(service, s)
		return
	case Outage:
		w.down++
		w.loop.after(s.For, func() { w.down-- })
		return
	case Throttle:
		w.throttled++
		w.loop.after(s.For, func() { w.throttled-- })
		return
	case Partition:
		h.cut++
		h.oneWay = s.Pick%2 == 0
		w.loop.after(s.For, func() { h.cut-- })
		return
	case Dark:
		w.darken(&h.dark, 1)
		w.loop.after(s.For, func() { w.darken(&h.dark, -1) })
		return
	case Gloom:
		w.darken(&w.gloom, 1)
		w.loop.after(s.For, func() { w.darken(&w.gloom, -1) })
		return
	case Start:
		w.boot(h)
		return
	case Reset:
		w.reset(service, s.Pick)
		return
	case Pin:
		w.pin(h, s.Pick)
		return
	default:
	}
	if p := h.process; p != nil {
		w.strike(p, s)
	}
}

// strike does a step to a process.
func (w *world) strike(p *process, s Step) {
	h := p.host
	switch s.What {
	case Crash:
		p.crash()
		w.loop.after(s.For, func() { w.boot(h) })
	case Leave:
		p.leave()
		w.again(h, s.For)
	case Freeze:
		p.freeze()
		w.loop.after(s.For, p.thaw)
	case Jump:
		p.setClock(s.For, p.rate)
		p.jumped += s.For
		p.schedule()
	case Drain:
		id := p.machine.ID()
		w.operate(func() {
			if w.table.drain(id, true) == nil {
				w.table.announce()
			}
		})
		w.loop.after(s.For, func() {
			if w.table.drain(id, false) == nil {
				w.table.announce()
			}
		})
	case Force:
		w.operate(func() { w.table.forget(p.machine.ID(), lease.AnyBeat, history.Operator) })
	case Drift:
		h.rate, h.badClock = 0.6, true
		p.setClock(0, h.rate)
		p.tell(history.BadClock)
		p.schedule()
	default:
	}
}

// operate does what an operator does, and raises the version.
func (w *world) operate(f func()) {
	f()
	w.table.announce()
}

// again starts a process on a host when the one that is leaving has been gone for a while.
func (w *world) again(h *host, after time.Duration) {
	w.loop.after(after+100*time.Millisecond, func() {
		if h.process != nil && h.process.leaving {
			w.again(h, after)
			return
		}
		w.boot(h)
	})
}

func (w *world) reshard(s *service, step Step) {
	const maxOpen = 1200
	switch {
	case step.What == Split && len(s.open) < maxOpen:
		s.split(step.Pick)
	case step.What == Merge:
		s.merge(step.Pick)
	case step.What == Trim:
		s.trim(step.Pick)
	case step.What == Expire:
		s.expire()
	}
}

// pin sets the pin of a lease, or takes it away.
func (w *world) pin(h *host, pick int) {
	if len(w.table.keys) == 0 {
		return
	}
	row := w.table.leases[w.table.keys[pick%len(w.table.keys)]]
	pinned := row
	pinned.Pin = ""
	if row.Pin == "" && h.process != nil {
		pinned.Pin = h.process.machine.ID()
	}
	w.operate(func() { w.table.update(lease.Set(row, pinned), history.Operator) })
}

// reset takes all leases of a stream from their owners, and sets their checkpoints to the
// oldest records or to now.
func (w *world) reset(s *service, pick int) {
	to := lease.TrimHorizon
	if pick/2%2 == 0 {
		to = lease.Checkpoint("AT_TIMESTAMP:" + w.wall().Format("2006-01-02T15:04:05.000Z07:00"))
	}
	w.operate(func() {
		for _, row := range w.table.readLeases(lease.Key{}, len(w.table.keys)) {
			if row.Stream != s.arn {
				continue
			}
			fresh := row
			fresh.Owner, fresh.Epoch, fresh.Checkpoint = "", row.Epoch+1, to
			w.table.update(lease.Set(row, fresh), history.Operator)
		}
	})
}
