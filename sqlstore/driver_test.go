package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/kinstream/kin/sqlstore"
)

// script is a database that answers by script and notes what it is told. What real databases
// make of the statements is tested against real ones, in package e2e/stores.
type script struct {
	mu     sync.Mutex // guards what follows
	log    []string   // statements, and what became of transactions and connections
	answer func(statement string, n int) (answer, error)
	counts map[string]int
	told   int64 // milliseconds, of all connections
}

// answer is what a statement returns.
type answer struct {
	columns  []string
	rows     [][]driver.Value
	affected int64
}

// open returns a store on a database whose statements are answered by f, which is told how
// often a statement of that kind was made, from 1; kinds are told apart by the first two words.
func open(t *testing.T, dialect sqlstore.Dialect, f func(statement string, n int) (answer, error)) (*sqlstore.Store, *script) {
	t.Helper()
	s := &script{answer: f, counts: map[string]int{}}
	db := sql.OpenDB(s)
	t.Cleanup(func() { _ = db.Close() })
	store, err := sqlstore.New(db, sqlstore.Config{Dialect: dialect})
	if err != nil {
		t.Fatal(err)
	}
	return store, s
}

func (s *script) note(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, line)
}

// history returns what was noted: of statements, the first two words.
func (s *script) history() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var short []string
	for _, line := range s.log {
		short = append(short, kind(line))
	}
	return short
}

func (s *script) count(kind string) int {
	n := 0
	for _, line := range s.history() {
		if line == kind {
			n++
		}
	}
	return n
}

func kind(statement string) string {
	words := strings.Fields(statement)
	return strings.Join(words[:min(len(words), 2)], " ")
}

func (s *script) run(statement string) (answer, error) {
	if busy, found := strings.CutPrefix(statement, "PRAGMA busy_timeout"); found {
		return s.busyTimeout(strings.TrimPrefix(busy, " = "))
	}
	s.mu.Lock()
	s.log = append(s.log, statement)
	s.counts[kind(statement)]++
	n := s.counts[kind(statement)]
	s.mu.Unlock()
	return s.answer(statement, n)
}

// busyTimeout answers the question how long connections wait, and notes what they are told.
func (s *script) busyTimeout(set string) (answer, error) {
	if set == "" {
		return answer{columns: []string{"timeout"}, rows: [][]driver.Value{{s.told}}}, nil
	}
	return s.run("wait " + set)
}

// Connect and Driver make script a driver.Connector.
func (s *script) Connect(context.Context) (driver.Conn, error) { return &conn{s}, nil }

func (s *script) Driver() driver.Driver { return nil }

type conn struct{ s *script }

func (c *conn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not prepared") }

func (c *conn) Close() error {
	c.s.note("close")
	return nil
}

func (c *conn) Begin() (driver.Tx, error) { return nil, errors.New("without options") }

func (c *conn) BeginTx(_ context.Context, options driver.TxOptions) (driver.Tx, error) {
	c.s.note("begin " + strings.ReplaceAll(sql.IsolationLevel(options.Isolation).String(), " ", "_"))
	return &tx{c.s}, nil
}

func (c *conn) ExecContext(ctx context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	a, err := c.s.run(query)
	if err := errors.Join(err, ctx.Err()); err != nil {
		return nil, err
	}
	return driver.RowsAffected(a.affected), nil
}

func (c *conn) QueryContext(ctx context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	a, err := c.s.run(query)
	if err := errors.Join(err, ctx.Err()); err != nil {
		return nil, err
	}
	return &rows{answer: a}, nil
}

type tx struct{ s *script }

func (t *tx) Commit() error {
	_, err := t.s.run("commit")
	return err
}

func (t *tx) Rollback() error {
	t.s.note("rollback")
	return nil
}

type rows struct {
	answer
	next int
}

func (r *rows) Columns() []string { return r.columns }
func (r *rows) Close() error      { return nil }

func (r *rows) Next(dest []driver.Value) error {
	if r.next == len(r.rows) {
		return io.EOF
	}
	copy(dest, r.rows[r.next])
	r.next++
	return nil
}

// Errors in the ways of drivers.
type stateError string

func (e stateError) Error() string    { return "SQLSTATE " + string(e) }
func (e stateError) SQLState() string { return string(e) }

type codeError int

func (e codeError) Error() string { return fmt.Sprintf("code %d", int(e)) }
func (e codeError) Code() int     { return int(e) }
