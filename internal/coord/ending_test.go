package coord_test

import (
	"testing"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/memstore"
)

// A shard that has ended may wait for a child that can't have a lease yet. If its owner dies
// meanwhile, no more is repeated than elsewhere.
func TestCheckpointsOfShardsThatHaveEnded(t *testing.T) {
	t.Parallel()
	waiting := func(t *testing.T) (*world, *node) {
		t.Helper()
		w := newWorld(t, 1)
		a := w.start("a", func(c *coord.Config) { c.CheckpointEvery = 5 * time.Second })
		w.run(10 * time.Second)
		a.progress(0, 6) // is stored at once, since nothing was for long
		w.run(time.Second)
		a.progress(0, 7)
		child := topology.Shard{ID: "shardId-000000000002", Range: w.shards[stream1][0].Range}
		child.Parents = []string{"shardId-000000000000", "shardId-000000000001"} // of which nothing is known
		a.end(0, child)
		return w, a
	}
	t.Run("are stored while it waits", func(t *testing.T) {
		t.Parallel()
		w, _ := waiting(t)
		w.run(5*time.Second + 100*time.Millisecond)
		if row := w.row(0); row.Checkpoint != after(7) || row.Owner != "a" {
			t.Errorf("the row has %s and owner %q, want %s and a", row.Checkpoint, row.Owner, after(7))
		}
		w.until(3*time.Minute, "the shard is finished", func() bool { return w.row(0).Finished() })
	})
	t.Run("are stored at once if somebody asks for it", func(t *testing.T) {
		t.Parallel()
		w, a := waiting(t)
		w.run(time.Second)
		a.tell(coord.Flush{Key: shardKey(0), Epoch: 1, Token: 3})
		w.run(100 * time.Millisecond)
		if err, answered := a.flushed[3]; !answered || err != nil || w.row(0).Checkpoint != after(7) {
			t.Errorf("answered: %v, error %v, the row has %s; want %s", answered, err, w.row(0).Checkpoint, after(7))
		}
	})
}

// When the rows of a group are deleted under a worker, it makes them anew, also those of shards
// whose handlers it waits for.
func TestRowsDeletedUnderAWorker(t *testing.T) {
	t.Parallel()
	t.Run("all of them", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 3)
		a := w.start("a")
		w.run(10 * time.Second)
		a.handler = 5 * time.Second
		w.store = memstore.New()
		w.until(2*ttl, "all is read", func() bool { return w.even(3) && len(w.rows().Leases) == 3 })
	})
	t.Run("that of one lease", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 3)
		a := w.start("a")
		w.run(10 * time.Second)
		a.handler = 3 * time.Minute
		if _, err := w.store.Update(t.Context(), group, []lease.Change{lease.Remove(w.row(0))}); err != nil {
			t.Fatal(err)
		}
		w.until(5*time.Minute, "all is read", func() bool { return w.row(0).Owner == "a" && w.readers(0) == 1 })
	})
}
