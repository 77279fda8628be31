package kin

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/wire"
)

// Producer puts records into one stream. It gathers them into PutRecords calls,
// keeps several calls in flight, sends again exactly the records that failed, and
// answers every accepted record exactly once.
//
//	Put, PutAsync -> check -> room in the buffer -> batch (count, bytes, Linger)
//	                                                ^  |
//	                                       back-off |  v
//	                               failed records <-- PutRecords, MaxInFlight at a time
//	                                                   |
//	                                                   v
//	                                       result or error per record
//
// Delivery is at least once by default: see ProducerConfig.WhenAmbiguous. Order is
// not kept, not even per partition key: calls overtake each other, records of a call
// are stored in any order, and what failed is sent again later. A caller who waits for
// the result of each record before putting the next has them in order.
//
// The buffer is bounded: see ProducerConfig.MaxBufferedBytes. Records of a shard
// that is throttled wait in it like all others, so that a hot shard that stays hot
// fills it in the end.
//
// A Producer is safe for concurrent use. It has no goroutine before the first record
// is accepted; from then on one and one for each call in flight, until [Producer.Close].
//
// Callbacks are called without locks held and may put records, also with
// [Producer.Put]. They must not wait for anything else: a callback that waits holds
// up the callbacks of the other records of its call, and all of them count against
// MaxBufferedBytes until they have returned. Neither Flush nor Close may be called from
// a callback, since both wait for callbacks.
type Producer struct {
	client  PutClient
	cfg     ProducerConfig
	options []func(*kinesis.Options) // of each call
	epoch   time.Time                // moments are durations since
	wake    chan struct{}            // has room for one

	calls  context.Context // of the calls; cancelled when Close gives up
	cancel context.CancelCauseFunc

	running sync.WaitGroup // the dispatcher, calls and callbacks
	unused  sync.Pool      // of *putCall
	waiters sync.Pool      // of *putWaiter

	mu  sync.Mutex // guards buf; nothing blocks and nothing is called while it is held
	buf buffer
}

// putWaiter is a Put that waits for its result.
type putWaiter struct {
	answered chan struct{} // receives once, after result and err are set
	result   PutResult
	err      error
}

// NewProducer returns a Producer that puts into cfg.Stream with client, usually a
// [*kinesis.Client]. It makes no call. Close it when done.
func NewProducer(client PutClient, cfg ProducerConfig) (*Producer, error) {
	if client == nil {
		return nil, errors.New("kin: NewProducer: client is nil")
	}
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	codec, err := wire.New(wire.Config{})
	if err != nil {
		return nil, fmt.Errorf("kin: NewProducer: %w", err)
	}
	p := &Producer{client: client, cfg: cfg, epoch: time.Now(), wake: make(chan struct{}, 1)}
	p.options = append(append(append(p.options, codec.Apply), cfg.SDKOptions...), oneAttempt)
	p.calls, p.cancel = context.WithCancelCause(context.Background())
	p.buf = newBuffer(&p.cfg)
	return p, nil
}

// Put puts one record and waits for its result. The error is a [*PutError].
//
// If ctx ends before the record was accepted, it was not and will not be stored. If
// ctx ends later, the error says Ambiguous: the record stays on its way and still uses
// rec.Data, for RecordTTL and CallTimeout at most.
func (p *Producer) Put(ctx context.Context, rec UserRecord) (PutResult, error) {
	w, _ := p.waiters.Get().(*putWaiter)
	if w == nil {
		w = &putWaiter{answered: make(chan struct{}, 1)}
	}
	if err := p.accept(ctx, &pending{rec: rec, waiter: w}); err != nil {
		p.waiters.Put(w)
		return PutResult{}, err
	}
	select {
	case <-w.answered:
	case <-ctx.Done():
		select {
		case <-w.answered: // at the same moment: the answer is better
		default:
			return PutResult{}, &PutError{Stream: p.cfg.Stream, Record: rec, Ambiguous: true, Err: context.Cause(ctx)}
		}
	}
	result, err := w.result, w.err
	w.result, w.err = PutResult{}, nil
	p.waiters.Put(w)
	return result, err
}

