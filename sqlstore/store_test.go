package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/sqlstore"
)

func TestNew(t *testing.T) {
	t.Parallel()
	db := sql.OpenDB(&script{})
	defer db.Close()
	for _, test := range []struct {
		name string
		db   *sql.DB
		cfg  sqlstore.Config
		want string // part of the error; empty for none
	}{
		{"a dialect is enough", db, sqlstore.Config{Dialect: sqlstore.SQLite}, ""},
		{"a prefix", db, sqlstore.Config{Dialect: sqlstore.MySQL, TablePrefix: "Orders_2_"}, ""},
		{"a prefix after a schema", db, sqlstore.Config{Dialect: sqlstore.PostgreSQL, TablePrefix: "kin.leases_"}, ""},
		{"no database", nil, sqlstore.Config{Dialect: sqlstore.SQLite}, "database is nil"},
		{"no dialect", db, sqlstore.Config{}, "Config.Dialect (Dialect(0))"},
		{"a dialect that is none", db, sqlstore.Config{Dialect: 9}, "Config.Dialect (Dialect(9))"},
		{"a prefix that would be SQL", db, sqlstore.Config{Dialect: sqlstore.SQLite, TablePrefix: "x; DROP TABLE y; --"}, "Config.TablePrefix"},
		{"a prefix that begins with a digit", db, sqlstore.Config{Dialect: sqlstore.SQLite, TablePrefix: "1x"}, "Config.TablePrefix"},
		{"two schemas", db, sqlstore.Config{Dialect: sqlstore.SQLite, TablePrefix: "a.b.c"}, "Config.TablePrefix"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store, err := sqlstore.New(test.db, test.cfg)
			if test.want == "" && (err != nil || store == nil) || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error = %v, want %q", err, test.want)
			}
		})
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	for _, dialect := range []sqlstore.Dialect{sqlstore.SQLite, sqlstore.PostgreSQL, sqlstore.MySQL} {
		store, err := sqlstore.New(sql.OpenDB(&script{}), sqlstore.Config{Dialect: dialect, TablePrefix: "p_"})
		if err != nil {
			t.Fatal(err)
		}
		for i, table := range []string{"p_groups", "p_workers", "p_streams", "p_leases"} {
			statement := store.Schema()[i]
			if !strings.HasPrefix(statement, "CREATE TABLE IF NOT EXISTS "+table+" (") || !strings.Contains(statement, "PRIMARY KEY") {
				t.Errorf("%s: statement %d is not of table %s: %s", dialect, i, table, statement)
			}
		}
	}
}

// gaveUp are errors after which a database has changed nothing and wants to be asked again.
func gaveUp() map[string]error {
	return map[string]error{
		"PostgreSQL: serialization failure": stateError("40001"),
		"PostgreSQL: deadlock":              fmt.Errorf("wrapped: %w", stateError("40P01")),
		"PostgreSQL: no lock":               stateError("55P03"),
		"SQLite: busy":                      codeError(5),
		"SQLite: busy, a snapshot":          codeError(517),
		"SQLite: locked":                    codeError(6),
		"SQLite: busy, in words":            errors.New("sqlite3: database is locked"),
		"MySQL: deadlock":                   errors.New("Error 1213 (40001): Deadlock found when trying to get lock; try restarting transaction"),
		"MySQL: waited too long":            errors.New("Error 1205 (HY000): Lock wait timeout exceeded; try restarting transaction"),
	}
}

func TestWhatWasGivenUpIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, failure := range gaveUp() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, at := range []string{"INSERT INTO", "commit"} {
				store, db := open(t, sqlstore.PostgreSQL, func(statement string, n int) (answer, error) {
					if kind(statement) == at && n <= 3 {
						return answer{}, failure
					}
					return answer{affected: 1}, nil
				})
				if err := store.Join(t.Context(), "g", lease.Worker{ID: "w"}); err != nil {
					t.Errorf("join that was given up 3 times at %s: %v", at, err)
				}
				if got := db.count("begin Read_Committed"); got != 4 {
					t.Errorf("%d transactions after 3 were given up at %s, want 4: %q", got, at, db.history())
				}
			}
		})
	}
	t.Run("not without end", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		store, db := open(t, sqlstore.PostgreSQL, func(_ string, n int) (answer, error) {
			if n == 20 {
				cancel()
			}
			return answer{}, stateError("40001")
		})
		if err := store.Join(ctx, "g", lease.Worker{ID: "w"}); !errors.Is(err, context.Canceled) {
			t.Errorf("join whose context ends: error %v, want context.Canceled", err)
		}
		if got := db.count("INSERT INTO"); got != 20 {
			t.Errorf("%d attempts after the context ended at the 20th", got)
		}
	})
	t.Run("nothing else is", func(t *testing.T) {
		t.Parallel()
		for _, failure := range []error{stateError("23505"), codeError(1), errors.New("connection reset by peer"), stateError("57P01")} {
			store, db := open(t, sqlstore.PostgreSQL, func(string, int) (answer, error) { return answer{}, failure })
			if err := store.Join(t.Context(), "g", lease.Worker{ID: "w"}); !errors.Is(err, failure) {
				t.Errorf("join: error %v, want %v", err, failure)
			}
			if want := []string{"begin Read_Committed", "INSERT INTO", "rollback"}; !slices.Equal(db.history(), want) {
				t.Errorf("after %v: %q, want %q", failure, db.history(), want)
			}
		}
	})
}

