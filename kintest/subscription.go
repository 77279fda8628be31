package kintest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest/internal/seqnum"
	"github.com/kinstream/kin/kintest/internal/shardlog"
)

// subscription is one call of SubscribeToShard that was accepted. The transport
// asks it for events with next until the end of the shard, until done is closed,
// or until expires, and closes it in every case.
type subscription struct {
	expires time.Time     // when it ends by itself
	done    chan struct{} // closed when someone else ended it; see cause
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
	// again, or sends the event without records as a sign of life.
	More  bool
	Wake  <-chan struct{}
	Retry time.Time
}

// subscribe accepts or refuses a call of SubscribeToShard. Every error is one that
// is answered instead of an event stream.
func (s *Server) subscribe(c *call, in *kinesis.SubscribeToShardInput) (*subscription, error) {
	return nil, fail(codeUnsupported, unsupportedByUsFormat, c.op)
}

// next returns what there is after the last event, within the bounds given (at
// least one record if there is one). Records are appended to dst[:0]. The
// subscription moves on; one goroutine may call it at a time.
func (b *subscription) next(now time.Time, dst []shardlog.Record, maxRecords, maxBytes int) pushed {
	return pushed{}
}

// cause is why done was closed: an *apiError to send as an exception in the stream,
// or nil to end it without.
func (b *subscription) cause() error { return nil }

// close frees the place of the subscription. It may be called more than once.
func (b *subscription) close() {}
