package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kinstream/kin/internal/operator"
	"github.com/kinstream/kin/lease"
)

type describeOptions struct {
	quick    bool
	finished bool
}

func (a *app) groupDescribeCommand() *cobra.Command {
	var o describeOptions
	cmd := &cobra.Command{
		Use:   "describe GROUP",
		Short: "Show workers, shards, checkpoints and lag of a group",
		Long: `Show a group: its workers and whether they live, and for each shard its owner, the
checkpoint, the checkpoint's age and how far behind it is.

A worker is alive if its heartbeat changes while the command looks. That takes about 0.3
of the group's lease TTL, 3 seconds with the default of 10; a worker that is silent
for 0.45 of it is shown as silent, with the time.

Lag is asked from the service: the age of the oldest record after the checkpoint, 0 if
there is none. It is what a crash now would leave to do, so it includes what is handled
and not checkpointed. It costs one of the 5 reads per second of each shard. Where it
can't be had, text shows ? and JSON -1. The age of a checkpoint is since it was stored,
by the clock of the worker that did; a quiet shard has an old one.

States of shards: reading; waiting (for its parents); unread (nobody has it); orphaned
(its owner is gone, others will take it); finished.

A worker that can't read gets no answer from Kinesis. Its shards go to others that do.

--quick shows what is stored, without looking for life and lag.`,
		Args:              exactly("GROUP"),
		ValidArgsFunction: a.completeGroups,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.groupDescribe(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.quick, "quick", false, "show only what is stored")
	f.BoolVar(&o.finished, "finished", false, "in text, show finished shards one by one too")
	return cmd
}

// describedGroup is the JSON form of a group.
type describedGroup struct {
	Group   string            `json:"group"`
	Store   string            `json:"store"`
	Version int64             `json:"version"`
	Workers []describedWorker `json:"workers"`
	Streams []describedStream `json:"streams"`
	Shards  []describedShard  `json:"shards"`
}

type describedWorker struct {
	ID       string    `json:"id"`
	Life     string    `json:"life"`
	Quiet    float64   `json:"quiet_seconds,omitempty"`
	Draining bool      `json:"draining,omitempty"`
	Unable   bool      `json:"unable,omitempty"` // can't read from Kinesis for now
	Shards   int       `json:"shards"`
	Capacity int       `json:"capacity,omitempty"`
	Streams  []string  `json:"streams"`
	TTL      float64   `json:"ttl_seconds"`
	Build    string    `json:"build,omitempty"`
	Joined   time.Time `json:"joined,omitzero"`
}

type describedStream struct {
	ARN     string    `json:"arn"`
	Start   string    `json:"start"`
	Seeded  bool      `json:"seeded"`
	Created time.Time `json:"created,omitzero"`
}

type describedShard struct {
	Stream       string    `json:"stream"`
	Shard        string    `json:"shard"`
	State        string    `json:"state"`
	Owner        string    `json:"owner,omitempty"`
	Pin          string    `json:"pin,omitempty"`
	Epoch        int64     `json:"epoch"`
	Checkpoint   string    `json:"checkpoint"`
	CheckpointAt time.Time `json:"checkpoint_time,omitzero"`
	Age          float64   `json:"checkpoint_age_seconds"` // -1 = not known
	Lag          float64   `json:"lag_seconds"`            // -1 = not known
	LagError     string    `json:"lag_error,omitempty"`
	Parents      []string  `json:"parents,omitempty"`
}

func (a *app) groupDescribe(ctx context.Context, group string, o describeOptions) error {
	return a.withStore(ctx, func(store *openedStore) error {
		share := operator.Glance
		if o.quick {
			share = 0
		}
		g, err := operator.Describe(ctx, store, group, share)
		if err != nil {
			return err
		}
		var lags []operator.Lag
		if !o.quick {
			if lags, err = a.lags(ctx, g.Leases); err != nil {
				return err
			}
		}
		d := describe(g, lags, time.Now())
		d.Store = store.address.String()
		if a.json() {
			return a.printJSON(d)
		}
		return a.printGroup(d, o)
	})
}

// lags asks for the lag of each lease. What keeps it from being known for all is said once.
func (a *app) lags(ctx context.Context, leases []operator.Lease) ([]operator.Lag, error) {
	lags := make([]operator.Lag, len(leases))
	var ask []lease.Lease
	var places []int
	for i, l := range leases {
		if !l.Finished() {
			ask, places = append(ask, l.Lease), append(places, i)
		}
	}
	if len(ask) == 0 {
		return lags, nil
	}
	unknown := func(err error) ([]operator.Lag, error) {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		why, _ := a.explain(ctx, err)
		a.sayf("kin group describe: the lag is not known: %s", why)
		for _, i := range places {
			lags[i] = operator.Lag{Behind: -1, Err: err}
		}
		return lags, nil
	}
	a.arnRegion = regionOf(ask[0].Stream)
	client, err := a.client(ctx)
	if err != nil {
		return unknown(err)
	}
	// One first: an endpoint that is away would be waited for once for each shard.
	first := operator.Lags(ctx, client, ask[:1])
	if first[0].Err != nil {
		if _, code := a.explain(ctx, first[0].Err); code == exitUnreachable || code == exitDenied || ctx.Err() != nil {
			return unknown(first[0].Err)
		}
	}
	for i, lag := range append(first, operator.Lags(ctx, client, ask[1:])...) {
		lags[places[i]] = lag
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return lags, nil
}

// regionOf is the region in an ARN.
func regionOf(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 3 {
		return parts[3]
	}
	return ""
}

func describe(g operator.Group, lags []operator.Lag, now time.Time) describedGroup {
	d := describedGroup{
		Group: g.Name, Version: g.Version,
		Workers: []describedWorker{}, Streams: []describedStream{}, Shards: []describedShard{},
	}
	for _, w := range g.Workers {
		worker := describedWorker{
			ID: w.ID, Life: w.Life.String(), Draining: w.Draining, Unable: w.Unable(), Shards: w.Leases, Capacity: w.Limit(),
			TTL: w.TTL.Seconds(), Build: w.Build, Joined: w.JoinedAt, Streams: []string{},
		}
		if w.Life == operator.Silent || w.Life == operator.Dead {
			worker.Quiet = w.Quiet.Seconds()
		}
		for _, arn := range w.Streams {
			worker.Streams = append(worker.Streams, operator.StreamName(arn))
		}
		d.Workers = append(d.Workers, worker)
	}
	for _, s := range g.Streams {
		d.Streams = append(d.Streams, describedStream{ARN: s.ARN, Start: string(s.Start), Seeded: s.Seeded, Created: s.CreatedAt})
	}
	for i, l := range g.Leases {
		shard := describedShard{
			Stream: operator.StreamName(l.Stream), Shard: l.Shard, State: l.State.String(), Owner: l.Owner, Pin: l.Pin, Epoch: l.Epoch,
			Checkpoint: string(l.Checkpoint), CheckpointAt: l.CheckpointAt, Parents: l.Parents, Age: -1, Lag: -1,
		}
		if !l.CheckpointAt.IsZero() {
			shard.Age = max(now.Sub(l.CheckpointAt), 0).Seconds()
		}
		if lags != nil {
			shard.Lag = lags[i].Behind.Seconds()
			if lags[i].Err != nil {
				shard.Lag, shard.LagError = -1, oneLine(lags[i].Err.Error())
			}
		}
		d.Shards = append(d.Shards, shard)
	}
	return d
}

func (a *app) printGroup(d describedGroup, o describeOptions) error {
	w, st := a.io.Out, a.outStyle()
	fmt.Fprintf(w, "%s  %s, %s\n", st.bold(d.Group), count(len(d.Workers), "worker"), count(len(d.Shards), "shard"))
	fmt.Fprintf(w, "store    %s\n", d.Store)
	for _, s := range d.Streams {
		text := operator.StreamName(s.ARN) + "  began " + checkpointText(lease.Checkpoint(s.Start))
		if !s.Seeded {
			text += "  (not all shards found yet)"
		}
		fmt.Fprintf(w, "stream   %s\n", text)
	}
	if len(d.Workers) > 0 {
		fmt.Fprintln(w)
		rows := make([][]string, 0, len(d.Workers))
		for _, worker := range d.Workers {
			rows = append(rows, workerRow(worker))
		}
		if err := a.printTable([]string{"WORKER", "STATE", "SHARDS", "JOINED", "BUILD"}, rows); err != nil {
			return err
		}
	}
	return a.printShards(d, o)
}

func workerRow(w describedWorker) []string {
	state := w.Life
	if w.Life == operator.Unwatched.String() {
		state = "?"
	}
	if w.Quiet > 0 {
		state += fmt.Sprintf(" for %.1f s", w.Quiet)
	}
	if w.Draining {
		state += ", draining"
	}
	if w.Unable {
		state += ", can't read"
	}
	shards := strconv.Itoa(w.Shards)
	if w.Capacity > 0 {
		shards += fmt.Sprintf(" of at most %d", w.Capacity)
	}
	joined := ""
	if !w.Joined.IsZero() {
		joined = timeText(&w.Joined)
	}
	return []string{w.ID, state, shards, cmp.Or(joined, "-"), cmp.Or(w.Build, "-")}
}

func (a *app) printShards(d describedGroup, o describeOptions) error {
	header := []string{"SHARD", "STATE", "OWNER", "EPOCH", "CHECKPOINT", "STORED", "LAG"}
	if len(d.Streams) > 1 {
		header = append([]string{"STREAM"}, header...)
	}
	var rows [][]string
	hidden := 0
	for _, s := range d.Shards {
		if s.State == operator.Finished.String() && !o.finished {
			hidden++
			continue
		}
		row := shardRow(s, o.quick)
		if len(d.Streams) > 1 {
			row = append([]string{s.Stream}, row...)
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		fmt.Fprintln(a.io.Out)
		if err := a.printTable(header, rows); err != nil {
			return err
		}
	}
	if hidden > 0 {
		fmt.Fprintf(a.io.Out, "\n%s finished (--finished shows them)\n", count(hidden, "shard"))
	}
	return nil
}

func shardRow(s describedShard, quick bool) []string {
	owner := cmp.Or(s.Owner, "-")
	if s.Pin != "" {
		owner += " (pinned to " + s.Pin + ")"
		if s.Pin == s.Owner {
			owner = s.Owner + " (pinned)"
		}
	}
	age, lag := "-", "?"
	if s.Age >= 0 {
		age = ageText(seconds(s.Age)) + " ago"
	}
	switch {
	case s.State == operator.Finished.String(), quick:
		lag = "-"
	case s.Lag >= 0:
		lag = ageText(seconds(s.Lag))
	}
	return []string{s.Shard, s.State, owner, strconv.FormatInt(s.Epoch, 10), checkpointText(lease.Checkpoint(s.Checkpoint)), age, lag}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
