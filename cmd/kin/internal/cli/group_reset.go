package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/spf13/cobra"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/internal/operator"
	"github.com/kinstream/kin/lease"
)

type resetOptions struct {
	to            string
	stream, shard string
	force, yes    bool
}

func (a *app) groupResetCommand() *cobra.Command {
	var o resetOptions
	cmd := &cobra.Command{
		Use:   "reset GROUP --to WHERE",
		Short: "Let a group read from somewhere else",
		Long: `Set where a group goes on: all shards of a stream, or one with --shard. --to is
    trim-horizon                  everything that the stream still holds
    latest                        what comes from now on
    2026-11-21T10:00:00Z          what arrived at that time or later; local time without a zone
    5m                            what arrived in the last five minutes
    a sequence number             that record of the shard that --shard names, and what follows
    AFTER_SEQUENCE_NUMBER:496..   what follows that record

Shards that had ended before the time are finished; those that had not are read again,
also if the group was done with them, and their children after them from their
beginning. So records of a key come in order. A shard that is reset alone takes
along its children, if it is read again.

Without --yes the command only says what it would do, and ends with code 2.

It watches the workers for as long as it takes to call one dead, 0.85 of their lease
TTL, and ends with code 7 if one may live. With --force it takes the shards from
their owners, which notice within a second, and whose checkpoints are refused from
then on; until then they may go on with records from where they were.`,
		Example: `  kin group reset billing --to 2h --yes
  kin group reset billing --to trim-horizon --shard shardId-000000000003`,
		Args:              exactly("GROUP"),
		ValidArgsFunction: a.completeGroups,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.groupReset(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.to, "to", "", "`where` reading is to go on")
	f.StringVar(&o.stream, "stream", "", "the `stream`, if the group reads several")
	f.StringVar(&o.shard, "shard", "", "set only this `shard`")
	f.BoolVar(&o.force, "force", false, "also while workers live")
	f.BoolVar(&o.yes, "yes", false, "do it")
	registerValues(cmd, "to", "trim-horizon", "latest", "5m", "1h")
	return cmd
}

func (a *app) groupReset(ctx context.Context, group string, o resetOptions) error {
	if o.to == "" {
		return usageErr("--to is missing", resetHint)
	}
	now := time.Now()
	to, err := parseResetTo(o.to, o.shard, now)
	if err != nil {
		return err
	}
	return a.withStore(ctx, func(store *openedStore) error {
		g, err := operator.Describe(ctx, store, group, 0)
		if err != nil {
			return err
		}
		arn, err := pickStream(g, o.stream)
		if err != nil {
			return err
		}
		target := operator.Target{Stream: arn, Shard: o.shard}
		a.arnRegion = regionOf(arn)
		client, err := a.client(ctx)
		if err != nil {
			return err
		}
		var list operator.Listing
		if target.To, list, err = resetListing(ctx, client, target, to); err != nil {
			return err
		}
		if !o.yes {
			return a.previewReset(ctx, store, group, target, list, o)
		}
		done, err := operator.Reset(ctx, store, group, target, list, o.force)
		if err != nil && len(done.Made) > 0 {
			why, code := a.explain(ctx, err)
			err = &failure{code: code, what: fmt.Sprintf("%s set, and then: %s", count(len(done.Made), "shard"), why), err: err}
		}
		printed := a.printSteps(done.Made)
		if err == nil && printed == nil {
			printed = a.sumUpReset(group, target, done)
		}
		return errors.Join(printed, err)
	})
}

const resetHint = "use trim-horizon, latest, a time such as 2026-11-21T10:00:00Z, an age such as 5m, or with --shard a sequence number"

// parseResetTo reads --to. A bare number is the sequence number of a record.
func parseResetTo(text, shard string, now time.Time) (kin.Position, error) {
	if len(text) > 20 && strings.Trim(text, "0123456789") == "" {
		text = "AT_SEQUENCE_NUMBER:" + text
	}
	p, perShard, err := parseFrom(text, now)
	if f, ok := errors.AsType[*failure](err); ok {
		return p, usageErr(strings.Replace(f.what, "--from", "--to", 1), resetHint)
	}
	if perShard && shard == "" {
		return p, usageErr(fmt.Sprintf("--to %s is a position in one shard", text), "say which with --shard")
	}
	return p, err
}

// resetListing asks the service for what a reset needs: the shards, which of them had ended
// before, when the stream was made, and what time LATEST is.
func resetListing(ctx context.Context, client *kinesis.Client, target operator.Target, to kin.Position) (lease.Checkpoint, operator.Listing, error) {
	var list operator.Listing
	s, err := summary(ctx, client, target.Stream)
	if err != nil {
		return "", list, err
	}
	if s.StreamCreationTimestamp != nil {
		list.CreatedAt = *s.StreamCreationTimestamp
	}
	listed, at, err := listShardsSince(ctx, client, target.Stream, nil)
	if err != nil {
		return "", list, err
	}
	list.Shards = topologyOf(listed)
	latest := to == kin.Latest()
	if latest {
		to = kin.AtTimestamp(at)
	}
	if target.Shard != "" && strings.Contains(to.String(), "SEQUENCE_NUMBER") {
		return lease.Checkpoint(to.String()), list, checkSequence(ctx, client, target, to)
	}
	list.Before = make(map[string]bool)
	text, timed := strings.CutPrefix(to.String(), "AT_TIMESTAMP:")
	if !timed {
		return lease.Checkpoint(to.String()), list, nil
	}
	since := make(map[string]bool)
	if !latest {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return "", list, err
		}
		later, _, err := listShardsSince(ctx, client, target.Stream, &t)
		if err != nil {
			return "", list, err
		}
		for _, s := range later {
			since[*s.ShardId] = true
		}
	}
	for _, s := range listed {
		if !isOpen(s) && !since[*s.ShardId] {
			list.Before[*s.ShardId] = true
		}
	}
	return lease.Checkpoint(to.String()), list, nil
}

