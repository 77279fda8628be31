package kin

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/dispatch"
	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/internal/watermark"
	"github.com/kinstream/kin/lease"
)

// shardRun reads one shard, from the Start of its lease to Stopped or Ended. Two goroutines
// belong to it, and those of its lanes while they have something to do:
//
//	fetch: calls -> page --+
//	                       v
//	main:                  unpack -> chunk -> room? -> Gate -> handler -> acknowledge -> mark
//	                       stop, end -> wait for what is delivered -> Stopped, Ended
type shardRun struct {
	run       *consumerRun
	stream    *consumedStream
	lease     lease.Lease // as it was when this began
	id        ShardID
	unpacking unpacking
	lanes     *dispatch.Lanes[laneBatch] // nil if Parallel is 1

	// reading ends when no more is to be delivered: with the shard, or when it is to be stopped.
	reading context.Context
	end     context.CancelFunc

	// patience ends when what is delivered is not to be waited for any longer.
	patience  context.Context
	impatient context.CancelFunc

	calling atomic.Int64 // since when a call is under way, as serving counts; 0 if none is

	changed chan struct{} // holds a token if something was acknowledged while waiting was set

	mu sync.Mutex // guards all below; taken alone

	// What is delivered, and what of it is done.
	mark        watermark.Mark[*chunk]
	position    Position // up to which all is done, as of the last Take of mark
	dirty       bool     // position has moved since Progress was asked
	sinceStored int      // records done since a checkpoint was due because of their number
	abandoned   int      // records of mark that will not be delivered here any more
	held        heldBytes
	waiting     bool // main waits for acknowledgements
	closed      bool // nothing is acknowledged any more

	// With ManualAcks: see consumer_recall.go.
	lent     bool      // handlers have returned and not acknowledged all
	recalled bool      // what they hold is not to be waited for
	next     *shardRun // goes on with the shard
	from     *Position // where this one began to, if it is the next of another

	// How it stops.
	stopped bool
	why     coord.Why
	ended   bool
	cause   error // why handlers are cut off, if they are

	// The context of handlers in the current period of trust.
	period, tenure context.Context
	endTenure      context.CancelCauseFunc

	status shardStatus
}

// newShardRun returns what reads the shard of a lease. Nothing runs yet.
func newShardRun(run *consumerRun, stream *consumedStream, l lease.Lease) *shardRun {
	c := run.c
	s := &shardRun{
		run: run, stream: stream, lease: l, id: ShardID(l.Shard),
		changed: make(chan struct{}, 1),
		unpacking: unpacking{
			stream: stream.name, shard: ShardID(l.Shard), keys: parseRange(l.HashStart, l.HashEnd),
			unpack: c.cfg.WhenAggregated == UnpackAggregates, drop: c.cfg.WhenOutOfRange == DropOutOfRange,
			decode:     c.cfg.Decode,
			badRecord:  func(i BadRecordInfo) { callHook(c, "BadRecord", c.cfg.Hooks.BadRecord, i) },
			outOfRange: func(i OutOfRangeInfo) { callHook(c, "OutOfRange", c.cfg.Hooks.OutOfRange, i) },
		},
		status: shardStatus{since: time.Now(), lag: -1, load: l.Load},
	}
	s.reading, s.end = context.WithCancel(run.ctx)
	s.patience, s.impatient = context.WithCancel(run.ctx)
	if c.cfg.Parallel > 1 {
		s.lanes = dispatch.NewLanes(c.cfg.Parallel, s.handleLane)
	}
	return s
}

// main runs the shard to its end. It settles also when a handler ends the goroutine, as
// t.FailNow does.
func (s *shardRun) main() {
	pages := make(chan *consumedPage)
	var fetching sync.WaitGroup
	var last *consumedPage
	defer func() {
		s.end()
		fetching.Wait()
		s.settle(last)
	}()
	position, err := s.beginning()
	if err != nil {
		s.unreadable(err)
		return
	}
	s.begin(position)
	if s.from == nil {
		callHook(s.run.c, "ShardStarted", s.run.c.cfg.Hooks.ShardStarted, s.info(NotStopped))
	}
	// Ends with reading, or after the last page; the function above waits for it.
	fetching.Go(func() { s.fetch(position, pages) })
	last = s.deliverAll(pages)
}

// unreadable waits for the end of a shard with a checkpoint that says nothing: somebody has to
// reset it.
func (s *shardRun) unreadable(err error) {
	f := fetch.Failure{Op: "checkpoint", Err: newShardError(s.stream.name, s.id, err), Attempt: 1, Wait: time.Minute}
	for {
		s.failed(f)
		if fetch.Sleep(s.reading, f.Wait) != nil {
			return
		}
		f.Attempt++
	}
}

