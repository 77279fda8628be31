package outbox

import "time"

// tooLarge is why an item is refused that was accepted before the limit of the stream was known.
var tooLarge = &Failure{Err: ErrTooLarge}

// Settle takes in the end of a call, whose entries have their Place or Failure; whole is
// why the call as a whole failed, or nil. It gives every item its verdict: answer those whose
// verdict is final, in place, and then [Outbox.Release] the call. admitted is whose
// Settled to close.
func (o *Outbox[T]) Settle(c *Call[T], whole *Failure, now time.Duration) (admitted []*Waiter[T]) {
	s := o.space
	now = s.tick(now)
	o.calls--
	s.calls--
	o.afterCall(whole, c.begun, now)
	if whole != nil && whole.NoStream {
		o.Forget(now)
	}
	halve := o.halve(c, whole)
	for i := 0; i < len(c.Entries); {
		l, end := c.Entries[i].lane, i+1
		for end < len(c.Entries) && c.Entries[end].lane == l {
			end++
		}
		o.settleLane(c, i, end, whole, halve, now)
		i = end
	}
	if s.unanswered == 0 {
		admitted = s.admit()
	}
	return admitted
}

// settleLane takes in what became of the entries of one lane.
func (o *Outbox[T]) settleLane(c *Call[T], first, end int, whole *Failure, halve bool, now time.Duration) {
	l := c.Entries[first].lane
	count := l.tally()
	t := tried{entries: end - first}
	l.pace.refill(now)
	for i := first; i < end; i++ {
		e := &c.Entries[i]
		l.out -= e.cost
		if e.Packed == 0 {
			e.Packed = e.Bytes
		}
		if whole != nil {
			e.Failure = whole
		}
		l.pace.ended(e.Bytes, e.Packed, outcomeOf(e.Failure, whole))
		if f := e.Failure; f != nil {
			t.failed++
			if f.Throttled && whole == nil {
				t.throttled++
				count.Throttled++
			}
			o.failed(c.Range(i), f, halve)
			continue
		}
		count.Entries++
		count.EntryBytes += uint64(e.Packed)
		o.stored(c, i, now)
	}
	if whole == nil {
		l.pace.learn(t, now, o.cfg.Random)
	}
	o.putBackAll(c, first, end, now)
	for i := first; i < end; i++ {
		if !o.landedIn(&c.Entries[i], c) {
			l.inflight--
		}
	}
	o.settled(l, now)
	o.place(l, now)
}

// outcomeOf says what a failure, or none, means for the pace.
func outcomeOf(f, whole *Failure) outcome {
	switch {
	case f == nil:
		return wasStored
	case f.Ambiguous:
		return unknown
	case whole != nil:
		return neverCame
	default:
		return wasRefused
	}
}

// landedIn says whether the entry has still to be judged.
func (o *Outbox[T]) landedIn(e *Entry[T], c *Call[T]) bool { return c.Items[e.First].Verdict == Landed }

// failed gives the items of an entry that was not stored their verdict.
func (o *Outbox[T]) failed(items []Item[T], f *Failure, halve bool) {
	for i := range items {
		it := &items[i]
		it.Attempts++
		it.Last = f
		it.Ambiguous = it.Ambiguous || f.Ambiguous
		switch {
		case halve:
			it.Verdict = Waiting
		case f.Retryable && (!f.Ambiguous || o.cfg.RetryAmbiguous):
			it.Verdict = Waiting
		default:
			it.Verdict = Refused
		}
	}
}

// stored gives the items of an entry that was stored their verdict, and counts them.
func (o *Outbox[T]) stored(c *Call[T], i int, now time.Duration) {
	e, items := &c.Entries[i], c.Range(i)
	o.refusals = 0
	if shard := e.Shard(); shard != "" && (shard != e.Place.Shard || e.lane.retired) && o.astray(e, items, now) {
		return
	}
	var bytes, recovered uint64
	for i := range items {
		it := &items[i]
		it.Verdict = Stored
		bytes += uint64(it.size())
		if it.Attempts > 0 {
			recovered++
		}
		it.Attempts++
	}
	count := e.lane.tally()
	count.Stored += uint64(len(items))
	count.StoredBytes += bytes
	count.Recovered += recovered
	o.space.unanswered -= len(items)
}

// putBackAll moves what waits again to the lanes, and counts the rest.
func (o *Outbox[T]) putBackAll(c *Call[T], first, end int, now time.Duration) {
	home := c.Entries[first].lane
	count := home.tally()
	for i := first; i < end; i++ {
		items := c.Range(i)
		if v := items[0].Verdict; v == Stored || v == Landed {
			continue // so are all of the entry
		}
		var lane *lane[T]
		var from *chunk[T]
		for j := range items {
			it := &items[j]
			if it.Verdict == Waiting && o.again(it, now) {
				l := home
				if home.retired {
					l = o.laneOf(it.Hash)
				}
				if l != lane {
					if lane != nil {
						o.place(lane, now)
					}
					lane, from = l, nil
				}
				from = o.putBack(l, it, from)
				o.queued++
				count.Retried++
				continue
			}
			count.Failed++
			o.space.decided(it)
		}
		if lane != nil && lane != home {
			o.place(lane, now)
		}
	}
}

// again says whether an item may be tried again, or gives it its verdict.
func (o *Outbox[T]) again(it *Item[T], now time.Duration) bool {
	switch {
	case o.space.giveUp != nil:
		it.Verdict = GivenUp
	case o.orderless():
		it.Verdict = Unordered
	case o.expiry(it) <= now:
		it.Verdict = Expired
	default:
		return true
	}
	return false
}

// afterCall stops all calls for a while when one failed as a whole, so that an
// endpoint that is away does not see every record at full speed. Calls that were out
// together count as one failure.
func (o *Outbox[T]) afterCall(whole *Failure, begun, now time.Duration) {
	switch {
	case whole == nil:
		if o.stoppedUntil > now {
			o.stopped -= o.stoppedUntil - now
		}
		o.failures, o.stoppedUntil = 0, 0
	case whole.Retryable && begun >= o.stoppedUntil:
		o.failures++
		until := now + stops.DelayBy(o.failures, o.cfg.Random())
		o.stopped += until - now
		o.stoppedUntil = until
	}
}

// halve says whether the items of a call that was refused for its content are put again
// in smaller calls, so that a bad one does not cost its neighbours.
func (o *Outbox[T]) halve(c *Call[T], whole *Failure) bool {
	switch {
	case whole == nil || !whole.Content:
		return false
	case len(c.Items) == 1:
		o.refusals++
		return false
	case o.refusals >= maxRefusals:
		return false
	}
	for i := range c.Items {
		c.Items[i].suspect = uint32(len(c.Items)) // less than before, if there was one: see suspicion
	}
	return true
}

// Release forgets the items of a call, or of Step.Over, whose owners have been answered,
// callbacks included, and takes the call back. answered is to be closed: the flushes that are over.
func (o *Outbox[T]) Release(c *Call[T], now time.Duration) (admitted []*Waiter[T], answered []chan struct{}) {
	s := o.space
	s.tick(now)
	s.exit(c.Items)
	clear(c.Entries)
	o.recycle(c)
	return s.admit(), s.over()
}
