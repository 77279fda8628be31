package aggregate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/kinstream/kin/aggregate"
)

// naiveTable is the twin of a table.
type naiveTable []string

func (n naiveTable) find(s string) (int, bool) {
	if i := slices.Index(n, s); i >= 0 {
		return i, true
	}
	return len(n), false
}

func TestTable(t *testing.T) {
	t.Parallel()

	t.Run("agrees with a list that is searched from the front", func(t *testing.T) {
		t.Parallel()
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		var table aggregate.Table
		var twin naiveTable
		keys := 1
		for step := range 200_000 {
			if r.IntN(500) == 0 {
				table.Reset()
				twin, keys = nil, 1<<r.IntN(10)
			}
			if r.IntN(5000) == 0 && len(twin) == 0 {
				table.Age()
			}
			s := fmt.Sprint(r.IntN(keys))
			if s == "0" {
				s = ""
			}
			got, known := table.Find(s)
			want, wantKnown := twin.find(s)
			if got != want || known != wantKnown {
				t.Fatalf("step %d: Find(%q) = %d, %v; want %d, %v", step, s, got, known, want, wantKnown)
			}
			if !known && r.IntN(2) == 0 {
				table.Add(s)
				twin = append(twin, s)
			}
		}
		if !slices.Equal(table.List(), twin) {
			t.Errorf("list = %q, want %q", table.List(), twin)
		}
	})

	t.Run("tells strings with the same hash apart", func(t *testing.T) {
		t.Parallel()
		const n = 300_000 // of which ten pairs or so have the same 32 bits of hash
		var table aggregate.Table
		for i := range n {
			s := strconv.Itoa(i)
			if at, known := table.Find(s); at != i || known {
				t.Fatalf("Find(%s) = %d, %v before it was added; want %d, false", s, at, known, i)
			}
			table.Add(s)
		}
		for i := range n {
			if at, known := table.Find(strconv.Itoa(i)); at != i || !known {
				t.Fatalf("Find(%d) = %d, %v; want %d, true", i, at, known, i)
			}
		}
	})

	t.Run("forgets when it has become old", func(t *testing.T) {
		t.Parallel()
		var table aggregate.Table
		add := func(s string) {
			if i, known := table.Find(s); known {
				t.Fatalf("Find(%q) = %d, known, in a table that has it not", s, i)
			}
			table.Add(s)
		}
		add("a")
		table.Reset()
		table.Age()
		add("a")
		add("b")
		table.Reset()
		add("b")
		add("a")
		if i, known := table.Find("a"); i != 1 || !known {
			t.Errorf("Find(a) = %d, %v; want 1, true", i, known)
		}
	})
}
