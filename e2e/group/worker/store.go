package worker

import (
	"context"
	"fmt"
	"strings"

	"github.com/kinstream/kin/dynamostore"
	"github.com/kinstream/kin/e2e/server"
	"github.com/kinstream/kin/lease"
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

// OpenStore opens a store by a text: its kind, a colon, and where it is. dynamodb:http://127.0.0.1:8000 is a DynamoDB server.
func OpenStore(text string) (*Store, error) {
	kind, where, _ := strings.Cut(text, ":")
	switch kind {
	case "dynamodb":
		return openDynamoDB(where)
	}
	return nil, fmt.Errorf("store %q: of no known kind", text)
}

func openDynamoDB(url string) (*Store, error) {
	client := (&server.DynamoDB{URL: url, DynamoDBKind: server.DynamoDBKind{NoChecksum: true}}).Client()
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
