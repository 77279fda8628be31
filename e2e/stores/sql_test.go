package stores_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver sqlite

	"github.com/kinstream/kin/e2e/server"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/lease/leasetest"
	"github.com/kinstream/kin/sqlstore"
)

// database is a SQL database that a test may use alone.
type database struct {
	dialect     sqlstore.Dialect
	driver, dsn string
}

// open returns a store with connections of its own, as in another process.
func (d database) open(tb testing.TB) *sqlstore.Store {
	tb.Helper()
	store, _ := d.openDB(tb)
	return store
}

func (d database) openDB(tb testing.TB) (*sqlstore.Store, *sql.DB) {
	tb.Helper()
	db, err := sql.Open(d.driver, d.dsn)
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxIdleConns(32) // the suite makes more calls at the same time than a worker does
	tb.Cleanup(func() { _ = db.Close() })
	store, err := sqlstore.New(db, sqlstore.Config{Dialect: d.dialect})
	if err != nil {
		tb.Fatal(err)
	}
	return store, db
}

// sqlite returns a file of SQLite, opened as the documentation says.
func sqlite(tb testing.TB) database {
	tb.Helper()
	return database{sqlstore.SQLite, "sqlite", sqliteDSN(filepath.Join(tb.TempDir(), "kin test.db"))}
}

func sqliteDSN(file string) string {
	return "file:" + url.PathEscape(filepath.ToSlash(file)) + "?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"
}

// databases are the databases that sqlstore is tested against.
func databases() map[string]func(tb testing.TB) database {
	all := map[string]func(tb testing.TB) database{
		"SQLite": sqlite,
		// As many open it, for the sake of their own statements.
		"SQLite with a busy timeout": func(tb testing.TB) database {
			tb.Helper()
			d := sqlite(tb)
			d.dsn += "&_pragma=busy_timeout(5000)"
			return d
		},
		// As somebody opens it who has not read how.
		"SQLite without any setting": func(tb testing.TB) database {
			tb.Helper()
			return database{sqlstore.SQLite, "sqlite", filepath.Join(tb.TempDir(), "plain.db")}
		},
	}
	for _, kind := range server.DatabaseKinds() {
		dialect := sqlstore.PostgreSQL
		if kind.Name == server.MariaDB().Name {
			dialect = sqlstore.MySQL
		}
		all[kind.Name] = func(tb testing.TB) database {
			tb.Helper()
			d := kind.Start(tb)
			return database{dialect, d.Driver, d.DSN}
		}
	}
	return all
}

// forEachDatabase runs a test with each database, which has the tables.
func forEachDatabase(t *testing.T, test func(t *testing.T, d database)) {
	t.Helper()
	for name, start := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t)
			if err := d.open(t).CreateTables(t.Context()); err != nil {
				t.Fatal(err)
			}
			test(t, d)
		})
	}
}

// TestSQLStores holds sqlstore to the contract of stores, with each database.
func TestSQLStores(t *testing.T) {
	t.Parallel()
	forEachDatabase(t, func(t *testing.T, d database) {
		leasetest.Run(t, func(tb testing.TB) lease.Store { return d.open(tb) })
	})
}

// TestSQLStoresWithOtherSettings runs the suite with sessions of servers whose settings differ from
// those in the other tests: with other isolation levels, of which SQLite has only one.
func TestSQLStoresWithOtherSettings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind     server.DatabaseKind
		dialect  sqlstore.Dialect
		settings map[string]string
	}{
		{server.PostgreSQL(), sqlstore.PostgreSQL, map[string]string{
			"serializable": "&default_transaction_isolation=serializable",
		}},
		{server.MariaDB(), sqlstore.MySQL, map[string]string{
			"serializable": "&tx_isolation=%27SERIALIZABLE%27",
			// As MariaDB does by default from 11.6 on; and rows count when they are found.
			"snapshots that fail": "&innodb_snapshot_isolation=1&clientFoundRows=true",
		}},
	} {
		t.Run(test.kind.Name, func(t *testing.T) {
			t.Parallel()
			s := test.kind.Start(t)
			for name, added := range test.settings {
				d := database{test.dialect, s.Driver, s.DSN + added}
				if err := d.open(t).CreateTables(t.Context()); err != nil {
					t.Fatal(err)
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					leasetest.Run(t, func(tb testing.TB) lease.Store { return d.open(tb) })
				})
			}
		})
	}
}

