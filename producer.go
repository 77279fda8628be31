package kin

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/internal/outbox"
	"github.com/kinstream/kin/wire"
)

// Producer puts records into streams. It gathers them by shard into PutRecords calls,
// packs small ones together if it is asked to, keeps to what each shard takes, sends
// again exactly the records that failed, and answers every accepted record exactly once.
//
//	Put, PutAsync -> check -> room in the buffer -> lane of its shard (pace, back-off)
//	                                                 ^   |  aggregates, Linger
//	                                   what failed --+   v
//	                                                PutRecords, MaxInFlight at a time
//	                                                     |
//	                                                     v
//	                                         result or error per record
//
// Delivery is at least once by default: see ProducerConfig.WhenAmbiguous. Order is
// kept for each key if ProducerConfig.Ordered is set, and not otherwise: calls overtake each
// other, records of a call are stored in any order, and what failed is sent again later.
//
// The buffer is bounded: see ProducerConfig.MaxBufferedBytes. A shard that takes nothing
// may fill two thirds of it; the rest stays for the others.
//
// The producer lists the shards of a stream and describes it if its client can (as
// [*kinesis.Client] can) and may (kinesis:ListShards, kinesis:DescribeStreamSummary). Otherwise it
// works without knowing shards: no pace, and nothing is aggregated by shard.
//
// A Producer is safe for concurrent use. It has no goroutine before the first record
// is accepted; from then on one, one for each call in flight, and at times up to eight that look at
// streams, until [Producer.Close].
//
// Callbacks are called without locks held and may put records, also with
// [Producer.Put]. They must not wait for anything else: a callback that waits holds
// up the callbacks of the other records of its call, and all of them count against
// MaxBufferedBytes until they have returned. Neither Flush nor Close may be called from
// a callback, since both wait for callbacks.
type Producer struct {
	client    PutClient
	lister    fetch.Lister    // nil if the client is none
	describer fetch.Describer // nil if the client is none
	cfg       ProducerConfig
	options   []func(*kinesis.Options) // of each call
	reuse     bool                     // the client leaves data alone when a call has returned
	epoch     time.Time                // moments are durations since
	wake      chan struct{}            // has room for one

	calls  context.Context // of the calls; cancelled when Close gives up, or is done
	cancel context.CancelCauseFunc

	running sync.WaitGroup // the dispatcher, calls, callbacks and looks at streams
	unused  sync.Pool      // of *putCall
	waiters sync.Pool      // of *putWaiter

	preset  *putStream                            // that of cfg.Stream; nil if that is empty
	streams atomic.Pointer[map[string]*putStream] // all others by name; written under mu

	mu      sync.Mutex // guards what follows, and the engines of all streams; nothing blocks and nothing is called while it is held
	space   *outbox.Space[owner]
	order   []*putStream // all; never changed in place
	started bool         // the dispatcher runs
	marked  []*putStream // at which the dispatcher is to look
	looking int          // looks at streams that are under way
	flights map[*flight]struct{}
	use     usage

	explained ProducerStats // at the last Explain
}

// putWaiter is a Put that waits for its result.
type putWaiter struct {
	answered chan struct{} // receives once, after result and err are set
	result   PutResult
	err      error
}

