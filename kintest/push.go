package kintest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/kintest/internal/proto"
	"github.com/kinstream/kin/kintest/internal/shardlog"
)

// How much goes into one event. Decoders of the SDK refuse a payload of 16 MiB or more. The largest payload that can come of
// these is one of keys of control characters, which take six bytes each in JSON: 12 MiB, and 2 MiB for the names and numbers
// of 10,000 records. A record that is longer goes alone, and takes 14 MiB in base64 at most.
const (
	eventRecords = 10_000
	eventBytes   = 2 << 20
)

// serveSubscription answers SubscribeToShard: an error, or a stream of events until the subscription ends.
func (x *exchange) serveSubscription(body []byte) {
	in := new(kinesis.SubscribeToShardInput)
	if err := x.encoding.Unmarshal(body, in); err != nil {
		x.sendError(fail(codeSerialization, "%s", err))
		return
	}
	x.place = targetOf(x.operation, in)
	if x.s.front.faultsSet() {
		x.plan = x.s.front.faults.match(x.place)
	}
	b, err := x.accept(in)
	if err != nil {
		x.sendError(err)
		return
	}
	defer b.close()
	x.log(http.StatusOK, "")
	x.header(-1)
	x.w.Header().Set("Content-Type", contentEventStream)
	x.w.WriteHeader(http.StatusOK)
	pushEvents(x, b)
}

// accept asks for the subscription, with the faults that hit the call.
func (x *exchange) accept(in *kinesis.SubscribeToShardInput) (b *subscription, err error) {
	if err := x.plan.wait(x.r.Context(), x.s.front.closing); err != nil {
		return nil, err
	}
	if err := x.plan.failure(false, false); err != nil {
		return nil, err
	}
	defer func() {
		if v := recover(); v != nil {
			err = x.recovered(v)
		}
	}()
	b, err = x.s.subscribe(x.newCall(), in)
	if err != nil {
		return nil, err
	}
	if err := x.plan.failure(true, false); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// pusher sends the events of one subscription.
type pusher struct {
	x       *exchange
	b       *subscription
	ctx     context.Context
	out     *http.ResponseController
	buf     *[]byte           // the frames to send next
	records []shardlog.Record // memory for the records of an event
	place   target            // for faults
	sent    time.Time         // when the last event was sent
}

// pushEvents sends events until the subscription ends, for whatever reason. The stream is then at its end.
func pushEvents(x *exchange, b *subscription) {
	pool := &x.s.front.replies
	p := pusher{
		x: x, b: b, ctx: x.r.Context(),
		out: http.NewResponseController(x.w),
		buf: pool.get(smallBuffer),
	}
	defer func() { pool.put(p.buf) }()
	p.place = x.place
	p.place.operation = eventOperation

	*p.buf = appendInitialResponse(*p.buf)
	if x.plan.cutMid() {
		p.breakOff()
	}
	if p.flush() != nil {
		return
	}
	for p.step() {
	}
}

// step sends what there is, or waits until there is something. It returns false when the stream is at its end.
func (p *pusher) step() bool {
	if p.ended() {
		return false
	}
	now := time.Now()
	event := p.b.next(now, p.records[:0], eventRecords, eventBytes)
	if event.Records != nil {
		p.records = event.Records
	}
	if len(event.Records) > 0 || event.End || now.Sub(p.sent) >= p.x.s.config.HeartbeatEvery {
		if !p.send(&event, now) {
			return false
		}
	}
	clear(event.Records) // while it waits it should not keep the memory of records that were trimmed
	if event.End {
		return false
	}
	if !event.More {
		p.wait(&event, now)
	}
	return true
}

// ended says whether the subscription is over, and sends the exception that says why if there is one.
func (p *pusher) ended() bool {
	select {
	case <-p.b.done:
		p.finish(p.b.cause())
		return true
	case <-p.ctx.Done():
		return true
	case <-p.x.s.front.closing:
		return true
	default:
	}
	return !time.Now().Before(p.b.expires)
}

// finish sends the exception that ends the stream, if err is one.
func (p *pusher) finish(err error) {
	if e, ok := errors.AsType[*apiError](err); ok && e != nil {
		*p.buf = appendExceptionFrame((*p.buf)[:0], e)
		_ = p.flush()
	}
}

// wait returns when there may be something to do.
func (p *pusher) wait(event *pushed, now time.Time) {
	until := p.sent.Add(p.x.s.config.HeartbeatEvery)
	if p.b.expires.Before(until) {
		until = p.b.expires
	}
	if !event.Retry.IsZero() && event.Retry.Before(until) {
		until = event.Retry
	}
	timer := time.NewTimer(until.Sub(now))
	defer timer.Stop()
	select {
	case <-event.Wake:
	case <-timer.C:
	case <-p.b.done:
	case <-p.ctx.Done():
	case <-p.x.s.front.closing:
	}
}

// send sends an event, with the faults that hit it. It returns false when the stream is at its end.
func (p *pusher) send(event *pushed, now time.Time) bool {
	var hits plan
	if p.x.s.front.faultsSet() {
		hits = p.x.s.front.faults.match(p.place)
	}
	if hits.wait(p.ctx, p.x.s.front.closing) != nil {
		abort()
	}
	if err := hits.failure(false, false); err != nil {
		if errors.Is(err, errCut) {
			abort()
		}
		p.finish(err)
		return false
	}
	if hits.end() {
		return false
	}
	p.sent = now
	if hits.empty() {
		return true
	}
	*p.buf = appendEventFrame((*p.buf)[:0], &proto.Event{
		Records:            event.Records,
		Continuation:       event.Continuation,
		MillisBehindLatest: event.MillisBehindLatest,
		ChildShards:        event.ChildShards,
	})
	if hits.corrupt() {
		flipBit(*p.buf)
	}
	if hits.cutMid() {
		p.breakOff()
	}
	return p.flush() == nil
}

// breakOff sends half of what is to be sent and breaks the connection. It doesn't return.
func (p *pusher) breakOff() {
	*p.buf = (*p.buf)[:len(*p.buf)/2]
	_ = p.flush()
	abort()
}

// flush sends what is in the buffer, at once.
func (p *pusher) flush() error {
	if _, err := p.x.w.Write(*p.buf); err != nil {
		return err
	}
	return p.out.Flush()
}
