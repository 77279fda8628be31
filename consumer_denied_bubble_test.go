package kin_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/lease/leasetest"
)

// TestConsumerThatMayNotDoEverything is about permissions that are not needed until something
// happens: then all workers need them in the same moment, and must not all end.
func TestConsumerThatMayNotDoEverything(t *testing.T) {
	t.Parallel()

	t.Run("goes on without those that it can't declare dead", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			var b book
			w := g.start(&b)
			w.store.Decide(failingStore(leasetest.OpForget, errNoTable))
			dead := lease.Worker{ID: "dead.1", Beat: 1, TTL: 10 * time.Second}
			if err := g.store.Join(t.Context(), "billing", dead); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			g.put("a")
			time.Sleep(time.Minute)
			b.wants(t, "a")
			w.store.Decide(nil)
			w.end()
		})
	})

	t.Run("waits until it may do what it was never asked to do before", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			var b, spare book
			first := g.start(&b)
			time.Sleep(time.Minute)
			second := g.start(&spare) // one shard: nothing to do for a second one
			time.Sleep(5 * time.Minute)
			second.store.Decide(failingStore(leasetest.OpUpdate, errNoTable))
			first.end()
			g.put("a")
			time.Sleep(time.Hour)
			spare.wants(t, "a")
			second.store.Decide(nil)
			time.Sleep(time.Minute)
			second.end()
		})
	})
}
