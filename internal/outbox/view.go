package outbox

import (
	"cmp"
	"slices"
	"time"
)

// question is when to ask for a View.
type question struct {
	out      bool          // asked, and not answered
	wanted   bool          // something was seen since that an answer may explain
	at       time.Duration // of the next one
	asked    time.Duration // moment of the last one
	failures int           // in a row
	begun    bool          // there was one
	patience time.Duration // until then calls wait for the answer to the first one
}

// firstAnswer is how long calls wait for the first View of a stream, if its records are to be packed or paced: what a
// short run puts would go alone otherwise, and what a flood begins with would be refused. It is time for two calls on a
// new connection to a far region.
const firstAnswer = 500 * time.Millisecond

// ask says whether to ask now. The first question makes calls wait for its answer, for less than half of
// the time that records have.
func (o *Outbox[T]) ask(now time.Duration) bool {
	q := &o.question
	if !q.due(now) {
		return false
	}
	if !q.begun && (o.cfg.Aggregation != None || o.cfg.BytesPerSecond > 0 || o.cfg.RecordsPerSecond > 0) {
		q.patience = now + min(firstAnswer, o.cfg.RecordTTL/2)
	}
	q.begun = true
	return true
}

// awaits says whether calls wait for the first View.
func (o *Outbox[T]) awaits(now time.Duration) bool { return now < o.question.patience }

// due says whether to ask now, and takes that as done.
func (q *question) due(now time.Duration) bool {
	if q.out || now < q.at {
		return false
	}
	q.out, q.wanted, q.asked = true, false, now
	return true
}

// answered ends a question. partial says that there was no answer, or half of one.
func (q *question) answered(partial bool, refreshEvery, now time.Duration, random func() float64) {
	q.out, q.patience = false, 0
	switch {
	case partial:
		q.failures++
		q.at = now + questions.DelayBy(q.failures, random())
	case refreshEvery > 0:
		// By chance up to an eighth sooner: streams that were asked about together spread in time.
		q.failures, q.at = 0, now+refreshEvery-time.Duration(random()*float64(refreshEvery/8))
	}
}

// next is the moment of the next question.
func (q *question) next() time.Duration {
	if q.out {
		return Never
	}
	return q.at
}

// want asks soon, since what is known seems to be wrong.
func (o *Outbox[T]) want(now time.Duration) {
	q := &o.question
	if o.cfg.RefreshEvery <= 0 {
		return
	}
	q.wanted = true
	if !q.out {
		q.at = min(q.at, max(q.asked+askAgain, now))
	}
}

// Learn takes in the answer to Step.Ask, or what the caller knows otherwise.
func (o *Outbox[T]) Learn(v View, now time.Duration) {
	now = o.space.tick(now)
	soon := v.Map != nil || !v.Partial
	if v.Map == nil {
		v.Map = o.view.Map
	}
	o.view = v
	if v.MaxRecordBytes > 0 {
		o.maxRecord = v.MaxRecordBytes
	}
	o.relane(o.mapFor(v), now)
	if o.orderless() {
		o.refuseUnordered(now)
	}
	o.judgeLanded(now)
	o.question.answered(v.Partial, o.cfg.RefreshEvery, now, o.cfg.Random)
	if soon && (o.question.wanted || len(o.landed) > 0) {
		o.want(now)
	}
}

// Forget says that the stream is gone. One of its name that is made anew has other shards with the same
// names: nothing that is known of the old ones may be used for it.
func (o *Outbox[T]) Forget(now time.Duration) {
	if o.cfg.RefreshEvery <= 0 || o.view.Map == nil && o.view.Distribution == Unknown {
		return
	}
	now = o.space.tick(now)
	o.view = View{}
	o.relane(virtualMap(), now)
	o.want(now)
}

// Unlearned says that Step.Ask found no answer. It is asked again later.
func (o *Outbox[T]) Unlearned(now time.Duration) {
	o.question.answered(true, o.cfg.RefreshEvery, o.space.tick(now), o.cfg.Random)
}

// mapFor returns the map that lanes are made of.
func (o *Outbox[T]) mapFor(v View) *Map {
	if v.Map == nil || v.Distribution == Auto {
		return virtualMap()
	}
	return v.Map
}

// packingFor says what may be packed. Where records of a stream land that shares them
// out itself, nobody can predict, and consumers that check hash keys drop aggregates.
func (o *Outbox[T]) packingFor(table *Map) Aggregation {
	if o.view.Distribution != ByKey || o.cfg.Aggregation == ByShard && table.virtual {
		return None
	}
	return o.cfg.Aggregation
}

