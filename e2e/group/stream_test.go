//go:build unix

package group_test

import (
	"math/big"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// active waits until a stream is ACTIVE.
func (r *rig) active(stream string) {
	r.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		out, err := r.client.DescribeStreamSummary(r.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &stream})
		r.must(err)
		if out.StreamDescriptionSummary.StreamStatus == types.StreamStatusActive {
			return
		}
		<-tick.C
	}
}

// list returns all shards of a stream.
func (r *rig) list(stream string) []types.Shard {
	r.Helper()
	out, err := r.client.ListShards(r.ctx, &kinesis.ListShardsInput{StreamName: &stream})
	r.must(err)
	return out.Shards
}

// open returns the open shards of a stream in the order of their ranges.
func (r *rig) open(stream string) []types.Shard {
	r.Helper()
	shards := slices.DeleteFunc(r.list(stream), func(s types.Shard) bool { return s.SequenceNumberRange.EndingSequenceNumber != nil })
	slices.SortFunc(shards, func(a, b types.Shard) int {
		return integer(a.HashKeyRange.StartingHashKey).Cmp(integer(b.HashKeyRange.StartingHashKey))
	})
	return shards
}

// split halves an open shard, counted in the order of ranges.
func (r *rig) split(stream string, n int) {
	r.Helper()
	open := r.open(stream)
	s := open[n%len(open)]
	middle := integer(s.HashKeyRange.StartingHashKey)
	middle.Add(middle, integer(s.HashKeyRange.EndingHashKey)).Rsh(middle, 1)
	_, err := r.client.SplitShard(r.ctx, &kinesis.SplitShardInput{
		StreamName: &stream, ShardToSplit: s.ShardId, NewStartingHashKey: aws.String(middle.String()),
	})
	r.must(err)
	r.active(stream)
	r.notef("split %s", aws.ToString(s.ShardId))
}

// merge merges an open shard with the next one.
func (r *rig) merge(stream string, n int) {
	r.Helper()
	open := r.open(stream)
	n %= len(open) - 1
	_, err := r.client.MergeShards(r.ctx, &kinesis.MergeShardsInput{
		StreamName: &stream, ShardToMerge: open[n].ShardId, AdjacentShardToMerge: open[n+1].ShardId,
	})
	r.must(err)
	r.active(stream)
	r.notef("merged %s and %s", aws.ToString(open[n].ShardId), aws.ToString(open[n+1].ShardId))
}

func integer(decimal *string) *big.Int {
	n, ok := new(big.Int).SetString(aws.ToString(decimal), 10)
	if !ok {
		return new(big.Int)
	}
	return n
}
