package conformance

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func reshardChecks() []Check {
	return []Check{
		{"a split closes the parent and opens two children of it", func(p *probe) {
			stream := p.stream(1)
			last := p.put(stream, "k", "before").SequenceNumber
			parent, children := p.split(stream, p.shards(stream)[0])
			p.covers(children)
			for _, child := range children {
				p.equal("parent", aws.ToString(child.ParentShardId), *parent.ShardId)
				p.equal("adjacent parent", aws.ToString(child.AdjacentParentShardId), "")
				if integer(child.SequenceNumberRange.StartingSequenceNumber).Cmp(integer(last)) <= 0 {
					p.errorf("child starts at %s, before the last record of its parent, %s",
						*child.SequenceNumberRange.StartingSequenceNumber, *last)
				}
			}
		}},
		{"a closed shard ends after its last record and before its children", func(p *probe) {
			stream := p.stream(1)
			last := integer(p.put(stream, "k", "before").SequenceNumber)
			parent, children := p.split(stream, p.shards(stream)[0])
			end := integer(parent.SequenceNumberRange.EndingSequenceNumber)
			if end.Cmp(last) < 0 || end.Cmp(integer(children[0].SequenceNumberRange.StartingSequenceNumber)) >= 0 {
				p.errorf("parent ends at %s, want from %s to before %s", end, last,
					*children[0].SequenceNumberRange.StartingSequenceNumber)
			}
		}},
		{"a merge closes two parents and opens one child of both", func(p *probe) {
			stream := p.stream(2)
			parents := p.shards(stream)
			child := p.merge(stream, parents[0], parents[1])
			p.covers([]types.Shard{child})
			p.equal("parent", aws.ToString(child.ParentShardId), *parents[0].ShardId)
			p.equal("adjacent parent", aws.ToString(child.AdjacentParentShardId), *parents[1].ShardId)
		}},
		{"records stay on the parent and new ones go to the children", func(p *probe) {
			stream := p.stream(1)
			p.put(stream, "k", "before")
			parent, children := p.split(stream, p.shards(stream)[0])
			after := p.put(stream, "k", "after")
			if *after.ShardId == *parent.ShardId {
				p.errorf("a record was put on the closed shard")
			}
			p.equal("parent", p.read(p.iterator(stream, *parent.ShardId, types.ShardIteratorTypeTrimHorizon), 2), []string{"before"})
			var got []string
			for _, child := range children {
				got = append(got, p.read(p.iterator(stream, *child.ShardId, types.ShardIteratorTypeTrimHorizon), 1)...)
			}
			p.equal("children", got, []string{"after"})
		}},
		{"a closed shard ends without a next iterator", func(p *probe) {
			stream := p.stream(1)
			p.put(stream, "k", "before")
			parent, _ := p.split(stream, p.shards(stream)[0])
			for _, kind := range []types.ShardIteratorType{types.ShardIteratorTypeTrimHorizon, types.ShardIteratorTypeLatest} {
				if end := p.end(p.iterator(stream, *parent.ShardId, kind)); end == nil {
					p.errorf("the closed shard does not end from %s", kind)
				}
			}
		}},
		{"the end of a split shard names both children", func(p *probe) {
			stream := p.stream(1)
			parent, children := p.split(stream, p.shards(stream)[0])
			p.namesChildren(stream, parent, children, 1)
		}},
		{"the ends of merged shards name the child with both parents", func(p *probe) {
			stream := p.stream(2)
			parents := p.shards(stream)
			child := p.merge(stream, parents[0], parents[1])
			p.namesChildren(stream, parents[0], []types.Shard{child}, 2)
			p.namesChildren(stream, parents[1], []types.Shard{child}, 2)
		}},
		{"a closed shard is not split", func(p *probe) {
			stream := p.stream(1)
			parent, _ := p.split(stream, p.shards(stream)[0])
			p.refused(p.splitAt(stream, *parent.ShardId, middle(parent)), invalid, inUse)
		}},
		{"a split outside of the range is refused", func(p *probe) {
			stream := p.stream(2)
			shards := p.shards(stream)
			p.refused(p.splitAt(stream, *shards[0].ShardId, *shards[1].HashKeyRange.EndingHashKey), invalid)
		}},
		{"shards that are not adjacent are not merged", func(p *probe) {
			stream := p.stream(3)
			_, err := p.MergeShards(p.ctx, &kinesis.MergeShardsInput{
				StreamName: &stream, ShardToMerge: aws.String(firstShard), AdjacentShardToMerge: aws.String("shardId-000000000002"),
			})
			p.refused(err, invalid)
		}},
		{"splitting an unknown shard is ResourceNotFoundException", func(p *probe) {
			p.refused(p.splitAt(p.stream(1), "shardId-000000000099", "1"), notFound)
		}},
		{"UpdateShardCount doubles and halves", func(p *probe) {
			stream := p.stream(2)
			for _, count := range []int32{4, 2} {
				_, err := p.UpdateShardCount(p.ctx, &kinesis.UpdateShardCountInput{
					StreamName: &stream, TargetShardCount: &count, ScalingType: types.ScalingTypeUniformScaling,
				})
				p.must(err, "update shard count")
				p.active(stream)
				open := p.open(stream)
				p.equal("open shards", len(open), count)
				p.covers(open)
			}
		}},
		{"UpdateShardCount refuses more than twice", func(p *probe) {
			stream := p.stream(2)
			_, err := p.UpdateShardCount(p.ctx, &kinesis.UpdateShardCountInput{
				StreamName: &stream, TargetShardCount: aws.Int32(5), ScalingType: types.ScalingTypeUniformScaling,
			})
			p.refused(err, invalid, limitExceeded)
		}},
	}
}

