package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/spf13/cobra"

	"github.com/kinstream/kin/internal/fetch"
)

func (a *app) streamDeleteCommand() *cobra.Command {
	var yes, consumers bool
	cmd := &cobra.Command{
		Use:   "delete STREAM",
		Short: "Delete a stream and everything in it",
		Long: `Delete a stream with all its records. There is no way back. Without --yes the
command only says what it would delete, and ends with code 2.`,
		Args:              exactly("STREAM"),
		ValidArgsFunction: a.completeStreams,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.streamDelete(cmd, args[0], yes, consumers) },
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	cmd.Flags().BoolVar(&consumers, "consumers", false, "also if consumers are registered for fan-out")
	return cmd
}

func (a *app) streamDelete(cmd *cobra.Command, stream string, yes, consumers bool) error {
	ctx := cmd.Context()
	client, err := a.client(ctx)
	if err != nil {
		return err
	}
	s, err := summary(ctx, client, stream)
	if err != nil {
		return err
	}
	if !yes {
		return usageErr(fmt.Sprintf("this would delete %s in %v: %s, created %s, and every record in it",
			*s.StreamName, a.target, count(int32Of(s.OpenShardCount), "open shard"), timeText(s.StreamCreationTimestamp)),
			"give --yes to do it")
	}
	ref := refTo(stream)
	if _, err := client.DeleteStream(ctx, &kinesis.DeleteStreamInput{
		StreamName: ref.name, StreamARN: ref.arn, EnforceConsumerDeletion: new(consumers),
	}); err != nil {
		return err
	}
	for pause := 50 * time.Millisecond; ; pause = min(pause*3/2, 2*time.Second) {
		if _, err := summary(ctx, client, stream); err != nil {
			if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
				break
			}
			return err
		}
		if err := fetch.Sleep(ctx, pause); err != nil {
			return err
		}
	}
	if a.json() {
		return a.printJSON(map[string]string{"deleted": *s.StreamName})
	}
	_, err = fmt.Fprintf(a.io.Out, "%s is deleted\n", *s.StreamName)
	return err
}
