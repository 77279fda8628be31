package conformance

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/e2e/server"
)

const (
	inUse         = "ResourceInUseException"
	notFound      = "ResourceNotFoundException"
	validation    = "ValidationException"
	invalid       = "InvalidArgumentException"
	limitExceeded = "LimitExceededException"
)

func streamChecks() []Check {
	return []Check{
		{"a new stream becomes ACTIVE with hash ranges that cover everything once", func(p *probe) {
			stream := p.stream(3)
			p.covers(p.shards(stream))
		}},
		{"a stream is CREATING first", func(p *probe) {
			name, began := p.name(), time.Now()
			_, err := p.CreateStream(p.ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)})
			p.must(err, "create stream")
			p.deleteAfter(name)
			out, err := p.DescribeStreamSummary(p.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name})
			p.must(err, "describe stream summary")
			if time.Since(began) < server.StateDelay { // else it may be over
				p.equal("status", out.StreamDescriptionSummary.StreamStatus, types.StreamStatusCreating)
			}
			p.active(name)
		}},
		{"a name is taken once", func(p *probe) {
			stream := p.stream(1)
			_, err := p.CreateStream(p.ctx, &kinesis.CreateStreamInput{StreamName: &stream, ShardCount: aws.Int32(1)})
			p.refused(err, inUse)
		}},
		{"describing an unknown stream is ResourceNotFoundException", func(p *probe) {
			_, err := p.DescribeStream(p.ctx, &kinesis.DescribeStreamInput{StreamName: aws.String("nowhere")})
			p.refused(err, notFound)
			_, err = p.DescribeStreamSummary(p.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("nowhere")})
			p.refused(err, notFound)
		}},
		{"a stream name has letters, digits, underscores, dots and hyphens", func(p *probe) {
			_, err := p.CreateStream(p.ctx, &kinesis.CreateStreamInput{StreamName: aws.String("no spaces"), ShardCount: aws.Int32(1)})
			p.refused(err, validation)
		}},
		{"a stream name has at most 128 characters", func(p *probe) {
			name := strings.Repeat("n", 129)
			_, err := p.CreateStream(p.ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)})
			p.refused(err, validation)
		}},
		{"a stream has at least one shard", func(p *probe) {
			name := p.name()
			_, err := p.CreateStream(p.ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(0)})
			p.refused(err, validation)
		}},
		{"a deleted stream is gone", func(p *probe) {
			stream := p.stream(1)
			_, err := p.DeleteStream(p.ctx, &kinesis.DeleteStreamInput{StreamName: &stream})
			p.must(err, "delete stream")
			p.eventually("stream is gone", func() bool {
				_, err = p.DescribeStreamSummary(p.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &stream})
				return err != nil
			})
			p.refused(err, notFound)
		}},
		{"ListStreams pages by name", func(p *probe) {
			var made []string
			for range 3 {
				made = append(made, p.stream(1))
			}
			p.containsAll(p.streamNames(func(in *kinesis.ListStreamsInput, last *kinesis.ListStreamsOutput) {
				in.ExclusiveStartStreamName = aws.String(last.StreamNames[len(last.StreamNames)-1])
			}), made)
		}},
		{"ListStreams pages by token", func(p *probe) {
			var made []string
			for range 3 {
				made = append(made, p.stream(1))
			}
			p.containsAll(p.streamNames(func(in *kinesis.ListStreamsInput, last *kinesis.ListStreamsOutput) {
				if last.NextToken == nil {
					p.fatalf("HasMoreStreams without NextToken")
				}
				in.NextToken = last.NextToken
			}), made)
		}},
		{"DescribeStreamSummary counts the open shards", func(p *probe) {
			stream := p.stream(1)
			p.split(stream, p.shards(stream)[0])
			out, err := p.DescribeStreamSummary(p.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &stream})
			p.must(err, "describe stream summary")
			p.equal("open shards", aws.ToInt32(out.StreamDescriptionSummary.OpenShardCount), 2)
			p.equal("retention", aws.ToInt32(out.StreamDescriptionSummary.RetentionPeriodHours), 24)
		}},
		{"DescribeStream pages by shard", func(p *probe) {
			stream := p.stream(3)
			var got []string
			in := &kinesis.DescribeStreamInput{StreamName: &stream, Limit: aws.Int32(2)}
			for range 3 {
				out, err := p.DescribeStream(p.ctx, in)
				p.must(err, "describe stream")
				for _, s := range out.StreamDescription.Shards {
					got = append(got, *s.ShardId)
				}
				if len(got) == 2 && !aws.ToBool(out.StreamDescription.HasMoreShards) {
					p.errorf("HasMoreShards is false after 2 of 3 shards")
				}
				if !aws.ToBool(out.StreamDescription.HasMoreShards) {
					break
				}
				in.ExclusiveStartShardId = aws.String(got[len(got)-1])
			}
			p.equal("shards", got, []string{"shardId-000000000000", "shardId-000000000001", "shardId-000000000002"})
		}},
		{"StreamARN stands for StreamName", func(p *probe) {
			arn := p.active(p.stream(1)).StreamARN
			_, err := p.PutRecord(p.ctx, &kinesis.PutRecordInput{StreamARN: arn, PartitionKey: aws.String("k"), Data: []byte("by ARN")})
			p.must(err, "put record")
			it, err := p.GetShardIterator(p.ctx, &kinesis.GetShardIteratorInput{
				StreamARN: arn, ShardId: aws.String("shardId-000000000000"), ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
			})
			p.must(err, "get shard iterator")
			p.equal("records", p.read(*it.ShardIterator, 1), []string{"by ARN"})
			out, err := p.ListShards(p.ctx, &kinesis.ListShardsInput{StreamARN: arn})
			p.must(err, "list shards")
			p.equal("shards", len(out.Shards), 1)
		}},
		{"a stream on demand begins with four shards", func(p *probe) {
			name := p.name()
			_, err := p.CreateStream(p.ctx, &kinesis.CreateStreamInput{
				StreamName: &name, StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand},
			})
			p.must(err, "create stream")
			p.deleteAfter(name)
			p.active(name)
			p.equal("shards", len(p.shards(name)), 4)
		}},
	}
}

