package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/operator"
	"github.com/kinstream/kin/lease"
)

func (a *app) groupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "group",
		Short: "Look at consumer groups, set them back, move their shards",
		Long: `Look at the groups of kin consume and of programs that use kin.Consumer, and steer
them: which worker has which shard, how far behind each is, where reading goes on.

` + storeHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	a.storeFlag(cmd)
	cmd.AddCommand(a.groupListCommand(), a.groupDescribeCommand(), a.groupResetCommand(),
		a.groupMoveCommand(), a.groupDrainCommand(), a.groupDeleteCommand())
	return cmd
}

// withStore opens the store for as long as do runs.
func (a *app) withStore(ctx context.Context, do func(store *openedStore) error) error {
	store, err := a.openStore(ctx, false)
	if err != nil {
		return err
	}
	return errors.Join(do(store), store.close())
}

// completeGroups offers the names of the groups to the shell for the first argument.
func (a *app) completeGroups(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const patience = 2 * time.Second
	var groups []string
	if len(args) == 0 {
		ctx, cancel := context.WithTimeout(cmd.Context(), patience)
		defer cancel()
		// Whatever goes wrong: there is nothing to offer then.
		_ = a.withStore(ctx, func(store *openedStore) (err error) {
			groups, err = store.Groups(ctx)
			return err
		})
	}
	return groups, cobra.ShellCompDirectiveNoFileComp
}

// groupFailure explains an error about a group. It returns nil for other errors.
func groupFailure(err error) *failure {
	f := &failure{code: exitNotFound, what: oneLine(err.Error()), err: err}
	live, busy := errors.AsType[*operator.LiveError](err)
	_, unfit := errors.AsType[*operator.MoveError](err)
	ttl, otherTTL := errors.AsType[*coord.TTLError](err)
	switch {
	case otherTTL:
		f.code = exitUsage
		f.what = oneLine(ttl.Error())
		f.hint = fmt.Sprintf("give --ttl %v", ttl.Group)
	case busy:
		f.code = exitBusy
		f.what = "the group is in use: " + workersText(live.Workers)
		f.hint = "stop the workers first, or give --force"
	case unfit:
		f.code = exitUsage
		f.hint = "kin group describe shows the workers"
	case errors.Is(err, operator.ErrRaced):
		f.code = exitBusy
		f.hint = "try again"
	case errors.Is(err, operator.ErrNoGroup):
		f.hint = "kin group list shows the groups of the store; is --store right?"
	case errors.Is(err, operator.ErrNoLease), errors.Is(err, operator.ErrNoStream), errors.Is(err, lease.ErrNoWorker):
		f.what = strings.TrimPrefix(f.what, "lease: ")
		f.hint = "kin group describe shows what is there"
	case errors.Is(err, operator.ErrGoneShard):
		f.hint = "kin stream describe shows its shards"
	case errors.Is(err, operator.ErrAmbiguous):
		f.code = exitUsage
		f.hint = "give --stream, or more of the worker's ID"
	case errors.Is(err, operator.ErrIncomplete):
		f.code = exitBusy
		f.hint = "the stream is being resharded: try again in a moment"
	case errors.Is(err, operator.ErrNewStream):
		f.code = exitUsage
		f.hint = "reset the stream as a whole, without --shard"
	case errors.Is(err, lease.ErrInvalid):
		f.code = exitUsage
		f.what = strings.TrimPrefix(f.what, "lease: ")
	default:
		return nil
	}
	return f
}

// workersText names workers, and how they look.
func workersText(workers []operator.Worker) string {
	const most = 5
	var names []string
	for _, w := range workers {
		if len(names) == most {
			names = append(names, fmt.Sprintf("%d more", len(workers)-most))
			break
		}
		names = append(names, fmt.Sprintf("%s is %s", w.ID, lifeText(w)))
	}
	return strings.Join(names, ", ")
}

func lifeText(w operator.Worker) string {
	if w.Life == operator.Silent || w.Life == operator.Dead {
		return fmt.Sprintf("%v for %.1f s", w.Life, w.Quiet.Seconds())
	}
	return w.Life.String()
}

// pickStream returns the ARN of a stream of the group. It may be left out if there is only one.
func pickStream(g operator.Group, stream string) (string, error) {
	var all []string
	for _, s := range g.Streams {
		all = append(all, s.ARN)
	}
	for _, l := range g.Leases {
		if !slices.Contains(all, l.Stream) {
			all = append(all, l.Stream)
		}
	}
	var found []string
	for _, arn := range all {
		if stream == "" || operator.SameStream(arn, stream) {
			found = append(found, arn)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case stream == "" && len(found) == 0:
		return "", fmt.Errorf("%w: it reads none", operator.ErrNoStream)
	case len(found) == 0:
		return "", fmt.Errorf("%w: %s", operator.ErrNoStream, stream)
	}
	names := make([]string, 0, len(found))
	for _, arn := range found {
		names = append(names, operator.StreamName(arn))
	}
	return "", usageErr(fmt.Sprintf("group %s reads %s", g.Name, strings.Join(names, ", ")), "say which with --stream")
}

// ageText writes a duration as people say it, in its largest unit or two.
func ageText(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

// checkpointText shortens a checkpoint for a table: sequence numbers have 56 digits.
func checkpointText(c lease.Checkpoint) string {
	const digits = 12
	kind, arg, _ := strings.Cut(string(c), ":")
	switch kind {
	case "AT_TIMESTAMP":
		if t, err := time.Parse(time.RFC3339Nano, arg); err == nil {
			return "at " + t.Local().Format(time.DateTime)
		}
	case "AFTER_SEQUENCE_NUMBER", "AT_SEQUENCE_NUMBER":
		number, sub, aggregated := strings.Cut(arg, ":")
		if len(number) > digits {
			number = ".." + number[len(number)-digits:]
		}
		if aggregated {
			number += ":" + sub
		}
		return strings.ToLower(strings.TrimSuffix(kind, "_SEQUENCE_NUMBER")) + " " + number
	case "TRIM_HORIZON", "SHARD_END":
		return strings.ToLower(strings.ReplaceAll(kind, "_", " "))
	}
	return string(c)
}
