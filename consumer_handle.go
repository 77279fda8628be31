package kin

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/internal/retry"
)

// attempts is what became of some records so far.
type attempts struct {
	deliveries int
	failures   int   // in a row, without a record that was acknowledged
	last       error // of the last one
}

// handle gives records of a chunk to the handler until it has handled them, or they are passed
// over. It returns false if reading ended before: what is not acknowledged then is left to the
// next owner.
func (s *shardRun) handle(c *chunk, index []int32) (done bool) {
	defer func() {
		if !done { // also if the handler ends the goroutine
			s.abandon(c, index)
		}
	}()
	var a attempts
	for {
		period, ok := s.run.gate.Enter(s.reading.Done())
		if !ok {
			return false
		}
		records, where := s.unacked(c, index)
		if len(records) == 0 {
			return s.reading.Err() == nil
		}
		ctx, ok := s.context(period)
		if !ok {
			return false
		}
		b := s.batch(c, records, where)
		a.deliveries++
		b.Attempt, b.Err = a.deliveries, a.last
		err := s.callHandler(ctx, b)
		switch {
		case err == nil && s.handled(ctx, b):
			s.noteHandler(0, nil)
			return true
		case ctx.Err() != nil:
			continue // it was interrupted, and has not failed
		}
		if left, _ := s.unacked(c, index); len(left) < len(records) {
			a.failures = 0
		}
		a.failures++
		a.last = err
		s.noteHandler(a.failures, err)
		if !s.afterFailure(b, &a) {
			return false
		}
	}
}

// afterFailure does what WhenFailed says, and waits. It returns false if reading ended.
func (s *shardRun) afterFailure(b *Batch, a *attempts) bool {
	c := s.run.c
	wait := c.retryWait().Delay(a.failures)
	final := c.cfg.WhenFailed != RetryBatch && a.failures >= c.cfg.MaxAttempts
	if n := a.failures; n&(n-1) == 0 || final {
		c.cfg.Logger.Warn("consuming: the handler failed", s.failure(n, a.last)...)
	}
	switch {
	case !final:
		return fetch.Sleep(s.reading, wait) == nil
	case c.cfg.WhenFailed == SkipBatch:
		return s.skip(b, a)
	}
	e := &HandlerError{Stream: s.stream.name, Shard: s.id, Attempts: a.failures, Err: a.last}
	if left, _ := s.unacked(b.chunk, b.index); len(left) > 0 {
		e.Records, e.Position = len(left), AtSequence(cloneSequence((*string)(&left[0].SequenceNumber)))
	}
	s.run.fail(e)
	<-s.reading.Done() // the worker leaves
	return false
}

// culprits returns a batch of the records that err is about: one, if it is a RecordError, and
// otherwise those that are not acknowledged.
func (s *shardRun) culprits(b *Batch, err error) *Batch {
	index := b.index
	if e, ok := errors.AsType[*RecordError](err); ok && e.Index >= 0 && e.Index < len(b.Records) {
		index = []int32{int32(e.Index)}
		if b.index != nil {
			index = b.index[e.Index : e.Index+1]
		}
	}
	records, where := s.unacked(b.chunk, index)
	left := s.batch(b.chunk, records, where)
	left.Attempt, left.Err = b.Attempt, err
	return left
}

// skip passes over what the handler could not handle, after DeadLetter has it. It returns false
// if reading ended.
func (s *shardRun) skip(b *Batch, a *attempts) bool {
	c := s.run.c
	left := s.culprits(b, a.last)
	if len(left.Records) > 0 {
		if c.cfg.DeadLetter != nil && !s.bury(left) {
			return false
		}
		callHook(c, "BatchSkipped", c.cfg.Hooks.BatchSkipped, SkipInfo{
			Stream: s.stream.name, Shard: s.id, Records: left.Records, Attempts: a.failures, Err: a.last,
		})
		s.mu.Lock()
		s.status.skipped += int64(len(left.Records))
		s.mu.Unlock()
		left.AckAll()
	}
	*a = attempts{}
	s.noteHandler(0, nil)
	return true
}

