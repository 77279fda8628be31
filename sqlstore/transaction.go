package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"math/rand/v2"
	"time"
)

// querier is what a transaction can do.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

const (
	// maxAttempts bounds how often something is tried that the database gave up because of
	// others; with the waits between them, that takes about 10 seconds. Waits are short, since
	// a file of SQLite goes to who asks at the right moment: who asks seldom may never get it.
	maxAttempts = 400
	firstWait   = time.Millisecond
	longestWait = 25 * time.Millisecond

	// rollbackTimeout bounds the end of a transaction whose caller is not waiting any more.
	rollbackTimeout = 5 * time.Second
)

// try calls f again while the database gives it up because of others.
func (s *Store) try(ctx context.Context, f func() error) error {
	wait := firstWait
	for attempt := 1; ; attempt++ {
		err := f()
		if err == nil {
			return nil
		}
		if cause := ctx.Err(); cause != nil {
			if errors.Is(err, cause) {
				return err
			}
			return errors.Join(cause, err)
		}
		if !gaveUp(err) || attempt == maxAttempts {
			return err
		}
		timer := time.NewTimer(wait/2 + rand.N(wait))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		wait = min(wait*2, longestWait)
	}
}

// transaction runs f in a transaction, again if the database gives it up because of others. If
// f returns an error, nothing is changed.
func (s *Store) transaction(ctx context.Context, f func(ctx context.Context, q querier) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.try(ctx, func() error {
		if s.dialect == SQLite {
			return s.onConnection(ctx, f)
		}
		// What a transaction relies upon it locks: it has to see what others committed while it
		// waited.
		tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		if err != nil {
			return err
		}
		if err := f(ctx, tx); err != nil {
			_ = tx.Rollback() // what f returned says more
			return err
		}
		return tx.Commit()
	})
}

// onConnection is a transaction of SQLite. It takes the lock for writing at its beginning: who
// reads first and writes then can only fail if another one wrote meanwhile. And it sees to it
// that a connection whose transaction could not be ended is not used again, which database/sql
// does not know.
func (s *Store) onConnection(ctx context.Context, f func(ctx context.Context, q querier) error) error {
	select {
	case s.writer <- struct{}{}:
		defer func() { <-s.writer }()
	case <-ctx.Done():
		return ctx.Err()
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		if ctx.Err() != nil {
			rollBack(ctx, conn) // it may have begun all the same
		}
		return err
	}
	if err = f(ctx, conn); err == nil {
		_, err = conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		rollBack(ctx, conn)
	}
	return err
}

// rollBack ends a transaction of SQLite in any case, if need be together with its connection.
func rollBack(ctx context.Context, conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // closes it
	}
}
