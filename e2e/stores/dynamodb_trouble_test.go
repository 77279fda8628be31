package stores_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kinstream/kin/dynamostore"
	"github.com/kinstream/kin/e2e/server"
	"github.com/kinstream/kin/lease"
)

// eachDynamoDB runs a test at each server.
func eachDynamoDB(t *testing.T, test func(t *testing.T, s *server.DynamoDB)) {
	t.Helper()
	for _, kind := range server.DynamoDBKinds() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			test(t, kind.Start(t))
		})
	}
}

func openTable(tb testing.TB, client dynamostore.Client, table string) *dynamostore.Store {
	tb.Helper()
	store, err := dynamostore.New(client, dynamostore.Config{Table: table, CallTimeout: slowServer})
	if err != nil {
		tb.Fatal(err)
	}
	return store
}

func TestDynamoTable(t *testing.T) {
	t.Parallel()
	eachDynamoDB(t, func(t *testing.T, s *server.DynamoDB) {
		t.Run("is made once by sixteen at the same time, who can all use it at once", func(t *testing.T) {
			t.Parallel()
			var wait sync.WaitGroup
			for i := range 16 {
				store := openTable(t, s.Client(), "made-by-many")
				wait.Go(func() {
					err := store.CreateTable(t.Context(), dynamostore.TableConfig{Tags: map[string]string{"team": "search"}})
					if err == nil {
						err = store.Join(t.Context(), "g", lease.Worker{ID: fmt.Sprint("w", i)})
					}
					if err != nil {
						t.Errorf("process %d: %v", i, err)
					}
				})
			}
			wait.Wait()
			snapshot, err := openTable(t, s.Client(), "made-by-many").Poll(t.Context(), "g")
			if err != nil || len(snapshot.Workers) != 16 {
				t.Errorf("workers = %d (%v), want 16", len(snapshot.Workers), err)
			}
		})

		t.Run("with provisioned capacity serves", func(t *testing.T) {
			t.Parallel()
			store := openTable(t, s.Client(), "provisioned")
			if err := store.CreateTable(t.Context(), dynamostore.TableConfig{ReadUnits: 5, WriteUnits: 5}); err != nil {
				t.Fatal(err)
			}
			if err := store.Join(t.Context(), "g", lease.Worker{ID: "w"}); err != nil {
				t.Error(err)
			}
			out, err := s.Client().DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: new("provisioned")})
			if err != nil || *out.Table.ProvisionedThroughput.WriteCapacityUnits != 5 {
				t.Errorf("table = %+v (%v), want 5 write units", out, err)
			}
		})

		t.Run("that is missing is named", func(t *testing.T) {
			t.Parallel()
			_, err := openTable(t, s.Client(), "not-there").Poll(t.Context(), "g")
			if e, ok := errors.AsType[*dynamostore.Error](err); !ok || !strings.Contains(e.Error(), "table not-there") || !strings.Contains(e.Hint, "create it") {
				t.Errorf("error = %v, want one that names the table and what to do", err)
			}
		})

		t.Run("of somebody else is refused, and named by calls", func(t *testing.T) {
			t.Parallel()
			_, err := s.Client().CreateTable(t.Context(), &dynamodb.CreateTableInput{
				TableName: new("kcl"), BillingMode: types.BillingModePayPerRequest,
				AttributeDefinitions: []types.AttributeDefinition{{AttributeName: new("leaseKey"), AttributeType: types.ScalarAttributeTypeS}},
				KeySchema:            []types.KeySchemaElement{{AttributeName: new("leaseKey"), KeyType: types.KeyTypeHash}},
			})
			if err != nil {
				t.Fatal(err)
			}
			store := openTable(t, s.Client(), "kcl")
			if err := store.CreateTable(t.Context(), dynamostore.TableConfig{}); err == nil || !strings.Contains(err.Error(), "HASH leaseKey (S)") {
				t.Errorf("CreateTable: error %v, want one that names the key", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := store.Join(ctx, "g", lease.Worker{ID: "w"}); err == nil || !strings.Contains(err.Error(), "is it a table for leases?") && !strings.Contains(err.Error(), "ready") {
				t.Errorf("Join: error %v, want a hint at the key", err)
			}
		})
	})
}

