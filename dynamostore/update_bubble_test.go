package dynamostore_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/dynamostore"
	"github.com/kinstream/kin/lease"
)

// handOvers are changes that make web-2 the owner of all rows.
func handOvers(rows []lease.Lease) []lease.Change {
	changes := make([]lease.Change, len(rows))
	for i, l := range rows {
		l.Owner = "web-2-q71c"
		l.Epoch++
		changes[i] = lease.Set(rows[i], l)
	}
	return changes
}

// onLease is a script for the writes of one shard.
func onLease(shard string, faults ...fault) func(fakeCall) fault {
	return func(c fakeCall) fault {
		if c.op == "UpdateItem" && strings.HasSuffix(c.key.row, shard) && c.n <= len(faults) {
			return faults[c.n-1]
		}
		return none
	}
}

func onVersion(faults ...fault) func(fakeCall) fault { return onLease("version", faults...) }

func TestUpdateThatMeetsTrouble(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault   func(fakeCall) fault
		noRow   bool
		longest time.Duration
		calls   int // of 20 changes and the version
	}{
		"a part that is refused for being busy is tried again alone":  {onLease("07", throttled, throttled, throttled), false, time.Second, 21 + 3},
		"a part that failed inside is recognised":                     {onLease("07", broken), false, time.Second, 21 + 1},
		"a change that the SDK made twice is recognised":              {onLease("07", twice), false, 0, 21},
		"and at a server that sends no row":                           {onLease("07", twice), true, 0, 21 + 1},
		"a connection on which nothing arrives costs a second":        {onLease("07", hangs), false, 1100 * time.Millisecond, 21 + 1},
		"a version that could not be raised for a while is raised":    {onVersion(throttled, throttled, broken), false, time.Second, 21 + 3},
		"a version that the SDK raised twice does not stop the batch": {onVersion(twice), false, 0, 21},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				store, rows := seed(t, f, 20)
				version := load(t, store).Version
				f.forget()
				f.fault, f.noRow = test.fault, test.noRow
				began := time.Now()
				for i, r := range update(t, store, handOvers(rows)...) {
					if !r.Made || r.Lease.Owner != "web-2-q71c" {
						t.Errorf("change %d: %+v, want it made", i, r)
					}
				}
				if took := time.Since(began); took > test.longest {
					t.Errorf("took %v, want at most %v", took, test.longest)
				}
				if got := len(f.ops()); got != test.calls {
					t.Errorf("calls = %d, want %d", got, test.calls)
				}
				if got := load(t, store).Version; got <= version {
					t.Errorf("version = %d, want more than %d", got, version)
				}
			})
		})
	}
}

