//go:build unix

package group_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

var (
	seed = flag.Uint64("seed", 1, "`number` that chooses victims and moments in the scenarios of TestGroups; the first one of TestSoak")
	soak = flag.Duration("soak", 0, "how long TestSoak plays scenarios with new seeds")
)

// TestSoak plays scenarios with one seed after the other, in all combinations of servers
// and stores, for as long as -soak says.
func TestSoak(t *testing.T) {
	if *soak == 0 {
		t.Skip("without -soak; see make soak")
	}
	t.Parallel()
	all := scenarios()
	end := time.Now().Add(*soak)
	for n := *seed; time.Now().Before(end); n++ {
		rng := rand.New(rand.NewPCG(n, 1))
		s := all[rng.IntN(len(all))]
		c := combos()[rng.IntN(len(combos()))]
		if c.store.embedded && s.outages || c.slow() && s.large {
			continue
		}
		t.Run(fmt.Sprintf("%s in %s with seed %d", s.name, c, n), func(t *testing.T) {
			s.run(t, c, random(t, n))
		})
	}
}
