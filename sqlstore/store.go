package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/kinstream/kin/lease"
)

// Config are the settings of a [Store].
type Config struct {
	// Dialect is the kind of database: [SQLite], [PostgreSQL] or [MySQL]. It must be set.
	Dialect Dialect

	// TablePrefix is what the names of the tables begin with: letters, digits and underscores,
	// if need be after the name of a schema and a dot. All processes of a group must use the
	// same. Defaults to "kin_".
	TablePrefix string
}

const defaultPrefix = "kin_"

var validPrefix = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]{0,47}\.)?[A-Za-z_][A-Za-z0-9_]{0,47}$`)

// Store is a [lease.Store] in a SQL database. Make one with [New]. It is safe for concurrent
// use, by many processes as well, and has nothing to close but the database, which is the
// caller's.
type Store struct {
	db      *sql.DB
	dialect Dialect
	prefix  string
	tables  tables
	texts   statements

	// writer has room for the one call of this store that writes to a file of SQLite.
	writer chan struct{}

	// told is how long connections to a file of SQLite were told to wait; nil until that is known.
	told atomic.Pointer[time.Duration]
}

var _ lease.Store = (*Store)(nil)

// New returns a store in a database that is open. It does not call the database. The tables
// have to be there when the store is used: see [Store.CreateTables].
func New(db *sql.DB, cfg Config) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlstore: the database is nil")
	}
	if !slices.Contains([]Dialect{SQLite, PostgreSQL, MySQL}, cfg.Dialect) {
		return nil, fmt.Errorf("sqlstore: Config.Dialect (%s) must be SQLite, PostgreSQL or MySQL", cfg.Dialect)
	}
	if cfg.TablePrefix == "" {
		cfg.TablePrefix = defaultPrefix
	}
	if !validPrefix.MatchString(cfg.TablePrefix) {
		return nil, fmt.Errorf("sqlstore: Config.TablePrefix (%q) must be up to 48 letters, digits and underscores, "+
			"which may follow the name of a schema and a dot", cfg.TablePrefix)
	}
	s := &Store{db: db, dialect: cfg.Dialect, prefix: cfg.TablePrefix, tables: newTables(cfg.TablePrefix), writer: make(chan struct{}, 1)}
	s.texts = newStatements(s.dialect, s.tables)
	return s, nil
}

// CreateTables makes the tables that are not there yet. Any number of processes may do so at
// the same time. The user of the database must be allowed to make tables; see [Store.Schema]
// for another way.
func (s *Store) CreateTables(ctx context.Context) error {
	err := s.transaction(ctx, func(ctx context.Context, q querier) error {
		if s.dialect == PostgreSQL {
			// Two processes that make a table at the same time both find none, and one of them
			// fails.
			if _, err := q.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtext($1))", "kin: "+s.prefix); err != nil {
				return err
			}
		}
		for _, statement := range s.Schema() {
			if _, err := q.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	return wrap("create tables", err)
}

// Groups implements [lease.Store].
func (s *Store) Groups(ctx context.Context) ([]string, error) {
	var names []string
	err := s.read(ctx, func(q querier) error {
		names = nil
		rows, err := q.QueryContext(ctx, s.texts.groups)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			names = append(names, name)
		}
		return rows.Err()
	})
	slices.Sort(names)
	return names, wrap("list groups", err)
}

// Delete implements [lease.Store].
func (s *Store) Delete(ctx context.Context, group string) error {
	if err := lease.CheckGroup(group); err != nil {
		return err
	}
	err := s.transaction(ctx, func(ctx context.Context, q querier) error {
		if err := s.lockGroup(ctx, q, group); err != nil {
			return err
		}
		for _, statement := range s.texts.deleteGroup {
			if _, err := q.ExecContext(ctx, statement, group); err != nil {
				return err
			}
		}
		return nil
	})
	return wrap("delete group "+group, err)
}

// lockGroup locks the row of a group, if there is one. If there is none, there are no rows
// below it either.
func (s *Store) lockGroup(ctx context.Context, q querier, group string) error {
	var version int64
	err := q.QueryRowContext(ctx, s.texts.lockGroup, group).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}
