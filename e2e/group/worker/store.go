package worker

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	_ "modernc.org/sqlite" // the driver sqlite; package server has the others

	"github.com/kinstream/kin/dynamostore"
	"github.com/kinstream/kin/e2e/server"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/sqlstore"
)

// Store is a store that a process has opened.
type Store struct {
	lease.Store

	prepare func(ctx context.Context) error
	close   func() error
}

// Close closes the store's connections.
func (s *Store) Close() error { return s.close() }

// Prepare makes the tables, if they are not there.
func (s *Store) Prepare(ctx context.Context) error { return s.prepare(ctx) }

// OpenStore opens a store by a text: its kind, a colon, and where it is.
// dynamodb:http://127.0.0.1:8000 is a DynamoDB server; sqlite, pgx and mysql are databases,
// followed by what the driver of that name takes.
func OpenStore(text string) (*Store, error) {
	kind, where, _ := strings.Cut(text, ":")
	switch kind {
	case "dynamodb":
		return openDynamoDB(where)
	case "sqlite":
		return openSQL(kind, where, sqlstore.SQLite)
	case "pgx":
		return openSQL(kind, where, sqlstore.PostgreSQL)
	case "mysql":
		return openSQL(kind, where, sqlstore.MySQL)
	}
	return nil, fmt.Errorf("store %q: of no known kind", text)
}

func openDynamoDB(url string) (*Store, error) {
	client := (&server.DynamoDB{URL: url}).Client()
	store, err := dynamostore.New(client, dynamostore.Config{Table: "groups"})
	if err != nil {
		return nil, err
	}
	return &Store{
		Store:   store,
		prepare: func(ctx context.Context) error { return store.CreateTable(ctx, dynamostore.TableConfig{}) },
		close:   func() error { return nil },
	}, nil
}

func openSQL(driver, dsn string, dialect sqlstore.Dialect) (*Store, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	store, err := sqlstore.New(db, sqlstore.Config{Dialect: dialect})
	if err != nil {
		return nil, err
	}
	return &Store{Store: store, prepare: store.CreateTables, close: db.Close}, nil
}