// PutAsync puts one record and returns when it is accepted, which may take as long
// as the buffer is full; done is called once with its result or with a [*PutError]. If
// PutAsync returns an error, also a [*PutError], the record was not accepted and done is
// not called.
//
// ctx bounds the waiting for room, not what follows: see ProducerConfig.RecordTTL.
// [Producer] says what done may do.
func (p *Producer) PutAsync(ctx context.Context, rec UserRecord, done func(PutResult, error)) error {
	if done == nil {
		return p.unaccepted(rec, errors.New("done is nil: nobody would learn of a failure"))
	}
	return p.accept(ctx, &pending{rec: rec, done: done})
}

// accept puts a record into the buffer, or says why not.
func (p *Producer) accept(ctx context.Context, it *pending) error {
	if err := it.rec.check(p.cfg.MaxRecordBytes); err != nil {
		return p.unaccepted(it.rec, err)
	}
	if ctx.Err() != nil {
		return p.unaccepted(it.rec, context.Cause(ctx))
	}
	now := p.now()
	p.mu.Lock()
	w, wake, err := p.buf.offer(it, now)
	start := err == nil && w == nil && !p.buf.started
	p.buf.started = p.buf.started || start
	p.mu.Unlock()
	switch {
	case err != nil:
		return p.unaccepted(it.rec, err)
	case start:
		p.running.Go(p.dispatch)
	case w != nil:
		return p.awaitRoom(ctx, w)
	case wake:
		p.nudge()
	}
	return nil
}

// awaitRoom waits until the record of w was accepted or refused.
func (p *Producer) awaitRoom(ctx context.Context, w *spaceWaiter) error {
	if p.cfg.Hooks.Blocked != nil {
		p.mu.Lock()
		info := p.buf.info()
		p.mu.Unlock()
		p.cfg.Hooks.Blocked(info)
	}
	select {
	case <-w.settled:
	case <-ctx.Done():
		p.mu.Lock()
		withdrawn := p.buf.leave(w)
		if withdrawn {
			w.err = context.Cause(ctx)
		}
		p.mu.Unlock()
		if !withdrawn {
			<-w.settled // settled at the same moment: it is about to be closed
		}
	}
	if w.err != nil {
		return p.unaccepted(w.item.rec, w.err)
	}
	return nil
}

func (p *Producer) unaccepted(rec UserRecord, err error) error {
	return &PutError{Stream: p.cfg.Stream, Record: rec, Err: err}
}

// Flush sends what is buffered without waiting for Linger, and returns nil when every
// record that was accepted before the call has been answered and its callback has
// returned. Whether they were stored is what their answers say. If ctx ends first, Flush
// returns its cause; the records stay on their way.
func (p *Producer) Flush(ctx context.Context) error {
	p.mu.Lock()
	answered := p.buf.flush()
	p.mu.Unlock()
	if answered == nil {
		return nil
	}
	p.nudge()
	select {
	case <-answered:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("flush producer of %s: %w", p.cfg.Stream, context.Cause(ctx))
	}
}

// Close refuses further records, flushes, and ends the producer. It returns when
// nothing that the producer started is still running: no goroutine, call or callback.
//
// If ctx ends before everything is answered, Close cancels the calls that are out,
// answers the remaining records with a [*PutError] that wraps [ErrClosed], and returns a
// [*CloseError] with their number. With a context without an end, a Close may take
// RecordTTL plus CallTimeout. Close may be called again, also at the same time: all calls wait
// for the same end and return the same.
func (p *Producer) Close(ctx context.Context) error {
	p.mu.Lock()
	unaccepted := p.buf.close()
	answered := p.buf.flush()
	p.mu.Unlock()
	tell(unaccepted)
	p.nudge()
	if answered != nil {
		select {
		case <-answered:
		case <-ctx.Done():
			p.giveUp(context.Cause(ctx))
			<-answered // soon: what is left is answered, and calls are cancelled
		}
	}
	p.running.Wait()
	p.cancel(ErrClosed)
	return p.closed()
}

// giveUp ends what Close waits for.
func (p *Producer) giveUp(cause error) {
	p.mu.Lock()
	if p.buf.giveUp == nil {
		p.buf.giveUp = cause
	}
	p.mu.Unlock()
	p.cancel(ErrClosed)
	p.nudge()
}

// closed is what Close returns when everything has ended.
func (p *Producer) closed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.buf.closing.NotStored+p.buf.closing.Ambiguous == 0 {
		return nil
	}
	e := p.buf.closing
	e.Stream, e.Err = p.cfg.Stream, p.buf.giveUp
	return &e
}

func (p *Producer) now() time.Duration { return time.Since(p.epoch) }