func (s *shardRun) begin(p Position) {
	s.unpacking.skip = skipFor(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.position = p
}

// deliverAll delivers pages until reading ends, and returns the last page if the shard has ended.
func (s *shardRun) deliverAll(pages <-chan *consumedPage) *consumedPage {
	for {
		select {
		case p := <-pages:
			if !s.deliver(p) {
				return nil
			}
			if p.ended {
				all := func() bool { return s.mark.Unacked() == 0 }
				if s.await(s.reading.Done(), all) {
					return p
				}
				return nil
			}
		case <-s.reading.Done():
			return nil
		}
	}
}

// stop makes the shard be given up. It never waits. A more urgent reason may follow.
func (s *shardRun) stop(why coord.Why) {
	s.mu.Lock()
	if next := s.next; next != nil || s.ended {
		s.mu.Unlock()
		if next != nil {
			next.stop(why)
		}
		return
	}
	s.why = max(s.why, why) // they are in the order of their urgency
	s.stopped = true
	s.closed = s.closed || why == coord.Lost
	s.mu.Unlock()
	s.end()
	switch why {
	case coord.HandOver, coord.Shutdown:
	case coord.CutOff:
		s.cut(ErrShutdown)
	case coord.Lost:
		s.cut(ErrLeaseLost)
	}
}

// cut cancels the contexts of handlers, and stops waiting for what is delivered.
func (s *shardRun) cut(cause error) {
	s.mu.Lock()
	s.cause = cause
	end := s.endTenure
	s.mu.Unlock()
	if end != nil {
		end(cause)
	}
	s.impatient()
}

// context returns the context of handlers in a period of trust. It returns false if nothing is
// to be delivered in it, because records are to be called back first.
func (s *shardRun) context(period context.Context) (ctx context.Context, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outlived() {
		s.callBack()
		return nil, false
	}
	if s.period != period && period.Err() != nil {
		return period, true // it has ended since, and another lane may work in the next one
	}
	if s.period != period {
		s.period = period
		s.tenure, s.endTenure = context.WithCancelCause(period)
	}
	if s.cause != nil {
		s.endTenure(s.cause) // nobody has it yet, or it is cancelled already
	}
	return s.tenure, true
}

// settle waits for what is delivered, and gives the shard up. last is not nil if it has ended
// and all its records are acknowledged.
func (s *shardRun) settle(last *consumedPage) {
	c, key, epoch := s.run.c, s.lease.Key, s.lease.Epoch
	switch {
	case last == nil:
		s.drain()
	case s.lanes != nil:
		s.lanes.Wait() // handlers may have acknowledged all, and go on
	}
	s.mu.Lock()
	s.closed = true
	checkpoint := s.settled()
	stopped, why, endTenure, held := s.stopped, s.why, s.endTenure, s.held
	s.held = heldBytes{}
	s.mu.Unlock()

	s.run.budget.Give(held.normal)
	s.run.budget.GiveForced(held.forced)
	if endTenure != nil {
		endTenure(ErrLeaseLost) // nobody works with it any more, but for what ManualAcks left running
	}
	s.impatient()
	if last == nil && s.renew(checkpoint) {
		return
	}
	text := lease.Checkpoint(checkpoint.String())
	if text == s.lease.Checkpoint {
		text = "" // it has not moved
	}
	if last != nil && !stopped {
		s.tellEnded(last)
		if s.answerEnded(last, text) {
			s.run.remove(s)
			return
		}
	} else {
		s.tell("ShardStopped", c.cfg.Hooks.ShardStopped, s.info(reasonOf(why)))
	}
	s.run.remove(s)
	s.run.worker.Stopped(key, epoch, text)
}

// answerEnded tells the worker that the shard has ended, unless it has asked to stop before:
// then that is to be answered. mu is held meanwhile so that a stop comes before or after; the
// call never waits.
func (s *shardRun) answerEnded(last *consumedPage, checkpoint lease.Checkpoint) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	s.ended = true
	s.run.worker.Ended(s.lease.Key, s.lease.Epoch, checkpoint, last.children)
	return true
}

// drain waits for handlers, and with ManualAcks for what is delivered and not acknowledged.
func (s *shardRun) drain() {
	c := s.run.c
	if !s.lost() && !s.givesBack() {
		s.tell("ShardStopping", c.cfg.Hooks.ShardStopping, s.info(NotStopped))
	}
	if s.lanes != nil {
		for _, dropped := range s.lanes.Stop() {
			s.abandon(dropped.chunk, dropped.index)
		}
		s.lanes.Wait()
	}
	if !c.cfg.ManualAcks {
		return
	}
	// Of a hand-over too, because acknowledgements may wait for records that will not come here.
	timer := time.AfterFunc(c.cfg.ShutdownTimeout, s.impatient)
	defer timer.Stop()
	s.await(s.patience.Done(), func() bool {
		return s.closed || s.recalled && !s.stopped || s.mark.Unacked() <= s.abandoned
	})
}

func (s *shardRun) lost() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// abandon notes that records will not be delivered here any more.
func (s *shardRun) abandon(c *chunk, index []int32) {
	left, _ := s.unacked(c, index)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abandoned += len(left)
}

// await waits until ready, which is asked with mu held and again after each acknowledgement. It
// returns false if stop was closed first. Only main calls it.
func (s *shardRun) await(stop <-chan struct{}, ready func() bool) bool {
	for {
		s.mu.Lock()
		ok := ready()
		s.waiting = !ok
		s.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-s.changed:
		case <-stop:
			return false
		}
	}
}

// wake lets await look again.
func (s *shardRun) wake() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// progress returns how far the shard is done, unless the lease is lost. While it is given up it
// still counts: somebody may wait for a checkpoint.
func (s *shardRun) progress() (coord.Progress, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped && s.why == coord.Lost {
		return coord.Progress{}, false
	}
	p := coord.Progress{
		Key: s.lease.Key, Epoch: s.lease.Epoch, Now: s.checkpointDue(),
		Checkpoint: lease.Checkpoint(s.settled().String()), Load: s.status.measure(time.Now()),
	}
	s.dirty = false
	if p.Now {
		s.sinceStored = 0
	}
	return p, true
}

// checkpoint stores how far the shard is done, and waits for it.
func (s *shardRun) checkpoint(ctx context.Context) error {
	if s.replaced() {
		return fmt.Errorf("checkpoint %s %s: %w", s.stream.name, s.id, ErrLeaseLost)
	}
	return s.run.checkpoint(ctx, s)
}
