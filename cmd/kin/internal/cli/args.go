package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/spf13/cobra"
)

// completeStreams offers the names of the streams to the shell for the first
// argument. The shell waits for it, so it gives up soon and in silence.
func (a *app) completeStreams(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const patience = 2 * time.Second
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), patience)
	defer cancel()
	client, err := a.client(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	page, err := client.ListStreams(ctx, &kinesis.ListStreamsInput{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return page.StreamNames, cobra.ShellCompDirectiveNoFileComp
}

// exactly checks that the command got one argument for each name.
func exactly(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return fmt.Errorf("%s is missing", strings.Join(names[len(args):], " "))
		}
		if len(names) == 0 && len(args) > 0 {
			return fmt.Errorf("%q is too much: no arguments are needed", args[0])
		}
		if len(args) > len(names) {
			return fmt.Errorf("%q is too much: the arguments are %s", args[len(names)], strings.Join(names, " "))
		}
		return nil
	}
}
