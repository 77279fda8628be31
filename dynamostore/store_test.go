package dynamostore_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/dynamostore"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/lease/leasetest"
)

const (
	group     = "billing"
	streamARN = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"
)

func open(tb testing.TB, f *fake) *dynamostore.Store {
	tb.Helper()
	store, err := dynamostore.New(f, dynamostore.Config{Table: "kin"})
	if err != nil {
		tb.Fatal(err)
	}
	return store
}

// TestContract holds the store to the contract above a table in memory.
func TestContract(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*fake{
		"with rows in failures":         {rows: map[rowKey]item{}},
		"without, and with small pages": {rows: map[rowKey]item{}, noRow: true, pageRows: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leasetest.Run(t, func(t testing.TB) lease.Store { return open(t, f) })
		})
	}
}

func testLease(n int) lease.Lease {
	return lease.Lease{
		Key:        lease.Key{Stream: streamARN, Shard: fmt.Sprintf("shardId-%012d", n)},
		Owner:      "web-1-k3x9",
		Epoch:      1,
		Checkpoint: lease.TrimHorizon,
	}
}

func testWorker(id string) lease.Worker {
	return lease.Worker{ID: id, Streams: []string{streamARN}, TTL: 10 * time.Second}
}

// seed makes a group with a worker and leases 0 to n-1, and forgets the calls.
func seed(t *testing.T, f *fake, n int) (*dynamostore.Store, []lease.Lease) {
	t.Helper()
	store := open(t, f)
	if err := store.Join(t.Context(), group, testWorker("web-1-k3x9")); err != nil {
		t.Fatal(err)
	}
	if _, err := store.PutStream(t.Context(), group, lease.Stream{ARN: streamARN, Start: lease.TrimHorizon, Revision: 1}); err != nil {
		t.Fatal(err)
	}
	changes := make([]lease.Change, n)
	for i := range changes {
		changes[i] = lease.Create(testLease(i))
	}
	return store, leases(t, update(t, store, changes...), f)
}

