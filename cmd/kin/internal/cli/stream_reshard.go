package cli

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/spf13/cobra"

	"github.com/kinstream/kin/cmd/kin/internal/term"
)

func (a *app) streamReshardCommand() *cobra.Command {
	var shards int
	cmd := &cobra.Command{
		Use:   "reshard STREAM --shards N",
		Short: "Change the number of open shards",
		Long: `Change the number of open shards, and wait until it is done. The service at most
doubles or halves the number in one step, so a large change takes several; it allows
10 steps in 24 hours. Reading and writing go on meanwhile.`,
		Example:           "  kin stream reshard orders --shards 16",
		Args:              exactly("STREAM"),
		ValidArgsFunction: a.completeStreams,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.streamReshard(cmd, args[0], shards) },
	}
	cmd.Flags().IntVar(&shards, "shards", 0, "wanted `number` of open shards")
	return cmd
}

// reshardSteps is the number of open shards after each step on the way from
// one number to another: never more than double, never less than half.
func reshardSteps(from, to int) []int {
	var steps []int
	for n := from; n != to; {
		if to > n {
			n = min(to, 2*n)
		} else {
			n = max(to, (n+1)/2)
		}
		steps = append(steps, n)
	}
	return steps
}

type resharded struct {
	Stream string  `json:"stream"`
	From   int     `json:"from"`
	To     int     `json:"to"`
	Steps  int     `json:"steps"`
	Took   float64 `json:"seconds"`
}

func (a *app) streamReshard(cmd *cobra.Command, stream string, to int) error {
	if to < 1 {
		return usageErr("--shards is missing, or below 1", "give the wanted number of open shards")
	}
	ctx := cmd.Context()
	client, err := a.client(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	s, err := waitActive(ctx, client, stream)
	if err != nil {
		return err
	}
	if s.StreamModeDetails != nil && s.StreamModeDetails.StreamMode == types.StreamModeOnDemand {
		return usageErr(*s.StreamName+" is an on-demand stream: the service chooses its shards", "")
	}
	from := int32Of(s.OpenShardCount)
	steps := reshardSteps(from, to)
	if err := a.reshard(ctx, client, stream, from, steps); err != nil {
		return err
	}
	result := resharded{Stream: *s.StreamName, From: from, To: to, Steps: len(steps), Took: time.Since(start).Seconds()}
	if a.json() {
		return a.printJSON(result)
	}
	if len(steps) == 0 {
		_, err = fmt.Fprintf(a.io.Out, "%s has %s already\n", result.Stream, count(to, "open shard"))
		return err
	}
	_, err = fmt.Fprintf(a.io.Out, "%s: %d -> %s in %s, %.1f s\n", result.Stream, from, count(to, "open shard"), count(len(steps), "step"), result.Took)
	return err
}

// reshard takes the steps one after the other, with a progress bar.
func (a *app) reshard(ctx context.Context, client *kinesis.Client, stream string, from int, steps []int) error {
	if len(steps) == 0 {
		return nil
	}
	var done atomic.Int64 // steps
	path := append([]int{from}, steps...)
	stop := a.startProgress(func(columns int, st style) string {
		n := int(done.Load())
		bar := term.Bar(min(30, columns/3), float64(n)/float64(len(steps)))
		text := fmt.Sprintf("%s %s  step %d of %d", st.blue(bar), stream, min(n+1, len(steps)), len(steps))
		if n == len(steps) {
			return fmt.Sprintf("%s: %d shards", text, path[n])
		}
		return fmt.Sprintf("%s: %d -> %d shards", text, path[n], path[n+1])
	})
	defer stop()
	ref := refTo(stream)
	for i, n := range steps {
		if _, err := client.UpdateShardCount(ctx, &kinesis.UpdateShardCountInput{
			StreamName: ref.name, StreamARN: ref.arn,
			TargetShardCount: new(int32(n)), ScalingType: types.ScalingTypeUniformScaling,
		}); err != nil {
			if i == 0 {
				return err
			}
			why, code := a.explain(ctx, err)
			return &failure{code: code, what: why, hint: fmt.Sprintf("%s has %s now", stream, count(path[i], "open shard")), err: err}
		}
		if _, err := waitActive(ctx, client, stream); err != nil {
			return err
		}
		done.Add(1)
	}
	return nil
}
