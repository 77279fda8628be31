package outbox

import (
	"time"

	"github.com/kinstream/kin/internal/hashkey"
)

// Outbox is what is to be put into one stream. T is whom to answer for a record. It is
// guarded by the lock of its [Space].
type Outbox[T any] struct {
	cfg   Config
	space *Space[T]

	view      View
	table     *Map // lanes are its open shards
	lanes     []*lane[T]
	packing   Aggregation // what is done now; Config.Aggregation is what is wanted
	maxRecord int         // bytes of an entry
	question  question

	seq uint64

	dues, sleepers, expiries agenda[T] // gathering; limited and paused; all that hold records
	ready, full              chain[T]
	fullEntries, fullBytes   int // sums over lanes that gather

	landed []*landing[T]
	over   *Call[T]      // decided without a call, or after one: to be answered
	queued int           // items in lanes
	calls  int           // of this Outbox that are out
	sleep  time.Duration // what Next said last: the moment of the next one
	barred bool          // and that there are records, but no call may begin before something else happens
	phase  time.Duration // of ticks, for now

	phaseUntil   time.Duration
	failures     int           // calls in a row that failed as a whole
	stoppedUntil time.Duration // no call begins before
	stopped      time.Duration // sum of such times
	refusals     int           // items in a row that were refused alone

	byKey grouping[T]
	past  Counts // of lanes that are retired, and of items that were in no lane

	pastSpent spentByAll // by lanes that are retired
	times     times      // of all lanes, those that are retired included
}

// New returns an empty Outbox in space, whose lock the caller has.
func New[T any](space *Space[T], cfg Config) *Outbox[T] {
	if cfg.AggregateMaxRecords <= 0 || cfg.AggregateMaxRecords > maxAggregateRecords {
		cfg.AggregateMaxRecords = maxAggregateRecords
	}
	o := &Outbox[T]{
		cfg: cfg, space: space, maxRecord: cfg.MaxRecordBytes, sleep: Never,
		dues: agenda[T]{which: onState}, sleepers: agenda[T]{which: onState}, expiries: agenda[T]{which: onExpiry},
		ready: chain[T]{which: onReady}, full: chain[T]{which: onFull},
	}
	if cfg.RefreshEvery <= 0 {
		o.question.at = Never
	}
	o.relane(virtualMap(), 0)
	return o
}

// Offer accepts the item, or returns a Waiter for room, or why neither. It copies the
// item. wake says that Next has something new to consider.
func (o *Outbox[T]) Offer(it *Item[T], now time.Duration) (w *Waiter[T], wake bool, err error) {
	s := o.space
	now = s.tick(now)
	switch {
	case s.closed:
		return nil, false, ErrClosed
	case it.size() > o.maxRecord:
		return nil, false, ErrTooLarge
	case o.orderless():
		return nil, false, ErrUnordered
	}
	l := o.laneOf(it.Hash)
	room := laneFull
	if s.heads(l) {
		room = s.fit(l, it.cost())
	}
	switch {
	case room == fits:
		shut := s.shut
		wake = o.accept(l, it, now)
		return nil, wake || s.shut != shut, nil // the door opens again by itself
	case s.limits.Fail:
		return nil, false, ErrFull
	}
	w = s.wait(l, it)
	if room == noBytes && s.large == nil {
		s.claim(w)
	}
	return w, s.calls == 0, nil // what gathers has to leave, if that alone makes room
}

// orderless says that order is wanted of a stream that has none.
func (o *Outbox[T]) orderless() bool { return o.cfg.Ordered && o.view.Distribution == Auto }

// accept puts an item into its lane. wake says that Next has something new to consider.
func (o *Outbox[T]) accept(l *lane[T], it *Item[T], now time.Duration) (wake bool) {
	o.seq++
	it.seq, it.accepted = o.seq, now
	o.space.enter(it)
	o.queued++
	l.counts.Accepted++
	l.counts.AcceptedBytes += uint64(it.size())
	before := o.goes()
	o.append(l, it, now)
	if o.barred { // so that not each record of a busy stream has it looked at
		return false
	}
	if !before && o.goes() {
		o.sleep = now
		return true
	}
	if due := min(o.dues.first(), o.sleepers.first(), o.expiries.first()); due < o.sleep {
		o.sleep = due
		return true
	}
	return false
}

func (o *Outbox[T]) laneOf(k hashkey.Key) *lane[T] { return o.lanes[o.table.Index(k)] }

// weigh is what an item adds to lane.bytes.
func (o *Outbox[T]) weigh(it *Item[T]) int {
	if o.packing == None {
		return it.size()
	}
	return it.packedSize()
}

// goes says whether a call has reason to go, once there is a place for it.
func (o *Outbox[T]) goes() bool {
	return o.ready.head != nil || o.fullEntries >= o.cfg.MaxCallRecords || o.fullBytes >= o.cfg.MaxCallBytes
}

// Queued returns the number of items in lanes.
func (o *Outbox[T]) Queued() int { return o.queued }
