package conformance

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func listShardsChecks() []Check {
	return []Check{
		{"ListShards pages by token", func(p *probe) {
			stream := p.stream(5)
			in := &kinesis.ListShardsInput{StreamName: &stream, MaxResults: aws.Int32(2)}
			var got []string
			for range 3 {
				out, err := p.ListShards(p.ctx, in)
				p.must(err, "list shards")
				if len(out.Shards) > 2 {
					p.errorf("a page has %d shards, want at most 2", len(out.Shards))
				}
				got = append(got, ids(out.Shards)...)
				if out.NextToken == nil {
					break
				}
				in = &kinesis.ListShardsInput{NextToken: out.NextToken, MaxResults: aws.Int32(2)}
			}
			p.equal("shards", got, numberedShards(0, 5))
		}},
		{"ListShards refuses a token beside a stream", func(p *probe) {
			stream := p.stream(3)
			out, err := p.ListShards(p.ctx, &kinesis.ListShardsInput{StreamName: &stream, MaxResults: aws.Int32(1)})
			p.must(err, "list shards")
			if out.NextToken == nil {
				p.fatalf("no token after 1 of 3 shards")
			}
			_, err = p.ListShards(p.ctx, &kinesis.ListShardsInput{StreamName: &stream, NextToken: out.NextToken})
			p.refused(err, invalid)
		}},
		{"ListShards refuses a garbage token", func(p *probe) {
			_, err := p.ListShards(p.ctx, &kinesis.ListShardsInput{NextToken: aws.String("garbage")})
			p.refused(err, invalid, "ExpiredNextTokenException")
		}},
		{"ListShards refuses neither stream nor token", func(p *probe) {
			_, err := p.ListShards(p.ctx, &kinesis.ListShardsInput{})
			p.refused(err, invalid, validation)
		}},
		{"ListShards begins after a shard", func(p *probe) {
			stream := p.stream(3)
			out, err := p.ListShards(p.ctx, &kinesis.ListShardsInput{StreamName: &stream, ExclusiveStartShardId: aws.String(firstShard)})
			p.must(err, "list shards")
			p.equal("shards", ids(out.Shards), numberedShards(1, 3))
		}},
		{"ListShards of an unknown stream is ResourceNotFoundException", func(p *probe) {
			_, err := p.ListShards(p.ctx, &kinesis.ListShardsInput{StreamName: aws.String("nowhere")})
			p.refused(err, notFound)
		}},
		{"the filter AT_LATEST lists open shards", func(p *probe) {
			p.equal("shards", p.filtered(types.ShardFilter{Type: types.ShardFilterTypeAtLatest}), numberedShards(1, 3))
		}},
		{"the filter AT_TRIM_HORIZON lists shards that were open then", func(p *probe) {
			p.equal("shards", p.filtered(types.ShardFilter{Type: types.ShardFilterTypeAtTrimHorizon}), numberedShards(0, 1))
		}},
		{"the filter FROM_TRIM_HORIZON lists all shards", func(p *probe) {
			p.equal("shards", p.filtered(types.ShardFilter{Type: types.ShardFilterTypeFromTrimHorizon}), numberedShards(0, 3))
		}},
		{"the filter AFTER_SHARD_ID lists later shards", func(p *probe) {
			p.equal("shards", p.filtered(types.ShardFilter{
				Type: types.ShardFilterTypeAfterShardId, ShardId: aws.String(firstShard),
			}), numberedShards(1, 3))
		}},
		{"the filter AT_TIMESTAMP now lists open shards", func(p *probe) {
			p.equal("shards", p.filteredNow(types.ShardFilterTypeAtTimestamp), numberedShards(1, 3))
		}},
		{"the filter FROM_TIMESTAMP now lists open shards", func(p *probe) {
			p.equal("shards", p.filteredNow(types.ShardFilterTypeFromTimestamp), numberedShards(1, 3))
		}},
	}
}

// filtered lists the shards of a stream with one split, so that shard 0 is closed
// and 1 and 2 are open.
func (p *probe) filtered(filter types.ShardFilter) []string {
	stream := p.stream(1)
	p.split(stream, p.shards(stream)[0])
	out, err := p.ListShards(p.ctx, &kinesis.ListShardsInput{StreamName: &stream, ShardFilter: &filter})
	p.must(err, "list shards")
	return ids(out.Shards)
}

// filteredNow is filtered with the time at which the split is well over, which
// the server's clock has to reach first.
func (p *probe) filteredNow(kind types.ShardFilterType) []string {
	stream := p.stream(1)
	p.split(stream, p.shards(stream)[0])
	p.pause(100 * time.Millisecond)
	now := time.Now().Add(-20 * time.Millisecond)
	out, err := p.ListShards(p.ctx, &kinesis.ListShardsInput{
		StreamName: &stream, ShardFilter: &types.ShardFilter{Type: kind, Timestamp: &now},
	})
	p.must(err, "list shards")
	return ids(out.Shards)
}

func ids(shards []types.Shard) []string {
	names := []string{}
	for _, s := range shards {
		names = append(names, aws.ToString(s.ShardId))
	}
	return names
}

// numberedShards are the names of the shards from one number to before another.
func numberedShards(from, to int) []string {
	var names []string
	for i := from; i < to; i++ {
		names = append(names, shardName(i))
	}
	return names
}
