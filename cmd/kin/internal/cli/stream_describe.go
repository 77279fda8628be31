package cli

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/spf13/cobra"
)

func (a *app) streamDescribeCommand() *cobra.Command {
	var openOnly bool
	cmd := &cobra.Command{
		Use:   "describe STREAM",
		Short: "Show a stream and the tree of its shards",
		Long: `Show a stream and the tree of its shards: which shard came from which, which are
open, and which part of the hash keys each one has. A shard that came from a merge
is drawn under one parent and names the other.`,
		Args:              exactly("STREAM"),
		ValidArgsFunction: a.completeStreams,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.streamDescribe(cmd, args[0], openOnly) },
	}
	cmd.Flags().BoolVar(&openOnly, "open", false, "show open shards only")
	return cmd
}

// stream is the JSON form of a stream.
type stream struct {
	Name           string     `json:"name"`
	ARN            string     `json:"arn"`
	Status         string     `json:"status"`
	Mode           string     `json:"mode,omitempty"`
	OpenShards     int        `json:"open_shards"`
	RetentionHours int        `json:"retention_hours"`
	Created        *time.Time `json:"created,omitempty"`
	Encryption     string     `json:"encryption,omitempty"`
	Consumers      int        `json:"consumers"`
	MaxRecordKiB   int        `json:"max_record_kib,omitempty"`
	Shards         []shard    `json:"shards,omitempty"`
}

func streamOf(s *types.StreamDescriptionSummary) stream {
	return stream{
		Name: aws.ToString(s.StreamName), ARN: aws.ToString(s.StreamARN), Status: string(s.StreamStatus),
		Mode: modeText(s.StreamModeDetails), OpenShards: int32Of(s.OpenShardCount),
		RetentionHours: int32Of(s.RetentionPeriodHours), Created: s.StreamCreationTimestamp,
		Encryption: string(s.EncryptionType), Consumers: int32Of(s.ConsumerCount), MaxRecordKiB: int32Of(s.MaxRecordSizeInKiB),
	}
}

func (a *app) streamDescribe(cmd *cobra.Command, name string, openOnly bool) error {
	ctx := cmd.Context()
	client, err := a.client(ctx)
	if err != nil {
		return err
	}
	s, err := summary(ctx, client, name)
	if err != nil {
		return err
	}
	listed, err := listShards(ctx, client, name)
	if err != nil {
		return err
	}
	described := streamOf(s)
	all := shardsOf(listed)
	for _, sh := range all {
		if sh.Open || !openOnly {
			described.Shards = append(described.Shards, sh)
		}
	}
	if a.json() {
		return a.printJSON(described)
	}
	a.printStream(described, len(all))
	return nil
}

func (a *app) printStream(s stream, listed int) {
	w := a.io.Out
	style := a.outStyle()
	fmt.Fprintf(w, "%s  %s\n", style.bold(s.Name), style.status(s.Status))
	fmt.Fprintf(w, "arn        %s\n", s.ARN)
	if s.Mode != "" {
		fmt.Fprintf(w, "mode       %s\n", s.Mode)
	}
	if s.Created != nil {
		fmt.Fprintf(w, "created    %s\n", timeText(s.Created))
	}
	fmt.Fprintf(w, "retention  %s\n", count(s.RetentionHours, "hour"))
	if s.Encryption != "" && s.Encryption != string(types.EncryptionTypeNone) {
		fmt.Fprintf(w, "encrypted  %s\n", s.Encryption)
	}
	if s.Consumers > 0 {
		fmt.Fprintf(w, "consumers  %d\n", s.Consumers)
	}
	if s.MaxRecordKiB > 0 {
		fmt.Fprintf(w, "records    at most %s\n", bytesText(int64(s.MaxRecordKiB)*1024))
	}
	fmt.Fprintf(w, "shards     %d open, %d closed\n\n", s.OpenShards, listed-s.OpenShards)
	for _, line := range shardTree(s.Shards, style) {
		fmt.Fprintln(w, line)
	}
}
