package topology_test

import (
	"slices"
	"testing"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/topology"
)

// The end of a shard may name that shard as the only parent of a merge, or leave out
// which keys a child owns.
func TestChildrenToldInPart(t *testing.T) {
	t.Parallel()

	a := topology.Shard{ID: "a", Range: small(0, 7)}
	b := topology.Shard{ID: "b", Range: small(8, 15)}
	merged := func(parents ...string) []topology.Shard {
		return []topology.Shard{{ID: "c", Range: hashkey.Full(), Parents: parents}}
	}
	// begin returns a Graph of which a has been read, and its end has named these children.
	begin := func(t *testing.T, children []topology.Shard) *topology.Graph {
		t.Helper()
		g := topology.New(topology.AtHorizon)
		g.List(0, []topology.Shard{a, b})
		g.Begin("a")
		g.Begin("b")
		g.Children(children)
		g.Finish("a")
		return g
	}

	t.Run("blocks a child whose other parent was not named until a listing names it", func(t *testing.T) {
		t.Parallel()
		g := begin(t, merged("a"))
		wantReady(t, g, "")
		if got := g.Missing(); !slices.Equal(got, []string{"c"}) {
			t.Fatalf("missing = %v, want [c] in place of its parent", got)
		}
		g.List(0, append(merged("a", "b"), a, b))
		wantReady(t, g, "")
		g.Finish("b")
		wantReady(t, g, "c")
	})

	t.Run("blocks it until the other parent names itself", func(t *testing.T) {
		t.Parallel()
		g := begin(t, merged("a"))
		g.Children(merged("b"))
		g.Finish("b")
		wantReady(t, g, "c")
		if got := g.Missing(); got != nil {
			t.Errorf("missing = %v, want none", got)
		}
	})

	t.Run("does not wait for what a listing does not know either", func(t *testing.T) {
		t.Parallel()
		g := begin(t, merged("a"))
		g.List(0, append(merged("a"), a, b))
		wantReady(t, g, "c")
	})

	t.Run("blocks a child of which no parent was named", func(t *testing.T) {
		t.Parallel()
		g := begin(t, merged())
		wantReady(t, g, "")
		g.List(0, append(merged("a", "b"), a, b))
		wantReady(t, g, "")
		g.Finish("b")
		wantReady(t, g, "c")
	})

	t.Run("takes the keys of a child from a later listing", func(t *testing.T) {
		t.Parallel()
		unknown := hashkey.Range{Start: hashkey.Max()}
		g := begin(t, []topology.Shard{{ID: "c", Range: unknown, Parents: []string{"a"}}})
		wantReady(t, g, "")
		if holes, _ := g.Coverage(); len(holes) != 1 {
			t.Fatalf("holes = %v, want the keys of a", holes)
		}
		g.List(0, []topology.Shard{a, b, {ID: "c", Range: a.Range, Parents: []string{"a"}}})
		wantReady(t, g, "c")
		if holes, _ := g.Coverage(); len(holes) != 0 {
			t.Errorf("holes = %v, want none", holes)
		}
	})
}
