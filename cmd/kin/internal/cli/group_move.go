package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/internal/operator"
	"github.com/kinstream/kin/lease"
)

type moveOptions struct {
	to     string
	unpin  bool
	stream string
	wait   time.Duration
}

func (a *app) groupMoveCommand() *cobra.Command {
	var o moveOptions
	cmd := &cobra.Command{
		Use:   "move GROUP SHARD --to WORKER",
		Short: "Give a shard to a worker",
		Long: `Pin a shard to a worker: its owner finishes what it has in hand, stores the
checkpoint and hands the shard over, in that order, and all workers leave it there for
as long as that worker lives. Others even the numbers out around it. --unpin lets the
group decide again. A worker is named by its ID, or by enough of its beginning.

The command waits until the worker has the shard, and ends with code 6 if that takes
longer than --wait; the pin stays.`,
		Example: `  kin group move billing shardId-000000000003 --to host-b
  kin group move billing shardId-000000000003 --unpin`,
		Args:              exactly("GROUP", "SHARD"),
		ValidArgsFunction: a.completeGroups,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.groupMove(cmd.Context(), args[0], args[1], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.to, "to", "", "the `worker` that is to have it")
	f.BoolVar(&o.unpin, "unpin", false, "let the group decide again")
	f.StringVar(&o.stream, "stream", "", "the shard's `stream`, if the group has such a shard in several")
	f.DurationVar(&o.wait, "wait", 30*time.Second, "how long to wait for the hand-over; 0 = not at all")
	cmd.MarkFlagsMutuallyExclusive("to", "unpin")
	return cmd
}

type movedShard struct {
	Shard   string  `json:"shard"`
	Stream  string  `json:"stream"`
	Pin     string  `json:"pin,omitempty"`
	From    string  `json:"from,omitempty"`
	Owner   string  `json:"owner,omitempty"`
	Epoch   int64   `json:"epoch"`
	Seconds float64 `json:"seconds"`
}

func (a *app) groupMove(ctx context.Context, group, shard string, o moveOptions) error {
	if o.to == "" && !o.unpin {
		return usageErr("no worker is named", "give --to WORKER, or --unpin; kin group describe shows the workers")
	}
	return a.withStore(ctx, func(store *openedStore) error {
		rows, err := operator.Load(ctx, store, group)
		if err != nil {
			return err
		}
		found, err := operator.FindLease(rows, o.stream, shard)
		if err != nil {
			return err
		}
		worker := ""
		if !o.unpin {
			w, err := operator.FindWorker(rows, o.to)
			if err != nil {
				return err
			}
			worker = w.ID
		}
		start := time.Now()
		l, err := operator.Move(ctx, store, group, found.Key, worker)
		if err != nil {
			return err
		}
		if worker != "" && o.wait > 0 {
			if l, err = waitLease(ctx, store, group, l, worker, o.wait); err != nil {
				return err
			}
		}
		return a.printMoved(found, l, time.Since(start))
	})
}

// groupPoll is how often a command looks whether the group has done what it asked for.
const groupPoll = 100 * time.Millisecond

// waitLease waits until a worker owns a lease.
func waitLease(ctx context.Context, store lease.Store, group string, l lease.Lease, worker string, wait time.Duration) (lease.Lease, error) {
	for deadline := time.Now().Add(wait); l.Owner != worker; {
		if time.Now().After(deadline) {
			owner := l.Owner
			if owner == "" {
				owner = "nobody"
			}
			return l, &failure{
				code: exitIncomplete, what: fmt.Sprintf("%s is pinned to %s, but after %v %s has it", l.Shard, worker, wait, owner),
				hint: "its handler may be busy, or a worker may be away: kin group describe shows how it goes on",
			}
		}
		if err := fetch.Sleep(ctx, groupPoll); err != nil {
			return l, err
		}
		rows, err := store.Load(ctx, group)
		if err != nil {
			return l, err
		}
		if l, err = operator.FindLease(rows, l.Stream, l.Shard); err != nil {
			return l, err
		}
	}
	return l, nil
}

func (a *app) printMoved(before, after lease.Lease, took time.Duration) error {
	if a.json() {
		return a.printJSON(movedShard{
			Shard: after.Shard, Stream: operator.StreamName(after.Stream), Pin: after.Pin, From: before.Owner, Owner: after.Owner,
			Epoch: after.Epoch, Seconds: took.Seconds(),
		})
	}
	from := before.Owner
	if from == "" {
		from = "nobody"
	}
	var err error
	switch {
	case after.Pin == "":
		_, err = fmt.Fprintf(a.io.Out, "%s is not pinned any more\n", after.Shard)
	case after.Owner != after.Pin:
		_, err = fmt.Fprintf(a.io.Out, "%s is pinned to %s; %s has it still\n", after.Shard, after.Pin, from)
	case before.Owner == after.Owner:
		_, err = fmt.Fprintf(a.io.Out, "%s is pinned to %s, which has it already\n", after.Shard, after.Pin)
	default:
		_, err = fmt.Fprintf(a.io.Out, "%s moved from %s to %s in %.1f s\n", after.Shard, from, after.Owner, took.Seconds())
	}
	return err
}