func TestTransactionsOfSQLite(t *testing.T) {
	t.Parallel()
	ok := func(string, int) (answer, error) { return answer{affected: 1}, nil }
	t.Run("take the lock for writing at their beginning", func(t *testing.T) {
		t.Parallel()
		store, db := open(t, sqlstore.SQLite, ok)
		if err := store.Join(t.Context(), "g", lease.Worker{ID: "w"}); err != nil {
			t.Fatal(err)
		}
		if want := []string{"BEGIN IMMEDIATE", "INSERT INTO", "INSERT INTO", "COMMIT"}; !slices.Equal(db.history(), want) {
			t.Errorf("statements = %q, want %q", db.history(), want)
		}
	})
	t.Run("are rolled back if they can't be committed", func(t *testing.T) {
		t.Parallel()
		store, db := open(t, sqlstore.SQLite, func(statement string, n int) (answer, error) {
			if statement == "COMMIT" && n == 1 {
				return answer{}, codeError(5)
			}
			return answer{affected: 1}, nil
		})
		if err := store.Join(t.Context(), "g", lease.Worker{ID: "w"}); err != nil {
			t.Fatal(err)
		}
		once := []string{"BEGIN IMMEDIATE", "INSERT INTO", "INSERT INTO", "COMMIT"}
		if want := slices.Concat(once, []string{"ROLLBACK"}, once); !slices.Equal(db.history(), want) {
			t.Errorf("statements = %q, want %q", db.history(), want)
		}
	})
	t.Run("end with their connection if they can't be rolled back", func(t *testing.T) {
		t.Parallel()
		store, db := open(t, sqlstore.SQLite, func(statement string, _ int) (answer, error) {
			if statement == "ROLLBACK" || strings.HasPrefix(statement, "INSERT") {
				return answer{}, errors.New("disk I/O error")
			}
			return answer{affected: 1}, nil
		})
		if err := store.Join(t.Context(), "g", lease.Worker{ID: "w"}); err == nil {
			t.Fatal("join: no error")
		}
		if want := []string{"BEGIN IMMEDIATE", "INSERT INTO", "ROLLBACK", "close"}; !slices.Equal(db.history(), want) {
			t.Errorf("statements = %q, want %q", db.history(), want)
		}
	})
	t.Run("wait for each other in the program, as long as their context lasts", func(t *testing.T) {
		t.Parallel()
		inside, leave := make(chan struct{}), make(chan struct{})
		store, _ := open(t, sqlstore.SQLite, func(statement string, _ int) (answer, error) {
			if statement == "COMMIT" {
				inside <- struct{}{}
				<-leave
			}
			return answer{affected: 1}, nil
		})
		joined := make(chan error)
		go func() { joined <- store.Join(context.WithoutCancel(t.Context()), "g", lease.Worker{ID: "w"}) }()
		<-inside
		ctx, cancel := context.WithCancel(t.Context())
		cancelled := make(chan error)
		go func() { cancelled <- store.Join(ctx, "g", lease.Worker{ID: "v"}) }()
		cancel()
		if err := <-cancelled; !errors.Is(err, context.Canceled) {
			t.Errorf("a writer that was not let in: error %v, want context.Canceled", err)
		}
		close(leave)
		if err := <-joined; err != nil {
			t.Errorf("the writer that was in: %v", err)
		}
	})
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	old := lease.Lease{Key: lease.Key{Stream: "s", Shard: "1"}, Revision: 4, Checkpoint: lease.TrimHorizon}
	moved := old
	moved.Checkpoint = "AFTER_SEQUENCE_NUMBER:1"
	ok := func(string, int) (answer, error) { return answer{affected: 1}, nil }
	for name, call := range map[string]func(ctx context.Context, s *sqlstore.Store) error{
		"a checkpoint": func(ctx context.Context, s *sqlstore.Store) error {
			_, err := s.Update(ctx, "g", []lease.Change{lease.Set(old, moved)})
			return err
		},
		"a poll": func(ctx context.Context, s *sqlstore.Store) error {
			_, err := s.Poll(ctx, "g")
			return err
		},
		"a load": func(ctx context.Context, s *sqlstore.Store) error {
			_, err := s.Load(ctx, "g")
			return err
		},
		"a heartbeat": func(ctx context.Context, s *sqlstore.Store) error {
			if _, err := s.Beat(ctx, "g", lease.Worker{ID: "w"}); !errors.Is(err, lease.ErrNoWorker) {
				return fmt.Errorf("heartbeat without a row: error %w, want ErrNoWorker", err)
			}
			return nil
		},
	} {
		t.Run(name+" takes one statement", func(t *testing.T) {
			t.Parallel()
			store, db := open(t, sqlstore.PostgreSQL, ok)
			if err := call(t.Context(), store); err != nil {
				t.Error(err)
			}
			if got := db.history(); len(got) != 1 {
				t.Errorf("statements = %q, want one", got)
			}
		})
	}
	t.Run("a thousand changes take few statements, with not too many parameters each", func(t *testing.T) {
		t.Parallel()
		store, db := open(t, sqlstore.SQLite, ok)
		var changes []lease.Change
		for i := range 1000 {
			changes = append(changes, lease.Create(lease.Lease{Key: lease.Key{Stream: "s", Shard: fmt.Sprint(i)}}))
		}
		if _, err := store.Update(t.Context(), "g", changes); err != nil {
			t.Fatal(err)
		}
		if got := db.history(); len(got) > 10 {
			t.Errorf("%d statements: %q", len(got), got)
		}
		for _, statement := range db.log {
			if n := strings.Count(statement, "?"); n > 32_766 {
				t.Errorf("%s has %d parameters", kind(statement), n)
			}
		}
	})
}
