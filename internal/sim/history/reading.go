package history

import (
	"slices"
	"time"

	"github.com/kinstream/kin/lease"
)

// delivery is a batch that a handler has.
type delivery struct {
	id       int64
	worker   string
	shard    *shard
	from, to int64
	began    time.Duration
	ignores  bool // that its context is cancelled
	frozen   bool // the process stood still while it had the batch
	resumed  time.Duration
	excused  bool // for another reason
	others   []*delivery
}

func (c *Checker) atReader(e Event) {
	s := c.shards[e.Key]
	if s == nil && e.Kind != Handled {
		c.breaksf("only shards that exist are read", "%s", shortKey(e.Key))
		return
	}
	switch e.Kind {
	case Started:
		c.started(s, e)
	case Stopped:
		c.stopped(s, e)
	case Delivered:
		c.delivered(s, e)
	case Handled:
		if d := c.deliveries[e.ID]; d != nil {
			c.ends(d)
		}
	case Acked:
		c.acked(s, e)
	default: // Ended
		c.worker(e.Worker).ended[e.Key] = e.Names
	}
}

func (c *Checker) started(s *shard, e Event) {
	if s.session(e.Worker) != nil {
		c.breaksf("a worker reads a shard once at a time", "%s began %s again", e.Worker, shortKey(e.Key))
		return
	}
	if !c.readable(s) {
		return
	}
	at, ok := c.position(s, lease.Checkpoint(e.Text))
	if !ok {
		c.breaksf("checkpoints are positions", "%s of %s", e.Text, shortKey(e.Key))
	}
	x := &session{worker: e.Worker, epoch: e.Epoch, next: at, revoked: e.Epoch <= s.revoked}
	x.done.add(0, at)
	if row := c.rows[e.Key]; row.Owner == e.Worker && row.Epoch == e.Epoch {
		stored, _ := c.position(s, row.Checkpoint)
		done := stored
		if s.last != nil && s.last.worker == e.Worker && s.last.epoch == e.Epoch {
			done = max(stored, s.last.done.prefix) // it was to be handed over, and is not any more
		}
		if at < stored || at > done {
			c.breaksf("a shard is read from the checkpoint of its lease on", "%s began %s at %s, and %s is stored",
				e.Worker, shortKey(e.Key), e.Text, row.Checkpoint)
		}
	}
	if len(s.sessions) == 0 && s.hadReader() {
		c.gap(s)
	}
	s.sessions = append(s.sessions, x)
}

// readable judges that the parents of a shard are done.
func (c *Checker) readable(s *shard) bool {
	for _, id := range s.parents {
		p := c.shards[lease.Key{Stream: s.key.Stream, Shard: id}]
		if p != nil && !p.complete() {
			c.breaksf("parents are done before their children are read", "%s is read, and %s has %d records of which %d are done",
				shortKey(s.key), shortKey(p.key), p.count, p.done.prefix)
			return false
		}
	}
	return true
}

func (c *Checker) stopped(s *shard, e Event) {
	i := slices.IndexFunc(s.sessions, func(x *session) bool { return x.worker == e.Worker && x.epoch == e.Epoch })
	if i < 0 {
		return // it crashed meanwhile
	}
	for _, d := range s.open {
		if d.worker == e.Worker {
			c.breaksf("a reading has ended when its handler has returned", "%s has %s, and handles [%d,%d)",
				e.Worker, shortKey(e.Key), d.from, d.to)
		}
	}
	s.end(c, i)
}

// end ends a session of the shard.
func (s *shard) end(c *Checker, i int) {
	if x := s.sessions[i]; s.last == nil || x.epoch >= s.last.epoch { // a former owner may end long after a newer one
		s.last = x
	}
	s.sessions = slices.Delete(s.sessions, i, i+1)
	if len(s.sessions) == 0 {
		s.unread, s.calm = c.now, c.calm
	}
}

func (s *shard) hadReader() bool { return s.last != nil }