// bury gives records to DeadLetter until that has them, and again only those that it has not
// acknowledged. It returns false if reading ended.
func (s *shardRun) bury(b *Batch) bool {
	c, failures := s.run.c, 0
	for {
		period, ok := s.run.gate.Enter(s.reading.Done())
		if !ok {
			return false
		}
		records, where := s.unacked(b.chunk, b.index)
		if len(records) == 0 {
			return s.reading.Err() == nil
		}
		ctx, ok := s.context(period)
		if !ok {
			return false
		}
		left := s.batch(b.chunk, records, where)
		left.Attempt, left.Err = b.Attempt, b.Err
		err := s.call(ctx, c.cfg.DeadLetter, left)
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			continue
		}
		if s.acked(left) > 0 {
			failures = 0
		}
		failures++
		s.noteHandler(failures, err)
		if failures&(failures-1) == 0 {
			c.cfg.Logger.Warn("consuming: the handler of dead letters failed", s.failure(failures, err)...)
		}
		if fetch.Sleep(s.reading, c.retryWait().Delay(failures)) != nil {
			return false
		}
	}
}

// failure returns what the log says of a handler that has failed so often in a row.
func (s *shardRun) failure(failures int, err error) []any {
	args := []any{"stream", s.stream.name, "shard", string(s.id), "attempt", failures, "err", err}
	if p, ok := errors.AsType[*PanicError](err); ok {
		args = append(args, "stack", string(p.Stack))
	}
	return args
}

// callHandler calls the handler, and tells of it.
func (s *shardRun) callHandler(ctx context.Context, b *Batch) error {
	c := s.run.c
	if c.cfg.Hooks.Handled == nil {
		return s.call(ctx, c.handler, b)
	}
	info := HandledInfo{Stream: s.stream.name, Shard: s.id, Records: len(b.Records), Lag: b.Lag, Attempt: b.Attempt}
	for i := range b.Records {
		info.Bytes += int(b.Records[i].size())
	}
	began := time.Now()
	info.Err = s.call(ctx, c.handler, b)
	info.Took, info.Cancelled = time.Since(began), info.Err != nil && ctx.Err() != nil
	info.Acked = len(b.Records)
	if info.Err != nil || c.cfg.ManualAcks {
		info.Acked = s.acked(b)
	}
	callHook(c, "Handled", c.cfg.Hooks.Handled, info)
	return info.Err
}

// acked returns how many records of a batch are acknowledged.
func (s *shardRun) acked(b *Batch) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for i := range b.Records {
		if b.index != nil {
			i = int(b.index[i])
		}
		if s.mark.Acked(b.chunk.first + uint64(i)) {
			n++
		}
	}
	return n
}

// errGoroutineEnded is why Run ends when a handler or a hook ended its goroutine.
var errGoroutineEnded = errors.New("ended its goroutine with runtime.Goexit, as FailNow of a test does")

// call calls a handler and makes its panic an error. A handler that ends the goroutine ends the
// consumer too: it is a test that wants to fail.
func (s *shardRun) call(ctx context.Context, h Handler, b *Batch) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
			return
		}
		s.run.fail(fmt.Errorf("kin: a handler %w", errGoroutineEnded))
	}()
	err = h.Handle(ctx, b)
	returned = true
	return err
}

// batch returns a batch of records of a chunk.
func (s *shardRun) batch(c *chunk, records []Record, index []int32) *Batch {
	return &Batch{
		Stream: s.stream.name, StreamARN: s.stream.arn, Shard: s.id, Records: records, Lag: c.lag, Epoch: s.lease.Epoch,
		shard: s, chunk: c, index: index,
	}
}

// noteHandler notes how often in a row the handler has failed.
func (s *shardRun) noteHandler(failures int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.handlerFailures, s.status.handlerErr = failures, err
}

// retryWait is how long to wait after failures of a handler.
func (c *Consumer) retryWait() retry.Backoff {
	return retry.Backoff{Base: c.cfg.RetryWait, Max: c.cfg.MaxRetryWait}
}
