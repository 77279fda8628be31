package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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
	// patience bounds how long something is tried that the database gives up because of others.
	patience = 10 * time.Second

	// Waits between two attempts are short, since a file of SQLite goes to who asks at the right
	// moment: who asks seldom may never get it.
	firstWait   = time.Millisecond
	longestWait = 25 * time.Millisecond
)

// try calls once, and again while the database gives it up because of others, until the context
// ends, or it has taken as long as once says.
func (s *Store) try(ctx context.Context, once func() (time.Duration, error)) error {
	wait := firstWait
	for began := time.Now(); ; {
		limit, err := once()
		if err == nil {
			return nil
		}
		if cause := ctx.Err(); cause != nil {
			if errors.Is(err, cause) {
				return err
			}
			return errors.Join(cause, err)
		}
		if !gaveUp(err) {
			return err
		}
		pause := wait/2 + rand.N(wait)
		if waited := time.Since(began); waited+pause > limit {
			return fmt.Errorf("%s for %v: %w", s.obstacle(), waited.Round(time.Millisecond), err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w while %s for %v: %w", ctx.Err(), s.obstacle(), time.Since(began).Round(time.Millisecond), err)
		case <-timer.C:
		}
		wait = min(wait*2, longestWait)
	}
}

// obstacle says in an error what it is that others do.
func (s *Store) obstacle() string {
	if s.dialect == SQLite {
		return "others had the file locked"
	}
	return "others were in the way"
}

// read makes one statement that does not write.
func (s *Store) read(ctx context.Context, f func(q querier) error) error {
	return s.try(ctx, func() (time.Duration, error) {
		if s.dialect == SQLite {
			return s.onFile(ctx, func(conn *sql.Conn) error { return f(conn) })
		}
		return patience, f(s.db)
	})
}

// write makes one statement that writes.
func (s *Store) write(ctx context.Context, f func(q querier) error) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return s.read(ctx, f)
}

// transaction runs f in a transaction, again if the database gives it up because of others. If
// f returns an error, nothing is changed.
func (s *Store) transaction(ctx context.Context, f func(ctx context.Context, q querier) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return s.try(ctx, func() (time.Duration, error) {
		if s.dialect == SQLite {
			return s.onFile(ctx, func(conn *sql.Conn) error { return immediately(ctx, conn, f) })
		}
		return patience, s.committed(ctx, f)
	})
}

// committed runs f in a transaction of a server.
func (s *Store) committed(ctx context.Context, f func(ctx context.Context, q querier) error) error {
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
}
