package sim

import (
	"fmt"
	"time"

	"github.com/kinstream/kin/lease"
)

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
	if w.rand.IntN(8) == 0 {
		w.blackout()
		return
	}
	limit := w.afflict(h)
	for end := w.loop.now + 4*s.TTL; w.loop.now < end && !w.failed(); {
		w.loop.run(w.loop.now+s.TTL/20, w.failed)
		w.checker.Pass(w.loop.now)
		w.checker.Watch(limit)
	}
}

// blackout has the service answer nobody for long. No lease must move because of that, also when it is
// over, and shards be read at once then.
func (w *world) blackout() {
	s := w.scenario
	w.notef("incident: nobody can read")
	owners := map[lease.Key]string{}
	for _, key := range w.table.keys {
		owners[key] = w.table.leases[key].Owner
	}
	w.darken(&w.gloom, 1)
	w.loop.run(w.loop.now+5*s.TTL, w.failed)
	w.darken(&w.gloom, -1)
	w.checker.Pass(w.loop.now)
	w.checker.Watch(10 * s.TTL)
	for end := w.loop.now + 3*s.TTL; w.loop.now < end && !w.failed(); {
		w.loop.run(w.loop.now+s.TTL/20, w.failed)
		w.checker.Pass(w.loop.now)
		w.checker.Watch(2 * time.Second)
	}
	for _, key := range w.table.keys {
		if owner, row := owners[key], w.table.leases[key]; owner != row.Owner && owner != "" && !w.failed() {
			w.checker.Stirred(fmt.Sprintf("%s went from %s to %q", key.Shard, owner, row.Owner))
		}
	}
}

// afflict does one thing to the process of a host, and returns for how long a shard may be
// unread then. Who gets no answers sends heartbeats for a while, so that it takes longer until
// others know of it.
func (w *world) afflict(h *host) time.Duration {
	limit := w.scenario.TTL + 2*time.Second
	longer := limit + w.scenario.TTL*7/10
	kind := w.rand.IntN(7)
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
	case 5: // the service does not answer
		w.darken(&h.dark, 1)
		return 2*w.scenario.TTL + w.scenario.TTL*3/10 + 3*time.Second
	default: // a worker is cut off when it has just joined
		late := &host{number: len(w.hosts), rate: 1}
		w.hosts = append(w.hosts, late)
		w.boot(late)
		w.loop.after(time.Duration(w.rand.Int64N(int64(w.scenario.TTL))), func() { late.cut, late.oneWay = 1, w.rand.IntN(2) == 0 })
		return longer
	}
	return limit
}
