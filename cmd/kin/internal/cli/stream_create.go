package cli

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/spf13/cobra"
)

type streamCreateOptions struct {
	shards   int
	onDemand bool
	noWait   bool
}

func (a *app) streamCreateCommand() *cobra.Command {
	var o streamCreateOptions
	cmd := &cobra.Command{
		Use:     "create STREAM",
		Short:   "Create a stream and wait until it is ACTIVE",
		Example: "  kin stream create orders --shards 4\n  kin stream create clicks --on-demand",
		Args:    exactly("STREAM"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.streamCreate(cmd, args[0], o) },
	}
	f := cmd.Flags()
	f.IntVar(&o.shards, "shards", 1, "`number` of shards of a provisioned stream")
	f.BoolVar(&o.onDemand, "on-demand", false, "let the service choose and change the number of shards")
	f.BoolVar(&o.noWait, "no-wait", false, "return as soon as the service has accepted the request")
	cmd.MarkFlagsMutuallyExclusive("shards", "on-demand")
	return cmd
}

func (a *app) streamCreate(cmd *cobra.Command, stream string, o streamCreateOptions) error {
	if o.shards < 1 {
		return usageErr(fmt.Sprintf("--shards %d: a stream has at least 1", o.shards), "")
	}
	ctx := cmd.Context()
	client, err := a.client(ctx)
	if err != nil {
		return err
	}
	in := &kinesis.CreateStreamInput{StreamName: &stream}
	if o.onDemand {
		in.StreamModeDetails = &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}
	} else {
		in.ShardCount = new(int32(o.shards))
	}
	if _, err := client.CreateStream(ctx, in); err != nil {
		return err
	}
	var s *types.StreamDescriptionSummary
	if o.noWait {
		s, err = summary(ctx, client, stream)
	} else {
		s, err = waitActive(ctx, client, stream)
	}
	if err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(streamOf(s))
	}
	_, err = fmt.Fprintf(a.io.Out, "%s is %s with %s\n", *s.StreamName, s.StreamStatus, count(int32Of(s.OpenShardCount), "open shard"))
	return err
}
