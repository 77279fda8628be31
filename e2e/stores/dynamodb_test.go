package stores_test

import (
	"context"
	"testing"
	"time"

	"github.com/kinstream/kin/dynamostore"
	"github.com/kinstream/kin/e2e/server"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/lease/leasetest"
)

// TestDynamoStore holds the store in DynamoDB to the contract at each server. The smallest number
// of connections is used that finds what is not safe: each client has its own.
func TestDynamoStore(t *testing.T) {
	t.Parallel()
	for _, kind := range server.DynamoDBKinds() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			s := kind.Start(t)
			leasetest.Run(t, func(t testing.TB) lease.Store { return dynamoStore(t, s, "leases") })
		})
	}
}

// dynamoStore returns a client of its own for a table, which is made if need be.
func dynamoStore(tb testing.TB, s *server.DynamoDB, table string) *dynamostore.Store {
	tb.Helper()
	store, err := dynamostore.New(s.Client(), dynamostore.Config{Table: table, CallTimeout: slowServer})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	if err := store.CreateTable(ctx, dynamostore.TableConfig{}); err != nil {
		tb.Fatal(err)
	}
	return store
}

// slowServer is how long a call may take: the suite makes thousands at the same time, on few cores.
const slowServer = time.Minute
