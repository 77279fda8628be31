package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kinstream/kin/lease"
)

// maxRows bounds the rows of one statement, and so its parameters: SQLite takes 32,766, the
// others 65,535.
const maxRows = 500

// Update implements [lease.Store].
func (s *Store) Update(ctx context.Context, group string, changes []lease.Change) ([]lease.Result, error) {
	if err := errors.Join(lease.CheckGroup(group), lease.CheckChanges(changes)); err != nil {
		return nil, err
	}
	if len(changes) == 0 {
		return nil, ctx.Err()
	}
	if len(changes) == 1 && !changes[0].Announces() {
		made, err := s.moveCheckpoint(ctx, group, changes[0])
		if err != nil {
			return nil, wrap("update lease "+changes[0].New.Shard, err)
		}
		if made {
			return []lease.Result{{Made: true, Lease: changes[0].New}}, nil
		}
	}
	var results []lease.Result
	err := s.transaction(ctx, func(ctx context.Context, q querier) (err error) {
		results, err = s.update(ctx, q, group, changes)
		return err
	})
	if err != nil {
		return nil, wrap(fmt.Sprintf("update %d leases", len(changes)), err)
	}
	return results, nil
}

// moveCheckpoint makes a change that does not announce, in one statement. It says whether it
// was made; if not, it is not known why.
func (s *Store) moveCheckpoint(ctx context.Context, group string, c lease.Change) (made bool, err error) {
	args := append(leaseValues(c.New), group, c.New.Stream, c.New.Shard, c.Old.Revision, c.Old.Owner)
	err = s.write(ctx, func(q querier) error {
		result, err := q.ExecContext(ctx, s.texts.checkpoint, args...)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		made = n > 0
		return err
	})
	return made, err
}

// update makes changes in a transaction, under the lock of the group.
func (s *Store) update(ctx context.Context, q querier, group string, changes []lease.Change) ([]lease.Result, error) {
	if err := s.lockForChanges(ctx, q, group, changes); err != nil {
		return nil, err
	}
	stored, err := s.lockLeases(ctx, q, group, changes)
	if err != nil {
		return nil, err
	}
	results := make([]lease.Result, len(changes))
	var put, remove []lease.Lease
	announce := false
	for i, c := range changes {
		row := stored[c.New.Key]
		row.Key = c.New.Key
		if !c.Fits(row) {
			results[i] = lease.Result{Made: c.MadeIn(row), Lease: row}
			continue
		}
		results[i] = lease.Result{Made: true, Lease: c.New}
		announce = announce || c.Announces()
		if c.Removes() {
			results[i].Lease = lease.Lease{Key: c.New.Key}
			remove = append(remove, c.New)
		} else {
			put = append(put, c.New)
		}
	}
	for part := range slices.Chunk(put, maxRows) {
		if err := s.putLeases(ctx, q, group, part); err != nil {
			return nil, err
		}
	}
	for part := range slices.Chunk(remove, maxRows) {
		text := "DELETE FROM " + s.tables.leases + s.whereKeys(len(part))
		if _, err := q.ExecContext(ctx, s.dialect.bind(text), keyArgs(group, part)...); err != nil {
			return nil, err
		}
	}
	if announce {
		if _, err := q.ExecContext(ctx, s.texts.raise, group); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// lockForChanges locks the row of the group, and makes it if rows are to be made.
func (s *Store) lockForChanges(ctx context.Context, q querier, group string, changes []lease.Change) error {
	if slices.ContainsFunc(changes, func(c lease.Change) bool { return c.Old.Revision == 0 }) {
		_, err := q.ExecContext(ctx, s.texts.makeGroup, group, 0)
		return err
	}
	return s.lockGroup(ctx, q, group)
}

// lockLeases reads the rows that changes are about, and locks them against checkpoints, always
// in the same order.
func (s *Store) lockLeases(ctx context.Context, q querier, group string, changes []lease.Change) (map[lease.Key]lease.Lease, error) {
	keys := make([]lease.Lease, len(changes))
	for i, c := range changes {
		keys[i] = c.New
	}
	slices.SortFunc(keys, func(a, b lease.Lease) int { return a.Compare(b.Key) })
	stored := make(map[lease.Key]lease.Lease, len(changes))
	for part := range slices.Chunk(keys, maxRows) {
		text := "SELECT " + strings.Join(leaseColumns[1:], ", ") + " FROM " + s.tables.leases + s.whereKeys(len(part)) +
			" ORDER BY stream, shard" + s.dialect.forUpdate()
		rows, err := q.QueryContext(ctx, s.dialect.bind(text), keyArgs(group, part)...)
		if err != nil {
			return nil, err
		}
		if err := scanLeases(rows, stored); err != nil {
			return nil, err
		}
	}
	return stored, nil
}

// whereKeys returns the condition that selects n leases. PostgreSQL compares each row with each
// pair unless they are the values of a table, and SQLite knows no other way.
func (s *Store) whereKeys(n int) string {
	pairs := strings.TrimSuffix(strings.Repeat("(?, ?), ", n), ", ")
	if s.dialect != MySQL {
		pairs = "VALUES " + pairs
	}
	return " WHERE group_name = ? AND (stream, shard) IN (" + pairs + ")"
}

func keyArgs(group string, leases []lease.Lease) []any {
	args := make([]any, 0, 1+2*len(leases))
	args = append(args, group)
	for _, l := range leases {
		args = append(args, l.Stream, l.Shard)
	}
	return args
}

func scanLeases(rows *sql.Rows, into map[lease.Key]lease.Lease) error {
	defer rows.Close()
	for rows.Next() {
		var l lease.Lease
		var parents, checkpoint string
		var at sql.NullInt64
		err := rows.Scan(&l.Stream, &l.Shard, &parents, &l.HashStart, &l.HashEnd, &l.Owner, &l.Epoch, &l.Revision,
			&checkpoint, &at, &l.Pin, &l.Load)
		if err != nil {
			return err
		}
		l.Checkpoint, l.CheckpointAt = lease.Checkpoint(checkpoint), timeOf(at)
		if l.Parents, err = listOf(parents); err != nil {
			return fmt.Errorf("parents of lease %s: %w", l.Shard, err)
		}
		into[l.Key] = l
	}
	return rows.Err()
}

// putLeases writes rows, whatever is there: the caller has compared.
func (s *Store) putLeases(ctx context.Context, q querier, group string, leases []lease.Lease) error {
	row := parameters(len(leaseColumns))
	text := "INSERT INTO " + s.tables.leases + " (" + strings.Join(leaseColumns, ", ") + ") VALUES " +
		strings.TrimSuffix(strings.Repeat(row+", ", len(leases)), ", ") +
		s.dialect.upsert(leaseColumns[:leaseKey], leaseColumns[leaseKey:])
	args := make([]any, 0, len(leases)*len(leaseColumns))
	for _, l := range leases {
		args = append(append(args, group, l.Stream, l.Shard), leaseValues(l)...)
	}
	_, err := q.ExecContext(ctx, s.dialect.bind(text), args...)
	return err
}

// leaseValues returns the values of the columns after the key.
func leaseValues(l lease.Lease) []any {
	return []any{
		textOf(l.Parents), l.HashStart, l.HashEnd, l.Owner, l.Epoch, l.Revision,
		string(l.Checkpoint), milliseconds(l.CheckpointAt), l.Pin, l.Load,
	}
}
