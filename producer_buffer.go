package kin

import (
	"container/list"
	"time"

	"github.com/kinstream/kin/internal/batch"
	"github.com/kinstream/kin/internal/retry"
)

// maxRefusals is after how many records in a row that were refused alone a
// refused call is no longer halved to find its bad records: then it is not the
// records.
const maxRefusals = 16

// verdict is what becomes of a record after an attempt.
type verdict uint8

const (
	undecided verdict = iota
	stored
	refused  // answered with an error, because trying again would not help
	expired  // answered with an error, because no attempt may begin any more
	givenUp  // answered with an error, because the context of Close ended
	tryAgain // waits for its next attempt
	halved   // refused together with others: tried again in a smaller call
)

// pending is one accepted record. It has one place at a time: the queue, a call,
// or later. Invariant: from its acceptance on it is answered exactly once.
type pending struct {
	rec        UserRecord
	done       func(PutResult, error) // nil if waiter is not
	waiter     *putWaiter
	last       *putFailure   // why the latest attempt failed
	expires    time.Duration // no attempt begins from this moment on
	generation uint32
	attempts   int
	ambiguous  bool // an attempt may have stored it
	verdict    verdict
}

// cost is what the record counts against MaxBufferedBytes.
func (it *pending) cost() int {
	return it.rec.size() + len(it.rec.ExplicitHashKey) + recordOverhead
}

func measurePending(it *pending) (size int, expires time.Duration) {
	return it.rec.size(), it.expires
}

// spaceWaiter is a Put that waits for room in the buffer.
type spaceWaiter struct {
	item    pending
	place   *list.Element // in buffer.waiting; nil when settled
	err     error         // set before settled is closed, if the record was not accepted
	settled chan struct{} // closed when the record was accepted or refused
}

// generation counts the records that were accepted between two calls of Flush.
type generation struct {
	outstanding int
	answered    chan struct{} // closed when this and all earlier generations have no record left
}

// buffer is the state of a Producer. Its methods neither block nor call out: they
// run under Producer.mu, and what they return is acted upon after it is unlocked.
//
// A record is held from its acceptance until its callback has returned, and
// unanswered until its answer is known, which is before its callback is called.
// Invariant: 0 <= unanswered <= outstanding, and held is the cost of all outstanding.
type buffer struct {
	cfg   *ProducerConfig
	queue *batch.Collector[pending]
	later batch.Later[pending]

	held        int
	outstanding int
	unanswered  int
	calls       int       // PutRecords calls that are out
	waiting     list.List // of *spaceWaiter, in the order of their coming

	generations []generation // the last one takes what is accepted now; never empty
	first       uint32       // number of generations[0]

	failures    int           // calls in a row that failed as a whole
	pausedAt    time.Duration // when the pause was set
	pausedUntil time.Duration // no call begins before
	refusals    int           // records in a row that were refused alone

	started bool       // the dispatcher runs
	closed  bool       // Close was called
	giveUp  error      // why the context of Close ended
	closing CloseError // what was given up
}

func newBuffer(cfg *ProducerConfig) buffer {
	return buffer{
		cfg:         cfg,
		queue:       batch.New[pending](batch.Limits{Records: cfg.MaxBatchRecords, Bytes: cfg.MaxBatchBytes}),
		generations: []generation{{answered: make(chan struct{})}},
	}
}

// offer accepts the record, or refuses it, or returns a waiter for room. wake
// says that the dispatcher has something new to consider.
func (b *buffer) offer(it *pending, now time.Duration) (w *spaceWaiter, wake bool, err error) {
	switch {
	case b.closed:
		return nil, false, ErrClosed
	case b.waiting.Len() == 0 && b.fits(it.cost()):
		return nil, b.accept(it, now), nil
	case b.cfg.WhenFull == FailWhenFull:
		return nil, false, ErrBufferFull
	}
	w = &spaceWaiter{item: *it, settled: make(chan struct{})}
	w.place = b.waiting.PushBack(w)
	return w, false, nil
}

// fits says whether a record may be accepted now. If every record is answered
// and only callbacks are left, one more is accepted however full the buffer is: those
// callbacks may be waiting in a Put themselves.
func (b *buffer) fits(cost int) bool {
	return b.held+cost <= b.cfg.MaxBufferedBytes ||
		b.unanswered == 0 && b.cfg.WhenFull == BlockWhenFull
}

