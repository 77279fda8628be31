//go:build unix

package group_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/e2e/group/account"
	"github.com/kinstream/kin/e2e/group/trace"
	"github.com/kinstream/kin/e2e/group/worker"
	"github.com/kinstream/kin/e2e/server"
)

// combo is a Kinesis server and a store.
type combo struct {
	server server.Kind
	store  storeKind
}

func (c combo) String() string { return strings.ReplaceAll(c.server.Name+"+"+c.store.name, " ", "_") }

// scenario is something that happens to a group.
type scenario struct {
	name    string
	in      combo // where a short run plays it
	outages bool  // needs a store with a server, which can be taken away
	run     func(tb testing.TB, c combo, rng *rand.Rand)
}

func scenarios() []scenario {
	kinesalite, ferrokinesis, kinesisLocal := server.Kinesalite(), server.Ferrokinesis(), server.KinesisLocal()
	return []scenario{
		{"ten workers start on a hundred shards", combo{server.Kintest(), dynalite()}, false, freshGroup},
		{"one worker is killed", combo{kinesalite, dynalite()}, false, killOne},
		{"one worker is killed with default settings", combo{server.Kintest(), dynalite()}, false, killWithDefaults},
		{"several workers are killed at once", combo{ferrokinesis, dynalite()}, false, killSeveral},
		{"a worker is stopped for longer than the time-out", combo{kinesalite, dynalite()}, false, zombie},
		{"a worker stands still in a handler that does not heed its context", combo{kinesalite, dynalite()}, false, stubbornZombie},
		{"ten workers are restarted one after the other", combo{server.Kintest(), dynalite()}, false, rollingRestart},
		{"from one worker to ten to three", combo{kinesalite, dynalite()}, false, scale},
		{"the store is down for a minute", combo{kinesalite, dynalite()}, true, storeDown(time.Minute)},
		{"the store is down again and again", combo{kinesalite, dynalite()}, true, storeFlaps},
		{"one worker can't reach the store", combo{kinesalite, dynalite()}, true, partition},
		{"Kinesis is down", combo{kinesalite, dynalite()}, false, kinesisDown},
		{"shards are split and merged while workers are killed", combo{kinesisLocal, dynalite()}, false, reshard},
		{"the handler is slower than the time-out", combo{kinesalite, dynalite()}, false, slowHandler},
		{"a worker is started twice under one name", combo{kinesalite, dynalite()}, false, sameName},
		{"a deployment changes the streams", combo{kinesalite, dynalite()}, false, changedStreams},
		{"handlers fail now and then", combo{kinesalite, dynalite()}, false, failingHandlers},
		{"records are handled in parallel", combo{kinesalite, dynalite()}, false, parallel},
		{"anything happens", combo{server.Kintest(), dynalite()}, true, chaos(15 * time.Second)},
	}
}

// TestGroups plays each scenario once.
func TestGroups(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t, s.in, random(t, *seed))
		})
	}
}

// random returns the numbers of a seed. They choose victims and moments; the machine chooses the rest.
func random(tb testing.TB, seed uint64) *rand.Rand {
	tb.Helper()
	tb.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 3))
}

// between returns a time from one to another.
func between(rng *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(rng.Int64N(int64(to-from)+1))
}

// startAll starts workers w0, w1 and so on, and waits until they share the shards.
func (r *rig) startAll(n int, options ...func(*worker.Config)) []*process {
	r.Helper()
	var all []*process
	for i := range n {
		all = append(all, r.start(fmt.Sprintf("w%d", i), options...))
	}
	r.shared(n)
	return all
}

// planned says that nothing went wrong in this scenario: no record was delivered twice, and no two
// owners were in their handlers at once.
func (r *rig) planned(report *account.Report) {
	r.Helper()
	if report.Doubled != 0 {
		r.Errorf("%d records were delivered twice, want none: nothing had died", report.Doubled)
	}
	r.noOverlap(report)
}

func (r *rig) noOverlap(report *account.Report) {
	r.Helper()
	if n, longest := report.Overlapped(); n != 0 {
		r.Errorf("two owners were in their handlers at once %d times, for %s at most, want never", n, longest)
	}
}

// replayed says that what was delivered again by a next owner goes back no further than what
// a worker that dies may not have stored.
func (r *rig) replayed(report *account.Report) {
	r.Helper()
	most := 2*r.defaults.CheckpointEvery + r.defaults.Handling + r.defaults.TTL
	if _, window := report.Replayed(); window > most {
		r.Errorf("a next owner delivered again what was delivered %s apart, want at most %s", window, most)
	}
}

// gap prints the longest gap since a moment, and fails if it is longer than what is promised. 0 promises nothing.
func (r *rig) gap(report *account.Report, since trace.Time, promised time.Duration) {
	r.Helper()
	longest := report.Longest(since, 0)
	r.Logf("longest gap: %s of %s, until %s (promised: %s)", longest.Length().Round(time.Millisecond), longest.Shard, longest.To, promised)
	for _, g := range report.Gaps[:min(5, len(report.Gaps))] {
		r.Logf("gap: %s of %s, from %s to %s", g.Length().Round(time.Millisecond), g.Shard, g.From, g.To)
	}
	r.metric(longest.Length(), "longest-gap-ms")
	if promised > 0 && longest.Length() > promised {
		r.Errorf("%s was not read for %s, want at most %s", longest.Shard, longest.Length(), promised)
	}
}
