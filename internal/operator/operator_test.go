package operator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/operator"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/memstore"
)

const (
	group  = "billing"
	orders = "arn:aws:kinesis:us-east-1:000000000000:stream/orders"
)

func shardID(n int) string { return fmt.Sprintf("shardId-%012d", n) }

// fixture is a group in a store, with workers that beat.
type fixture struct {
	*memstore.Store

	t *testing.T
}

func newFixture(t *testing.T) fixture {
	t.Helper()
	return fixture{memstore.New(), t}
}

// join makes a worker that beats every 0.3 TTL until the function returned is called. In a
// bubble only.
func (f fixture) join(id string) (stop func()) {
	f.t.Helper()
	w := lease.Worker{ID: id, Beat: 1, Streams: []string{orders}, TTL: 10 * time.Second, JoinedAt: time.Now()}
	if err := f.Join(f.t.Context(), group, w); err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(3 * time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				if _, err := f.Beat(ctx, group, w); err != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

func (f fixture) put(leases ...lease.Lease) {
	f.t.Helper()
	changes := make([]lease.Change, 0, len(leases))
	for _, l := range leases {
		l.Stream = orders
		changes = append(changes, lease.Create(l))
	}
	results, err := f.Update(f.t.Context(), group, changes)
	if err != nil || slices.ContainsFunc(results, func(r lease.Result) bool { return !r.Made }) {
		f.t.Fatalf("put leases = %v, %v", results, err)
	}
	if _, err := f.PutStream(f.t.Context(), group, lease.Stream{ARN: orders, Start: lease.TrimHorizon, Seeded: true, Revision: 1}); err != nil {
		f.t.Fatal(err)
	}
}

func (f fixture) row(shard int) lease.Lease {
	f.t.Helper()
	rows, err := f.Load(f.t.Context(), group)
	if err != nil {
		f.t.Fatal(err)
	}
	l, err := operator.FindLease(rows, orders, shardID(shard))
	if err != nil {
		f.t.Fatal(err)
	}
	return l
}

// at is a lease of a shard, owned by nobody.
func at(shard int, checkpoint lease.Checkpoint, parents ...int) lease.Lease {
	l := lease.Lease{Key: lease.Key{Stream: orders, Shard: shardID(shard)}, Checkpoint: checkpoint}
	for _, p := range parents {
		l.Parents = append(l.Parents, shardID(p))
	}
	return l
}

func owned(l lease.Lease, owner string) lease.Lease {
	l.Owner, l.Epoch = owner, 7
	return l
}

// splitListing lists shard 0, split into 1 and 2, which are open.
func splitListing() operator.Listing {
	halves := hashkey.Even(2)
	return operator.Listing{Shards: []topology.Shard{
		{ID: shardID(0), Range: hashkey.Full(), Closed: true},
		{ID: shardID(1), Parents: []string{shardID(0)}, Range: halves[0]},
		{ID: shardID(2), Parents: []string{shardID(0)}, Range: halves[1]},
	}}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	t.Run("a glance tells who lives from who is silent", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			defer f.join("a")()
			f.join("b")()
			start := time.Now()
			workers, err := operator.Watch(t.Context(), f, group, operator.Glance)
			if err != nil {
				t.Fatal(err)
			}
			if len(workers) != 2 || workers[0].Life != operator.Alive || workers[1].Life != operator.Silent {
				t.Errorf("workers = %+v, want a alive and b silent", workers)
			}
			if took := time.Since(start); took < 4500*time.Millisecond || took > 5*time.Second {
				t.Errorf("it took %v, want 0.45 TTL", took)
			}
		})
	})
	t.Run("who lives is known after one beat", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			defer f.join("a")()
			start := time.Now()
			if _, err := operator.Watch(t.Context(), f, group, operator.Certain); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > 3500*time.Millisecond {
				t.Errorf("it took %v, want no more than a beat and a poll", took)
			}
		})
	})
	t.Run("who is silent for 0.85 TTL is dead", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			f.join("a")()
			workers, err := operator.Watch(t.Context(), f, group, operator.Certain)
			if err != nil || len(workers) != 1 || workers[0].Life != operator.Dead || workers[0].Quiet < 8500*time.Millisecond {
				t.Errorf("workers = %+v, %v; want a dead", workers, err)
			}
		})
	})
	t.Run("who joins meanwhile is alive, and who goes is not there", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			f.join("a")()
			f.join("b")()
			go func() {
				time.Sleep(time.Second)
				f.join("c")()
				if _, err := f.Forget(t.Context(), group, "a", lease.AnyBeat); err != nil {
					t.Error(err)
				}
			}()
			workers, err := operator.Watch(t.Context(), f, group, operator.Glance)
			if err != nil || len(workers) != 2 || workers[0].Life != operator.Silent || workers[1].ID != "c" || workers[1].Life != operator.Alive {
				t.Errorf("workers = %+v, %v; want b silent and c alive", workers, err)
			}
		})
	})
	t.Run("who could not look begins again", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			defer f.join("a")()
			slow := &slowStore{Store: f, pause: 9 * time.Second, times: 2}
			workers, err := operator.Watch(t.Context(), slow, group, operator.Certain)
			if err != nil || workers[0].Life != operator.Alive {
				t.Errorf("workers = %+v, %v; want a alive", workers, err)
			}
		})
	})
	t.Run("errors and the end of the context end it", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			f.join("a")()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := operator.Watch(ctx, f, group, operator.Certain); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error = %v, want that of the context", err)
			}
		})
	})
}