// relane makes lanes for a map, and moves what waits. Lanes of shards that stay are kept.
func (o *Outbox[T]) relane(table *Map, now time.Duration) {
	packing := o.packingFor(table)
	repack := packing != o.packing
	o.packing = packing
	if o.table == nil || !o.table.same(table) {
		o.remap(table, now)
	}
	if repack {
		for _, l := range o.lanes {
			l.bytes = 0
			for at := l.queue.begin(); at.c != nil; at = at.next() {
				l.bytes += o.weigh(at.item())
			}
			l.need = 0
			o.place(l, now)
		}
	}
}

// remap makes the lanes of another map.
func (o *Outbox[T]) remap(table *Map, now time.Duration) {
	kept := make(map[Shard]*lane[T], len(o.lanes))
	for _, l := range o.lanes {
		kept[l.shard] = l
	}
	old := o.lanes
	o.table, o.lanes = table, make([]*lane[T], table.Len())
	for i := range o.lanes {
		shard := table.Open(i)
		l, stays := kept[shard]
		if stays {
			delete(kept, shard)
		} else {
			l = o.newLane(shard, now)
		}
		o.lanes[i] = l
	}
	stay := make(map[*lane[T]]bool, len(o.lanes))
	for _, l := range o.lanes {
		stay[l] = true
	}
	var items []Item[T]
	var callers []*Waiter[T]
	for _, l := range old {
		if !stay[l] {
			items, callers = o.retire(l, items, callers, now)
		}
	}
	o.resettle(items, callers, now)
}

func (o *Outbox[T]) newLane(shard Shard, now time.Duration) *lane[T] {
	l := &lane[T]{box: o, shard: shard, since: now}
	if o.table.virtual {
		l.pace.start(0, 0, now)
	} else {
		l.pace.start(o.cfg.BytesPerSecond, o.cfg.RecordsPerSecond, now)
	}
	return l
}

// retire ends a lane whose shard is not open any more, and appends what waited in it.
func (o *Outbox[T]) retire(l *lane[T], items []Item[T], callers []*Waiter[T], now time.Duration) ([]Item[T], []*Waiter[T]) {
	l.spent[l.state] += now - l.since
	items = l.queue.take(&o.space.pool, l.queue.n, items)
	l.bytes, l.cost = 0, 0
	for w := l.waiting.head; w != nil; w = l.waiting.head {
		o.space.leave(w)
		callers = append(callers, w)
	}
	o.unplace(l)
	o.past.add(&l.counts)
	o.pastSpent.add(&l.spent)
	l.retired = true
	if o.cfg.Ordered && (l.inflight > 0 || l.waits > 0) {
		// What is in flight from here comes before what waits for the same keys.
		for _, heir := range o.lanes {
			if heir.shard.Range.Overlaps(l.shard.Range) {
				heir.waits++
				l.heirs = append(l.heirs, heir)
			}
		}
	}
	return items, callers
}

// resettle puts what waited in retired lanes into those of the new map, in its order.
func (o *Outbox[T]) resettle(items []Item[T], callers []*Waiter[T], now time.Duration) {
	slices.SortFunc(items, func(a, b Item[T]) int { return cmp.Compare(a.seq, b.seq) })
	for i := range items {
		it := &items[i]
		l := o.laneOf(it.Hash)
		l.queue.push(&o.space.pool, it) // not into the lane of a shard that stayed: ranges don't overlap
		l.bytes += o.weigh(it)
		l.cost += it.cost()
	}
	for _, l := range o.lanes {
		o.place(l, now)
	}
	slices.SortFunc(callers, func(a, b *Waiter[T]) int { return cmp.Compare(a.ticket, b.ticket) })
	for _, w := range callers {
		o.space.join(o.laneOf(w.item.Hash), w)
	}
	if w := o.space.large; w != nil && w.lane.box == o {
		w.lane = o.laneOf(w.item.Hash)
	}
}

// settled lets the heirs of a retired lane go when nothing of it is under way any more.
func (o *Outbox[T]) settled(l *lane[T], now time.Duration) {
	if !l.retired || l.inflight > 0 || l.waits > 0 {
		return
	}
	heirs := l.heirs
	l.heirs = nil
	for _, heir := range heirs {
		heir.waits--
		if heir.waits == 0 {
			o.settled(heir, now)
			o.place(heir, now)
		}
	}
}
