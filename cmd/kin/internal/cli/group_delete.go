package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kinstream/kin/internal/operator"
)

func (a *app) groupDeleteCommand() *cobra.Command {
	var yes, force bool
	cmd := &cobra.Command{
		Use:   "delete GROUP",
		Short: "Delete a group with all its checkpoints",
		Long: `Delete a group with all its leases and checkpoints. There is no way back: the next
worker under that name begins at its start position. Streams and records are not
touched. Without --yes the command only says what it would delete, and ends with code 2.

It watches the workers for as long as it takes to call one dead, 0.85 of their lease
TTL, and ends with code 7 if one may live. With --force it deletes the group under
them: workers that still run make it anew and begin at their start position.`,
		Args:              exactly("GROUP"),
		ValidArgsFunction: a.completeGroups,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.groupDelete(cmd, args[0], yes, force) },
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	cmd.Flags().BoolVar(&force, "force", false, "also while workers live")
	return cmd
}

func (a *app) groupDelete(cmd *cobra.Command, group string, yes, force bool) error {
	ctx := cmd.Context()
	return a.withStore(ctx, func(store *openedStore) error {
		g, err := operator.Describe(ctx, store, group, 0)
		if err != nil {
			return err
		}
		if !yes {
			return usageErr(fmt.Sprintf("this would delete group %s in %v: %s, %s of %s, and every checkpoint", group, store.address,
				count(len(g.Workers), "worker"), count(len(g.Leases), "shard"), count(len(g.Streams), "stream")), "give --yes to do it")
		}
		if err := operator.Delete(ctx, store, group, force); err != nil {
			return err
		}
		if a.json() {
			return a.printJSON(map[string]string{"deleted": group})
		}
		_, err = fmt.Fprintf(a.io.Out, "group %s is deleted\n", group)
		return err
	})
}
