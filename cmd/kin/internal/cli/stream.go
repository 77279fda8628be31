package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/spf13/cobra"
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
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
		pause = min(pause*3/2, 2*time.Second)
	}
}

// sleep waits for d, or until ctx ends and then returns its error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// listShards returns all shards that the stream still lists, in the service's order.
func listShards(ctx context.Context, client *kinesis.Client, stream string) ([]types.Shard, error) {
	ref := refTo(stream)
	var shards []types.Shard
	in := &kinesis.ListShardsInput{StreamName: ref.name, StreamARN: ref.arn}
	for {
		out, err := client.ListShards(ctx, in)
		if err != nil {
			return nil, err
		}
		shards = append(shards, out.Shards...)
		if out.NextToken == nil {
			return shards, nil
		}
		// A token stands for the stream: both together are refused.
		in = &kinesis.ListShardsInput{NextToken: out.NextToken}
	}
}

func isOpen(s types.Shard) bool {
	return s.SequenceNumberRange == nil || s.SequenceNumberRange.EndingSequenceNumber == nil
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
