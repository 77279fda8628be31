package outbox

import (
	"errors"
	"time"
)

// maxStrays is after how many aggregates in a shard that can't read them a record is put alone.
const maxStrays = 2

// strayed is why an aggregate does not count that is stored.
var strayed = &Failure{
	Err:       errors.New("aggregate is stored in a shard whose consumers may drop it: its range does not hold all hash keys"),
	Retryable: true, Ambiguous: true,
}

// landing is an aggregate that was stored in another shard than predicted, and whose range is
// not known.
type landing[T any] struct {
	items []Item[T]
	entry Entry[T]
	lane  *lane[T]
	until time.Duration
}

// astray deals with an entry in another shard than predicted, or in one that is not open any more, and says
// whether it took its items: they are not simply stored. An aggregate there is only good if the shard's range holds all its
// hash keys: consumers as the KCL drop it as a whole otherwise. Ranges of shards never
// change, so a map of any age may say.
func (o *Outbox[T]) astray(e *Entry[T], items []Item[T], now time.Duration) bool {
	if e.Place.Shard != e.Shard() {
		o.want(now)
		e.lane.tally().Strayed++
	}
	if !e.Aggregate {
		return false // right wherever it is
	}
	held, known := o.held(e, items)
	if held || !known && len(items) == 1 && items[0].strays >= maxStrays {
		return false
	}
	for i := range items {
		items[i].Attempts++
		items[i].Verdict = Landed
	}
	if known || o.space.giveUp != nil {
		o.stray(items)
		return true
	}
	o.landed = append(o.landed, &landing[T]{
		items: append([]Item[T](nil), items...), entry: *e, lane: e.lane,
		until: min(now+judgeWithin, max(now, o.expiry(&items[0]))),
	})
	return true
}

// held says whether the shard that took the entry holds the hash keys of all items, and
// whether that is known.
func (o *Outbox[T]) held(e *Entry[T], items []Item[T]) (held, known bool) {
	if o.view.Map == nil {
		return false, false
	}
	r, known := o.view.Map.Range(e.Place.Shard)
	if !known {
		return false, false
	}
	for i := range items {
		if !r.Contains(items[i].Hash) {
			return false, true
		}
	}
	return true, true
}

// stray makes the items of an aggregate that consumers drop wait for another attempt.
func (o *Outbox[T]) stray(items []Item[T]) {
	for i := range items {
		it := &items[i]
		it.Ambiguous = true
		it.Last = strayed
		it.strays++
		it.Verdict = Waiting
		if !o.cfg.RetryAmbiguous {
			it.Verdict = Refused
		}
	}
}

// judgeLanded judges what the newest map allows.
func (o *Outbox[T]) judgeLanded(now time.Duration) {
	kept := o.landed[:0]
	for _, at := range o.landed {
		if held, known := o.held(&at.entry, at.items); known {
			o.judged(at, held, now)
		} else {
			kept = append(kept, at)
		}
	}
	clear(o.landed[len(kept):])
	o.landed = kept
}

// judgeLate puts again, alone, what nobody could judge in time.
func (o *Outbox[T]) judgeLate(now time.Duration) {
	kept := o.landed[:0]
	for _, at := range o.landed {
		if at.until > now {
			kept = append(kept, at)
			continue
		}
		for i := range at.items {
			at.items[i].strays = maxStrays
		}
		o.judged(at, false, now)
	}
	clear(o.landed[len(kept):])
	o.landed = kept
}

// judged ends a landing: its items are stored, or wait again.
func (o *Outbox[T]) judged(at *landing[T], held bool, now time.Duration) {
	if held {
		for i := range at.items {
			at.items[i].Verdict = Stored
		}
	} else {
		o.stray(at.items)
	}
	o.outcome(at, now)
	at.lane.inflight--
	o.settled(at.lane, now)
	o.place(at.lane, now)
}

// outcome puts the items of a landing back, or has them answered by the next Step.
func (o *Outbox[T]) outcome(at *landing[T], now time.Duration) {
	count := at.lane.tally()
	first := -1
	for i := range at.items {
		it := &at.items[i]
		if it.Verdict == Waiting && o.again(it, now) {
			l := o.laneOf(it.Hash)
			o.putBack(l, it, nil)
			o.queued++
			count.Retried++
			count.Repeated++
			o.place(l, now)
			continue
		}
		o.finish(*it, at.lane)
		if it.Verdict != Stored {
			count.Failed++
			continue
		}
		count.Stored++
		count.StoredBytes += uint64(it.size())
		if it.Attempts > 1 {
			count.Recovered++
		}
		last := len(o.over.Entries) - 1
		if first < 0 {
			// One entry for all: the place of an item in it is its place in the aggregate.
			first = last
			o.over.Entries[first].Place = at.entry.Place
			continue
		}
		o.over.Entries = o.over.Entries[:last]
		o.over.Entries[first].N++
	}
}
