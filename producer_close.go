package kin

import (
	"context"
	"fmt"
	"time"
)

// Flush sends what is buffered without waiting for Linger, and returns nil when every
// record that was accepted before the call has been answered and its callback has
// returned. Whether they were stored is what their answers say. If ctx ends first, Flush
// returns its cause; the records stay on their way.
func (p *Producer) Flush(ctx context.Context) error {
	p.mu.Lock()
	answered := p.space.Flush()
	if answered != nil {
		p.markAll()
	}
	p.mu.Unlock()
	if answered == nil {
		return nil
	}
	p.nudge()
	select {
	case <-answered:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("flush producer%s: %w", ofStream(p.cfg.Stream), context.Cause(ctx))
	}
}

// Close refuses further records, flushes, and ends the producer. It returns when
// nothing that the producer started is still running: no goroutine, call or callback.
//
// If ctx ends before everything is answered, Close cancels the calls that are out,
// answers the remaining records with a [*PutError] that wraps [ErrClosed], and returns a
// [*CloseError] with their number. A client that does not return although the context of its call has ended, as
// [*kinesis.Client] does, is left alone after another second: its records are answered as Ambiguous, and their Data must not
// be changed as long as it runs. Callbacks are waited for in any case. With a context without an end, a Close may take
// RecordTTL plus CallTimeout, and as long as clients take on top. Close may be called again, also at the same time: all calls wait
// for the same end and return the same.
func (p *Producer) Close(ctx context.Context) error {
	p.mu.Lock()
	refused := p.space.Close()
	answered := p.space.Flush()
	p.markAll()
	p.mu.Unlock()
	p.tell(refused)
	p.nudge()
	if answered != nil {
		select {
		case <-answered:
		case <-ctx.Done():
			p.giveUp(context.Cause(ctx))
			p.awaitCalls(answered)
		}
	}
	p.cancel(ErrClosed) // nothing is left but looks at streams
	p.nudge()
	p.awaitLooks(ctx)
	return p.closed()
}

// awaitCalls waits until the records of calls that were cancelled are answered: soon, or after abandonAfter if a client does
// not heed that.
func (p *Producer) awaitCalls(answered <-chan struct{}) {
	timer := time.NewTimer(abandonAfter)
	defer timer.Stop()
	select {
	case <-answered:
	case <-timer.C:
		p.abandon()
		<-answered // when callbacks have returned
	}
}

// awaitLooks waits until nothing is running, or until ctx has ended and clients have not heeded that either.
func (p *Producer) awaitLooks(ctx context.Context) {
	ended := make(chan struct{})
	go func() { // ends with what it waits for
		p.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	timer := time.NewTimer(abandonAfter)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	}
}

// giveUp ends what Close waits for.
func (p *Producer) giveUp(cause error) {
	p.mu.Lock()
	p.space.GiveUp(cause)
	p.markAll()
	p.mu.Unlock()
	p.cancel(ErrClosed)
	p.nudge()
}

// closed is what Close returns when everything has ended.
func (p *Producer) closed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := p.space.Left()
	if left.NotStored+left.Ambiguous == 0 {
		return nil
	}
	return &CloseError{Stream: p.cfg.Stream, NotStored: left.NotStored, Ambiguous: left.Ambiguous, Err: p.space.GaveUp()}
}
