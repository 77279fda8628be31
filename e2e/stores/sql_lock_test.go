package stores_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kinstream/kin/e2e/server"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/sqlstore"
)

// TestSQLCallsEndWithTheirContext has somebody lock what calls need, who does not let go before
// they have ended.
//
// Servers give calls up at once, for which nobody but the store tries again.
func TestSQLCallsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	forEachDatabase(t, func(t *testing.T, d database) {
		switch d.dialect {
		case sqlstore.SQLite:
			d.dsn = strings.Replace(d.dsn, "busy_timeout(5000)", "busy_timeout(86400000)", 1)
		case sqlstore.PostgreSQL:
			d.dsn += "&lock_timeout=5"
		case sqlstore.MySQL:
			d.dsn += "&innodb_lock_wait_timeout=0"
		}
		store, db := d.openDB(t)
		w := lease.Worker{ID: "w", TTL: time.Second}
		l := lease.Lease{Key: lease.Key{Stream: "s", Shard: "1"}, Checkpoint: lease.TrimHorizon}
		if err := store.Join(t.Context(), "g", w); err != nil {
			t.Fatal(err)
		}
		results, err := store.Update(t.Context(), "g", []lease.Change{lease.Create(l)})
		if err != nil {
			t.Fatal(err)
		}
		l = results[0].Lease
		next := l
		next.Owner = "w"

		unlock := lockAll(t, d)
		wantReads(t, d, store)
		for name, call := range map[string]func(ctx context.Context) error{
			"join": func(ctx context.Context) error { return store.Join(ctx, "g", lease.Worker{ID: "v"}) },
			"beat": func(ctx context.Context) error {
				_, err := store.Beat(ctx, "g", w)
				return err
			},
			"drain": func(ctx context.Context) error { return store.Drain(ctx, "g", "w", true) },
			"update": func(ctx context.Context) error {
				_, err := store.Update(ctx, "g", []lease.Change{lease.Set(l, next)})
				return err
			},
			"delete": func(ctx context.Context) error { return store.Delete(ctx, "g") },
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s while another one has the lock: error %v, want context.DeadlineExceeded", name, err)
			}
			cancel()
		}
		unlock()
		if _, err := store.Beat(t.Context(), "g", w); err != nil && !errors.Is(err, lease.ErrNoWorker) {
			t.Errorf("beat after the lock is gone: %v", err)
		}
		if err := store.Join(t.Context(), "g", lease.Worker{ID: "x"}); err != nil {
			t.Errorf("join after the lock is gone: %v", err)
		}
		if n := db.Stats().InUse; n != 0 {
			t.Errorf("%d connections are still in use", n)
		}
		if d.dialect == sqlstore.SQLite {
			wantBusyTimeout(t, db, strings.Contains(d.dsn, "busy_timeout"))
		}
	})
}

// TestSQLStoresOnOneConnection has many calls at the same time share the only connection of a
// pool.
func TestSQLStoresOnOneConnection(t *testing.T) {
	t.Parallel()
	forEachDatabase(t, func(t *testing.T, d database) {
		store, db := d.openDB(t)
		db.SetMaxOpenConns(1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() {
				w := lease.Worker{ID: fmt.Sprint("w", i), TTL: time.Second}
				l := lease.Lease{Key: lease.Key{Stream: "s", Shard: fmt.Sprint(i)}, Checkpoint: lease.TrimHorizon}
				err := store.Join(ctx, "g", w)
				if err == nil {
					_, err = store.Update(ctx, "g", []lease.Change{lease.Create(l)})
				}
				if err == nil {
					_, err = store.Beat(ctx, "g", w)
				}
				if err == nil {
					_, err = store.Load(ctx, "g")
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if s, err := store.Load(ctx, "g"); err != nil || len(s.Leases) != 8 || len(s.Workers) != 8 {
			t.Errorf("%d leases and %d workers, error %v; want 8 of each", len(s.Leases), len(s.Workers), err)
		}
	})
}

// TestSQLLocksOfTheFrozen has somebody lock rows who does nothing more. With the setting that
// the documentation names, only for a time.
func TestSQLLocksOfTheFrozen(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind    server.DatabaseKind
		dialect sqlstore.Dialect
		setting string
	}{
		{server.PostgreSQL(), sqlstore.PostgreSQL, "&idle_in_transaction_session_timeout=500"},
		{server.MariaDB(), sqlstore.MySQL, "&idle_transaction_timeout=1"},
	} {
		t.Run(test.kind.Name, func(t *testing.T) {
			t.Parallel()
			s := test.kind.Start(t)
			d := database{test.dialect, s.Driver, s.DSN + test.setting}
			store, db := d.openDB(t)
			if err := store.CreateTables(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := store.Join(t.Context(), "g", lease.Worker{ID: "w", TTL: time.Second}); err != nil {
				t.Fatal(err)
			}
			frozen, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := frozen.ExecContext(t.Context(), "UPDATE kin_groups SET version = version + 1"); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := store.Join(ctx, "g", lease.Worker{ID: "v", TTL: time.Second}); err != nil {
				t.Errorf("join while another one has the lock and is frozen: %v", err)
			}
			if err := frozen.Commit(); err == nil {
				t.Error("who was frozen could commit")
			}
		})
	}
}

// wantReads checks that nobody waits for a lock to read, where the database can do that. A file
// of SQLite without WAL can't be read meanwhile.
func wantReads(t *testing.T, d database, store *sqlstore.Store) {
	t.Helper()
	ctx := t.Context()
	if d.dialect == sqlstore.SQLite && !strings.Contains(d.dsn, "WAL") {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		if _, err := store.Load(ctx, "g"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("load while another one has the lock: error %v, want context.DeadlineExceeded", err)
		}
		return
	}
	if s, err := store.Load(ctx, "g"); err != nil || len(s.Leases) != 1 {
		t.Errorf("load while another one has the lock: %d leases, error %v; want 1", len(s.Leases), err)
	}
}

// wantBusyTimeout checks that idle connections wait as long as they did when they were opened.
func wantBusyTimeout(t *testing.T, db *sql.DB, told bool) {
	t.Helper()
	want := 0
	if told {
		want = 86400000
	}
	for range db.Stats().Idle {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var got int
		if err := conn.QueryRowContext(t.Context(), "PRAGMA busy_timeout").Scan(&got); err != nil || got != want {
			t.Errorf("busy_timeout = %d, error %v; want %d", got, err, want)
		}
	}
}

// lockAll locks the rows of all groups and workers for writing, and a file of SQLite without WAL
// for reading as well, until the function that it returns is called.
func lockAll(t *testing.T, d database) (unlock func()) {
	t.Helper()
	_, db := d.openDB(t)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	begin := "BEGIN"
	if d.dialect == sqlstore.SQLite {
		begin = "BEGIN EXCLUSIVE"
	}
	statements := []string{begin, "UPDATE kin_groups SET version = version + 1", "UPDATE kin_workers SET beat = beat + 1"}
	for _, statement := range statements {
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return func() {
		if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Error(err)
		}
		_ = conn.Close()
	}
}