// gap measures for how long a shard was not read.
func (c *Checker) gap(s *shard) {
	gap := c.now - s.unread
	if s.last.worker != "" {
		c.figures.MaxGap = max(c.figures.MaxGap, gap)
	}
	if !s.calm || !c.calm {
		return
	}
	c.figures.MaxCalmGap = max(c.figures.MaxCalmGap, gap)
	if c.cfg.MaxGap > 0 && gap > c.cfg.MaxGap {
		c.breaksf("a planned hand-over leaves no shard unread for long", "%s was unread for %s", shortKey(s.key), gap)
	}
}

func (c *Checker) delivered(s *shard, e Event) {
	x := s.session(e.Worker)
	if x == nil || x.epoch != e.Epoch {
		c.breaksf("only who reads a shard delivers its records", "%s: %s", e.Worker, shortKey(e.Key))
		return
	}
	if !c.readable(s) {
		return
	}
	c.entitled(x, e)
	if e.From > x.next && (e.From > s.trimmed || x.next > s.trimmed) {
		c.breaksf("records of a shard are delivered without a hole", "%s: [%d,%d) of %s after %d",
			e.Worker, e.From, e.To, shortKey(e.Key), x.next)
	}
	if e.From < x.next && e.From < x.done.prefix {
		c.breaksf("records of a shard are delivered in order", "%s: [%d,%d) of %s, of which %d are acknowledged",
			e.Worker, e.From, e.To, shortKey(e.Key), x.done.prefix)
	}
	if e.To > s.count {
		c.breaksf("records are delivered that were put", "[%d,%d) of %d", e.From, e.To, s.count)
	}
	if e.From < x.next {
		x.done.cut(e.From) // all from there on will come again, and has to be acknowledged anew
	}
	again := s.done.within(max(e.From, x.next), e.To)
	c.figures.Doubled += again
	if c.calm && s.calmReader(x) {
		c.figures.CalmDoubled += again
	}
	x.next = max(x.next, e.To)
	if x.done.prefix < e.From && e.From == s.trimmed {
		x.done.add(0, e.From)
	}
	c.figures.Delivered += e.To - e.From
	d := &delivery{id: e.ID, worker: e.Worker, shard: s, from: e.From, to: e.To, began: e.At, ignores: e.OK, excused: x.revoked}
	c.overlaps(d)
	s.open = append(s.open, d)
	c.deliveries[d.id] = d
}

// calmReader says whether the reading took over from another in a calm time, so that nothing
// should be delivered twice.
func (s *shard) calmReader(*session) bool { return s.last != nil && s.calm }

// entitled judges whether a worker may deliver records of a shard now.
func (c *Checker) entitled(x *session, e Event) {
	w := c.worker(e.Worker)
	if w.badClock {
		return
	}
	until := w.trusted + scale(c.cfg.TTL, trustFor*(1+2*c.cfg.ClockError)) + c.cfg.Granularity
	if !w.trusting || e.At > until {
		c.breaksf("a worker trusts its leases for 0.7 TTL", "%s delivered records of %s %s after the start of its last heartbeat",
			e.Worker, shortKey(e.Key), e.At-w.trusted)
	}
	if w.gone && w.row {
		c.breaksf("worker IDs are never used again", "%s was forgotten, and delivers records of %s under the same ID", e.Worker, shortKey(e.Key))
	}
	row := c.rows[e.Key]
	if row.Owner == e.Worker && row.Epoch == e.Epoch || x.revoked || w.forced {
		return
	}
	if c.worker(row.Owner).badClock {
		return
	}
	c.breaksf("only the owner delivers records", "%s delivered %s with epoch %d, and %q is the owner with epoch %d",
		e.Worker, shortKey(e.Key), e.Epoch, row.Owner, row.Epoch)
}

func (c *Checker) acked(s *shard, e Event) {
	if x := s.session(e.Worker); x != nil && x.epoch == e.Epoch {
		if e.To > x.next {
			c.breaksf("records are acknowledged that were delivered", "[%d,%d) of %d", e.From, e.To, x.next)
		}
		x.done.add(e.From, e.To)
	}
	s.done.add(e.From, e.To)
}
