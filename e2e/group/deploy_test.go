//go:build unix

package group_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/e2e/group/trace"
	"github.com/kinstream/kin/e2e/group/worker"
)

func freshGroup(tb testing.TB, c combo, _ *rand.Rand) {
	r := newRig(tb, plan{
		server: c.server, store: c.store, shards: 100, keys: 200, every: 100 * time.Millisecond,
		worker: worker.Config{TTL: 10 * time.Second},
	})
	workers := r.startAll(10)
	shared := r.now()
	var started trace.Time // the last process that is ready to run its Consumer
	for _, w := range workers {
		started = max(started, w.log.Entries()[0].At)
	}
	r.metric(shared.Sub(started), "even-after-ms")
	report := r.finish()
	r.planned(report)
}

func rollingRestart(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store, shards: 40, keys: 80, every: 50 * time.Millisecond, worker: worker.Config{TTL: 10 * time.Second}})
	workers := r.startAll(10)
	r.quiet(2 * time.Second)
	began := r.now()
	for i, n := range rng.Perm(10) {
		workers[n].terminate()
		workers[n].left()
		r.start(fmt.Sprintf("x%d", i))
		r.shared(10)
	}
	report := r.finish()
	r.gap(report, began, time.Second)
	r.planned(report)
}

// stopAll stops the whole group, as the end of a deployment does. There is nobody to hand anything
// to, and nobody to wait for.
func stopAll(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store, shards: 20, keys: 40, every: 50 * time.Millisecond, worker: worker.Config{TTL: 10 * time.Second}})
	workers := r.startAll(10)
	r.pass(between(rng, time.Second, 2*time.Second))
	began := r.now()
	for _, w := range workers {
		w.terminate()
	}
	r.until("all have ended", func() bool {
		return !slices.ContainsFunc(workers, func(w *process) bool { return !w.gone() })
	})
	took := r.now().Sub(began)
	r.metric(took, "all-left-after-ms")
	if most := 3 * time.Second; took > most {
		r.Errorf("it took %s until all had left, want at most %s", took, most)
	}
	r.start("next")
	r.shared(1)
	report := r.finish()
	r.planned(report)
}

func scale(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store, shards: 20, keys: 40, every: 50 * time.Millisecond})
	workers := r.startAll(1)
	r.quiet(2 * time.Second)
	began := r.now()
	for i := range 9 {
		workers = append(workers, r.start(fmt.Sprintf("more%d", i)))
	}
	r.shared(10)
	r.pass(between(rng, 0, time.Second))
	for _, i := range rng.Perm(10)[:7] {
		workers[i].terminate()
	}
	r.shared(3)
	r.pass(time.Second)
	report := r.finish()
	r.gap(report, began, time.Second)
	r.planned(report)
}

func sameName(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store, shards: 4})
	first, second := r.start("same"), r.start("same")
	r.shared(2)
	r.pass(between(rng, time.Second, 2*time.Second))
	first.terminate()
	r.shared(1)
	third := r.start("same")
	r.shared(2)
	second.kill()
	r.shared(1)
	report := r.finish()
	if third.killed() {
		r.Error("the third was killed")
	}
	r.gap(report, r.began, 0)
	r.replayed(report)
	r.noOverlap(report)
}

// changedStreams deploys workers that read a second stream, then workers that have let go of
// the first one, and one that is told while it runs.
func changedStreams(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store, streams: 2, shards: 4})
	one, two := r.defaults.Streams[0], r.defaults.Streams[1]
	reading := func(streams ...string) func(*worker.Config) {
		return func(cfg *worker.Config) { cfg.Streams = streams }
	}
	old := []*process{r.start("old0", reading(one)), r.start("old1", reading(one))}
	r.shared(2)
	both := r.start("both0", reading(one, two))
	for _, p := range old {
		p.terminate()
		p.left()
	}
	r.start("both1", reading(one, two))
	r.shared(2)
	r.pass(between(rng, 500*time.Millisecond, time.Second))
	r.feeders[0].stop()
	r.until("the first stream is read to its tip", func() bool { return r.acked.of(one) == 0 })
	told := r.start("told", reading(one, two))
	r.shared(3)
	_, err := io.WriteString(told.stdin, "streams "+two+"\n")
	r.must(err)
	r.until("told has nothing of the first stream", func() bool {
		snapshot, _ := r.observer.snapshot()
		for _, l := range snapshot.Leases {
			if streamName(l.Stream) == one && strings.HasPrefix(l.Owner, "told") {
				return false
			}
		}
		return true
	})
	r.start("new", reading(two))
	both.terminate()
	both.left()
	r.pass(time.Second)
	report := r.finish()
	r.gap(report, r.began, 0)
	r.planned(report)
}

func slowHandler(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store, shards: 4, worker: worker.Config{Handling: 4 * time.Second}})
	workers := r.startAll(3)
	r.pass(between(rng, 4*time.Second, 6*time.Second))
	workers[0].terminate()
	r.shared(2)
	report := r.finish()
	r.gap(report, r.began, 0)
	r.planned(report)
}

// failingHandlers repeats batches where they failed: that is no replay by another owner.
func failingHandlers(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store, worker: worker.Config{FailEvery: 5}})
	workers := r.startAll(3)
	r.pass(between(rng, time.Second, 2*time.Second))
	workers[rng.IntN(3)].terminate()
	r.shared(2)
	r.pass(time.Second)
	report := r.finish()
	r.noOverlap(report)
	if n, _ := report.Replayed(); n != 0 || report.Doubled == 0 {
		r.Errorf("%d records were delivered twice, %d of them by a next owner; want some, and none", report.Doubled, n)
	}
}

func parallel(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store, worker: worker.Config{Parallel: 4, Handling: 20 * time.Millisecond}})
	workers := r.startAll(3)
	r.pass(between(rng, time.Second, 2*time.Second))
	workers[0].terminate()
	workers[1].kill()
	r.shared(1)
	report := r.finish()
	r.gap(report, r.began, 0)
	r.replayed(report)
	r.noOverlap(report)
}
