package outbox

import "time"

// pick makes a call, if there is reason for one.
func (o *Outbox[T]) pick(now time.Duration) *Call[T] {
	o.rouse(now)
	if !o.goes() {
		return nil
	}
	c := o.newCall(now)
	for l := o.ready.head; l != nil && !c.done; l = o.ready.head {
		o.serve(c, l, true, now)
	}
	for l := o.full.head; l != nil && !c.done; l = o.full.head {
		o.serve(c, l, false, now)
	}
	if o.packing != None {
		// Lanes whose time is half over join, so that they don't make a call each.
		for len(o.dues.heap) > 0 && !c.done && o.dues.first() <= after(now, o.cfg.Linger/2) {
			o.serve(c, o.dues.heap[0].lane, true, now)
		}
	}
	if len(c.Items) == 0 {
		o.recycle(c)
		return nil
	}
	o.queued -= len(c.Items)
	o.calls++
	o.space.calls++
	o.space.pressed = false
	return c
}

// rouse looks again at lanes whose state is over.
func (o *Outbox[T]) rouse(now time.Duration) {
	for o.sleepers.first() <= now {
		o.place(o.sleepers.heap[0].lane, now)
	}
	for o.dues.first() <= now || o.space.hurried() && len(o.dues.heap) > 0 {
		o.place(o.dues.heap[0].lane, now)
	}
}

// serve lets a lane put what it may into the call. Afterwards the lane is in another
// state or place, or has no full entry any more, or the call is done.
func (o *Outbox[T]) serve(c *Call[T], l *lane[T], partial bool, now time.Duration) {
	before := len(c.Entries)
	l.pace.refill(now)
	l.need = 0
	switch {
	case o.packing == ByShard:
		o.takePacked(c, l, partial)
	case o.packing == ByPartitionKey || o.cfg.Ordered:
		o.takeByKey(c, l)
	default:
		o.takeRaw(c, l)
	}
	l.inflight += len(c.Entries) - before
	if c.done && len(c.Entries) == before && l.state == Ready {
		return // it keeps its turn
	}
	o.ready.remove(l)
	o.full.remove(l)
	o.place(l, now)
}

// takeRaw puts records as they are into the call.
func (o *Outbox[T]) takeRaw(c *Call[T], l *lane[T]) {
	from, n := len(c.Items), 0
	for at := l.queue.begin(); at.c != nil; {
		it := at.item()
		size := it.size()
		switch {
		case size > o.maxRecord:
			at = o.decide(l, at, Refused, tooLarge)
			continue
		case !c.takes(o, it, size, n):
			c.done = true
		case !l.pace.take(size):
			l.need = size
		default:
			c.limit = c.limitWith(it)
			c.Entries = append(c.Entries, Entry[T]{First: from + n, N: 1, Bytes: size, lane: l, cost: it.cost()})
			c.Bytes += size
			l.bytes -= o.weigh(it)
			l.cost -= it.cost()
			l.out += it.cost()
			n++
			at = at.next()
			continue
		}
		break
	}
	c.Items = l.queue.take(&o.pool, n, c.Items)
}

// takePacked packs records of the lane into entries, in their order.
func (o *Outbox[T]) takePacked(c *Call[T], l *lane[T], partial bool) {
	for l.queue.n > 0 {
		if !partial && l.bytes < o.cfg.AggregateMaxBytes && l.queue.n < o.cfg.AggregateMaxRecords {
			return
		}
		first := l.queue.begin()
		if first.item().size() > o.maxRecord {
			o.decide(l, first, Refused, tooLarge)
			continue
		}
		e := o.measure(c, l)
		switch {
		case !c.takes(o, first.item(), e.size(), 0):
			c.done = true
			return
		case !l.pace.take(e.size()):
			l.need = e.size()
			return
		}
		c.limit = e.limit
		c.Entries = append(c.Entries, Entry[T]{First: len(c.Items), N: e.n, Bytes: e.size(), Aggregate: e.aggregate(), lane: l, cost: e.cost})
		c.Bytes += e.size()
		l.bytes -= e.weight
		l.cost -= e.cost
		l.out += e.cost
		c.Items = l.queue.take(&o.pool, e.n, c.Items)
		if o.cfg.Ordered {
			return // entries of a call may be stored in any order
		}
	}
}

