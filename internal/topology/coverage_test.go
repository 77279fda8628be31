package topology_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/topology"
)

// small is a range of the space of 16 keys that the tests below blow up to all
// hash keys: key i stands for the keys from i * 2^124.
func small(from, to int) hashkey.Range {
	at := func(i int) hashkey.Key { return hashkey.Key{Hi: uint64(i) << 60} }
	return hashkey.Range{Start: at(from), End: at((to + 1) % 16).Prev()}
}

// unsmall is its inverse, for texts.
func unsmall(ranges []hashkey.Range) string {
	var parts []string
	for _, r := range ranges {
		parts = append(parts, fmt.Sprintf("%d-%d", r.Start.Hi>>60, r.End.Hi>>60))
	}
	return strings.Join(parts, " ")
}

func TestCoverage(t *testing.T) {
	t.Parallel()

	t.Run("is complete for a whole listing", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtHorizon)
		g.List(0, []topology.Shard{
			{ID: "a", Range: small(0, 7), Closed: true},
			{ID: "b", Range: small(8, 15)},
			{ID: "c", Range: small(0, 3), Parents: []string{"a"}},
			{ID: "d", Range: small(4, 7), Parents: []string{"a"}},
		})
		if holes, overlaps := g.Coverage(); holes != nil || overlaps != nil {
			t.Errorf("holes %s, overlaps %s, want none", unsmall(holes), unsmall(overlaps))
		}
	})

	t.Run("has the hole of a closed parent whose children are not listed", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtHorizon)
		g.List(0, []topology.Shard{{ID: "a", Range: small(0, 7), Closed: true}, {ID: "b", Range: small(8, 15)}})
		wantHoles(t, g, "0-7")
	})

	t.Run("has the hole of the sibling that is not listed, also under a parent listed as open", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtHorizon)
		g.List(0, []topology.Shard{{ID: "a", Range: hashkey.Full()}, {ID: "b", Range: small(0, 9), Parents: []string{"a"}}})
		wantHoles(t, g, "10-15")
	})

	t.Run("has the hole of a shard that was read to its end", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtHorizon)
		g.List(0, []topology.Shard{{ID: "a", Range: hashkey.Full()}})
		read(g, "a")
		wantHoles(t, g, "0-15")
	})

	t.Run("keeps the hole of a closed shard that an old listing shows as open again", func(t *testing.T) {
		t.Parallel()
		g := topology.New(topology.AtHorizon)
		g.List(0, []topology.Shard{{ID: "a", Range: small(0, 7), Closed: true}, {ID: "b", Range: small(8, 15)}})
		g.List(0, []topology.Shard{{ID: "a", Range: small(0, 7)}, {ID: "b", Range: small(8, 15)}})
		wantHoles(t, g, "0-7")
	})

	t.Run("is one hole when nothing is known", func(t *testing.T) {
		t.Parallel()
		wantHoles(t, topology.New(topology.AtTip), "0-15")
	})
}

func wantHoles(t *testing.T, g *topology.Graph, want string) {
	t.Helper()
	holes, overlaps := g.Coverage()
	if got := unsmall(holes); got != want || overlaps != nil {
		t.Errorf("holes %q, overlaps %q; want %q and none", got, unsmall(overlaps), want)
	}
}

func TestCoverageAgreesWithCountingKeys(t *testing.T) {
	t.Parallel()
	r := newRand(t)
	for range 5000 {
		g := topology.New(topology.AtHorizon)
		var list []topology.Shard
		var owners [16]int
		for i := range r.IntN(6) {
			from := r.IntN(16)
			to := from + r.IntN(16-from)
			list = append(list, topology.Shard{ID: fmt.Sprint("s", i), Range: small(from, to)})
			for k := from; k <= to; k++ {
				owners[k]++
			}
		}
		g.List(0, list)
		holes, overlaps := g.Coverage()
		wantHoles := spans(owners, func(n int) bool { return n == 0 })
		wantOverlaps := spans(owners, func(n int) bool { return n > 1 })
		if unsmall(holes) != wantHoles || unsmall(overlaps) != wantOverlaps {
			t.Fatalf("holes %q, overlaps %q; want %q and %q; shards %v",
				unsmall(holes), unsmall(overlaps), wantHoles, wantOverlaps, list)
		}
	}
}

// spans are the runs of keys whose number of owners passes the test.
func spans(owners [16]int, in func(int) bool) string {
	var parts []string
	for k := 0; k < 16; k++ {
		if !in(owners[k]) {
			continue
		}
		from := k
		for k < 15 && in(owners[k+1]) {
			k++
		}
		parts = append(parts, fmt.Sprintf("%d-%d", from, k))
	}
	return strings.Join(parts, " ")
}

func newRand(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