func (b *buffer) accept(it *pending, now time.Duration) (wake bool) {
	it.expires = batch.Never
	if b.cfg.RecordTTL > 0 {
		it.expires = now + b.cfg.RecordTTL
	}
	newest := len(b.generations) - 1
	it.generation = b.first + uint32(newest)
	b.generations[newest].outstanding++
	b.held += it.cost()
	b.outstanding++
	b.unanswered++
	opens := b.queue.Opens()
	sealed := b.queue.Add(*it, it.rec.size(), b.due(now), it.expires)
	return opens || sealed
}

// due is when a record that enters the queue now wants to leave.
func (b *buffer) due(now time.Duration) time.Duration {
	if b.hurried() {
		return now
	}
	return now + b.cfg.Linger
}

// hurried says that somebody waits for the buffer to become empty.
func (b *buffer) hurried() bool { return b.closed || len(b.generations) > 1 }

// admit accepts waiting records while there is room, in the order of their coming.
func (b *buffer) admit(now time.Duration) (admitted []*spaceWaiter) {
	for e := b.waiting.Front(); e != nil; e = b.waiting.Front() {
		w, _ := e.Value.(*spaceWaiter)
		if !b.fits(w.item.cost()) {
			break
		}
		b.leave(w)
		b.accept(&w.item, now)
		admitted = append(admitted, w)
	}
	return admitted
}

// leave takes a waiter out of the line. It returns false if that is settled already.
func (b *buffer) leave(w *spaceWaiter) bool {
	if w.place == nil {
		return false
	}
	b.waiting.Remove(w.place)
	w.place = nil
	return true
}

// close refuses everything that was not accepted before. It returns whom to tell.
func (b *buffer) close() (refusedPuts []*spaceWaiter) {
	b.closed = true
	for e := b.waiting.Front(); e != nil; e = b.waiting.Front() {
		w, _ := e.Value.(*spaceWaiter)
		w.err = ErrClosed
		b.leave(w)
		refusedPuts = append(refusedPuts, w)
	}
	return refusedPuts
}

// step is what the dispatcher does next, besides waiting.
type step struct {
	call     batch.Batch[pending] // to send, if it has items
	over     []pending            // to answer: expired or given up
	admitted []*spaceWaiter       // to tell
	wait     time.Duration        // moment of the next step, if nothing happens before
	finished bool                 // Close was called, and nothing is left
}

func (b *buffer) next(now time.Duration) step {
	if b.giveUp != nil {
		return step{over: b.drain(), wait: batch.Never, finished: b.outstanding == 0}
	}
	for items, ok := b.later.Next(now); ok; items, ok = b.later.Next(now) {
		for i := range items {
			b.queue.Add(items[i], items[i].rec.size(), b.due(now), items[i].expires)
		}
	}
	s := step{finished: b.closed && b.outstanding == 0}
	s.over = b.queue.Expire(now, measurePending)
	for i := range s.over {
		s.over[i].verdict = expired
	}
	b.unanswered -= len(s.over)
	if len(s.over) > 0 {
		s.admitted = b.admit(now)
	}

	s.wait = min(b.queue.Expires(), b.later.Due())
	if b.calls == b.cfg.MaxInFlight {
		return s // the end of a call wakes the dispatcher
	}
	if now < b.pausedUntil {
		if b.queue.Len() > 0 {
			s.wait = min(s.wait, b.pausedUntil)
		}
		return s
	}
	if b.hurried() && b.queue.Due() > now {
		b.queue.Seal()
	}
	var ok bool
	if s.call, ok = b.queue.Next(now); ok {
		b.calls++
	} else {
		s.wait = min(s.wait, b.queue.Due())
	}
	return s
}

// drain takes everything that no call carries.
func (b *buffer) drain() (over []pending) {
	b.queue.Seal()
	for c, ok := b.queue.Next(batch.Never); ok; c, ok = b.queue.Next(batch.Never) {
		over = append(over, c.Items...)
	}
	for items, ok := b.later.Next(batch.Never); ok; items, ok = b.later.Next(batch.Never) {
		over = append(over, items...)
	}
	for i := range over {
		over[i].verdict = givenUp
		b.countGivenUp(&over[i])
	}
	b.unanswered -= len(over)
	return over
}

func (b *buffer) countGivenUp(it *pending) {
	if it.ambiguous {
		b.closing.Ambiguous++
	} else {
		b.closing.NotStored++
	}
}

