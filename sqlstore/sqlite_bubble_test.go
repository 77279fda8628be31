package sqlstore_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/sqlstore"
)

// TestWaitingForOthers has somebody keep a file of SQLite, or rows of a server, from calls.
func TestWaitingForOthers(t *testing.T) {
	t.Parallel()
	locked := func(statement string, _ int) (answer, error) {
		if strings.HasPrefix(statement, "wait ") {
			return answer{columns: []string{"timeout"}}, nil
		}
		return answer{}, codeError(5)
	}
	calls := map[string]func(ctx context.Context, s *sqlstore.Store) error{
		"a poll": func(ctx context.Context, s *sqlstore.Store) error {
			_, err := s.Poll(ctx, "g")
			return err
		},
		"a heartbeat": func(ctx context.Context, s *sqlstore.Store) error {
			_, err := s.Beat(ctx, "g", lease.Worker{ID: "w"})
			return err
		},
		"a transaction": func(ctx context.Context, s *sqlstore.Store) error { return s.Join(ctx, "g", lease.Worker{ID: "w"}) },
	}
	for _, test := range []struct {
		name    string
		dialect sqlstore.Dialect
		told    int64 // milliseconds
		want    time.Duration
		text    string
	}{
		{"a server's rows", sqlstore.PostgreSQL, 0, 10 * time.Second, ": others were in the way for "},
		{"a file that nobody waits for", sqlstore.SQLite, 0, 10 * time.Second, ": others had the file locked for "},
		{"a file that connections wait for a little", sqlstore.SQLite, 5000, 10 * time.Second, ": others had the file locked for "},
		{"a file that connections wait for long", sqlstore.SQLite, 60_000, time.Minute, ": others had the file locked for "},
	} {
		for name, call := range calls {
			t.Run(test.name+" ends for "+name+" after a bounded time, which the error tells", func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					store, db := open(t, test.dialect, locked)
					db.told = test.told
					began := time.Now()
					err := call(t.Context(), store)
					if took := time.Since(began); took > test.want || took < test.want-50*time.Millisecond {
						t.Errorf("it took %v, want %v at most and hardly less", took, test.want)
					}
					if !errors.Is(err, codeError(5)) || !strings.Contains(err.Error(), test.text) {
						t.Errorf("error = %v, want one with %q and the cause", err, test.text)
					}
				})
			})
			t.Run(test.name+" ends for "+name+" with its context, which the error tells", func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					store, db := open(t, test.dialect, locked)
					db.told = test.told
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					began := time.Now()
					err := call(ctx, store)
					if took := time.Since(began); took != time.Second {
						t.Errorf("it took %v, want 1s", took)
					}
					text := strings.Replace(test.text, ": ", " while ", 1) + "1s: code 5"
					if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), text) {
						t.Errorf("error = %v, want context.DeadlineExceeded and %q", err, text)
					}
				})
			})
		}
	}
}

// TestConnectionsToAFileOfSQLite checks how connections are left, which the program may use, too.
func TestConnectionsToAFileOfSQLite(t *testing.T) {
	t.Parallel()
	ok := func(string, int) (answer, error) { return answer{affected: 1}, nil }
	for _, test := range []struct {
		name   string
		told   int64
		answer func(statement string, n int) (answer, error)
		want   []string
	}{
		{"are told nothing if they don't wait", 0, ok, []string{"SELECT g.version,"}},
		{"are told nothing if they wait for moments", 20, ok, []string{"SELECT g.version,"}},
		{"wait for moments, and then as before", 5000, ok, []string{"wait 20", "SELECT g.version,", "wait 5000"}},
		{"wait as before after an error", 5000, func(statement string, _ int) (answer, error) {
			if kind(statement) == "SELECT g.version," {
				return answer{}, codeError(1)
			}
			return answer{}, nil
		}, []string{"wait 20", "SELECT g.version,", "wait 5000"}},
		{"are closed if they don't take that", 5000, func(statement string, _ int) (answer, error) {
			if statement == "wait 20" {
				return answer{}, errors.New("no")
			}
			return answer{}, nil
		}, []string{"wait 20", "close"}},
		{"are closed if they don't wait as before", 5000, func(statement string, _ int) (answer, error) {
			if statement == "wait 5000" {
				return answer{}, errors.New("no")
			}
			return answer{}, nil
		}, []string{"wait 20", "SELECT g.version,", "wait 5000", "close"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store, db := open(t, sqlstore.SQLite, test.answer)
			db.told = test.told
			_, _ = store.Poll(t.Context(), "g")
			if got := db.history(); !slices.Equal(got, test.want) {
				t.Errorf("statements = %q, want %q", got, test.want)
			}
		})
	}
	t.Run("wait as before after a call whose context has ended", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		store, db := open(t, sqlstore.SQLite, func(statement string, _ int) (answer, error) {
			if kind(statement) == "BEGIN IMMEDIATE" {
				cancel()
			}
			return answer{}, nil
		})
		db.told = 5000
		if err := store.Join(ctx, "g", lease.Worker{ID: "w"}); !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v, want context.Canceled", err)
		}
		if got, want := db.history(), []string{"wait 20", "BEGIN IMMEDIATE", "ROLLBACK", "wait 5000"}; !slices.Equal(got, want) {
			t.Errorf("statements = %q, want %q", got, want)
		}
	})
}
