package coord_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

func streams(arns ...string) coord.Streams {
	var s coord.Streams
	for _, arn := range arns {
		s.Streams = append(s.Streams, coord.StreamConfig{ARN: arn, CreatedAt: created, Start: lease.TrimHorizon})
	}
	return s
}

// A stream is taken out and put back while the worker knows that its view is old, so that no
// plan comes between.
func TestStreamsThereAndBack(t *testing.T) {
	t.Parallel()
	t.Run("the end of a shard that waits for a child goes on", func(t *testing.T) {
		t.Parallel()
		for _, shard := range []int{0, 1} {
			w := newWorld(t, 2)
			w.startAll(2, 2, 0)
			w.run(20 * time.Second)
			n := w.owner(shard)
			children := w.split(1 - shard)     // 2 and 3
			child := w.merge(shard, 2+shard^1) // 4
			w.hidden = map[string]bool{children[0].ID: true, children[1].ID: true, child.ID: true}
			n.end(shard, child)
			w.run(5 * time.Second)
			w.fault = func(other *node, op string) (bool, error) {
				if other == n && op == "Load" {
					return false, errDown
				}
				return true, nil
			}
			if err := w.store.Drain(t.Context(), group, n.m.ID(), false); err != nil { // raises the version
				t.Fatal(err)
			}
			w.run(2 * time.Second)
			n.tell(streams(stream2))
			n.tell(streams(stream1))
			w.fault, w.hidden = nil, nil
			w.until(2*time.Minute, "the child has a lease and its parent is finished", func() bool {
				return w.row(4).Revision > 0 && w.row(shard).Finished()
			})
		}
	})
}

// The position at which the group begins is stored; a listing that a worker made before it knew
// of it says nothing about what ended before that.
func TestListingFromBefore(t *testing.T) {
	t.Parallel()
	m := coord.New(config("a"))
	now := time.Duration(0)
	var lists []coord.List
	var created []string
	start := lease.Checkpoint("AT_TIMESTAMP:2026-01-01T00:00:00.000Z")
	step := func(e coord.Event) {
		t.Helper()
		now += time.Millisecond
		for _, a := range slices.Clone(m.Step(now, e)) {
			switch a := a.(type) {
			case coord.List:
				lists = append(lists, a)
			case coord.Update:
				for _, c := range a.Changes {
					if c.Old.Revision == 0 {
						created = append(created, string(c.New.Checkpoint))
					}
				}
			}
		}
	}
	shard := topology.Shard{ID: shardKey(0).Shard, Closed: true}
	listed := func(before bool) coord.Listed {
		return coord.Listed{Stream: stream1, Shards: []topology.Shard{shard}, Before: map[string]bool{shard.ID: before}, At: time.Unix(1e9, 0)}
	}
	from := coord.Streams{Streams: []coord.StreamConfig{{ARN: stream1, Start: "LATEST"}}}
	snapshot := lease.Snapshot{Version: 1, Workers: []lease.Worker{{ID: "a", Beat: 1, TTL: ttl, Streams: []string{stream1}}}}
	step(from)
	step(coord.Loaded{})
	step(coord.Joined{Worker: "a"})
	step(coord.Loaded{Snapshot: snapshot})
	if len(lists) != 1 || lists[0].Start != "LATEST" {
		t.Fatalf("listings asked for: %+v, want one for LATEST", lists)
	}
	step(streams(stream2))
	step(from)
	snapshot.Streams = []lease.Stream{{ARN: stream1, Start: start, Revision: 1}} // another worker was faster
	step(coord.Loaded{Snapshot: snapshot})
	step(coord.Loaded{Snapshot: snapshot})
	step(listed(true)) // the first one: ended before LATEST
	step(coord.Tick{})
	step(listed(false))
	step(coord.Tick{})
	if n := len(lists); lists[n-1].Start != start || !slices.Equal(created, []string{string(start)}) {
		t.Errorf("the last listing is for %q, the shard begins at %q; want %q", lists[n-1].Start, created, start)
	}
}
