package outbox

import (
	"slices"

	"github.com/kinstream/kin/internal/hashkey"
)

// grouping is the memory of takeByKey, kept from call to call.
type grouping[T any] struct {
	index map[hashkey.Key]int // of the group that takes more records of a key; -1: none does
	found []found[T]
	sizes []estimate[T]
	taken []int // items of each group that have been moved
}

// found is an item for the call, and its group.
type found[T any] struct {
	at    cursor[T]
	group int
}

// takeByKey takes records of the lane for which entries are made by key: with
// aggregation by key they are packed with others of theirs; with order, a key has one entry
// in the call, and what does not go into it is passed over.
func (o *Outbox[T]) takeByKey(c *Call[T], l *lane[T]) {
	g := &o.byKey
	if g.index == nil {
		g.index = make(map[hashkey.Key]int)
	}
	o.group(c, l, g)
	if len(g.found) > 0 {
		o.gather(c, l, g)
	}
	clear(g.index)
	clear(g.found)
	clear(g.sizes)
	g.found, g.sizes, g.taken = g.found[:0], g.sizes[:0], g.taken[:0]
}

// group finds the items, and says which entry each goes into.
func (o *Outbox[T]) group(c *Call[T], l *lane[T], g *grouping[T]) {
	limit, bytes := c.limit, c.Bytes
	passed := 0
	for at := l.queue.begin(); at.c != nil && passed < maxWalk; {
		this, it := at, at.item()
		if it.size() > o.maxRecord {
			at = o.decide(l, at, Refused, tooLarge)
			continue
		}
		at = at.next()
		limit = min(limit, suspicion(it))
		if items := len(c.Items) + len(g.found); items > 0 && items >= limit {
			c.done = true
			return
		}
		i, known := g.index[it.Hash]
		grown := 0
		if known && o.packing == ByPartitionKey && i >= 0 {
			grown = g.sizes[i].growth(it, o.cfg.AggregateMaxRecords)
		}
		switch {
		case grown > 0:
			if bytes+grown > o.cfg.MaxCallBytes {
				c.done = true
				return
			}
			if !l.pace.takeMore(grown) {
				l.need = grown
				return
			}
			g.sizes[i].add(it)
		case known && o.cfg.Ordered:
			g.index[it.Hash] = -1 // what does not go now must not be overtaken
			passed++
			continue
		default:
			if i, grown = o.openGroup(c, l, g, it, bytes); grown == 0 {
				return
			}
		}
		bytes += grown
		g.found = append(g.found, found[T]{this, i})
	}
}

// openGroup begins an entry with the item, and returns its number and size; 0 if it can't.
func (o *Outbox[T]) openGroup(c *Call[T], l *lane[T], g *grouping[T], it *Item[T], bytes int) (group, size int) {
	e := o.packed(it)
	if o.packing == None {
		e.alone = it.size()
	}
	group, size = len(g.sizes), e.size()
	if n := len(c.Entries) + group; n > 0 && (n >= o.cfg.MaxCallRecords || bytes+size > o.cfg.MaxCallBytes) {
		c.done = true
		return 0, 0
	}
	if !l.pace.take(size) {
		l.need = size
		return 0, 0
	}
	g.sizes = append(g.sizes, e)
	g.index[it.Hash] = group
	return group, size
}

// growth returns by how much an entry of one key grows with the item; 0 if it must not
// go in.
func (e *estimate[T]) growth(it *Item[T], most int) int {
	with := *e
	if e.n >= most || it.PartitionKey != e.last.PartitionKey || it.ExplicitHashKey != e.last.ExplicitHashKey || !with.add(it) {
		return 0
	}
	return max(with.size()-e.size(), 1)
}

// gather moves the items that were found into the call.
func (o *Outbox[T]) gather(c *Call[T], l *lane[T], g *grouping[T]) {
	firstEntry, at := len(c.Entries), len(c.Items)
	for i := range g.sizes {
		e := &g.sizes[i]
		c.Entries = append(c.Entries, Entry[T]{First: at, N: e.n, Bytes: e.size(), Aggregate: o.packing != None && e.aggregate(), lane: l, cost: e.cost})
		c.Bytes += e.size()
		at += e.n
	}
	c.Items = slices.Grow(c.Items, at-len(c.Items))[:at]
	g.taken = append(g.taken, make([]int, len(g.sizes))...)
	for _, f := range g.found {
		it := f.at.item()
		c.limit = c.limitWith(it)
		l.bytes -= o.weigh(it)
		l.cost -= it.cost()
		l.out += it.cost()
		c.Items[c.Entries[firstEntry+f.group].First+g.taken[f.group]] = *it
		g.taken[f.group]++
		it.seq = 0 // for compact
	}
	l.queue.compact(&o.space.pool, g.found[len(g.found)-1].at.c)
}
