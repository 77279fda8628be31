package history

import (
	"slices"
	"time"
)

// overlaps judges that a handler gets records of a shard of which another worker's has some too.
func (c *Checker) overlaps(d *delivery) {
	for _, o := range d.shard.open {
		if o.worker == d.worker {
			continue
		}
		d.others = append(d.others, o)
		o.others = append(o.others, d)
		if !c.mayOverlap(o) && !c.mayOverlap(d) {
			c.breaksf("handlers of two workers overlap only where it can't be helped",
				"%s: %s has [%d,%d) since %s, and %s gets [%d,%d)",
				shortKey(d.shard.key), o.worker, o.from, o.to, o.began, d.worker, d.from, d.to)
		}
	}
}

// mayOverlap says whether there is a reason why a handler may still be at work.
func (c *Checker) mayOverlap(d *delivery) bool {
	w := c.worker(d.worker)
	return d.ignores || d.frozen || d.excused || w.badClock || w.forced
}

// ends ends a delivery, and measures with what it overlapped. A process that stands still
// handles nothing.
func (c *Checker) ends(d *delivery) {
	for _, o := range d.others {
		from := max(d.began, o.began, d.resumed, o.resumed)
		if c.worker(o.worker).frozen || c.worker(d.worker).frozen {
			from = c.now
		}
		length := max(0, c.now-from)
		switch {
		case c.worker(d.worker).badClock || c.worker(o.worker).badClock:
			c.figures.Overlap.BadClock.add(length)
		case d.excused || o.excused || c.worker(d.worker).forced || c.worker(o.worker).forced:
			c.figures.Overlap.Operator.add(length)
		case d.ignores || o.ignores:
			c.figures.Overlap.Handler.add(length)
		default:
			c.figures.Overlap.Frozen.add(length)
		}
		o.others = slices.DeleteFunc(o.others, func(x *delivery) bool { return x == d })
	}
	d.others = nil
	d.shard.open = slices.DeleteFunc(d.shard.open, func(x *delivery) bool { return x == d })
	delete(c.deliveries, d.id)
}

// of returns the deliveries of a worker, in order.
func (c *Checker) of(w *worker) []*delivery {
	var all []*delivery
	for _, d := range c.deliveries {
		if d.worker == w.id {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b *delivery) int { return int(a.id - b.id) })
	return all
}

func (c *Checker) freeze(w *worker) {
	for _, d := range c.of(w) {
		d.frozen = true
	}
}

func (c *Checker) thaw(w *worker) {
	for _, d := range c.of(w) {
		d.resumed = c.now
	}
}

// crash ends all that a process did.
func (c *Checker) crash(w *worker) {
	for _, d := range c.of(w) {
		c.ends(d)
	}
	for _, key := range c.keys() {
		s := c.shards[key]
		if i := slices.IndexFunc(s.sessions, func(x *session) bool { return x.worker == w.id }); i >= 0 {
			s.end(c, i)
		}
	}
}

// Lengths sums up how long something took.
type Lengths struct {
	Count int64
	Max   time.Duration
}

func (l *Lengths) add(d time.Duration) {
	if d > 0 {
		l.Count++
		l.Max = max(l.Max, d)
	}
}

func (l *Lengths) merge(o Lengths) {
	l.Count += o.Count
	l.Max = max(l.Max, o.Max)
}
