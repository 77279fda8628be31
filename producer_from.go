package kin

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// PutFrom puts the records of a channel until it is closed, and calls done once for each record that it took: with its
// result, or with a [*PutError]. That includes records that were not accepted, so whoever sends on
// the channel needs no other way to learn of a failure.
//
//   - When the channel is closed, PutFrom waits until all records that it took are answered and their done has
//     returned, and returns nil.
//   - When ctx ends, it takes no more and returns the cause at once. A record that waits for room is answered with it. What
//     was accepted stays on its way, and done is called for it as for records of [Producer.PutAsync]: at the latest
//     in [Producer.Close].
//   - When the producer is closed, it returns [ErrClosed], at the latest when [Producer.Close] does: the record in hand was
//     answered, and those that are still in the channel were not taken.
//
// While the buffer is full PutFrom takes nothing, and so the channel holds up whoever sends on it. With FailWhenFull it goes on
// instead, and each record that finds no room is answered with [ErrBufferFull]. Several PutFrom may share a
// channel; the order of the records is that of [Producer].
//
// done is called by several goroutines at a time, among them that of PutFrom for what was not accepted.
// [Producer] says what it may do.
func (p *Producer) PutFrom(ctx context.Context, recs <-chan UserRecord, done func(UserRecord, PutResult, error)) error {
	if done == nil {
		return errors.New("kin: PutFrom: done is nil: nobody would learn of a failure")
	}
	f := &channelPut{p: p, done: done, answered: make(chan struct{})}
	f.open.Store(1) // PutFrom itself, until it takes no more
	for ctx.Err() == nil && p.calls.Err() == nil {
		select {
		case rec, ok := <-recs:
			if !ok {
				return f.drained(ctx)
			}
			if err := f.put(ctx, rec); errors.Is(err, ErrClosed) {
				return fmt.Errorf("put from channel: %w", ErrClosed)
			}
		case <-p.calls.Done(): // Close is through, and nothing need come before this one learns of it
		case <-ctx.Done():
		}
	}
	if ctx.Err() == nil {
		return fmt.Errorf("put from channel: %w", ErrClosed)
	}
	return fmt.Errorf("put from channel: %w", context.Cause(ctx))
}

// channelPut is a PutFrom at work.
type channelPut struct {
	p        *Producer
	done     func(UserRecord, PutResult, error)
	open     atomic.Int64  // records without an answer, and one until the channel is closed
	answered chan struct{} // closed when open is 0
}

// put answers the record at once if it is not accepted, and returns why.
func (f *channelPut) put(ctx context.Context, rec UserRecord) error {
	f.open.Add(1)
	err := f.p.PutAsync(ctx, rec, func(result PutResult, err error) {
		defer f.finish() // also if done ends its goroutine
		f.done(rec, result, err)
	})
	if err != nil {
		defer f.finish()
		f.done(rec, PutResult{}, err)
	}
	return err
}

func (f *channelPut) finish() {
	if f.open.Add(-1) == 0 {
		close(f.answered)
	}
}

// drained waits for the answers when nothing more will come.
func (f *channelPut) drained(ctx context.Context) error {
	f.finish()
	select {
	case <-f.answered:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-f.answered: // at the same moment: all is well
		return nil
	default:
		return fmt.Errorf("put from channel: wait for answers: %w", context.Cause(ctx))
	}
}
