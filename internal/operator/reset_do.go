package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kinstream/kin/lease"
)

// Outcome is what became of a reset.
type Outcome struct {
	Made      []Step      // changes that were made
	Forgotten []string    // workers that were dead
	Left      []lease.Key // leases that others kept changing: they are as they were
}

// Preview returns what a reset would change now, and who is in its way.
func Preview(ctx context.Context, store lease.Store, group string, t Target, l Listing) ([]Step, []Worker, error) {
	g, err := Describe(ctx, store, group, Glance)
	if err != nil {
		return nil, nil, err
	}
	rows := lease.Snapshot{Streams: g.Streams}
	for _, l := range g.Leases {
		rows.Leases = append(rows.Leases, l.Lease)
	}
	steps, err := PlanReset(rows, t, l, time.Now())
	return steps, g.Workers, err
}

// Reset sets a group back, or forward. The error is a [*LiveError] if there are workers that
// may live, unless force is set, and [ErrRaced] if some leases could not be set. The outcome
// says what was done, also beside an error.
func Reset(ctx context.Context, store lease.Store, group string, t Target, l Listing, force bool) (Outcome, error) {
	var done Outcome
	if _, err := Load(ctx, store, group); err != nil {
		return done, err
	}
	if !force {
		var err error
		if done.Forgotten, err = bury(ctx, store, group); err != nil {
			return done, err
		}
	}
	made := make(map[lease.Key]bool)
	for range attempts {
		rows, err := Load(ctx, store, group)
		if err != nil {
			return done, err
		}
		if len(rows.Workers) > 0 && !force {
			return done, joined(rows.Workers)
		}
		steps, err := PlanReset(rows, t, l, time.Now())
		if err != nil {
			return done, err
		}
		if done.Left, err = try(ctx, store, group, steps, made, &done.Made); err != nil {
			return done, err
		}
		if len(done.Left) == 0 {
			return done, restart(ctx, store, group, t, l)
		}
	}
	return done, fmt.Errorf("set leases: %w", ErrRaced)
}

func joined(rows []lease.Worker) error {
	live := &LiveError{}
	for _, row := range rows {
		live.Workers = append(live.Workers, Worker{Worker: row, Life: Alive})
	}
	return live
}

// try makes the steps that were not made before, and returns the leases for which it could
// not. A lease that was set stays as its next owner has it, whatever a later plan says.
func try(ctx context.Context, store lease.Store, group string, steps []Step, made map[lease.Key]bool, all *[]Step) ([]lease.Key, error) {
	var changes []lease.Change
	var open []Step
	for _, s := range steps {
		if !made[s.Change.Old.Key] {
			changes, open = append(changes, s.Change), append(open, s)
		}
	}
	if len(changes) == 0 {
		return nil, nil
	}
	results, err := store.Update(ctx, group, changes)
	if err != nil {
		return nil, fmt.Errorf("set leases: %w", err)
	}
	var left []lease.Key
	for i, r := range results {
		if r.Made {
			made[open[i].Change.Old.Key] = true
			*all = append(*all, open[i])
		} else {
			left = append(left, open[i].Change.Old.Key)
		}
	}
	return left, nil
}

// restart notes the new start in the stream's row, and which stream it is, once all of its shards
// have leases.
func restart(ctx context.Context, store lease.Store, group string, t Target, l Listing) error {
	if t.Shard != "" {
		return nil
	}
	for range attempts {
		rows, err := store.Load(ctx, group)
		if err != nil {
			return err
		}
		row := lease.Stream{ARN: t.Stream, CreatedAt: l.CreatedAt}
		for _, s := range rows.Streams {
			if s.ARN == t.Stream {
				row = s
			}
		}
		anew := !l.CreatedAt.IsZero() && !sameMoment(row.CreatedAt, l.CreatedAt)
		if anew {
			row.CreatedAt = l.CreatedAt
		}
		if row.Start == t.To && row.Seeded && row.Revision > 0 && !anew {
			return nil
		}
		row.Start, row.Seeded = t.To, true
		row.Revision++
		stored, err := store.PutStream(ctx, group, row)
		if err != nil {
			return fmt.Errorf("put the stream's row: %w", err)
		}
		if stored.Revision == row.Revision && stored.Start == row.Start && stored.Seeded && sameMoment(stored.CreatedAt, row.CreatedAt) {
			return nil
		}
	}
	return errors.Join(ErrRaced, errors.New("the stream's row"))
}