// TestDynamoPages has more leases than a page of 1 MB holds.
func TestDynamoPages(t *testing.T) {
	t.Parallel()
	eachDynamoDB(t, func(t *testing.T, s *server.DynamoDB) {
		const n = 3000
		store := dynamoStore(t, s, "pages")
		rows, members := realRows(t, store, costGroup, n, 30)
		got, err := store.Load(t.Context(), costGroup)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(got.Leases, rows, lease.Lease.Equal) {
			t.Errorf("leases = %d, want the %d that were written, in order", len(got.Leases), n)
		}
		if len(got.Workers) != len(members) {
			t.Errorf("workers = %d, want %d", len(got.Workers), len(members))
		}
		if err := store.Delete(t.Context(), costGroup); err != nil {
			t.Fatal(err)
		}
		out, err := s.Client().Scan(t.Context(), &dynamodb.ScanInput{TableName: new("pages"), ConsistentRead: new(true)})
		if err != nil || out.Count != 0 {
			t.Errorf("rows after Delete = %d (%v), want none", out.Count, err)
		}
	})
}

// lossy loses every third answer after the server has done what was asked, and every fifth
// request before.
type lossy struct {
	next     http.RoundTripper
	requests *atomic.Int64
}

var errLost = errors.New("connection reset by peer")

func (l lossy) RoundTrip(req *http.Request) (*http.Response, error) {
	n := l.requests.Add(1)
	if n%5 == 0 {
		return nil, errLost
	}
	resp, err := l.next.RoundTrip(req)
	if err == nil && n%3 == 0 {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return nil, errLost
	}
	return resp, err
}

// TestDynamoAnswersGetLost changes a row many times over a connection that loses answers. The
// SDK tries again by itself, so the store sees conditions fail because of its own changes.
func TestDynamoAnswersGetLost(t *testing.T) {
	t.Parallel()
	eachDynamoDB(t, func(t *testing.T, s *server.DynamoDB) {
		const changes = 200
		dynamoStore(t, s, "lossy")
		var requests atomic.Int64
		store := openTable(t, s.Client(func(o *dynamodb.Options) {
			o.HTTPClient = &http.Client{Transport: lossy{http.DefaultTransport, &requests}}
			o.Retryer = impatient{}
		}), "lossy")
		key := lease.Key{Stream: costStream, Shard: shardID(0)}
		row := lease.Lease{Key: key}
		for i := range changes {
			l := row
			l.Owner, l.Epoch = fmt.Sprint("w", i), int64(i)
			change := lease.Set(row, l)
			if i == 0 {
				change = lease.Create(l)
			}
			row = again(t, func() (lease.Result, error) {
				results, err := store.Update(t.Context(), "g", []lease.Change{change})
				if err != nil {
					return lease.Result{}, err
				}
				return results[0], nil
			}).Lease
			if row.Revision != int64(i+1) || row.Owner != l.Owner {
				t.Fatalf("after change %d: %+v, want revision %d and owner %s", i, row, i+1, l.Owner)
			}
		}
		snapshot := again(t, func() (lease.Snapshot, error) { return store.Load(t.Context(), "g") })
		if snapshot.Version < changes || len(snapshot.Leases) != 1 || !snapshot.Leases[0].Equal(row) {
			t.Errorf("snapshot = %+v, want version %d or more and %+v", snapshot, changes, row)
		}
		if n := requests.Load(); n < 3*changes {
			t.Errorf("requests = %d: hardly any got lost", n)
		}
	})
}

// again calls f until it does not fail.
func again[T any](t *testing.T, f func() (T, error)) T {
	t.Helper()
	out, err := f()
	for range 20 {
		if err == nil {
			return out
		}
		out, err = f()
	}
	t.Fatal(err)
	return out
}

// impatient tries three times at once.
type impatient struct{}

func (impatient) IsErrorRetryable(err error) bool              { return errors.Is(err, errLost) }
func (impatient) MaxAttempts() int                             { return 3 }
func (impatient) RetryDelay(int, error) (time.Duration, error) { return 0, nil }
func (impatient) GetRetryToken(context.Context, error) (func(error) error, error) {
	return func(error) error { return nil }, nil
}
func (impatient) GetInitialToken() func(error) error { return func(error) error { return nil } }
