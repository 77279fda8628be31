//go:build unix

package group_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// reshard splits and merges shards of several generations, while workers are killed, stopped
// in order and started.
func reshard(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store, shards: 4, keys: 32, every: 50 * time.Millisecond})
	workers := r.startAll(4)
	stream := r.defaults.Streams[0]
	for generation := range 4 {
		r.pass(between(rng, 0, time.Second))
		r.split(stream, rng.IntN(8))
		r.split(stream, rng.IntN(8))
		r.pass(between(rng, 0, 500*time.Millisecond))
		switch victim := workers[generation]; generation {
		case 0, 2:
			victim.kill()
		default:
			victim.terminate()
		}
		r.merge(stream, rng.IntN(8))
		workers = append(workers, r.start(fmt.Sprintf("gen%d", generation)))
		r.merge(stream, rng.IntN(8))
	}
	r.shared(4)
	r.pass(time.Second)
	report := r.finish()
	r.gap(report, r.began, 0)
	r.replayed(report)
	r.noOverlap(report)
}
