package operator_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/internal/operator"
	"github.com/kinstream/kin/lease"
)

func TestMove(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.join("a")()
		f.join("b")()
		if err := f.Drain(t.Context(), group, "b", true); err != nil {
			t.Fatal(err)
		}
		if err := f.Join(t.Context(), group, lease.Worker{ID: "c", Beat: 1, Streams: []string{"arn:aws:kinesis:us-east-1:000000000000:stream/clicks"}, TTL: 10 * time.Second}); err != nil {
			t.Fatal(err)
		}
		f.put(at(0, lease.ShardEnd), owned(at(1, lease.TrimHorizon, 0), "b"))
		key := lease.Key{Stream: orders, Shard: shardID(1)}

		before, err := f.Poll(t.Context(), group)
		if err != nil {
			t.Fatal(err)
		}
		l, err := operator.Move(t.Context(), f, group, key, "a")
		if err != nil || l.Pin != "a" || f.row(1).Pin != "a" || f.row(1).Owner != "b" || f.row(1).Epoch != 7 {
			t.Errorf("lease = %+v, %v; want it pinned to a and left to b", f.row(1), err)
		}
		if after, err := f.Poll(t.Context(), group); err != nil || after.Version <= before.Version {
			t.Errorf("version = %d after %d, want it raised", after.Version, before.Version)
		}
		if l, err := operator.Move(t.Context(), f, group, key, ""); err != nil || l.Pin != "" {
			t.Errorf("lease = %+v, %v; want the pin gone", l, err)
		}

		for worker, want := range map[string]string{"b": "is draining", "c": "does not read orders"} {
			_, err := operator.Move(t.Context(), f, group, key, worker)
			if move, ok := errors.AsType[*operator.MoveError](err); !ok || move.Worker != worker || len(move.Why) < len(want) || move.Why[:len(want)] != want {
				t.Errorf("move to %s = %v, want that it %s", worker, err, want)
			}
		}
		if _, err := operator.Move(t.Context(), f, group, key, "x"); !errors.Is(err, lease.ErrNoWorker) {
			t.Errorf("move to nobody = %v", err)
		}
		ended := lease.Key{Stream: orders, Shard: shardID(0)}
		if _, ok := errors.AsType[*operator.MoveError](func() error { _, err := operator.Move(t.Context(), f, group, ended, "a"); return err }()); !ok {
			t.Error("a finished shard can be moved")
		}
		if _, err := operator.Move(t.Context(), f, group, lease.Key{Shard: shardID(9)}, "a"); !errors.Is(err, operator.ErrNoLease) {
			t.Errorf("move of no shard = %v", err)
		}
	})
}

// racingStore changes a lease just before each of the first updates.
type racingStore struct {
	lease.Store

	race  func()
	races int
}

func (s *racingStore) Update(ctx context.Context, group string, changes []lease.Change) ([]lease.Result, error) {
	if s.races > 0 {
		s.races--
		s.race()
	}
	return s.Store.Update(ctx, group, changes)
}

// advance moves a checkpoint on, as the owner of a shard does.
func (f fixture) advance(shard int, to lease.Checkpoint) {
	f.t.Helper()
	old := f.row(shard)
	l := old
	l.Checkpoint = to
	if results, err := f.Update(f.t.Context(), group, []lease.Change{lease.Set(old, l)}); err != nil || !results[0].Made {
		f.t.Errorf("advance = %+v, %v", results, err)
	}
}

func TestMoveIsTriedAgainWhileTheOwnerMovesItsCheckpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.join("a")()
		f.put(owned(at(0, lease.TrimHorizon), "b"))
		key := lease.Key{Stream: orders, Shard: shardID(0)}
		racing := &racingStore{Store: f, races: 3, race: func() { f.advance(0, f.row(0).Checkpoint+"1") }}
		if _, err := operator.Move(t.Context(), racing, group, key, "a"); err != nil {
			t.Fatal(err)
		}
		if l := f.row(0); l.Pin != "a" || l.Checkpoint != lease.TrimHorizon+"111" {
			t.Errorf("lease = %+v, want it pinned and the checkpoint kept", l)
		}
		racing.races = 1000
		if _, err := operator.Move(t.Context(), racing, group, key, ""); !errors.Is(err, operator.ErrRaced) {
			t.Errorf("error = %v, want %v", err, operator.ErrRaced)
		}
	})
}

func TestDelete(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		if err := operator.Delete(t.Context(), f, group, true); !errors.Is(err, operator.ErrNoGroup) {
			t.Errorf("delete of no group = %v", err)
		}
		f.put(at(0, lease.TrimHorizon))
		stop := f.join("a")
		f.join("b")()
		err := operator.Delete(t.Context(), f, group, false)
		if live, ok := errors.AsType[*operator.LiveError](err); !ok || len(live.Workers) != 1 || live.Workers[0].ID != "a" {
			t.Errorf("delete = %v, want that a lives", err)
		}
		if f.row(0).Revision != 1 {
			t.Error("the group is gone")
		}
		stop()
		if err := operator.Delete(t.Context(), f, group, false); err != nil {
			t.Errorf("delete with dead workers = %v", err)
		}
		if groups, err := f.Groups(t.Context()); err != nil || len(groups) != 0 {
			t.Errorf("groups = %v, %v; want none", groups, err)
		}
		f.put(at(0, lease.TrimHorizon))
		defer f.join("c")()
		if err := operator.Delete(t.Context(), f, group, true); err != nil {
			t.Errorf("forced delete = %v", err)
		}
	})
}
