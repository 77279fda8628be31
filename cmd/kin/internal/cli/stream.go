package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/spf13/cobra"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/topology"
)

func (a *app) streamCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stream",
		Short: "Create, list, describe, reshard and delete streams",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.streamCreateCommand(), a.streamListCommand(), a.streamDescribeCommand(),
		a.streamReshardCommand(), a.streamDeleteCommand())
	return cmd
}

// streamRef names a stream in a request. Users give a name or an ARN, and the
// requests have a field for each.
type streamRef struct {
	name, arn *string
}

func refTo(stream string) streamRef {
	if len(stream) > 4 && stream[:4] == "arn:" {
		return streamRef{arn: &stream}
	}
	return streamRef{name: &stream}
}

// summary asks for the state of a stream, without its shards.
func summary(ctx context.Context, client *kinesis.Client, stream string) (*types.StreamDescriptionSummary, error) {
	ref := refTo(stream)
	out, err := client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: ref.name, StreamARN: ref.arn})
	if err != nil {
		return nil, err
	}
	if out.StreamDescriptionSummary == nil {
		return nil, emptyAnswer("describes no stream")
	}
	return out.StreamDescriptionSummary, nil
}

// emptyAnswer is the error for an answer that is well-formed and means nothing, as
// servers of something else give.
func emptyAnswer(what string) error {
	return &failure{code: exitUnreachable, what: "the answer " + what, hint: "is it a Kinesis endpoint? check --endpoint"}
}

// waitActive waits until the stream is ACTIVE and returns its state then. It asks
// often at first, because local servers are done in an instant, and then once in
// two seconds.
func waitActive(ctx context.Context, client *kinesis.Client, stream string) (*types.StreamDescriptionSummary, error) {
	pause := 50 * time.Millisecond
	for {
		s, err := summary(ctx, client, stream)
		if err != nil {
			return nil, err
		}
		if s.StreamStatus == types.StreamStatusActive {
			return s, nil
		}
		if s.StreamStatus == types.StreamStatusDeleting {
			return nil, &failure{code: exitNotFound, what: fmt.Sprintf("stream %s is being deleted", stream)}
		}
		if err := fetch.Sleep(ctx, pause); err != nil {
			return nil, err
		}
		pause = min(pause*3/2, 2*time.Second)
	}
}

// listShards returns all shards that the stream still lists, in the service's order.
func listShards(ctx context.Context, client *kinesis.Client, stream string) ([]types.Shard, error) {
	shards, _, err := listShardsSince(ctx, client, stream, nil)
	return shards, err
}

// listShardsSince returns the shards that had not ended before a time, or all, and when
// the first answer was given, by the clock of the service.
func listShardsSince(ctx context.Context, client *kinesis.Client, stream string, since *time.Time) (shards []types.Shard, at time.Time, err error) {
	ref := refTo(stream)
	in := &kinesis.ListShardsInput{StreamName: ref.name, StreamARN: ref.arn}
	if since != nil {
		in.ShardFilter = &types.ShardFilter{Type: types.ShardFilterTypeFromTimestamp, Timestamp: since}
	}
	for {
		out, err := client.ListShards(ctx, in)
		if err != nil {
			return nil, at, err
		}
		if at.IsZero() {
			if at = fetch.ServerTime(out.ResultMetadata); at.IsZero() {
				at = time.Now()
			}
		}
		shards = append(shards, out.Shards...)
		if out.NextToken == nil {
			return shards, at, nil
		}
		// A token stands for the stream: both together are refused.
		in = &kinesis.ListShardsInput{NextToken: out.NextToken}
	}
}

func isOpen(s types.Shard) bool {
	return s.SequenceNumberRange == nil || s.SequenceNumberRange.EndingSequenceNumber == nil
}

// topologyOf is what the shards of a listing say about how they hang together.
func topologyOf(listed []types.Shard) []topology.Shard {
	shards := make([]topology.Shard, 0, len(listed))
	for _, s := range listed {
		shard := topology.Shard{ID: aws.ToString(s.ShardId), Closed: !isOpen(s), Range: hashkey.Range{Start: hashkey.Max()}}
		for _, parent := range []*string{s.ParentShardId, s.AdjacentParentShardId} {
			if aws.ToString(parent) != "" {
				shard.Parents = append(shard.Parents, *parent)
			}
		}
		if s.HashKeyRange != nil {
			start, err1 := hashkey.Parse(aws.ToString(s.HashKeyRange.StartingHashKey))
			end, err2 := hashkey.Parse(aws.ToString(s.HashKeyRange.EndingHashKey))
			if err1 == nil && err2 == nil {
				shard.Range = hashkey.Range{Start: start, End: end}
			}
		}
		shards = append(shards, shard)
	}
	return shards
}

func modeText(d *types.StreamModeDetails) string {
	if d == nil {
		return ""
	}
	return string(d.StreamMode)
}

func timeText(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Local().Format(time.DateTime)
}

func int32Of(p *int32) int { return int(aws.ToInt32(p)) }