// split halves the shard, waits until that is done, and returns it with its children.
func (p *probe) split(stream string, shard types.Shard) (parent types.Shard, children []types.Shard) {
	p.must(p.splitAt(stream, *shard.ShardId, middle(shard)), "split shard")
	p.active(stream)
	for _, s := range p.shards(stream) {
		switch {
		case *s.ShardId == *shard.ShardId:
			parent = s
		case aws.ToString(s.ParentShardId) == *shard.ShardId:
			children = append(children, s)
		}
	}
	if len(children) != 2 || parent.ShardId == nil {
		p.fatalf("after the split there are %d children, want 2", len(children))
	}
	slices.SortFunc(children, byRange)
	return parent, children
}

func (p *probe) splitAt(stream, shard, key string) error {
	_, err := p.SplitShard(p.ctx, &kinesis.SplitShardInput{StreamName: &stream, ShardToSplit: &shard, NewStartingHashKey: &key})
	return err
}

// merge merges two shards, waits until that is done, and returns their child.
func (p *probe) merge(stream string, left, right types.Shard) types.Shard {
	_, err := p.MergeShards(p.ctx, &kinesis.MergeShardsInput{
		StreamName: &stream, ShardToMerge: left.ShardId, AdjacentShardToMerge: right.ShardId,
	})
	p.must(err, "merge shards")
	p.active(stream)
	for _, s := range p.shards(stream) {
		if aws.ToString(s.ParentShardId) == *left.ShardId {
			return s
		}
	}
	p.fatalf("no shard has %s for its parent", *left.ShardId)
	return types.Shard{}
}

// open returns the open shards in the order of their ranges.
func (p *probe) open(stream string) []types.Shard {
	open := slices.DeleteFunc(p.shards(stream), func(s types.Shard) bool {
		return s.SequenceNumberRange.EndingSequenceNumber != nil
	})
	slices.SortFunc(open, byRange)
	return open
}

func byRange(a, b types.Shard) int {
	return integer(a.HashKeyRange.StartingHashKey).Cmp(integer(b.HashKeyRange.StartingHashKey))
}

// end reads to the end of the shard and returns the answer that is the end, or
// nil if there is none.
func (p *probe) end(iterator string) *kinesis.GetRecordsOutput {
	for range 10 {
		out := p.get(iterator, 0)
		if out.NextShardIterator == nil {
			return out
		}
		iterator = *out.NextShardIterator
	}
	return nil
}

func (p *probe) namesChildren(stream string, parent types.Shard, children []types.Shard, parents int) {
	out := p.end(p.iterator(stream, *parent.ShardId, types.ShardIteratorTypeTrimHorizon))
	if out == nil {
		p.fatalf("%s does not end", *parent.ShardId)
	}
	var got, want []string
	for _, child := range out.ChildShards {
		got = append(got, fmt.Sprint(*child.ShardId, len(child.ParentShards), *child.HashKeyRange.StartingHashKey, *child.HashKeyRange.EndingHashKey))
	}
	for _, child := range children {
		want = append(want, fmt.Sprint(*child.ShardId, parents, *child.HashKeyRange.StartingHashKey, *child.HashKeyRange.EndingHashKey))
	}
	slices.Sort(got)
	slices.Sort(want)
	p.equal("children", got, want)
}