// NewProducer returns a Producer that puts with client, usually a [*kinesis.Client],
// into cfg.Stream and into the streams that records name. It makes no call. Close it when done.
func NewProducer(client PutClient, cfg ProducerConfig) (*Producer, error) {
	if noClient(client) {
		return nil, errors.New("kin: NewProducer: client is nil")
	}
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	codec, err := wire.New(wire.Config{})
	if err != nil {
		return nil, fmt.Errorf("kin: NewProducer: %w", err)
	}
	p := &Producer{client: client, cfg: cfg, epoch: time.Now(), wake: make(chan struct{}, 1), flights: map[*flight]struct{}{}}
	p.lister, _ = client.(fetch.Lister)
	p.describer, _ = client.(fetch.Describer)
	_, p.reuse = client.(*kinesis.Client)
	p.options = append(append(append(p.options, codec.Apply), cfg.SDKOptions...), oneAttempt)
	p.calls, p.cancel = context.WithCancelCause(context.Background())
	p.space = outbox.NewSpace[owner](outbox.SpaceLimits{Bytes: cfg.MaxBufferedBytes, Calls: cfg.MaxInFlight, Fail: cfg.WhenFull == FailWhenFull})
	p.streams.Store(&map[string]*putStream{})
	if cfg.Stream != "" {
		p.preset = p.newStream(cfg.Stream)
		p.order = []*putStream{p.preset}
	}
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
	if err := p.accept(ctx, rec, owner{waiter: w}); err != nil {
		p.waiters.Put(w)
		return PutResult{}, err
	}
	select {
	case <-w.answered:
	case <-ctx.Done():
		select {
		case <-w.answered: // at the same moment: the answer is better
		default:
			return PutResult{}, &PutError{Stream: p.nameOf(rec), Record: rec, Ambiguous: true, Err: context.Cause(ctx)}
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
	return p.accept(ctx, rec, owner{done: done})
}

// accept puts a record into the buffer, or says why not.
func (p *Producer) accept(ctx context.Context, rec UserRecord, to owner) error {
	it := outbox.Item[owner]{
		Record: outbox.Record{PartitionKey: rec.PartitionKey, ExplicitHashKey: rec.ExplicitHashKey, Data: rec.Data}, Owner: to,
	}
	s, err := p.streamOf(rec.Stream)
	if err == nil && p.cfg.Encode != nil {
		err = p.encode(rec, &it)
	}
	if err == nil {
		it.Hash, err = checkRecord(&it.Record)
	}
	if err == nil {
		err = p.offer(ctx, s, &it)
	}
	if err != nil {
		return p.unaccepted(rec, err)
	}
	return nil
}

// encode has the user's Encode make the record of an item, and the one that was given remembered.
func (p *Producer) encode(rec UserRecord, it *outbox.Item[owner]) error {
	encoded, err := p.cfg.Encode(rec)
	if err != nil {
		return invalidRecord("encode: %w", err)
	}
	it.Owner.given = &rec
	it.Record = outbox.Record{PartitionKey: encoded.PartitionKey, ExplicitHashKey: encoded.ExplicitHashKey, Data: encoded.Data}
	return nil
}

// offer offers an item to the engine of its stream, and waits for room if there is none.
func (p *Producer) offer(ctx context.Context, s *putStream, it *outbox.Item[owner]) error {
	if limit := int(s.limit.Load()); len(it.PartitionKey)+len(it.Data) > limit {
		return p.tooLarge(&it.Record, limit)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	now := p.now()
	p.mu.Lock()
	w, wake, err := s.box.Offer(it, now)
	start := err == nil && w == nil && !p.started
	p.started = p.started || start
	switch {
	case w != nil && wake:
		p.markAll() // what gathers anywhere has to leave
	case start, wake:
		p.mark(s)
	}
	p.mu.Unlock()
	switch {
	case err != nil:
		return p.refusal(s, it, err)
	case start:
		p.running.Go(p.dispatch)
	case w != nil:
		if wake {
			p.nudge()
		}
		if err := p.awaitRoom(ctx, s, w); err != nil {
			return p.refusal(s, it, err)
		}
	case wake:
		p.nudge()
	}
	return nil
}

// awaitRoom waits until the item of w was accepted or refused.
func (p *Producer) awaitRoom(ctx context.Context, s *putStream, w *outbox.Waiter[owner]) error {
	begun := p.now()
	p.mu.Lock()
	p.use.blocked++
	g := p.space.Gauges()
	p.mu.Unlock()
	if p.cfg.Hooks.Blocked != nil {
		p.cfg.Hooks.Blocked(BufferInfo{Stream: s.name, Bytes: g.Bytes, Unanswered: g.Unanswered, InFlight: g.Calls, Waiting: g.Waiting})
	}
	select {
	case <-w.Settled:
	case <-ctx.Done():
		now := p.now()
		p.mu.Lock()
		withdrawn, admitted := p.space.Withdraw(w, now)
		if withdrawn {
			w.Err = context.Cause(ctx)
		}
		p.mu.Unlock()
		if !withdrawn {
			<-w.Settled // settled at the same moment: it is about to be closed
		}
		p.tell(admitted)
	}
	waited := p.now() - begun
	p.mu.Lock()
	p.use.blockedTime += Seconds(waited.Seconds())
	if w.Err == nil {
		p.mark(s) // it is in a lane now
	}
	p.mu.Unlock()
	p.nudge()
	return w.Err
}

// refusal translates why an engine did not accept an item.
func (p *Producer) refusal(s *putStream, it *outbox.Item[owner], err error) error {
	switch {
	case errors.Is(err, outbox.ErrClosed):
		return ErrClosed
	case errors.Is(err, outbox.ErrFull):
		return ErrBufferFull
	case errors.Is(err, outbox.ErrUnordered):
		return ErrUnordered
	case errors.Is(err, outbox.ErrTooLarge):
		return p.tooLarge(&it.Record, int(s.limit.Load()))
	}
	return err
}

func (p *Producer) unaccepted(rec UserRecord, err error) error {
	return &PutError{Stream: p.nameOf(rec), Record: rec, Err: err}
}

// nameOf returns the stream of a record as it was configured or given.
func (p *Producer) nameOf(rec UserRecord) string {
	if rec.Stream == "" {
		return p.cfg.Stream
	}
	return rec.Stream
}