// TestSQLTables makes the tables many times at the same time, and in other ways.
func TestSQLTables(t *testing.T) {
	t.Parallel()
	for name, start := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t)
			const processes = 8
			errs := make(chan error, processes)
			for range processes {
				store := d.open(t)
				go func() { errs <- store.CreateTables(context.WithoutCancel(t.Context())) }()
			}
			for range processes {
				if err := <-errs; err != nil {
					t.Errorf("create tables: %v", err)
				}
			}
			store, db := d.openDB(t)
			if err := store.Join(t.Context(), "g", lease.Worker{ID: "w", TTL: time.Second}); err != nil {
				t.Fatal(err)
			}
			if err := store.CreateTables(t.Context()); err != nil {
				t.Errorf("create tables that are there: %v", err)
			}
			if s, err := store.Poll(t.Context(), "g"); err != nil || len(s.Workers) != 1 {
				t.Errorf("workers after that = %+v, error %v; want one", s.Workers, err)
			}

			other, err := sqlstore.New(db, sqlstore.Config{Dialect: d.dialect, TablePrefix: "other_"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := other.Poll(t.Context(), "g"); err == nil {
				t.Error("poll without tables: no error")
			}
			for _, statement := range other.Schema() {
				if _, err := db.ExecContext(t.Context(), statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
			if s, err := other.Poll(t.Context(), "g"); err != nil || len(s.Workers) != 0 {
				t.Errorf("workers in other tables = %+v, error %v; want none", s.Workers, err)
			}
		})
	}
}

// TestSQLStoresThroughTrouble has workers change rows while their connections are cut, or calls
// are given up: each change is made once.
func TestSQLStoresThroughTrouble(t *testing.T) {
	t.Parallel()
	forEachDatabase(t, func(t *testing.T, d database) {
		kill := map[sqlstore.Dialect]string{
			sqlstore.PostgreSQL: "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
			sqlstore.MySQL:      "SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND user = 'root'",
		}[d.dialect]
		const writers, changes = 6, 40
		ctx, cancel := context.WithCancel(t.Context())
		saboteur := make(chan int)
		go func() { saboteur <- sabotage(ctx, t, d, kill) }()

		type outcome struct {
			tries int
			err   error
		}
		done := make(chan outcome, writers)
		for i := range writers {
			store := d.open(t)
			go func() {
				tries, err := changeOneRow(t.Context(), store, i, changes)
				done <- outcome{tries, err}
			}()
		}
		tries := 0
		for range writers {
			o := <-done
			if o.err != nil {
				t.Error(o.err)
			}
			tries += o.tries
		}
		cancel()
		cuts := <-saboteur
		t.Logf("%d changes took %d tries; %d connections were cut", writers*changes, tries, cuts)
		s, err := d.open(t).Load(t.Context(), "g")
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range s.Leases {
			if l.Revision != changes || l.Epoch != changes {
				t.Errorf("lease %s has revision %d and epoch %d, want %d", l.Shard, l.Revision, l.Epoch, changes)
			}
		}
		if len(s.Leases) != writers {
			t.Errorf("%d leases, want %d", len(s.Leases), writers)
		}
	})
}

// sabotage ends the connections of others ten times a second, and returns how many it has ended.
func sabotage(ctx context.Context, t *testing.T, d database, kill string) (cuts int) {
	if kill == "" {
		return 0
	}
	_, db := d.openDB(t)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return cuts
		case <-tick.C:
		}
		rows, err := db.QueryContext(ctx, kill)
		if err != nil {
			continue
		}
		var ids []string
		for rows.Next() {
			var id string
			if rows.Scan(&id) == nil {
				ids = append(ids, id)
			}
		}
		_ = rows.Close()
		cuts += len(ids)
		if d.dialect != sqlstore.MySQL {
			continue
		}
		for _, id := range ids {
			_, _ = db.ExecContext(ctx, "KILL "+id)
		}
	}
}

// changeOneRow makes changes of a row that nobody else changes, each until its result is known,
// with little time for the first try.
func changeOneRow(ctx context.Context, store *sqlstore.Store, i, changes int) (tries int, err error) {
	l := lease.Lease{Key: lease.Key{Stream: "s", Shard: fmt.Sprint(i)}}
	for n := range changes {
		next := l
		next.Owner, next.Epoch = "owner", int64(n+1)
		change := lease.Set(l, next)
		for limit := time.Millisecond; ; limit = min(limit*2, 5*time.Second) {
			tries++
			try, cancel := context.WithTimeout(ctx, limit)
			results, err := store.Update(try, "g", []lease.Change{change})
			cancel()
			if err == nil && !results[0].Made {
				return tries, fmt.Errorf("change %d of lease %d was refused; the row is %+v", n, i, results[0].Lease)
			}
			if err == nil {
				l = results[0].Lease
				break
			}
			if tries > 100*changes {
				return tries, err
			}
		}
	}
	return tries, nil
}
