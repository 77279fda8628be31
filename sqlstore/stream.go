package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/kinstream/kin/lease"
)

// PutStream implements [lease.Store].
func (s *Store) PutStream(ctx context.Context, group string, row lease.Stream) (lease.Stream, error) {
	if err := errors.Join(lease.CheckGroup(group), row.Check()); err != nil {
		return lease.Stream{}, err
	}
	var stored lease.Stream
	err := s.transaction(ctx, func(ctx context.Context, q querier) (err error) {
		if row.Revision == 1 {
			_, err = q.ExecContext(ctx, s.texts.makeGroup, group, 0)
		} else {
			err = s.lockGroup(ctx, q, group)
		}
		if err != nil {
			return err
		}
		stored, err = s.stream(ctx, q, group, row.ARN)
		if err != nil || stored.Revision != row.Revision-1 {
			return err
		}
		stored = row
		_, err = q.ExecContext(ctx, s.texts.putStream, group, row.ARN, milliseconds(row.CreatedAt), string(row.Start),
			number(row.Seeded), row.Revision)
		return err
	})
	if err != nil {
		return lease.Stream{}, wrap("put stream "+row.ARN, err)
	}
	return stored, nil
}

// stream reads the row of a stream; it has revision 0 if there is none.
func (s *Store) stream(ctx context.Context, q querier, group, arn string) (lease.Stream, error) {
	var stored lease.Stream
	var start string
	var created sql.NullInt64
	var seeded int
	err := q.QueryRowContext(ctx, s.texts.stream, group, arn).Scan(&stored.ARN, &created, &start, &seeded, &stored.Revision)
	if errors.Is(err, sql.ErrNoRows) {
		return lease.Stream{}, nil
	}
	stored.CreatedAt, stored.Start, stored.Seeded = timeOf(created), lease.Checkpoint(start), seeded != 0
	return stored, err
}
