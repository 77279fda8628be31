package kintest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest/internal/limit"
)

// seat is the place of a consumer at a shard.
type seat struct {
	by    *subscription // nil if nobody reads now
	since time.Time     // of the last subscription, also of one that ended
	calls limit.Bucket
}

// subscribe accepts or refuses a call of SubscribeToShard. Every error is one that
// is answered instead of an event stream.
func (s *Server) subscribe(c *call, in *kinesis.SubscribeToShardInput) (*subscription, error) {
	if err := validate("SubscribeToShard", in); err != nil {
		return nil, err
	}
	st, state, con, err := s.findConsumer(c, in.ConsumerARN, nil, nil)
	if err != nil {
		return nil, err
	}
	sh := state.shard(*in.ShardId, c.now)
	if sh == nil || state.phase == types.StreamStatusCreating {
		return nil, shardMissing(st.key, *in.ShardId)
	}
	if con.status(c.now) != types.ConsumerStatusActive {
		return nil, fail(codeResourceInUse, "Consumer %s with creation timestamp %d under stream: %s, account %s is not in ACTIVE status.",
			con.name, con.born.Unix(), st.key.name, st.key.account)
	}
	p := in.StartingPosition
	position, err := start{p.Type, p.SequenceNumber, p.Timestamp}.position(c, st.key, sh)
	if err != nil {
		return nil, err
	}
	if isTrue(in.DryRun) {
		return nil, dryRun()
	}
	b := &subscription{
		expires:  c.now.Add(s.config.SubscriptionTTL),
		done:     make(chan struct{}),
		stream:   st,
		consumer: con,
		shard:    sh.index,
		position: position,
	}
	if rate := s.config.Limits.PushBytesPerSecond; rate > 0 {
		b.pace = new(limit.NewBucket(rate))
	}
	if err := s.sit(c, b); err != nil {
		return nil, err
	}
	return b, nil
}

// sit gives a subscription the place of its consumer at its shard. One that sat
// there for long enough ends.
func (s *Server) sit(c *call, b *subscription) error {
	name := shardName(b.shard)
	inUse := fail(codeResourceInUse, "Another active subscription exists for this consumer: %s:%s:%s:%s",
		b.stream.key.account, b.stream.key.name, name, b.consumer.name)
	seats := b.consumer.seats
	seats.mu.Lock()
	at := seats.taken[b.shard]
	if at == nil {
		at = &seat{calls: limit.NewBucket(s.config.Limits.SubscribeCallsPerSecond)}
		seats.taken[b.shard] = at
	}
	var old *subscription
	err := func() error {
		if seats.retired {
			return consumerNotFound(b.stream.key, b.consumer.suffix())
		}
		if s.config.Limits.SubscribeCallsPerSecond > 0 && !at.calls.Take(c.now.UnixNano(), 1) {
			return fail(codeLimitExceeded, "%s", shardRateExceeded(b.stream.key, name))
		}
		if !at.since.IsZero() && c.now.Sub(at.since) < s.config.TakeoverAfter {
			return inUse
		}
		old = at.by
		at.by, at.since = b, c.now
		return nil
	}()
	seats.mu.Unlock()
	if old != nil {
		old.finish(inUse)
	}
	return err
}

// finish ends a subscription that sits nowhere any more.
func (b *subscription) finish(why error) {
	b.ended = why
	close(b.done)
}

// retired says in a call of endAll that there will be no more subscriptions.
const retired = true

// endAll ends all subscriptions of the consumer, with an error or without.
func (con *consumer) endAll(why error, retired bool) {
	var ended []*subscription
	con.seats.mu.Lock()
	con.seats.retired = con.seats.retired || retired
	for _, at := range con.seats.taken {
		if at.by != nil {
			ended = append(ended, at.by)
			at.by = nil
		}
	}
	con.seats.mu.Unlock()
	for _, b := range ended {
		b.finish(why)
	}
}