// settle takes note of the end of a call: what is to be tried again goes back,
// and of the others the verdict is final afterwards. whole is why the call as a
// whole failed, or nil.
func (b *buffer) settle(items []pending, whole *putFailure, begun, now time.Duration) (admitted []*spaceWaiter) {
	b.calls--
	b.pause(whole, begun, now)
	if whole != nil && whole.content {
		b.halve(items)
	}
	var backoff time.Duration
	attempts := 0
	for i := range items {
		it := &items[i]
		if it.verdict == tryAgain {
			// One delay for all with the same number of attempts keeps them together.
			if it.attempts != attempts {
				attempts, backoff = it.attempts, recordBackoff.Delay(it.attempts)
			}
			switch {
			case b.giveUp != nil:
				it.verdict = givenUp
			case now+backoff >= it.expires:
				it.verdict = expired
			default:
				b.later.Add(now+backoff, *it)
			}
		}
		switch it.verdict {
		case tryAgain, halved:
			continue
		case givenUp:
			b.countGivenUp(it)
		case stored:
			b.refusals = 0
		case undecided, refused, expired:
		}
		b.unanswered--
	}
	if b.unanswered == 0 {
		admitted = b.admit(now)
	}
	return admitted
}

// recordBackoff is for records whose shard was throttled: its limits are per second.
// callBackoff is for the whole stream, when calls fail as a whole.
var (
	recordBackoff = retry.Backoff{Base: 100 * time.Millisecond, Max: 2 * time.Second}
	callBackoff   = retry.Backoff{Base: 100 * time.Millisecond, Max: 5 * time.Second}
)

// pause stops calls for a while when one failed as a whole, so that an endpoint
// that is away does not see every buffered record at full speed. Calls that were
// out when the pause began count as one failure.
func (b *buffer) pause(whole *putFailure, begun, now time.Duration) {
	switch {
	case whole == nil:
		b.failures, b.pausedUntil = 0, 0
	case whole.retryable && begun >= b.pausedAt:
		b.failures++
		b.pausedAt = now
		b.pausedUntil = now + callBackoff.Delay(b.failures)
	}
}

// halve sends a call that was refused for its content again in two halves, so
// that one bad record does not cost its neighbours.
func (b *buffer) halve(items []pending) {
	if len(items) == 1 {
		b.refusals++
		return
	}
	if b.refusals >= maxRefusals || b.giveUp != nil {
		return
	}
	for i := range items {
		items[i].verdict = halved
	}
	// In front of all others, so that the search comes to single records, and to its
	// end, before the next call is halved.
	for _, half := range [][]pending{items[len(items)/2:], items[:len(items)/2]} {
		bytes, expires := 0, batch.Never
		for i := range half {
			bytes += half[i].rec.size()
			expires = min(expires, half[i].expires)
		}
		b.queue.AddFirst(half, bytes, expires)
	}
}

// release forgets records whose callbacks have returned. It returns whom to tell.
func (b *buffer) release(items []pending, now time.Duration) (admitted []*spaceWaiter, answered []chan struct{}) {
	for i := range items {
		it := &items[i]
		if it.verdict == tryAgain || it.verdict == halved {
			continue
		}
		b.held -= it.cost()
		b.outstanding--
		b.generations[it.generation-b.first].outstanding--
	}
	b.queue.Recycle(items)
	for len(b.generations) > 1 && b.generations[0].outstanding == 0 {
		answered = append(answered, b.generations[0].answered)
		b.generations[0] = generation{}
		b.generations = b.generations[1:]
		b.first++
	}
	return b.admit(now), answered
}

// flush returns a channel that is closed when every record that was accepted so
// far is answered and its callback has returned, or nil if that is so already.
func (b *buffer) flush() chan struct{} {
	if b.outstanding == 0 {
		return nil
	}
	newest := len(b.generations) - 1
	if b.generations[newest].outstanding == 0 {
		// Nothing was accepted since the previous Flush. Generations before this
		// one exist, since something is outstanding.
		return b.generations[newest-1].answered
	}
	b.generations = append(b.generations, generation{answered: make(chan struct{})})
	return b.generations[newest].answered
}

// info describes the buffer for hooks.
func (b *buffer) info() BufferInfo {
	return BufferInfo{
		Stream: b.cfg.Stream, Bytes: b.held, Unanswered: b.unanswered, InFlight: b.calls, Waiting: b.waiting.Len(),
	}
}
