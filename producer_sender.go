package kin

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/batch"
)

// putCall is what one PutRecords call needs, kept for the next one.
type putCall struct {
	input   kinesis.PutRecordsInput
	entries []types.PutRecordsRequestEntry
	options []func(*kinesis.Options)
}

// dispatch is the producer's one goroutine that decides: it starts calls, and
// answers what expired or was given up. It is started by the first accepted record
// and ends when Close was called and nothing is left; Close waits for it.
func (p *Producer) dispatch() {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	for {
		now := p.now()
		p.mu.Lock()
		s := p.buf.next(now)
		p.mu.Unlock()

		tell(s.admitted)
		if over := s.over; len(over) > 0 {
			// Not here: callbacks may wait for room, and this loop makes it.
			p.running.Go(func() { p.answer(over, nil) })
		}
		switch {
		case len(s.call.Items) > 0:
			call := s.call
			p.running.Go(func() { p.send(call) })
		case s.finished:
			return
		default:
			p.sleep(timer, s.wait, now)
		}
	}
}

// sleep waits until something happens, or until the moment until.
func (p *Producer) sleep(timer *time.Timer, until, now time.Duration) {
	if until != batch.Never {
		timer.Reset(until - now)
	}
	select {
	case <-p.wake:
		timer.Stop()
	case <-timer.C:
	}
}

// nudge lets the dispatcher look again.
func (p *Producer) nudge() {
	select {
	case p.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// tell wakes Puts that waited for room.
func tell(waiters []*spaceWaiter) {
	for _, w := range waiters {
		close(w.settled)
	}
}

// send makes one PutRecords call and answers its records. The call's place is
// free before any callback is called: they may put.
func (p *Producer) send(b batch.Batch[pending]) {
	begun := p.now()
	out, whole := p.putRecords(b.Items)
	answers, whole := p.judge(b.Items, out, whole)
	now := p.now()

	p.mu.Lock()
	admitted := p.buf.settle(b.Items, whole, begun, now)
	p.mu.Unlock()
	tell(admitted)
	p.nudge()

	p.report(b, whole, now-begun)
	p.answer(b.Items, answers)
}

// putRecords makes the call. It returns either an output or a failure.
func (p *Producer) putRecords(items []pending) (*kinesis.PutRecordsOutput, *putFailure) {
	c, _ := p.unused.Get().(*putCall)
	if c == nil {
		c = &putCall{options: append([]func(*kinesis.Options){}, p.options...)}
		p.cfg.target(&c.input)
	}
	for i := range items {
		rec := &items[i].rec
		entry := types.PutRecordsRequestEntry{Data: rec.Data, PartitionKey: &rec.PartitionKey}
		if entry.Data == nil {
			entry.Data = []byte{} // the SDK refuses nil
		}
		if rec.ExplicitHashKey != "" {
			entry.ExplicitHashKey = &rec.ExplicitHashKey
		}
		c.entries = append(c.entries, entry)
	}
	c.input.Records = c.entries

	var sent tracker
	ctx, cancel := context.WithTimeout(p.calls, p.cfg.CallTimeout)
	out, err := p.client.PutRecords(ctx, &c.input, append(c.options, sent.apply)...)
	cancel()

	clear(c.entries)
	c.entries = c.entries[:0]
	p.unused.Put(c)
	if err != nil {
		return nil, failedCall(err, sent.sent(err))
	}
	return out, nil
}

// oneAttempt leaves repeating to the producer.
func oneAttempt(o *kinesis.Options) { o.Retryer = aws.NopRetryer{} }

// report tells hooks and the log about a call.
func (p *Producer) report(b batch.Batch[pending], whole *putFailure, took time.Duration) {
	if p.cfg.Hooks.Called == nil && whole == nil {
		return
	}
	info := PutCallInfo{Stream: p.cfg.Stream, Records: len(b.Items), Bytes: b.Bytes, Took: took}
	for i := range b.Items {
		it := &b.Items[i]
		switch it.verdict {
		case stored:
			info.Stored++
			if it.attempts > 1 {
				info.Recovered++
			}
			continue
		case tryAgain, halved:
			info.Retrying++
		case undecided, refused, expired, givenUp:
			info.Failed++
		}
		if it.last.throttled {
			info.Throttled++
		}
	}
	if whole != nil {
		info.Err, info.Ambiguous = whole.err, whole.ambiguous
		if info.Retrying > 0 {
			p.cfg.Logger.LogAttrs(p.calls, slog.LevelWarn, "put records: trying again", slog.String("stream", p.cfg.Stream),
				slog.Int("records", info.Retrying), slog.Bool("ambiguous", whole.ambiguous), slog.Any("err", whole.err))
		}
	}
	if p.cfg.Hooks.Called != nil {
		p.cfg.Hooks.Called(info)
	}
}

// answer calls the callbacks of the records whose verdict is final, and forgets them.
func (p *Producer) answer(items []pending, answers []types.PutRecordsResultEntry) {
	defer p.release(items)
	p.deliver(items, answers, 0)
}

func (p *Producer) release(items []pending) {
	now := p.now()
	p.mu.Lock()
	admitted, answered := p.buf.release(items, now)
	p.mu.Unlock()
	tell(admitted)
	for _, c := range answered {
		close(c)
	}
	p.nudge()
}

// deliver answers the records from step i on. There are two steps for each: in
// the first round Puts that wait get their answers, in the second round the callbacks are
// called, so that no Put waits for somebody else's callback. A callback that ends
// its goroutine (a test's FailNow) does not cost the others their answer.
func (p *Producer) deliver(items []pending, answers []types.PutRecordsResultEntry, i int) {
	n := len(items)
	defer func() {
		if i < 2*n {
			p.deliver(items, answers, i)
		}
	}()
	for i < 2*n {
		step := i
		i++
		it := &items[step%n]
		if (it.waiter != nil) != (step < n) {
			continue
		}
		switch it.verdict {
		case tryAgain, halved:
		case stored:
			at := &answers[step%n]
			it.resolve(PutResult{
				ShardID: ShardID(*at.ShardId), SequenceNumber: SequenceNumber(*at.SequenceNumber),
				Attempts: it.attempts, MaybeDuplicate: it.ambiguous,
			}, nil)
		case undecided, refused, expired, givenUp:
			err := p.errorOf(it)
			if p.cfg.Hooks.Failed != nil {
				p.cfg.Hooks.Failed(err)
			}
			it.resolve(PutResult{}, err)
		}
	}
}

// resolve gives the answer to whoever put the record.
func (it *pending) resolve(result PutResult, err error) {
	if it.waiter == nil {
		it.done(result, err)
		return
	}
	it.waiter.result, it.waiter.err = result, err
	it.waiter.answered <- struct{}{} // has room for one, and gets one
}
