package kin

import (
	"context"
	"sync"
)

// PutBatch puts records and waits until each is answered. Result i is that of record i; the results of
// records that were not stored are zero values. The error is nil if all were stored, and else a [*BatchError] that
// names the others: what it does not name is stored. A batch is not atomic, ordered only with ProducerConfig.Ordered, and may be of any size.
//
// A record that is not accepted, because it is invalid or the buffer is full, keeps no other from being
// put. If ctx ends, the records that were not accepted by then will not be stored, and those that are not
// answered yet are Ambiguous: they stay on their way and still use their Data, for RecordTTL and CallTimeout at
// most. The slice itself belongs to the caller again when PutBatch returns.
//
// A callback must not call PutBatch, since it waits for other records than its own.
func (p *Producer) PutBatch(ctx context.Context, recs []UserRecord) ([]PutResult, error) {
	b := &batchPut{results: make([]PutResult, len(recs)), left: len(recs), answered: make(chan struct{})}
	if len(recs) == 0 {
		return b.results, nil
	}
	for i := range recs {
		err := p.PutAsync(ctx, recs[i], func(result PutResult, err error) { b.answer(i, result, err) })
		if err != nil {
			b.answer(i, PutResult{}, err)
		}
	}
	select {
	case <-b.answered:
	case <-ctx.Done():
	}
	return b.leave(func(i int) *PutError {
		return &PutError{Stream: p.nameOf(recs[i]), Record: recs[i], Ambiguous: true, Err: context.Cause(ctx)}
	})
}

// batchPut is a PutBatch that waits.
type batchPut struct {
	answered chan struct{} // closed when left is 0

	mu       sync.Mutex // guards the fields below
	left     int        // records without an answer
	gone     bool       // the caller has the results and waits no more
	results  []PutResult
	failures []*PutError // by record; nil until the first one
}

// answer takes the answer to record i: a result or a *PutError.
func (b *batchPut) answer(i int, result PutResult, err error) {
	if b.take(i, result, err) {
		close(b.answered)
	}
}

// take returns whether it was the last answer.
func (b *batchPut) take(i int, result PutResult, err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return false
	}
	b.left--
	if err == nil {
		b.results[i] = result
	} else {
		b.fail(i, asPutError(err))
	}
	return b.left == 0
}

func (b *batchPut) fail(i int, err *PutError) {
	if b.failures == nil {
		b.failures = make([]*PutError, len(b.results))
	}
	b.failures[i] = err
}

// leave ends the waiting. What has no answer gets the one that unanswered returns.
func (b *batchPut) leave(unanswered func(i int) *PutError) ([]PutResult, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone = true
	if b.left > 0 {
		for i := range b.results {
			// A record that is stored has taken at least one attempt.
			if b.results[i].Attempts == 0 && (b.failures == nil || b.failures[i] == nil) {
				b.fail(i, unanswered(i))
			}
		}
	}
	if b.failures == nil {
		return b.results, nil
	}
	e := &BatchError{Records: len(b.results)}
	for i, err := range b.failures {
		if err != nil {
			e.Failed = append(e.Failed, FailedRecord{Index: i, Err: err})
		}
	}
	return b.results, e
}

// asPutError returns the error that the Put methods and callbacks get, which is always of that type.
func asPutError(err error) *PutError {
	e, ok := err.(*PutError) //nolint:errorlint // never wrapped, and asked once for each record
	if !ok {
		panic("kin: BUG: the error of a record is no *PutError: " + err.Error())
	}
	return e
}
