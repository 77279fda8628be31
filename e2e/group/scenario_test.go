//go:build unix

package group_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/e2e/group/account"
	"github.com/kinstream/kin/e2e/group/trace"
	"github.com/kinstream/kin/e2e/server"
)

var seed = flag.Uint64("seed", 1, "`number` that chooses victims and moments in the scenarios; the first one of TestSoak")

// combo is a Kinesis server and a store.
type combo struct {
	server server.Kind
	store  storeKind
}

func (c combo) String() string { return strings.ReplaceAll(c.server.Name+"+"+c.store.name, " ", "_") }

// slow says that the Kinesis server needs so much time for an answer that gaps say nothing
// about the group.
func (c combo) slow() bool { return c.server.Name == server.KinesisLocal().Name }

// scenario is something that happens to a group.
type scenario struct {
	name    string
	in      combo // where a short run plays it
	outages bool  // needs a store with a server, which can be taken away
	large   bool  // needs a Kinesis server that answers 200 calls a second
	run     func(tb testing.TB, c combo, rng *rand.Rand)
}

func scenarios() []scenario {
	kinesalite, ferrokinesis, kinesisLocal := server.Kinesalite(), server.Ferrokinesis(), server.KinesisLocal()
	return []scenario{
		{name: "ten workers start on a hundred shards", in: combo{kinesalite, dynalite()}, large: true, run: freshGroup},
		{name: "one worker is killed", in: combo{kinesalite, dynalite()}, run: killOne},
		{name: "one worker is killed with default settings", in: combo{server.Kintest(), dynalite()}, run: killWithDefaults},
		{name: "several workers are killed at once", in: combo{ferrokinesis, postgres()}, run: killSeveral},
		{name: "all workers are killed", in: combo{ferrokinesis, sqlite()}, run: killAll},
		{name: "a worker is killed soon after each start", in: combo{kinesalite, mariadb()}, run: crashLoop},
		{name: "workers are struck as they write", in: combo{kinesalite, dynoxide()}, outages: true, run: struckAsTheyWrite},
		{name: "a worker is stopped for longer than the time-out", in: combo{kinesalite, dynoxide()}, run: zombie},
		{name: "a worker stands still in a handler that does not heed its context", in: combo{kinesalite, postgres()}, run: stubbornZombie},
		{name: "ten workers are restarted one after the other", in: combo{kinesalite, dynalite()}, large: true, run: rollingRestart},
		{name: "ten workers are stopped at once", in: combo{kinesalite, dynalite()}, large: true, run: stopAll},
		{name: "from one worker to ten to three", in: combo{kinesalite, dynoxide()}, large: true, run: scale},
		{name: "the store is down for a minute", in: combo{ferrokinesis, dynalite()}, outages: true, run: storeDown(time.Minute)},
		{name: "the store is down again and again", in: combo{kinesalite, postgres()}, outages: true, run: storeFlaps},
		{name: "the store is slow", in: combo{kinesalite, mariadb()}, outages: true, run: slowStore},
		{name: "the store is slow, and has no transactions", in: combo{kinesalite, dynalite()}, outages: true, run: slowStore},
		{name: "one worker can't reach the store", in: combo{kinesalite, dynalite()}, outages: true, run: partition},
		{name: "Kinesis is down", in: combo{kinesalite, sqlite()}, run: kinesisDown},
		{name: "shards are split and merged while workers are killed", in: combo{kinesisLocal, dynalite()}, run: reshard},
		{name: "the handler is slower than the time-out", in: combo{kinesalite, dynalite()}, run: slowHandler},
		{name: "a worker is started twice under one name", in: combo{kinesalite, sqlite()}, run: sameName},
		{name: "a deployment changes the streams", in: combo{kinesalite, postgres()}, run: changedStreams},
		{name: "handlers fail now and then", in: combo{kinesalite, dynoxide()}, run: failingHandlers},
		{name: "records are handled in parallel", in: combo{kinesalite, dynalite()}, run: parallel},
		{name: "anything happens", in: combo{server.Kintest(), postgres()}, outages: true, run: chaos(15 * time.Second)},
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

// random returns the numbers of a seed. They choose victims and moments; the machine chooses
// the rest.
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
func (r *rig) startAll(n int) []*process {
	r.Helper()
	var all []*process
	for i := range n {
		all = append(all, r.start(fmt.Sprintf("w%d", i)))
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

// usualGap is how long a shard waits on a machine that has nothing else to do: the pace of polling.
const usualGap = 300 * time.Millisecond

// gap prints the longest gap since a moment, and fails if it is longer than what is promised,
// by more than the machine is slow. 0 promises nothing.
func (r *rig) gap(report *account.Report, since trace.Time, promised time.Duration) {
	r.Helper()
	longest := report.Longest(since, 0)
	r.metric(longest.Length(), "longest-gap-ms")
	for _, g := range report.Gaps[:min(5, len(report.Gaps))] {
		r.Logf("gap: %s of %s, from %s to %s", g.Length().Round(time.Millisecond), g.Shard, g.From, g.To)
	}
	if promised == 0 || (combo{server: r.plan.server}).slow() {
		return
	}
	usual := report.Longest(r.calm[0], r.calm[1]).Length()
	r.Logf("promised: %s; when nothing happened gaps were up to %s", promised, usual.Round(time.Millisecond))
	if slow := max(0, usual-usualGap); longest.Length() > promised+slow {
		r.Errorf("%s was not read for %s, want at most %s, and %s because the machine is slow", longest.Shard, longest.Length(), promised, slow)
	}
}
