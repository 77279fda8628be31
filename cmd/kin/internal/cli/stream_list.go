package cli

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/spf13/cobra"
)

func (a *app) streamListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the streams",
		Args:    exactly(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.streamList(cmd) },
	}
}

type listedStream struct {
	Name    string     `json:"name"`
	ARN     string     `json:"arn,omitempty"`
	Status  string     `json:"status,omitempty"`
	Mode    string     `json:"mode,omitempty"`
	Created *time.Time `json:"created,omitempty"`
}

func (a *app) streamList(cmd *cobra.Command) error {
	ctx := cmd.Context()
	client, err := a.client(ctx)
	if err != nil {
		return err
	}
	var rows [][]string
	pages := kinesis.NewListStreamsPaginator(client, &kinesis.ListStreamsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, s := range listed(page) {
			if a.json() {
				if err := a.printJSON(s); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, []string{s.Name, s.Status, s.Mode, timeText(s.Created)})
		}
	}
	if a.json() {
		return nil
	}
	if len(rows) == 0 {
		a.sayf("no streams in %v", a.target)
		return nil
	}
	return a.printTable([]string{"STREAM", "STATUS", "MODE", "CREATED"}, rows)
}

// listed is the streams of a page. Servers that predate the summaries give only
// the names.
func listed(page *kinesis.ListStreamsOutput) []listedStream {
	summaries := make(map[string]types.StreamSummary, len(page.StreamSummaries))
	for _, s := range page.StreamSummaries {
		summaries[aws.ToString(s.StreamName)] = s
	}
	streams := make([]listedStream, 0, len(page.StreamNames))
	for _, name := range page.StreamNames {
		s := summaries[name]
		streams = append(streams, listedStream{
			Name: name, ARN: aws.ToString(s.StreamARN), Status: string(s.StreamStatus),
			Mode: modeText(s.StreamModeDetails), Created: s.StreamCreationTimestamp,
		})
	}
	return streams
}