func update(t *testing.T, store lease.Store, changes ...lease.Change) []lease.Result {
	t.Helper()
	results, err := store.Update(t.Context(), group, changes)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func leases(t *testing.T, results []lease.Result, f *fake) []lease.Lease {
	t.Helper()
	rows := make([]lease.Lease, len(results))
	for i, r := range results {
		if !r.Made {
			t.Fatalf("change %d was not made: %+v", i, r.Lease)
		}
		rows[i] = r.Lease
	}
	f.forget()
	return rows
}

func load(t *testing.T, store lease.Store) lease.Snapshot {
	t.Helper()
	s, err := store.Load(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCalls(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		do   func(t *testing.T, store *dynamostore.Store, rows []lease.Lease) error
		want []string
	}{
		"a poll is one": {
			func(t *testing.T, store *dynamostore.Store, _ []lease.Lease) error {
				_, err := store.Poll(t.Context(), group)
				return err
			},
			[]string{"Query billing/group "},
		},
		"a heartbeat is one": {
			func(t *testing.T, store *dynamostore.Store, _ []lease.Lease) error {
				_, err := store.Beat(t.Context(), group, testWorker("web-1-k3x9"))
				return err
			},
			[]string{"UpdateItem billing/group worker#web-1-k3x9"},
		},
		"a load reads the version, then leases and streams, then workers": {
			func(t *testing.T, store *dynamostore.Store, _ []lease.Lease) error {
				_, err := store.Load(t.Context(), group)
				return err
			},
			[]string{"GetItem billing/group version", "Query billing/lease ", "Query billing/group "},
		},
		"a checkpoint is one, and does not raise the version": {
			func(t *testing.T, store *dynamostore.Store, rows []lease.Lease) error {
				l := rows[0]
				l.Checkpoint = "AFTER_SEQUENCE_NUMBER:1"
				_, err := store.Update(t.Context(), group, []lease.Change{lease.Set(rows[0], l)})
				return err
			},
			[]string{"UpdateItem billing/lease lease#" + streamARN + "#shardId-000000000000"},
		},
		"a hand-over raises the version after it": {
			func(t *testing.T, store *dynamostore.Store, rows []lease.Lease) error {
				l := rows[0]
				l.Owner, l.Epoch = "web-2-q71c", 2
				_, err := store.Update(t.Context(), group, []lease.Change{lease.Set(rows[0], l)})
				return err
			},
			[]string{"UpdateItem billing/lease lease#" + streamARN + "#shardId-000000000000", "UpdateItem billing/group version"},
		},
		"deleting a group takes the workers first and the name last": {
			func(t *testing.T, store *dynamostore.Store, _ []lease.Lease) error {
				return store.Delete(t.Context(), group)
			},
			[]string{
				"Query billing/group ", "DeleteItem billing/group worker#web-1-k3x9",
				"Query billing/lease ", "DeleteItem billing/lease lease#" + streamARN + "#shardId-000000000000",
				"DeleteItem billing/lease stream#" + streamARN,
				"DeleteItem billing/group version", "DeleteItem groups billing",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			store, rows := seed(t, f, 1)
			if err := test.do(t, store, rows); err != nil {
				t.Fatal(err)
			}
			got := f.ops()
			if strings.HasPrefix(name, "deleting") {
				slices.Sort(got[3:5]) // side by side
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("calls:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestLaterVersions(t *testing.T) {
	t.Parallel()

	t.Run("attributes that are not known stay", func(t *testing.T) {
		t.Parallel()
		f := newFake()
		store, rows := seed(t, f, 1)
		leaseRow := "lease#" + streamARN + "#shardId-000000000000"
		at := []rowKey{
			{group + "/group", "version"},
			{group + "/group", "worker#web-1-k3x9"},
			{group + "/lease", leaseRow},
			{group + "/lease", "stream#" + streamARN},
		}
		f.edit(func(rows map[rowKey]item) {
			for _, k := range at {
				set(rows[k], "color", "green")
			}
		})
		if _, err := store.Beat(t.Context(), group, testWorker("web-1-k3x9")); err != nil {
			t.Fatal(err)
		}
		if err := store.Drain(t.Context(), group, "web-1-k3x9", true); err != nil {
			t.Fatal(err)
		}
		if _, err := store.PutStream(t.Context(), group, lease.Stream{ARN: streamARN, Seeded: true, Revision: 2}); err != nil {
			t.Fatal(err)
		}
		update(t, store, lease.Set(rows[0], lease.Lease{Key: rows[0].Key, Checkpoint: lease.ShardEnd}))
		for _, k := range at {
			if got := text(f.row(k.part, k.row)["color"]); got != "green" {
				t.Errorf("%s %s has color %q, want green", k.part, k.row, got)
			}
		}
	})

	t.Run("rows of kinds that are not known are left alone until the group is deleted", func(t *testing.T) {
		t.Parallel()
		f := newFake()
		store, _ := seed(t, f, 1)
		f.edit(func(rows map[rowKey]item) {
			for _, k := range []rowKey{{group + "/group", "zone#a"}, {group + "/lease", "index"}} {
				rows[k] = item{}
				set(rows[k], "part", k.part)
				set(rows[k], "row", k.row)
			}
		})
		if s := load(t, store); len(s.Workers) != 1 || len(s.Streams) != 1 || len(s.Leases) != 1 {
			t.Errorf("snapshot = %+v, want one row of each kind", s)
		}
		if err := store.Delete(t.Context(), group); err != nil {
			t.Fatal(err)
		}
		f.edit(func(rows map[rowKey]item) {
			if len(rows) != 0 {
				t.Errorf("rows after Delete = %v, want none", rows)
			}
		})
	})
}

func TestDeleteOfAGroup(t *testing.T) {
	t.Parallel()
	t.Run("that fails half way leaves its name, and can be called again", func(t *testing.T) {
		t.Parallel()
		f := newFake()
		store, _ := seed(t, f, 30)
		f.fault = func(c fakeCall) fault {
			if c.op == "DeleteItem" && strings.HasSuffix(c.key.row, "shardId-000000000017") && c.n == 1 {
				return unreached
			}
			return none
		}
		if err := store.Delete(t.Context(), group); err == nil {
			t.Fatal("Delete says nothing of the lease that it could not delete")
		}
		if groups, err := store.Groups(t.Context()); err != nil || !slices.Equal(groups, []string{group}) {
			t.Fatalf("groups = %v (%v), want the one that is not gone", groups, err)
		}
		if err := store.Delete(t.Context(), group); err != nil {
			t.Fatal(err)
		}
		f.edit(func(rows map[rowKey]item) {
			if len(rows) != 0 {
				t.Errorf("rows = %d, want none", len(rows))
			}
		})
	})
}

func TestGroupWithoutAVersion(t *testing.T) {
	t.Parallel()
	f := newFake()
	store := open(t, f)
	if err := store.Drain(t.Context(), group, "w", true); !errors.Is(err, lease.ErrNoWorker) {
		t.Errorf("Drain: error %v, want ErrNoWorker", err)
	}
	if gone, err := store.Forget(t.Context(), group, "w", 3); !gone || err != nil {
		t.Errorf("Forget = %t, %v, want that there is no row", gone, err)
	}
	f.edit(func(rows map[rowKey]item) {
		if len(rows) != 0 {
			t.Errorf("rows = %v, want none made", rows)
		}
	})
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]dynamostore.Config{
		"Config.Table":       {},
		"Config.Parallel":    {Table: "kin", Parallel: -1},
		"Config.CallTimeout": {Table: "kin", CallTimeout: -1},
	} {
		t.Run("names "+name, func(t *testing.T) {
			t.Parallel()
			if _, err := dynamostore.New(newFake(), config); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("New: error %v, want one about %s", err, name)
			}
		})
	}
	t.Run("needs a client", func(t *testing.T) {
		t.Parallel()
		if _, err := dynamostore.New(nil, dynamostore.Config{Table: "kin"}); err == nil {
			t.Error("New took no client")
		}
	})
}