// measure finds the next entry: the items from the head of the lane that it has, at least one.
func (o *Outbox[T]) measure(c *Call[T], l *lane[T]) estimate[T] {
	at := l.queue.begin()
	e := o.packed(at.item())
	if o.cfg.Ordered {
		// One entry has to carry what the shard takes until the next one: as much as there
		// are tokens for, but not less than without order.
		e.bound = min(e.bound, max(o.cfg.AggregateMaxBytes+len(at.item().PartitionKey), l.pace.tokens()))
	}
	if n := l.pace.failures; n > 1 {
		// Others put into the shard as much as it takes: only something small finds room between what
		// they put. From then on they are refused too, and leave more.
		e.bound = min(e.bound, o.cfg.AggregateMaxBytes>>min(n-1, 6)+len(at.item().PartitionKey))
	}
	e.limit = c.limitWith(at.item())
	for at = at.next(); at.c != nil && e.n < o.cfg.AggregateMaxRecords; at = at.next() {
		limit := min(e.limit, suspicion(at.item()))
		if len(c.Items)+e.n >= limit || !e.add(at.item()) {
			break
		}
		e.limit = limit
	}
	return e
}

// packed begins to measure an entry.
func (o *Outbox[T]) packed(first *Item[T]) estimate[T] {
	bound := min(o.maxRecord, o.cfg.MaxCallBytes)
	if !o.cfg.Ordered {
		bound = min(bound, o.cfg.AggregateMaxBytes+len(first.PartitionKey))
	}
	weight := first.packedSize()
	return estimate[T]{
		n: 1, last: first, bound: bound, most: o.maxRecord, body: frameSize + weight + len(first.PartitionKey), alone: first.aloneSize(),
		weight: weight, cost: first.cost(),
	}
}

// estimate measures an entry from above.
type estimate[T any] struct {
	n     int
	last  *Item[T]
	body  int // of the aggregate, with the partition key of the entry
	alone int // of the first item without an aggregate
	bound int // of body
	most  int // of alone, if the item is packed

	weight, cost int // of the items, as Outbox.weigh and the Space count
	limit        int // of items in the call
}

// add adds an item, unless the entry would be too large, or one of the two must be alone.
func (e *estimate[T]) add(it *Item[T]) bool {
	weight := it.packedSize()
	more := weight
	if it.Hash == e.last.Hash && it.PartitionKey == e.last.PartitionKey && it.ExplicitHashKey == e.last.ExplicitHashKey {
		more -= fieldSize(len(it.PartitionKey)) // the table of keys has it
		if it.ExplicitHashKey != "" {
			more -= fieldSize(len(it.ExplicitHashKey))
		}
	}
	if e.body+more > e.bound || it.strays >= maxStrays || e.last.strays >= maxStrays {
		return false
	}
	e.n++
	e.body += more
	e.weight += weight
	e.cost += it.cost()
	e.last = it
	return true
}

// aggregate says whether the items are packed: a single one that looks like an aggregate
// is too, if that fits.
func (e *estimate[T]) aggregate() bool {
	return e.n > 1 || e.alone > e.last.size() && e.alone <= e.most
}

func (e *estimate[T]) size() int {
	if e.n == 1 {
		return e.alone
	}
	return e.body
}

// takes says whether an entry that begins with the item has room in the call, of which
// more items are known than are in it yet.
func (c *Call[T]) takes(o *Outbox[T], first *Item[T], size, more int) bool {
	n := len(c.Items) + more
	return n == 0 || len(c.Entries) < o.cfg.MaxCallRecords && c.Bytes+size <= o.cfg.MaxCallBytes && n < c.limitWith(first)
}

// limitWith returns how many items the call may have if it has that one.
func (c *Call[T]) limitWith(it *Item[T]) int { return min(c.limit, suspicion(it)) }

// suspicion returns how many items a call with this one may have: half as many as the
// smallest that was refused for what was in it, so that the search for the bad one ends.
func suspicion[T any](it *Item[T]) int {
	if it.suspect == 0 {
		return unlimited
	}
	return max(int(it.suspect/2), 1)
}

const unlimited = int(^uint32(0) >> 1)

// newCall returns an empty call, perhaps one that was used before.
func (o *Outbox[T]) newCall(now time.Duration) *Call[T] {
	var c *Call[T]
	if n := len(o.spare); n > 0 {
		c, o.spare[n-1] = o.spare[n-1], nil
		o.spare = o.spare[:n-1]
	} else {
		c = &Call[T]{}
	}
	c.begun, c.limit = now, unlimited
	return c
}

// recycle keeps an empty call for the next ones. What was needed under load goes when
// nothing is held any more.
func (o *Outbox[T]) recycle(c *Call[T]) {
	*c = Call[T]{Items: c.Items[:0], Entries: c.Entries[:0]}
	if len(o.spare) <= o.space.limits.Calls {
		o.spare = append(o.spare, c)
	}
	if o.space.outstanding == 0 {
		for i, c := range o.spare {
			if cap(c.Items) > spareItems {
				o.spare[i] = &Call[T]{}
			}
		}
	}
}

// spareItems is how many items a call has room for that is kept while nothing is held.
const spareItems = 4096
