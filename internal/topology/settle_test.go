package topology_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/topology"
)

func TestUnlistedParent(t *testing.T) {
	t.Parallel()

	t.Run("does not block a child whose parent was trimmed", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtHorizon)
		g.List(0, shards("c/a,b b."))
		wantReady(t, g, "b")
		read(g, "b")
		wantReady(t, g, "c")
	})

	t.Run("does not take an unread parent for trimmed when it vanishes from a listing", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtHorizon)
		g.List(0, shards("a. b/a"))
		g.Begin("a")
		g.List(0, shards("b/a"))
		wantReady(t, g, "")
		g.Finish("a")
		wantReady(t, g, "b")
	})

	t.Run("blocks a child known from one parent until a listing shows or excludes the other", func(t *testing.T) {
		t.Parallel()
		for listing, want := range map[string]string{"a. c/a,b": "c", "a. b. c/a,b": "b", "a.": ""} {
			g := topology.New(topology.AtHorizon)
			g.List(0, shards("a"))
			g.Begin("a")
			g.Children(shards("c/a,b"))
			g.Finish("a")
			wantReady(t, g, "")
			if got := g.Missing(); !slices.Equal(got, []string{"b"}) {
				t.Fatalf("missing = %v, want [b]", got)
			}
			g.List(0, shards(listing))
			wantReady(t, g, want)
		}
	})

	t.Run("takes a ready child back when its parent turns up late", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtHorizon)
		g.List(0, shards("b/a"))
		wantReady(t, g, "b")
		g.List(0, shards("a. b/a"))
		wantReady(t, g, "a")
		read(g, "a")
		wantReady(t, g, "b")
	})
}

func TestDoubtedTrimming(t *testing.T) {
	t.Parallel()

	t.Run("doubts that a parent was trimmed while an older shard of the same keys is there", func(t *testing.T) {
		t.Parallel()
		a := topology.Shard{ID: "a", Range: small(0, 7), Closed: true}
		b := topology.Shard{ID: "b", Range: small(0, 3), Parents: []string{"a"}, Closed: true}
		c := topology.Shard{ID: "c", Range: small(0, 1), Parents: []string{"b"}}
		g := topology.New(topology.AtHorizon)
		g.List(0, []topology.Shard{a, c})
		read(g, "a")
		wantReady(t, g, "")
		if got := g.Missing(); !slices.Equal(got, []string{"b"}) {
			t.Fatalf("missing = %v, want [b]", got)
		}
		g.List(0, []topology.Shard{a, b, c})
		wantReady(t, g, "b")
		read(g, "b")
		wantReady(t, g, "c")
	})

	t.Run("does not doubt because of an older shard whose keys came by the other parent", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtHorizon)
		g.List(0, []topology.Shard{
			{ID: "a", Range: small(0, 3), Closed: true},
			{ID: "c", Range: small(0, 3), Parents: []string{"a"}, Closed: true},
			{ID: "d", Range: small(0, 7), Parents: []string{"b", "c"}},
		})
		read(g, "a")
		wantReady(t, g, "c")
		read(g, "c")
		wantReady(t, g, "d")
	})

	t.Run("does not doubt because of shards whose keys are not known", func(t *testing.T) {
		t.Parallel()
		unknown := hashkey.Range{Start: hashkey.Max()}
		for _, ranges := range [][2]hashkey.Range{{hashkey.Full(), unknown}, {unknown, hashkey.Full()}} {
			g := topology.New(topology.AtHorizon)
			g.List(0, []topology.Shard{{ID: "a", Range: ranges[0]}, {ID: "c", Range: ranges[1], Parents: []string{"b"}}})
			wantReady(t, g, "a c")
		}
	})

	t.Run("gives doubt up after three listings over a minute", func(t *testing.T) {
		t.Parallel()
		list := []topology.Shard{
			{ID: "a", Range: hashkey.Full(), Closed: true},
			{ID: "c", Range: hashkey.Full(), Parents: []string{"b"}},
		}
		for _, times := range [][]time.Duration{
			{0, time.Second, time.Minute},                                   // all within a minute would be too soon
			{time.Hour, time.Hour + time.Minute, time.Hour + 2*time.Minute}, // and two too few
			{7, 7 + time.Second, 8 + time.Second, time.Minute - 1, time.Minute, 7 + time.Minute},
		} {
			g := topology.New(topology.AtHorizon)
			for _, at := range times {
				if read(g, "a"); ready(g) != "" || at > times[0] && !slices.Equal(g.Missing(), []string{"b"}) {
					t.Errorf("before the listing at %v: ready %q, missing %v; want none, and b", at, ready(g), g.Missing())
				}
				g.List(at, list)
			}
			wantReady(t, g, "c")
			if got := g.Missing(); got != nil {
				t.Errorf("missing = %v, want none", got)
			}
		}
	})
}