func TestUpdateThatFails(t *testing.T) {
	t.Parallel()

	t.Run("is done by calling it again when answers got lost", func(t *testing.T) {
		t.Parallel()
		f := newFake()
		store, rows := seed(t, f, 20)
		version := load(t, store).Version
		f.forget()
		f.fault = onLease("07", lost)
		changes := handOvers(rows)
		if _, err := store.Update(t.Context(), group, changes); err == nil {
			t.Fatal("no error although an answer got lost")
		}
		if got := load(t, store).Version; got <= version {
			t.Errorf("version = %d, want more than %d: changes were made", got, version)
		}
		for i, r := range update(t, store, changes...) {
			if !r.Made {
				t.Errorf("change %d was not made when it was tried again: %+v", i, r.Lease)
			}
		}
	})

	t.Run("between the changes and the version has made them, and raises it when it is called again", func(t *testing.T) {
		t.Parallel()
		f := newFake()
		store, rows := seed(t, f, 3)
		version := load(t, store).Version
		f.forget()
		f.fault = onVersion(unreached)
		changes := handOvers(rows)
		if _, err := store.Update(t.Context(), group, changes); err == nil {
			t.Fatal("no error although the version could not be raised")
		}
		s := load(t, store)
		if s.Version != version || s.Leases[0].Owner != "web-2-q71c" {
			t.Fatalf("version %d, owner %s: want %d, unannounced, and web-2-q71c", s.Version, s.Leases[0].Owner, version)
		}
		update(t, store, changes...)
		if got := load(t, store).Version; got != version+1 {
			t.Errorf("version = %d, want %d", got, version+1)
		}
	})

	t.Run("says so once it can't be refused for being busy any more", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			store, rows := seed(t, f, 1)
			f.fault = func(fakeCall) fault { return throttled }
			_, err := store.Update(t.Context(), group, handOvers(rows))
			if e, ok := errors.AsType[*dynamostore.Error](err); !ok || !strings.Contains(e.Hint, "capacity") {
				t.Errorf("error = %v, want one with a hint at the capacity", err)
			}
			if got := len(f.ops()); got != 10 {
				t.Errorf("attempts = %d, want 10", got)
			}
		})
	})

	t.Run("ends with its context, also while it waits", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			store, rows := seed(t, f, 20)
			f.fault = func(fakeCall) fault { return throttled }
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			began := time.Now()
			_, err := store.Update(ctx, group, handOvers(rows))
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 300*time.Millisecond {
				t.Errorf("error = %v after %v, want DeadlineExceeded after 300ms", err, time.Since(began))
			}
		})
	})

	t.Run("begins no more changes after one has failed", func(t *testing.T) {
		t.Parallel()
		f := newFake()
		store, rows := seed(t, f, 100)
		f.fault = func(fakeCall) fault { return denied }
		if _, err := store.Update(t.Context(), group, handOvers(rows)); err == nil {
			t.Error("no error although nothing is allowed")
		}
		if got := len(f.ops()); got > 10 {
			t.Errorf("calls = %d, want no more than run at the same time", got)
		}
	})

	t.Run("does not try again where there is no server", func(t *testing.T) {
		t.Parallel()
		f := newFake()
		store, rows := seed(t, f, 1)
		f.fault = func(fakeCall) fault { return unreached }
		if _, err := store.Update(t.Context(), group, handOvers(rows)); err == nil || !strings.Contains(err.Error(), "check the endpoint") {
			t.Errorf("error = %v, want one with a hint at the endpoint", err)
		}
		if got := len(f.ops()); got != 1 {
			t.Errorf("attempts = %d, want 1", got)
		}
	})
}

func TestUpdateIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		f := newFake()
		store, rows := seed(t, f, 100)
		f.fault = func(fakeCall) fault {
			n := running.Add(1)
			defer running.Add(-1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			time.Sleep(5 * time.Millisecond) // in the bubble: as long as a call of the service takes
			return none
		}
		began := time.Now()
		update(t, store, handOvers(rows)...)
		if most.Load() != 10 {
			t.Errorf("calls at the same time = %d, want 10", most.Load())
		}
		if took := time.Since(began); took != 55*time.Millisecond {
			t.Errorf("a hundred hand-overs took %v, want 55ms: ten turns and the version", took)
		}
	})
}

func TestOtherCallsThatMeetTrouble(t *testing.T) {
	t.Parallel()
	for name, what := range map[string]fault{"throttled": throttled, "failed inside": broken, "made twice": twice, "without an answer": hangs} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				store, _ := seed(t, f, 3)
				f.fault = func(c fakeCall) fault {
					if c.n == 1 {
						return what
					}
					return none
				}
				w := testWorker("web-2-q71c")
				if err := store.Join(t.Context(), group, w); err != nil {
					t.Errorf("Join: %v", err)
				}
				if got, err := store.Beat(t.Context(), group, w); err != nil || got.Beat < 1 {
					t.Errorf("Beat = %+v, %v", got, err)
				}
				if err := store.Drain(t.Context(), group, w.ID, true); err != nil {
					t.Errorf("Drain: %v", err)
				}
				if s, err := store.Poll(t.Context(), group); err != nil || len(s.Workers) != 2 || !s.Workers[1].Draining {
					t.Errorf("Poll = %+v, %v, want a second worker that drains", s, err)
				}
				s := lease.Stream{ARN: streamARN, Seeded: true, Revision: 2}
				if got, err := store.PutStream(t.Context(), group, s); err != nil || got != s {
					t.Errorf("PutStream = %+v, %v", got, err)
				}
				if gone, err := store.Forget(t.Context(), group, w.ID, lease.AnyBeat); err != nil || !gone {
					t.Errorf("Forget = %t, %v", gone, err)
				}
				if s, err := store.Load(t.Context(), group); err != nil || len(s.Workers) != 1 || len(s.Leases) != 3 {
					t.Errorf("Load = %+v, %v", s, err)
				}
				if err := store.Delete(t.Context(), group); err != nil {
					t.Errorf("Delete: %v", err)
				}
				if groups, err := store.Groups(t.Context()); err != nil || len(groups) != 0 {
					t.Errorf("Groups = %v, %v", groups, err)
				}
			})
		})
	}
}
