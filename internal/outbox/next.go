package outbox

import "time"

// Call is a PutRecords call, or a number of items that are decided without one.
type Call[T any] struct {
	// Items are the user records of all entries, one entry after the other.
	Items []Item[T]

	// Entries are the Kinesis records. Each covers at least one item.
	Entries []Entry[T]

	// Bytes is the size of all entries; see Entry.Bytes.
	Bytes int

	begun time.Duration
	limit int  // of items, because of suspects among them
	done  bool // nothing more goes in
}

// Entry is one Kinesis record of a call. The caller packs its items if there are several, and
// sets Packed, and after the call Place or Failure.
type Entry[T any] struct {
	First, N int // its items: Call.Items[First:First+N]

	// Bytes is the most that its data and partition key have when packed.
	Bytes int

	// Packed is what they have. 0: Bytes.
	Packed int

	// Aggregate says that the items are to be packed: several, or one that readers would take for
	// an aggregate. Else there is one, and it goes as it is, whatever its data looks like.
	Aggregate bool

	// Place is where the entry was stored, if Failure is nil.
	Place Place

	// Failure is why it was not, or may not have been. It is set for all if the call fails.
	Failure *Failure

	lane *lane[T]
	cost int // of its items, as the Space counts
}

// Shard returns the shard that is expected to take the entry, or "" if none is known.
func (e *Entry[T]) Shard() string {
	if e.lane == nil {
		return ""
	}
	return e.lane.shard.ID
}

// Range returns the items of entry i.
func (c *Call[T]) Range(i int) []Item[T] {
	e := &c.Entries[i]
	return c.Items[e.First : e.First+e.N : e.First+e.N]
}

// Step is what is to be done now.
type Step[T any] struct {
	// Call is to be packed, sent and settled, if not nil. Then Next again, at once.
	Call *Call[T]

	// Over is to be answered and released, if not nil: expired, given up, refused, or
	// stored and only judged now.
	Over *Call[T]

	// Admitted is whose Settled to close. They may be of other outboxes of the Space: look
	// at those too.
	Admitted []*Waiter[T]

	// Shut says that a large record lets nobody pass from now on: look at all outboxes of the Space, since what
	// gathers anywhere has to leave.
	Shut bool

	// Ask says that a View is wanted: list the shards, describe the stream, and say what
	// came of it to Learn or Unlearned.
	Ask bool

	// Wait is the moment of the next Next, if nothing happens before.
	Wait time.Duration
}

// Next decides what to do. Call it when its Wait is over, when Offer said so, and after
// everything else that was told to the outbox or to its Space.
func (o *Outbox[T]) Next(now time.Duration) Step[T] {
	s := o.space
	now = s.tick(now)
	var step Step[T]
	s.pressed = s.press()
	if s.giveUp != nil {
		o.giveUp()
	} else {
		step.Ask = o.ask(now)
		o.expire(now)
		o.judgeLate(now)
		if s.calls < s.limits.Calls && now >= o.stoppedUntil && !o.awaits(now) {
			step.Call = o.pick(now)
		}
	}
	step.Over, o.over = o.over, nil
	opened := s.reopen(now)
	if s.waiting > 0 && (step.Call != nil || step.Over != nil || opened || now >= s.beyondAt()) {
		step.Admitted = s.admit()
	}
	step.Shut = s.tell()
	step.Wait = o.wait(now)
	o.sleep = step.Wait
	return step
}

// wait returns the moment at which something is to be done, if nothing happens before.
func (o *Outbox[T]) wait(now time.Duration) time.Duration {
	if o.space.giveUp != nil {
		return Never
	}
	if o.over != nil {
		return now
	}
	at := min(o.expiries.first(), o.question.next())
	if o.space.waiting > 0 {
		at = min(at, o.space.beyondAt(), o.space.shut)
	}
	for _, landing := range o.landed {
		at = min(at, landing.until)
	}
	switch {
	case o.space.calls >= o.space.limits.Calls:
		return at // the end of a call comes before anything else
	case now < o.stoppedUntil:
		if o.queued > 0 {
			at = min(at, o.stoppedUntil)
		}
		return at
	case o.awaits(now):
		if o.queued > 0 {
			at = min(at, o.question.patience)
		}
		return at
	case o.goes() || o.space.hurried() && len(o.dues.heap) > 0:
		return now
	default:
		return min(at, o.sleepers.first(), o.dues.first())
	}
}

// decide ends the item at a cursor without a call, and returns the cursor of the one after it.
func (o *Outbox[T]) decide(l *lane[T], at cursor[T], v Verdict, why *Failure) cursor[T] {
	it := *at.item()
	at = l.queue.remove(&o.pool, at)
	l.bytes -= o.weigh(&it)
	l.cost -= it.cost()
	o.queued--
	it.Verdict = v
	if why != nil {
		it.Last = why
	}
	l.tally().Failed++
	o.finish(it, l)
	return at
}

// finish has an item of a lane answered by the next Step.
func (o *Outbox[T]) finish(it Item[T], l *lane[T]) {
	o.space.decided(&it)
	if o.over == nil {
		o.over = o.newCall(0)
	}
	o.over.Entries = append(o.over.Entries, Entry[T]{First: len(o.over.Items), N: 1, lane: l})
	o.over.Items = append(o.over.Items, it)
}

// expire ends items for which no attempt may begin any more.
func (o *Outbox[T]) expire(now time.Duration) {
	for o.expiries.first() <= now {
		l := o.expiries.heap[0].lane
		for l.queue.n > 0 && o.expiry(l.queue.oldest()) <= now {
			o.decide(l, l.queue.begin(), Expired, nil)
		}
		o.expiries.remove(l)
		o.place(l, now)
	}
}

// giveUp ends everything that no call carries.
func (o *Outbox[T]) giveUp() {
	for _, l := range o.lanes {
		for l.queue.n > 0 {
			o.decide(l, l.queue.begin(), GivenUp, nil)
		}
		o.unplace(l)
	}
	for _, landing := range o.landed {
		for i := range landing.items {
			it := landing.items[i]
			it.Verdict, it.Ambiguous, it.Last = GivenUp, true, strayed
			landing.lane.tally().Failed++
			o.finish(it, landing.lane)
		}
		landing.lane.inflight--
	}
	o.landed = nil
}

// refuseUnordered ends everything that waits in a stream that has no order.
func (o *Outbox[T]) refuseUnordered(now time.Duration) {
	for _, l := range o.lanes {
		for l.queue.n > 0 {
			o.decide(l, l.queue.begin(), Unordered, nil)
		}
		o.place(l, now)
	}
}
