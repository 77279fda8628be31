package kin

import (
	"errors"

	"github.com/kinstream/kin/internal/outbox"
)

// answer answers the records whose verdict is final, and gives the call back.
func (p *Producer) answer(s *putStream, call *outbox.Call[owner]) {
	s.box.Answered(call, p.now())
	defer p.release(s, call)
	d := delivery{p: p, s: s, call: call}
	d.run()
}

func (p *Producer) release(s *putStream, call *outbox.Call[owner]) {
	now := p.now()
	p.mu.Lock()
	admitted, answered := s.box.Release(call, now)
	p.mark(s)
	p.mu.Unlock()
	p.tell(admitted)
	for _, c := range answered {
		close(c)
	}
	p.nudge()
}

// delivery is the answering of a call. There are two rounds: in the first one Puts that wait get
// their answers, in the second one the callbacks are called, so that no Put waits for somebody
// else's callback.
type delivery struct {
	p    *Producer
	s    *putStream
	call *outbox.Call[owner]

	callbacks   bool // the second round
	entry, item int  // the next one; item counts within the entry
}

// run answers what is left. A callback that ends its goroutine (a test's FailNow) does not
// cost the others their answer.
func (d *delivery) run() {
	done := false
	defer func() {
		if !done {
			d.run()
		}
	}()
	for {
		for d.entry < len(d.call.Entries) {
			e := &d.call.Entries[d.entry]
			for d.item < e.N {
				i := d.item
				d.item++
				if it := &d.call.Items[e.First+i]; it.Verdict.Final() && (it.Owner.waiter == nil) == d.callbacks {
					d.one(e, it, i)
				}
			}
			d.entry, d.item = d.entry+1, 0
		}
		if d.callbacks {
			done = true
			return
		}
		d.callbacks, d.entry = true, 0
	}
}

// one answers item i of an entry.
func (d *delivery) one(e *outbox.Entry[owner], it *outbox.Item[owner], i int) {
	if it.Verdict == outbox.Stored {
		it.Owner.resolve(PutResult{
			ShardID: ShardID(e.Place.Shard), SequenceNumber: SequenceNumber(e.Place.Sequence), SubSequence: i,
			Attempts: int(it.Attempts), MaybeDuplicate: it.Ambiguous,
		}, nil)
		return
	}
	err := d.p.errorOf(d.s, it)
	defer it.Owner.resolve(PutResult{}, err) // also if the hook ends the goroutine
	if d.p.cfg.Hooks.Failed != nil {
		d.p.cfg.Hooks.Failed(err)
	}
}

// resolve gives the answer to whoever put the record.
func (o *owner) resolve(result PutResult, err error) {
	if o.waiter == nil {
		o.done(result, err)
		return
	}
	o.waiter.result, o.waiter.err = result, err
	o.waiter.answered <- struct{}{} // has room for one, and gets one
}

// errorOf is the error that answers a record whose verdict is not to be stored.
func (p *Producer) errorOf(s *putStream, it *outbox.Item[owner]) *PutError {
	e := &PutError{Stream: s.name, Record: s.given(p, it), Ambiguous: it.Ambiguous, Attempts: int(it.Attempts)}
	var reason error
	switch it.Verdict {
	case outbox.Expired:
		reason = ErrExpired
	case outbox.GivenUp:
		reason = ErrClosed
	case outbox.Unordered:
		reason = ErrUnordered
	case outbox.Waiting, outbox.Landed, outbox.Stored, outbox.Refused:
	}
	if it.Last == nil {
		e.Err = reason
		return e
	}
	if errors.Is(it.Last.Err, outbox.ErrTooLarge) {
		e.Err = p.refusal(s, it, outbox.ErrTooLarge)
		return e
	}
	e.Code, e.Err, e.Hint = it.Last.Code, it.Last.Err, putHint(it.Last)
	if reason != nil {
		e.Err = &gaveUpError{reason: reason, cause: it.Last.Err}
	}
	return e
}

// gaveUpError is why a record that failed was not tried again.
type gaveUpError struct {
	reason error // a sentinel
	cause  error // of the latest attempt's failure
}

func (e *gaveUpError) Error() string   { return e.reason.Error() + ": " + causeText(e.cause) }
func (e *gaveUpError) Unwrap() []error { return []error{e.reason, e.cause} }
