//go:build unix && soak

package group_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kinstream/kin/e2e/server"
)

var soak = flag.Duration("soak", time.Minute, "how long TestSoak plays scenarios with new seeds")

// TestSoak plays scenarios with one seed after the other, in all combinations of servers
// and stores, for as long as -soak says.
func TestSoak(t *testing.T) {
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

// combos returns all combinations of servers and stores.
func combos() []combo {
	var all []combo
	for _, kinesis := range server.Kinds() {
		for _, store := range storeKinds() {
			all = append(all, combo{kinesis, store})
		}
	}
	return all
}

func storeKinds() []storeKind {
	return []storeKind{dynalite(), dynoxide(), postgres(), mariadb(), sqlite()}
}
