package topology_test

import (
	"testing"
	"time"

	"github.com/kinstream/kin/internal/topology"
)

func TestIncompleteListing(t *testing.T) {
	t.Parallel()
	a := topology.Shard{ID: "a", Range: small(0, 7), Closed: true}
	b := topology.Shard{ID: "b", Range: small(0, 3), Parents: []string{"a"}, Closed: true}
	c := topology.Shard{ID: "c", Range: small(0, 1), Parents: []string{"b"}}

	t.Run("shows itself by an older shard of the keys of a parent that it lacks", func(t *testing.T) {
		t.Parallel()
		for _, tt := range []struct {
			listing []topology.Shard
			want    bool
		}{
			{[]topology.Shard{a, b, c}, false},
			{[]topology.Shard{a, c}, true},
			{[]topology.Shard{b, c}, false}, // a was trimmed
			{[]topology.Shard{c}, false},
			{nil, false},
		} {
			if got := topology.Incomplete(tt.listing); got != tt.want {
				t.Errorf("Incomplete(%v) = %v, want %v", tt.listing, got, tt.want)
			}
		}
	})

	t.Run("does not hide that a shard was made after the positions were kept", func(t *testing.T) {
		t.Parallel()
		for _, start := range []topology.Start{topology.AtHorizon, topology.AtTip} {
			g := topology.New(start)
			g.Resume("a", false)
			g.List(0, []topology.Shard{a, c})
			if !g.Late("c") {
				t.Error("c is not late, want it to begin at its oldest record")
			}
			g.List(0, []topology.Shard{a, b, c})
			read(g, "a")
			wantReady(t, g, "b")
		}
	})

	t.Run("counts once if it names a shard twice", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtHorizon)
		for i := range 2 {
			g.List(time.Duration(i)*time.Minute, []topology.Shard{a, c, c, a, c})
			read(g, "a")
			wantReady(t, g, "")
		}
		g.List(2*time.Minute, []topology.Shard{a, c})
		wantReady(t, g, "c")
	})
}
