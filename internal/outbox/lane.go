package outbox

import "time"

// State is what a lane waits for.
type State uint8

// States of a lane, and what ends them.
const (
	Idle      State = iota // nothing is in it
	Gathering              // more records, until Linger is over
	Ready                  // a call
	Limited                // tokens
	Paused                 // the end of a pause after failures
	Held                   // with order: the end of what is in flight
	states
)

// lane is where the records of one open shard wait. Invariant: a lane is on the
// structures of its state and on no others: see [Outbox.place].
type lane[T any] struct {
	box   *Outbox[T]
	shard Shard
	queue queue[T]
	bytes int // of the queue, as Outbox.weigh counts
	cost  int // of the queue, as the Space counts
	out   int // of what is in calls

	// What a call could take without waiting for more, while the lane gathers.
	full, fullBytes int

	pace pace
	need int // bytes of the entry for which tokens were missing

	state State
	since time.Duration
	spent [states]time.Duration

	inflight int        // entries in calls, or landed and not judged
	waits    int        // with order: retired lanes whose entries must be settled before
	retired  bool       // its shard is not open any more
	heirs    []*lane[T] // of a retired lane: those that wait for it

	waiting waiters[T]
	links   [chains]link[T]
	slot    [agendas]int // place on the agenda, counted from 1; 0: none

	counts Counts
	times  times
}

// tally is where to count: what happens to records of a lane that is retired is
// counted for the stream only.
func (l *lane[T]) tally() *Counts {
	if l.retired {
		return &l.box.past
	}
	return &l.counts
}

// judge says which state the lane is in, and the moment at which that may end by itself.
func (l *lane[T]) judge(now time.Duration) (State, time.Duration) {
	if l.queue.n == 0 {
		return Idle, Never
	}
	if l.box.cfg.Ordered && (l.inflight > 0 || l.waits > 0) {
		return Held, Never
	}
	if now < l.pace.pausedUntil {
		return Paused, l.box.roundUp(l.pace.pausedUntil)
	}
	if at := l.pace.ready(l.need, now); at > now {
		return Limited, l.box.roundUp(at)
	}
	if due := l.due(); due > now {
		return Gathering, due
	}
	return Ready, Never
}

// due is when the oldest record wants to leave.
func (l *lane[T]) due() time.Duration {
	if l.box.space.hurried() {
		return 0
	}
	return after(l.queue.oldest().accepted, l.box.cfg.Linger)
}

// roundUp returns the next moment at which lanes wake together. Producers that share a
// shard wake at different moments: the one that always comes first would leave nothing for others.
func (o *Outbox[T]) roundUp(at time.Duration) time.Duration {
	late := (at - o.phase + tick - 1) % tick // after the tick before the next one
	return at + tick - 1 - late
}

// place puts the lane where its state belongs.
func (o *Outbox[T]) place(l *lane[T], now time.Duration) {
	if l.retired {
		return
	}
	state, at := l.judge(now)
	if state != l.state {
		o.leave(l)
		l.spent[l.state] += now - l.since
		l.state, l.since = state, now
	}
	switch state {
	case Ready:
		o.ready.push(l)
	case Gathering:
		o.dues.set(l, at)
	case Limited, Paused:
		o.sleepers.set(l, at)
	case Idle, Held, states:
	}
	o.recount(l)
	if l.queue.n > 0 {
		o.watch(l)
	}
}

// leave takes a lane off the structure of its state.
func (o *Outbox[T]) leave(l *lane[T]) {
	switch l.state {
	case Ready:
		o.ready.remove(l)
	case Gathering:
		o.dues.remove(l)
	case Limited, Paused:
		o.sleepers.remove(l)
	case Idle, Held, states:
	}
}

// unplace takes a lane off all structures.
func (o *Outbox[T]) unplace(l *lane[T]) {
	o.leave(l)
	o.expiries.remove(l)
	l.state = Idle
	o.recount(l)
}

// watch sees to it that the oldest record expires in time. The moment on the agenda may
// be too early, never too late: so lanes through which records run cost nothing.
func (o *Outbox[T]) watch(l *lane[T]) {
	if at := o.expiry(l.queue.oldest()); at < o.expiries.moment(l) {
		o.expiries.set(l, at)
	}
}

// expiry returns the moment from which no attempt of the item may begin.
func (o *Outbox[T]) expiry(it *Item[T]) time.Duration {
	return after(it.accepted, o.cfg.RecordTTL)
}

// after returns a moment so much later, or Never.
func after(moment, wait time.Duration) time.Duration {
	if wait > Never-moment {
		return Never
	}
	return moment + wait
}

// recount brings up to date what the lane adds to the next call if that goes for other
// reasons than the lane's own.
func (o *Outbox[T]) recount(l *lane[T]) {
	full, bytes := 0, 0
	if l.state == Gathering {
		if o.packing == None {
			full, bytes = l.queue.n, l.bytes
		} else {
			full = max(l.bytes/o.cfg.AggregateMaxBytes, l.queue.n/o.cfg.AggregateMaxRecords)
			bytes = full * o.cfg.AggregateMaxBytes
		}
	}
	o.fullEntries += full - l.full
	o.fullBytes += bytes - l.fullBytes
	l.full, l.fullBytes = full, bytes
	if full > 0 {
		o.full.push(l)
	} else {
		o.full.remove(l)
	}
}

// append puts a new item into the lane's queue.
func (o *Outbox[T]) append(l *lane[T], it *Item[T], now time.Duration) {
	l.queue.push(&o.space.pool, it)
	weight := o.weigh(it)
	l.bytes += weight
	l.cost += it.cost()
	switch {
	case l.state == Idle:
		o.place(l, now)
	case l.state != Gathering:
	case o.packing == None:
		l.full++
		l.fullBytes += weight
		o.fullEntries++
		o.fullBytes += weight
	case l.bytes >= (l.full+1)*o.cfg.AggregateMaxBytes || l.queue.n >= (l.full+1)*o.cfg.AggregateMaxRecords:
		o.recount(l)
	}
}

// putBack returns an item to the lane that is right for it now, to where its place in
// the order is. from is what it returned for the item before, if that went to the same lane.
func (o *Outbox[T]) putBack(l *lane[T], it *Item[T], from *chunk[T]) *chunk[T] {
	l.bytes += o.weigh(it)
	l.cost += it.cost()
	return l.queue.insert(&o.space.pool, it, from)
}
