package sim

import "time"

// incident brings one worker of a calm group into trouble for long. The others must read its
// shards when it can't, after the TTL and a little.
func (w *world) incident() {
	s := w.scenario
	h := w.hosts[len(w.hosts)-1] // which joined in the calm time
	alone := 0
	for _, other := range w.hosts {
		if other.process != nil && other != h {
			alone++
		}
	}
	if w.failed() || alone == 0 || h.process == nil || s.Capacity > 0 {
		return
	}
	w.loop.run(w.loop.now+time.Duration(w.rand.Int64N(int64(s.TTL))), w.failed)
	w.checker.Pass(w.loop.now)
	w.checker.Watch(s.TTL)
	limit := w.afflict(h)
	for end := w.loop.now + 4*s.TTL; w.loop.now < end && !w.failed(); {
		w.loop.run(w.loop.now+s.TTL/20, w.failed)
		w.checker.Pass(w.loop.now)
		w.checker.Watch(limit)
	}
}

// afflict does one thing to the process of a host, and returns for how long a shard may be
// unread then. Who gets no answers sends heartbeats for a while, so that it takes longer until
// others know of it.
func (w *world) afflict(h *host) time.Duration {
	limit := w.scenario.TTL + 2*time.Second
	longer := limit + w.scenario.TTL*7/10
	kind := w.rand.IntN(6)
	w.notef("incident %d", kind)
	switch kind {
	case 0:
		h.process.crash()
	case 1:
		h.process.freeze()
	case 2: // no request arrives
		h.cut, h.oneWay = 1, false
	case 3: // no answer arrives
		h.cut, h.oneWay = 1, true
	case 4: // a worker can't finish joining
		late := &host{number: len(w.hosts), rate: 1, cut: 1, oneWay: true}
		w.hosts = append(w.hosts, late)
		w.boot(late)
		return longer
	default: // a worker is cut off when it has just joined
		late := &host{number: len(w.hosts), rate: 1}
		w.hosts = append(w.hosts, late)
		w.boot(late)
		w.loop.after(time.Duration(w.rand.Int64N(int64(w.scenario.TTL))), func() { late.cut, late.oneWay = 1, w.rand.IntN(2) == 0 })
		return longer
	}
	return limit
}
