package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/kinstream/kin/lease"
)

// Join implements [lease.Store].
func (s *Store) Join(ctx context.Context, group string, w lease.Worker) error {
	if err := errors.Join(lease.CheckGroup(group), w.Check()); err != nil {
		return err
	}
	err := s.transaction(ctx, func(ctx context.Context, q querier) error {
		if _, err := q.ExecContext(ctx, s.texts.raiseOrMake, group, 1); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, s.texts.join, group, w.ID, w.Beat, textOf(w.Streams), w.Capacity, number(w.Draining),
			w.Seen, int64(w.TTL), w.Build, milliseconds(w.JoinedAt))
		return err
	})
	return wrap("join as worker "+w.ID, err)
}

// Beat implements [lease.Store].
func (s *Store) Beat(ctx context.Context, group string, w lease.Worker) (lease.Worker, error) {
	if err := errors.Join(lease.CheckGroup(group), w.Check()); err != nil {
		return lease.Worker{}, err
	}
	var stored lease.Worker
	err := s.write(ctx, func(q querier) (err error) {
		stored, err = s.beat(ctx, q, group, w)
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return lease.Worker{}, lease.ErrNoWorker
	case err != nil:
		return lease.Worker{}, wrap("heartbeat of worker "+w.ID, err)
	}
	return stored, nil
}

func (s *Store) beat(ctx context.Context, q querier, group string, w lease.Worker) (lease.Worker, error) {
	args := []any{textOf(w.Streams), w.Capacity, w.Seen, group, w.ID}
	if s.dialect.returnsUpdated() {
		return scanWorker(q.QueryRowContext(ctx, s.texts.beat, args...))
	}
	result, err := q.ExecContext(ctx, s.texts.beat, args...)
	if err != nil {
		return lease.Worker{}, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return lease.Worker{}, errors.Join(err, sql.ErrNoRows)
	}
	// The row as it is now, which may be a little later.
	return s.worker(ctx, q, group, w.ID)
}

// worker reads the row of a worker; the error is sql.ErrNoRows if there is none.
func (s *Store) worker(ctx context.Context, q querier, group, id string) (lease.Worker, error) {
	return scanWorker(q.QueryRowContext(ctx, s.texts.worker, group, id))
}

func scanWorker(row *sql.Row) (lease.Worker, error) {
	var w lease.Worker
	var streams string
	var draining, ttl int64
	var joined sql.NullInt64
	err := row.Scan(&w.ID, &w.Beat, &streams, &w.Capacity, &draining, &w.Seen, &ttl, &w.Build, &joined)
	if err != nil {
		return lease.Worker{}, err
	}
	w.Draining, w.TTL, w.JoinedAt = draining != 0, time.Duration(ttl), timeOf(joined)
	if w.Streams, err = listOf(streams); err != nil {
		return lease.Worker{}, fmt.Errorf("streams of worker %s: %w", w.ID, err)
	}
	return w, nil
}

// errUnchanged rolls a transaction back that has nothing to change.
var errUnchanged = errors.New("sqlstore: nothing to change")

// Drain implements [lease.Store].
func (s *Store) Drain(ctx context.Context, group, worker string, draining bool) error {
	if err := lease.CheckGroup(group); err != nil {
		return err
	}
	err := s.transaction(ctx, func(ctx context.Context, q querier) error {
		if _, err := q.ExecContext(ctx, s.texts.raise, group); err != nil {
			return err
		}
		if _, err := q.ExecContext(ctx, s.texts.drain, number(draining), group, worker); err != nil {
			return err
		}
		// How many rows were changed does not say it in MySQL, where one that was draining
		// before does not count.
		_, err := s.worker(ctx, q, group, worker)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return lease.ErrNoWorker
	}
	return wrap("drain worker "+worker, err)
}

// Forget implements [lease.Store].
func (s *Store) Forget(ctx context.Context, group, worker string, beat int64) (bool, error) {
	if err := lease.CheckGroup(group); err != nil {
		return false, err
	}
	gone := false
	err := s.transaction(ctx, func(ctx context.Context, q querier) error {
		gone = false
		if _, err := q.ExecContext(ctx, s.texts.raise, group); err != nil {
			return err
		}
		text, args := s.texts.forget, []any{group, worker}
		if beat != lease.AnyBeat {
			text, args = s.texts.forgetSame, append(args, beat)
		}
		result, err := q.ExecContext(ctx, text, args...)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if gone = n > 0; gone {
			return nil
		}
		_, err = s.worker(ctx, q, group, worker)
		if gone = errors.Is(err, sql.ErrNoRows); gone || err == nil {
			return errUnchanged // takes the version back
		}
		return err
	})
	if errors.Is(err, errUnchanged) {
		err = nil
	}
	if err != nil {
		return false, wrap("forget worker "+worker, err)
	}
	return gone, nil
}
