package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/internal/operator"
	"github.com/kinstream/kin/lease"
)

type drainOptions struct {
	undo  bool
	force bool
	wait  time.Duration
}

func (a *app) groupDrainCommand() *cobra.Command {
	var o drainOptions
	cmd := &cobra.Command{
		Use:   "drain GROUP WORKER",
		Short: "Take all shards from a worker",
		Long: `Make a worker hand all its shards over, each when what it has in hand is done, and
give it no others. The worker goes on running, without work, until it is stopped, or
until --undo. It refuses to drain the last worker without --force, because nobody
would read its shards. A worker is named by its ID, or by enough of its beginning.

The command waits until the worker has no shard, and ends with code 6 if that takes
longer than --wait; the worker stays drained.`,
		Args:              exactly("GROUP", "WORKER"),
		ValidArgsFunction: a.completeGroups,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.groupDrain(cmd.Context(), args[0], args[1], o) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.undo, "undo", false, "let the worker have shards again")
	f.BoolVar(&o.force, "force", false, "also if nobody is left to read the shards")
	f.DurationVar(&o.wait, "wait", 30*time.Second, "how long to wait for the hand-overs; 0 = not at all")
	return cmd
}

type drainedWorker struct {
	Worker   string  `json:"worker"`
	Draining bool    `json:"draining"`
	Had      int     `json:"had_shards"`
	Has      int     `json:"has_shards"`
	Seconds  float64 `json:"seconds"`
}

func (a *app) groupDrain(ctx context.Context, group, name string, o drainOptions) error {
	return a.withStore(ctx, func(store *openedStore) error {
		rows, err := operator.Load(ctx, store, group)
		if err != nil {
			return err
		}
		w, err := operator.FindWorker(rows, name)
		if err != nil {
			return err
		}
		others := slices.ContainsFunc(rows.Workers, func(other lease.Worker) bool { return other.ID != w.ID && !other.Draining })
		if !others && !o.undo && !o.force {
			return &failure{
				code: exitBusy, what: "nobody is left to read the shards of " + w.ID,
				hint: "start another worker first, or give --force to stop the reading",
			}
		}
		start := time.Now()
		if err := store.Drain(ctx, group, w.ID, !o.undo); err != nil {
			return err
		}
		result := drainedWorker{Worker: w.ID, Draining: !o.undo, Had: owns(rows, w.ID)}
		result.Has = result.Had
		if !o.undo && o.wait > 0 {
			if result.Has, err = waitDrained(ctx, store, group, w.ID, o.wait); err != nil {
				return err
			}
		}
		result.Seconds = time.Since(start).Seconds()
		return a.printDrained(result)
	})
}

// owns is how many leases a worker owns.
func owns(rows lease.Snapshot, worker string) (n int) {
	for _, l := range rows.Leases {
		if l.Owner == worker {
			n++
		}
	}
	return n
}

// waitDrained waits until a worker owns nothing.
func waitDrained(ctx context.Context, store lease.Store, group, worker string, wait time.Duration) (int, error) {
	for deadline := time.Now().Add(wait); ; {
		rows, err := store.Load(ctx, group)
		if err != nil {
			return 0, err
		}
		n := owns(rows, worker)
		if n == 0 {
			return 0, nil
		}
		if time.Now().After(deadline) {
			return n, &failure{
				code: exitIncomplete, what: fmt.Sprintf("%s is draining, but after %v it still has %s", worker, wait, count(n, "shard")),
				hint: "its handler may be busy, or nobody may be there to take them: kin group describe shows how it goes on",
			}
		}
		if err := fetch.Sleep(ctx, groupPoll); err != nil {
			return n, err
		}
	}
}

func (a *app) printDrained(d drainedWorker) error {
	if a.json() {
		return a.printJSON(d)
	}
	var err error
	switch {
	case !d.Draining:
		_, err = fmt.Fprintf(a.io.Out, "%s may have shards again\n", d.Worker)
	case d.Has > 0:
		_, err = fmt.Fprintf(a.io.Out, "%s is draining; it still has %s\n", d.Worker, count(d.Has, "shard"))
	default:
		_, err = fmt.Fprintf(a.io.Out, "%s has handed over %s in %.1f s\n", d.Worker, count(d.Had, "shard"), d.Seconds)
	}
	return err
}