// checkSequence lets the service judge whether a sequence number can be one of the shard.
func checkSequence(ctx context.Context, client *kinesis.Client, target operator.Target, to kin.Position) error {
	l := lease.Lease{Key: lease.Key{Stream: target.Stream, Shard: target.Shard}, Checkpoint: lease.Checkpoint(to.String())}
	in, err := operator.IteratorInput(l)
	if err != nil {
		return err
	}
	_, err = client.GetShardIterator(ctx, in)
	return err
}

type resetStep struct {
	Stream string `json:"stream"`
	Shard  string `json:"shard"`
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
	Owner  string `json:"owner,omitempty"` // that loses it
	Why    string `json:"why"`
}

// previewReset says what a reset would do.
func (a *app) previewReset(ctx context.Context, store lease.Store, group string, t operator.Target, l operator.Listing, o resetOptions) error {
	steps, workers, err := operator.Preview(ctx, store, group, t, l)
	if err != nil {
		return err
	}
	if err := a.printSteps(steps); err != nil {
		return err
	}
	what := fmt.Sprintf("this would set %s of %s for group %s, which is nothing to do", count(0, "shard"), operator.StreamName(t.Stream), group)
	if len(steps) > 0 {
		what = fmt.Sprintf("this would set %s of %s for group %s", count(len(steps), "shard"), operator.StreamName(t.Stream), group)
	}
	if len(workers) > 0 && !o.force {
		what += "; it would be refused while workers live: " + workersText(workers)
	}
	return usageErr(what, "give --yes to do it")
}

// printSteps prints what a reset does to each shard.
func (a *app) printSteps(steps []operator.Step) error {
	rows := make([][]string, 0, len(steps))
	for _, s := range steps {
		old, l := s.Change.Old, s.Change.New
		if a.json() {
			if err := a.printJSON(resetStep{
				Stream: operator.StreamName(l.Stream), Shard: l.Shard, From: string(old.Checkpoint), To: string(l.Checkpoint), Owner: old.Owner, Why: s.Why,
			}); err != nil {
				return err
			}
			continue
		}
		from, to := "no lease", "no lease"
		if old.Revision > 0 {
			from = checkpointText(old.Checkpoint)
		}
		if !s.Change.Removes() {
			to = checkpointText(l.Checkpoint)
		}
		owner := "-"
		if old.Owner != "" {
			owner = old.Owner
		}
		rows = append(rows, []string{l.Shard, from, to, owner, s.Why})
	}
	if len(rows) == 0 {
		return nil
	}
	return a.printTable([]string{"SHARD", "FROM", "TO", "OWNER BEFORE", "WHY"}, rows)
}

func (a *app) sumUpReset(group string, t operator.Target, done operator.Outcome) error {
	if a.json() {
		return nil
	}
	for _, worker := range done.Forgotten {
		a.sayf("kin group reset: forgot worker %s, which was dead", worker)
	}
	if len(done.Made) == 0 {
		_, err := fmt.Fprintf(a.io.Out, "group %s is there already\n", group)
		return err
	}
	_, err := fmt.Fprintf(a.io.Out, "\nset %s of %s for group %s\n", count(len(done.Made), "shard"), operator.StreamName(t.Stream), group)
	return err
}
