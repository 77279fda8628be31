package kin_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/lease/leasetest"
)

// errNoTable is what a store says that has no table.
var errNoTable = fmt.Errorf("no such table: %w", lease.ErrSetup)

// failingStore makes all calls of an operation fail, and none of the others.
func failingStore(op leasetest.Op, err error) func(leasetest.Call) leasetest.Fault {
	return func(c leasetest.Call) leasetest.Fault {
		if c.Op != op {
			return leasetest.Fault{}
		}
		return leasetest.Fault{Drop: true, Err: err}
	}
}

func TestConsumerStartsWithoutItsStore(t *testing.T) {
	t.Parallel()

	for _, op := range []leasetest.Op{leasetest.OpLoad, leasetest.OpJoin, leasetest.OpBeat, leasetest.OpPutStream, leasetest.OpUpdate} {
		t.Run(fmt.Sprintf("ends soon if %s can't work until somebody sets the store up", op), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGroup(t, 1)
				c, store := g.consumer(nothing())
				store.Decide(failingStore(op, errNoTable))
				began := time.Now()
				err := g.run(c).wait()
				if !errors.Is(err, lease.ErrSetup) || !strings.HasPrefix(err.Error(), "consume as group billing: use the lease store: "+string(op)+": ") {
					t.Errorf("Run: %v, want the error of the store", err)
				}
				if took := time.Since(began); took > 6*time.Second {
					t.Errorf("Run took %v, want no waiting for what can't pass", took)
				}
			})
		})
	}

	for _, outage := range []leasetest.Outage{leasetest.Refusing, leasetest.Hanging} {
		t.Run(fmt.Sprintf("ends after StartTimeout if the store is down (%d)", outage), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGroup(t, 1)
				c, store := g.consumer(nothing(), func(cfg *kin.ConsumerConfig) { cfg.LeaseTTL = time.Hour })
				store.SetOutage(outage)
				began := time.Now()
				err := g.run(c).wait()
				if err == nil || !strings.HasPrefix(err.Error(), "consume as group billing: use the lease store: Load: no success in 30s: ") {
					t.Errorf("Run: %v, want what did not work, and for how long", err)
				}
				if took := time.Since(began); took < 30*time.Second || took > 31*time.Second {
					t.Errorf("Run took %v, want StartTimeout", took)
				}
			})
		})
	}

	t.Run("ends after StartTimeout if it can look and not join", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			c, store := g.consumer(nothing(), func(cfg *kin.ConsumerConfig) { cfg.StartTimeout = 10 * time.Second })
			store.Decide(failingStore(leasetest.OpJoin, leasetest.ErrThrottled))
			began := time.Now()
			err := g.run(c).wait()
			if !errors.Is(err, leasetest.ErrThrottled) {
				t.Errorf("Run: %v, want that of Join", err)
			}
			if took := time.Since(began); took < 10*time.Second || took > 13*time.Second {
				t.Errorf("Run took %v, want StartTimeout and one more try", took)
			}
		})
	})

	t.Run("waits with StartTimeout -1 for as long as it takes, and says so", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a")
			var b, events book
			c, store := g.consumer(&b, func(cfg *kin.ConsumerConfig) {
				cfg.StartTimeout = -1
				cfg.Hooks.Group = func(i kin.GroupInfo) {
					if i.Event == kin.StoreFailed && i.Attempt == 1 || i.Event == kin.StoreWorks {
						events.notef("%s: %v", i.Event, i.Op)
					}
				}
			})
			store.SetOutage(leasetest.Refusing)
			w := g.run(c)
			time.Sleep(12 * time.Hour)
			b.wants(t)
			store.SetOutage(leasetest.Up)
			time.Sleep(time.Minute)
			b.wants(t, "a")
			events.wants(t, "store failed: Load", "store works: Load")
			w.end()
		})
	})

	t.Run("returns nil if it is stopped before the store works", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			c, store := g.consumer(nothing())
			store.SetOutage(leasetest.Hanging)
			w := g.run(c)
			time.Sleep(10 * time.Second)
			w.end()
		})
	})

	t.Run("waits for what fails later, whatever it is", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			for _, later := range []time.Duration{5 * time.Second, time.Minute} { // all calls have worked by then
				g := newGroup(t, 1)
				var b book
				w := g.start(&b)
				time.Sleep(later)
				w.store.Decide(func(leasetest.Call) leasetest.Fault { return leasetest.Fault{Drop: true, Err: errNoTable} })
				time.Sleep(time.Hour)
				w.store.Decide(nil)
				g.put("a")
				time.Sleep(time.Minute)
				b.wants(t, "a")
				w.end()
			}
		})
	})

	t.Run("waits longer than StartTimeout for a worker with another LeaseTTL to turn out dead", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.put("a")
			dead := lease.Worker{ID: "dead.1", Beat: 1, TTL: 5 * time.Minute}
			if err := g.store.Join(t.Context(), "billing", dead); err != nil {
				t.Fatal(err)
			}
			var b book
			w := g.start(&b)
			time.Sleep(6 * time.Minute)
			b.wants(t, "a")
			w.end()
		})
	})
}

// nothing is a handler that does nothing.
func nothing() kin.Handler {
	return kin.HandlerFunc(func(context.Context, *kin.Batch) error { return nil })
}

func TestConsumerThatMayNotListShards(t *testing.T) {
	t.Parallel()
	const denied = "AccessDeniedException"

	t.Run("ends at once, with what it needs", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			g.server.Inject(kintest.Fault{Operation: "ListShards", Error: denied})
			began := time.Now()
			err := g.start(nothing()).wait()
			e, ok := errors.AsType[*kin.ShardError](err)
			if !ok || e.Op != "ListShards" || !strings.Contains(e.Hint, "kinesis:ListShards") {
				t.Errorf("Run: %v, want a ShardError of ListShards with a hint", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("Run took %v, want no waiting for what can't pass", took)
			}
		})
	})

	t.Run("goes on if it could before, and says that the stream is unreadable", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			var b, events book
			w := g.start(&b, func(cfg *kin.ConsumerConfig) {
				cfg.Hooks.Group = func(i kin.GroupInfo) {
					if i.Attempt <= 1 && (i.Op != "" || i.Err != nil) {
						events.notef("%v: %s", i.Event, i.Op)
					}
				}
			})
			time.Sleep(time.Second)
			remove := g.server.Inject(kintest.Fault{Operation: "ListShards", Error: denied})
			time.Sleep(time.Hour)
			remove()
			time.Sleep(2 * time.Minute)
			g.put("a")
			time.Sleep(time.Minute)
			b.wants(t, "a")
			events.wants(t, "stream unreadable: ListShards", "stream readable: ListShards")
			w.end()
		})
	})
}
