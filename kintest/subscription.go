package kintest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest/internal/limit"
	"github.com/kinstream/kin/kintest/internal/seqnum"
	"github.com/kinstream/kin/kintest/internal/shardlog"
)

// subscription is one call of SubscribeToShard that was accepted. The transport
// asks it for events with next until the end of the shard, until done is closed,
// or until expires, and closes it in every case.
type subscription struct {
	expires time.Time     // when it ends by itself
	done    chan struct{} // closed when someone else ended it; see cause

	stream   *stream
	consumer *consumer
	shard    uint32
	position uint64
	pace     *limit.Bucket // nil if the bytes are not limited
	ended    error         // set before done is closed
}

// pushed is what one event says.
type pushed struct {
	Records            []shardlog.Record
	Continuation       seqnum.Number // zero at the end of the shard
	MillisBehindLatest int64
	ChildShards        []types.ChildShard
	End                bool // the shard has been read to its end: the last event

	// More says that the next call finds records at once. Otherwise the transport
	// waits for Wake to be closed, or for Retry if it is not zero, before it asks
	// again, or sends the event without records as a sign of life. Wake is nil if
	// only the time has to pass.
	More  bool
	Wake  <-chan struct{}
	Retry time.Time
}

// next returns what there is after the last event, within the bounds given (at
// least one record if there is one). Records are appended to dst[:0]. The
// subscription moves on; one goroutine may call it at a time.
func (b *subscription) next(now time.Time, dst []shardlog.Record, maxRecords, maxBytes int) pushed {
	state := b.stream.at(now)
	if state == nil {
		state = b.stream.state.Load()
	}
	sh := state.shards[b.shard]
	if b.pace != nil {
		if wait := b.pace.Wait(now.UnixNano()); wait > 0 {
			return b.idle(now, sh, pushed{Records: dst[:0], Retry: now.Add(time.Duration(wait))})
		}
	}
	sh.log.Trim(state.horizon(now).UnixMilli())
	page := sh.log.Read(b.position, dst[:0], maxRecords, maxBytes)
	if b.pace != nil {
		b.pace.Spend(now.UnixNano(), float64(page.Bytes))
	}
	b.position = page.Next
	p := pushed{Records: page.Records, MillisBehindLatest: behind(now, page.Unread), More: page.Unread != 0}
	if page.End {
		sh = b.stream.closed(sh)
		p.End = sh != nil
		p.ChildShards = sh.children()
		return p // without an end the stream was deleted, which closes done
	}
	if state.phase != types.StreamStatusActive {
		p.Retry = state.until // what is due then happens when someone looks
	}
	p.Wake = sh.log.Changed(b.position)
	return b.idle(now, sh, p)
}

// idle fills in where to go on.
func (b *subscription) idle(now time.Time, sh *shard, p pushed) pushed {
	if n := len(p.Records); n > 0 {
		p.Continuation = p.Records[n-1].Seq
		return p
	}
	// A number between the record before the position and the one at it: the counter
	// of the former, with a time that is not before its arrival.
	info := sh.log.Info()
	arrival := max(now.UnixMilli(), info.Newest)
	p.Continuation = sh.log.Identity().Number(max(b.position, 1)-1, arrival)
	if p.Retry.IsZero() || b.position >= info.Next {
		return p
	}
	p.MillisBehindLatest = max(p.MillisBehindLatest, 1)
	return p
}

// cause is why done was closed: an *apiError to send as an exception in the stream,
// or nil to end it without.
func (b *subscription) cause() error {
	select {
	case <-b.done:
		return b.ended
	default:
		return nil
	}
}

// close frees the place of the subscription. It may be called more than once.
func (b *subscription) close() {
	s := b.consumer.seats
	s.mu.Lock()
	defer s.mu.Unlock()
	if seat := s.taken[b.shard]; seat != nil && seat.by == b {
		seat.by = nil
	}
}
