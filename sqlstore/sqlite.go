package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

const (
	// nap is how long SQLite may wait for a lock by itself: while it does, it does not notice that
	// a context has ended. It is not 0, since without WAL who waits to commit keeps others from
	// beginning to read, and who comes back later finds them reading.
	nap = 20 * time.Millisecond

	// rollbackTimeout bounds the end of a transaction whose caller is not waiting any more.
	rollbackTimeout = 5 * time.Second
)

// enter waits until no other call of this store writes, if it is for a file of SQLite: calls wait
// here, in order, and not at the file, where they would have to ask again and again. leave
// lets the next one in.
func (s *Store) enter(ctx context.Context) (leave func(), err error) {
	if s.dialect != SQLite {
		return func() {}, nil
	}
	select {
	case s.writer <- struct{}{}:
		return func() { <-s.writer }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w while other calls of this store were writing", ctx.Err())
	}
}

// onFile calls f with a connection to a file of SQLite that waits for locks only for moments. It
// returns how long it is to be tried: at least as long as the connection was told to wait. It is
// told so again before it goes back, since the program may use it as well. All that is saved
// where connections are not told to wait.
func (s *Store) onFile(ctx context.Context, f func(conn *sql.Conn) error) (time.Duration, error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return patience, err
	}
	defer conn.Close()
	told, err := s.busyTimeout(ctx, conn)
	if err != nil {
		return patience, err
	}
	if told > nap {
		if err := setBusyTimeout(ctx, conn, nap); err != nil {
			return patience, err
		}
		defer func() { _ = setBusyTimeout(ctx, conn, told) }() // it has been closed then
	}
	return max(patience, told), f(conn)
}

// busyTimeout returns how long connections were told to wait when they were opened: all of them
// are opened in the same way, so the first one is asked.
func (s *Store) busyTimeout(ctx context.Context, conn *sql.Conn) (time.Duration, error) {
	if told := s.told.Load(); told != nil {
		return *told, nil
	}
	var ms int64
	err := conn.QueryRowContext(ctx, "PRAGMA busy_timeout").Scan(&ms)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	told := time.Duration(ms) * time.Millisecond
	s.told.Store(&told)
	return told, nil
}

// setBusyTimeout tells a connection how long to wait for locks. One that does not take it is not
// used again.
func setBusyTimeout(ctx context.Context, conn *sql.Conn, wait time.Duration) error {
	_, err := conn.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf("PRAGMA busy_timeout = %d", wait.Milliseconds()))
	if err != nil {
		discard(conn)
	}
	return err
}

// immediately runs f in a transaction that takes the lock for writing at its beginning: who reads
// first and writes then can only fail if another one wrote meanwhile. And it sees to it that a
// connection whose transaction could not be ended is not used again, which database/sql does
// not know.
func immediately(ctx context.Context, conn *sql.Conn, f func(ctx context.Context, q querier) error) error {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		if ctx.Err() != nil {
			rollBack(ctx, conn) // it may have begun all the same
		}
		return err
	}
	err := f(ctx, conn)
	if err == nil {
		_, err = conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		rollBack(ctx, conn)
	}
	return err
}

// rollBack ends a transaction in any case, if need be together with its connection.
func rollBack(ctx context.Context, conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		discard(conn)
	}
}

// discard closes a connection, which the pool does not get back.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}