// slowStore answers its second and following polls late, each with what was there before the wait.
type slowStore struct {
	lease.Store

	pause time.Duration
	times int
	polls int
}

func (s *slowStore) Poll(ctx context.Context, group string) (lease.Snapshot, error) {
	rows, err := s.Store.Poll(ctx, group)
	if s.polls++; s.polls > 1 && s.polls <= 1+s.times {
		rows.Workers = slices.Clone(rows.Workers)
		for i := range rows.Workers {
			rows.Workers[i].Beat = 1 // a read that was made long ago
		}
		time.Sleep(s.pause) // in a bubble
	}
	return rows, err
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		if _, err := operator.Describe(t.Context(), f, group, 0); !errors.Is(err, operator.ErrNoGroup) {
			t.Errorf("error about no group = %v", err)
		}
		defer f.join("a")()
		f.put(at(0, lease.ShardEnd), owned(at(1, "AFTER_SEQUENCE_NUMBER:5", 0), "a"), owned(at(2, lease.TrimHorizon, 0), "gone"),
			at(3, lease.TrimHorizon, 1, 2), at(4, lease.TrimHorizon, 9))
		g, err := operator.Describe(t.Context(), f, group, operator.Glance)
		if err != nil {
			t.Fatal(err)
		}
		var states []operator.State
		for _, l := range g.Leases {
			states = append(states, l.State)
		}
		want := []operator.State{operator.Finished, operator.Reading, operator.Orphaned, operator.Waiting, operator.Unread}
		if !slices.Equal(states, want) {
			t.Errorf("states = %v, want %v", states, want)
		}
		if len(g.Workers) != 1 || g.Workers[0].Leases != 1 || g.Workers[0].Life != operator.Alive || len(g.Streams) != 1 {
			t.Errorf("group = %+v", g)
		}
	})
}

func TestFind(t *testing.T) {
	t.Parallel()
	other := at(1, lease.TrimHorizon)
	other.Stream = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks"
	rows := lease.Snapshot{
		Workers: []lease.Worker{{ID: "host-a-1"}, {ID: "host-a-2"}, {ID: "host-b-1"}, {ID: "host"}},
		Leases:  []lease.Lease{at(1, lease.TrimHorizon), other, at(2, lease.TrimHorizon)},
	}
	for name, want := range map[string]error{"host-b": nil, "host": nil, "host-a": operator.ErrAmbiguous, "x": lease.ErrNoWorker, "": operator.ErrAmbiguous} {
		if _, err := operator.FindWorker(rows, name); !errors.Is(err, want) {
			t.Errorf("worker %q = %v, want %v", name, err, want)
		}
	}
	for _, c := range []struct {
		stream, shard string
		want          error
	}{
		{"", shardID(2), nil},
		{"", shardID(1), operator.ErrAmbiguous},
		{"orders", shardID(1), nil},
		{orders, shardID(1), nil},
		{"orders", shardID(7), operator.ErrNoLease},
	} {
		if _, err := operator.FindLease(rows, c.stream, c.shard); !errors.Is(err, c.want) {
			t.Errorf("lease of %q %s = %v, want %v", c.stream, c.shard, err, c.want)
		}
	}
}
