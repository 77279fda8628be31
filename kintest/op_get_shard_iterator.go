package kintest

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func getShardIterator(s *Server, c *call, in *kinesis.GetShardIteratorInput) (*kinesis.GetShardIteratorOutput, error) {
	key, err := s.keyOf(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	index, ok := shardIndex(*in.ShardId)
	if !ok {
		return nil, shardNotFound(key, *in.ShardId)
	}
	st, state := s.stream(key, c.now)
	if st == nil {
		return nil, notFound(key)
	}
	sh := state.shard(*in.ShardId, c.now)
	if sh == nil || state.phase == types.StreamStatusCreating {
		return nil, shardMissing(key, shardName(index))
	}
	position, err := start{in.ShardIteratorType, in.StartingSequenceNumber, in.Timestamp}.position(c, key, sh)
	if err != nil {
		return nil, err
	}
	if isTrue(in.DryRun) {
		return nil, dryRun()
	}
	if !sh.limits.iterator(c.now) {
		return nil, fail(codeThroughput, "%s", shardRateExceeded(key, sh.id))
	}
	return &kinesis.GetShardIteratorOutput{ShardIterator: new(s.encodeIterator(iterator{
		stream:     key,
		nonce:      st.nonce,
		generation: st.generation.Load(),
		shard:      sh.index,
		position:   position,
		created:    c.now,
	}))}, nil
}

func isTrue(b *bool) bool { return b != nil && *b }
