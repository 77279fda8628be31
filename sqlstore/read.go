package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kinstream/kin/lease"
)

// Load implements [lease.Store].
func (s *Store) Load(ctx context.Context, group string) (lease.Snapshot, error) {
	if err := lease.CheckGroup(group); err != nil {
		return lease.Snapshot{}, err
	}
	var snapshot lease.Snapshot
	err := s.read(ctx, func(q querier) (err error) {
		snapshot, err = s.load(ctx, q, group)
		return err
	})
	if err != nil {
		return lease.Snapshot{}, wrap("load group "+group, err)
	}
	slices.SortFunc(snapshot.Leases, func(a, b lease.Lease) int { return a.Compare(b.Key) })
	slices.SortFunc(snapshot.Streams, func(a, b lease.Stream) int { return strings.Compare(a.ARN, b.ARN) })
	sortWorkers(snapshot.Workers)
	return snapshot, nil
}

func (s *Store) load(ctx context.Context, q querier, group string) (lease.Snapshot, error) {
	var snapshot lease.Snapshot
	rows, err := q.QueryContext(ctx, s.texts.load, group, group, group, group)
	if err != nil {
		return snapshot, err
	}
	defer rows.Close()
	for rows.Next() {
		var kind int
		var t [8]string
		var n [6]sql.NullInt64
		if err := rows.Scan(&kind, &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7],
			&n[0], &n[1], &n[2], &n[3], &n[4], &n[5]); err != nil {
			return snapshot, err
		}
		switch kind {
		case kindLease:
			l := lease.Lease{
				Key:       lease.Key{Stream: t[0], Shard: t[1]},
				HashStart: t[3], HashEnd: t[4], Owner: t[5], Checkpoint: lease.Checkpoint(t[6]), Pin: t[7],
				Epoch: n[0].Int64, Revision: n[1].Int64, CheckpointAt: timeOf(n[2]), Load: int(n[3].Int64),
			}
			if l.Parents, err = listOf(t[2]); err != nil {
				return snapshot, fmt.Errorf("parents of lease %s: %w", l.Shard, err)
			}
			snapshot.Leases = append(snapshot.Leases, l)
		case kindStream:
			snapshot.Streams = append(snapshot.Streams, lease.Stream{
				ARN: t[0], Start: lease.Checkpoint(t[1]), Seeded: n[0].Int64 != 0, Revision: n[1].Int64, CreatedAt: timeOf(n[2]),
			})
		case kindWorker:
			w := lease.Worker{
				ID: t[0], Build: t[2], Beat: n[0].Int64, Capacity: int(n[1].Int64), JoinedAt: timeOf(n[2]),
				Draining: n[3].Int64 != 0, Seen: n[4].Int64, TTL: time.Duration(n[5].Int64),
			}
			if w.Streams, err = listOf(t[1]); err != nil {
				return snapshot, fmt.Errorf("streams of worker %s: %w", w.ID, err)
			}
			snapshot.Workers = append(snapshot.Workers, w)
		case kindGroup:
			snapshot.Version = n[0].Int64
		}
	}
	return snapshot, rows.Err()
}

// Poll implements [lease.Store].
func (s *Store) Poll(ctx context.Context, group string) (lease.Snapshot, error) {
	if err := lease.CheckGroup(group); err != nil {
		return lease.Snapshot{}, err
	}
	var snapshot lease.Snapshot
	err := s.read(ctx, func(q querier) (err error) {
		snapshot, err = s.poll(ctx, q, group)
		return err
	})
	if err != nil {
		return lease.Snapshot{}, wrap("poll group "+group, err)
	}
	sortWorkers(snapshot.Workers)
	return snapshot, nil
}

// poll reads rows that carry the version and one worker each, or none in the only one.
func (s *Store) poll(ctx context.Context, q querier, group string) (lease.Snapshot, error) {
	var snapshot lease.Snapshot
	rows, err := q.QueryContext(ctx, s.texts.poll, group)
	if err != nil {
		return snapshot, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, streams, build sql.NullString
		var beat, capacity, draining, seen, ttl, joined sql.NullInt64
		if err := rows.Scan(&snapshot.Version, &id, &beat, &streams, &capacity, &draining, &seen, &ttl, &build, &joined); err != nil {
			return snapshot, err
		}
		if !id.Valid {
			continue
		}
		w := lease.Worker{
			ID: id.String, Beat: beat.Int64, Capacity: int(capacity.Int64), Draining: draining.Int64 != 0, Seen: seen.Int64,
			TTL: time.Duration(ttl.Int64), Build: build.String, JoinedAt: timeOf(joined),
		}
		if w.Streams, err = listOf(streams.String); err != nil {
			return snapshot, fmt.Errorf("streams of worker %s: %w", w.ID, err)
		}
		snapshot.Workers = append(snapshot.Workers, w)
	}
	return snapshot, rows.Err()
}

func sortWorkers(workers []lease.Worker) {
	slices.SortFunc(workers, func(a, b lease.Worker) int { return strings.Compare(a.ID, b.ID) })
}

// milliseconds returns a time as it is stored: NULL if it is not known.
func milliseconds(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

func timeOf(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}

// textOf returns a list as it is stored: in JSON.
func textOf(list []string) string {
	if len(list) == 0 {
		return "[]"
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic("kin: BUG: a list of texts without JSON: " + err.Error())
	}
	return string(text)
}

func listOf(text string) ([]string, error) {
	if text == "[]" {
		return nil, nil
	}
	var list []string
	err := json.Unmarshal([]byte(text), &list)
	return list, err
}

// number returns a switch as it is stored.
func number(on bool) int {
	if on {
		return 1
	}
	return 0
}