// streamNames lists streams two by two; next asks for the page after last.
func (p *probe) streamNames(next func(in *kinesis.ListStreamsInput, last *kinesis.ListStreamsOutput)) []string {
	var names []string
	in := &kinesis.ListStreamsInput{Limit: aws.Int32(2)}
	for range 1000 {
		out, err := p.ListStreams(p.ctx, in)
		p.must(err, "list streams")
		if len(out.StreamNames) > 2 {
			p.errorf("a page has %d names, want at most 2", len(out.StreamNames))
		}
		names = append(names, out.StreamNames...)
		if !aws.ToBool(out.HasMoreStreams) || len(out.StreamNames) == 0 {
			break
		}
		in = &kinesis.ListStreamsInput{Limit: aws.Int32(2)}
		next(in, out)
	}
	return names
}

func (p *probe) containsAll(got, want []string) {
	for _, w := range want {
		if !slices.Contains(got, w) {
			p.errorf("%s is missing in %v", w, got)
		}
	}
}

// covers checks that the ranges of the shards without gap or overlap are all hash keys.
func (p *probe) covers(shards []types.Shard) {
	next := new(big.Int)
	for i, s := range shards {
		start, end := integer(s.HashKeyRange.StartingHashKey), integer(s.HashKeyRange.EndingHashKey)
		if start.Cmp(next) != 0 {
			p.errorf("range %d of %d starts at %s, want %s", i, len(shards), start, next)
		}
		next = end.Add(end, big.NewInt(1))
	}
	if all := new(big.Int).Lsh(big.NewInt(1), 128); next.Cmp(all) != 0 {
		p.errorf("ranges end before %s, want before %s", next, all)
	}
}

// integer reads a decimal; what is none is below all others.
func integer(decimal *string) *big.Int {
	n, ok := new(big.Int).SetString(aws.ToString(decimal), 10)
	if !ok {
		return big.NewInt(-1)
	}
	return n
}

// middle returns the hash key at which a split halves the shard.
func middle(s types.Shard) string {
	start, end := integer(s.HashKeyRange.StartingHashKey), integer(s.HashKeyRange.EndingHashKey)
	return fmt.Sprint(start.Add(start, end).Rsh(start, 1).Add(start, big.NewInt(1)))
}
