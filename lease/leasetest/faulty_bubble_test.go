package leasetest_test

import (
	"context"
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/lease/leasetest"
	"github.com/kinstream/kin/memstore"
)

// faulty returns a store with faults in front of one in memory, and one that shows what is there.
func faulty() (*leasetest.Faulty, *memstore.Store) {
	store := memstore.New()
	return leasetest.NewFaulty(store), store
}

func workersIn(t *testing.T, store lease.Store) int {
	t.Helper()
	s, err := store.Load(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	return len(s.Workers)
}

func wantError(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) || want == nil && got != nil {
		t.Errorf("%s: error %v, want %v", what, got, want)
	}
}

func TestFaulty(t *testing.T) {
	t.Parallel()
	t.Run("is a store like the one behind it", func(t *testing.T) {
		t.Parallel()
		f, _ := faulty()
		t.Cleanup(func() { // after the suite
			for _, op := range leasetest.Ops() {
				if f.Calls(op) == 0 || f.Counts()[op] != f.Calls(op) {
					t.Errorf("%s: %d calls were counted, %d in all", op, f.Calls(op), f.Counts()[op])
				}
			}
		})
		leasetest.Run(t, func(testing.TB) lease.Store { return f })
	})
	t.Run("does what is queued, in order and for its operation", func(t *testing.T) {
		t.Parallel()
		f, store := faulty()
		f.Inject(leasetest.OpJoin, leasetest.Dropped(), leasetest.Throttled(), leasetest.Fault{}, leasetest.Lost())
		for i, want := range []struct {
			err     error
			workers int
		}{{leasetest.ErrDropped, 0}, {leasetest.ErrThrottled, 0}, {nil, 1}, {leasetest.ErrLost, 2}, {nil, 3}} {
			err := f.Join(t.Context(), "g", lease.Worker{ID: string(rune('a' + i))})
			wantError(t, "join", err, want.err)
			if got := workersIn(t, store); got != want.workers {
				t.Errorf("%d workers after join %d, want %d", got, i, want.workers)
			}
			if _, err := f.Poll(t.Context(), "g"); err != nil {
				t.Errorf("poll: %v", err)
			}
		}
		if got := f.Calls(leasetest.OpJoin); got != 5 {
			t.Errorf("calls of join = %d, want 5", got)
		}
	})
	t.Run("decides about each call", func(t *testing.T) {
		t.Parallel()
		f, _ := faulty()
		var got []leasetest.Call
		f.Decide(func(c leasetest.Call) leasetest.Fault {
			got = append(got, c)
			return leasetest.Dropped()
		})
		change := lease.Create(lease.Lease{Key: lease.Key{Stream: "s", Shard: "1"}})
		_, err := f.Update(t.Context(), "g", []lease.Change{change})
		wantError(t, "update", err, leasetest.ErrDropped)
		_, err = f.Beat(t.Context(), "g", lease.Worker{ID: "w"})
		wantError(t, "beat", err, leasetest.ErrDropped)
		if len(got) != 2 || got[0].Op != leasetest.OpUpdate || got[0].N != 1 || got[0].Changes[0].New.Shard != "1" ||
			got[1].Worker != "w" || got[1].Group != "g" {
			t.Errorf("calls = %+v", got)
		}
	})
}

func TestFaultyTakesTime(t *testing.T) {
	t.Parallel()
	t.Run("before and after, as long as the context lasts", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f, store := faulty()
			f.Inject(leasetest.OpJoin, leasetest.Fault{Before: time.Second, After: 2 * time.Second})
			began := time.Now()
			wantError(t, "join", f.Join(t.Context(), "g", lease.Worker{ID: "a"}), nil)
			if took := time.Since(began); took != 3*time.Second {
				t.Errorf("the call took %s, want 3s", took)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			f.Inject(leasetest.OpJoin, leasetest.Fault{Before: time.Minute}, leasetest.Fault{After: time.Minute})
			wantError(t, "a request that is late", f.Join(ctx, "g", lease.Worker{ID: "b"}), context.DeadlineExceeded)
			if got := workersIn(t, store); got != 1 {
				t.Errorf("%d workers after a request that was given up, want 1", got)
			}
			late, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			wantError(t, "an answer that is late", f.Join(late, "g", lease.Worker{ID: "c"}), context.DeadlineExceeded)
			if got := workersIn(t, store); got != 2 {
				t.Errorf("%d workers after an answer that was given up, want 2", got)
			}
		})
	})
	t.Run("a stray request is done after its caller gave up", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f, store := faulty()
			f.Inject(leasetest.OpJoin, leasetest.Late(time.Minute))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			wantError(t, "join", f.Join(ctx, "g", lease.Worker{ID: "a"}), context.DeadlineExceeded)
			time.Sleep(58 * time.Second)
			if got := workersIn(t, store); got != 0 {
				t.Errorf("%d workers before the request has arrived, want 0", got)
			}
			f.Wait()
			if got := workersIn(t, store); got != 1 {
				t.Errorf("%d workers after the request has arrived, want 1", got)
			}
		})
	})
	t.Run("an outage refuses calls, or lets them hang until it ends", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f, store := faulty()
			f.SetOutage(leasetest.Refusing)
			wantError(t, "join", f.Join(t.Context(), "g", lease.Worker{ID: "a"}), leasetest.ErrOutage)
			f.SetOutage(leasetest.Hanging)
			f.SetOutage(leasetest.Hanging)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			wantError(t, "join", f.Join(ctx, "g", lease.Worker{ID: "b"}), context.DeadlineExceeded)
			answered := make(chan error)
			go func() { answered <- f.Join(t.Context(), "g", lease.Worker{ID: "c"}) }()
			synctest.Wait()
			if got := workersIn(t, store); got != 0 {
				t.Errorf("%d workers during an outage, want 0", got)
			}
			f.SetOutage(leasetest.Up)
			wantError(t, "join", <-answered, nil)
			if got := workersIn(t, store); got != 1 {
				t.Errorf("%d workers after the outage, want 1", got)
			}
		})
	})
}

func TestRandomFaults(t *testing.T) {
	t.Parallel()
	rates := leasetest.Rates{Lost: 0.1, Dropped: 0.2, Throttled: 0.05, Late: 0.3, MaxDelay: time.Second}
	count := func(seed uint64) map[string]int {
		kinds := map[string]int{}
		decide := leasetest.Random(seed, rates)
		for n := range 10_000 {
			call := leasetest.Call{Op: leasetest.OpUpdate, N: n + 1}
			fault := decide(call)
			if again := decide(call); again != fault {
				t.Fatalf("call %d has two faults by one seed: %+v and %+v", n, fault, again)
			}
			switch {
			case errors.Is(fault.Err, leasetest.ErrThrottled):
				kinds["throttled"]++
			case fault.Drop:
				kinds["dropped"]++
			case fault.Err != nil:
				kinds["lost"]++
			case fault.Before > 0:
				kinds["late request"]++
			case fault.After > 0:
				kinds["late answer"]++
			}
			if d := fault.Before + fault.After; d > rates.MaxDelay {
				t.Fatalf("call %d is %s late, want at most %s", n, d, rates.MaxDelay)
			}
		}
		return kinds
	}
	got := count(1)
	for kind, want := range map[string]int{"lost": 1000, "dropped": 2000, "throttled": 500, "late request": 1500, "late answer": 1500} {
		if got[kind] < want*8/10 || got[kind] > want*12/10 {
			t.Errorf("%s: %d of 10000 calls, want about %d", kind, got[kind], want)
		}
	}
	if maps.Equal(got, count(2)) {
		t.Error("two seeds gave the same faults")
	}
}
