//go:build unix

package group_test

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/kinstream/kin/e2e/group/trace"
	"github.com/kinstream/kin/e2e/group/worker"
)

// killed is what kill -9 may cost: the time-out, and two seconds.
func (r *rig) killed() time.Duration { return r.defaults.TTL + 2*time.Second }

func killOne(tb testing.TB, c combo, rng *rand.Rand) {
	// A handler that takes its time: a checkpoint that ran ahead of it would lose what it has
	// in hand.
	r := newRig(tb, plan{server: c.server, store: c.store, worker: worker.Config{Handling: 150 * time.Millisecond}})
	workers := r.startAll(4)
	r.quiet(between(rng, time.Second, 2*time.Second))
	began := r.now()
	workers[rng.IntN(4)].kill()
	r.shared(3)
	r.pass(time.Second)
	report := r.finish()
	r.gap(report, began, r.killed())
	r.replayed(report)
	r.noOverlap(report)
}

func killWithDefaults(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store, worker: worker.Config{
		TTL: 10 * time.Second, CheckpointEvery: time.Minute, ListEvery: time.Minute, ShutdownTimeout: 30 * time.Second,
	}})
	workers := r.startAll(3)
	r.quiet(between(rng, time.Second, 2*time.Second))
	began := r.now()
	workers[rng.IntN(3)].kill()
	r.shared(2)
	r.pass(time.Second)
	report := r.finish()
	r.gap(report, began, r.killed())
	r.noOverlap(report)
}

func killSeveral(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store})
	workers := r.startAll(5)
	r.quiet(between(rng, time.Second, 2*time.Second))
	began := r.now()
	for _, i := range rng.Perm(5)[:3] {
		workers[i].kill()
	}
	// Who is started again finds its predecessor's row, and others that are gone.
	for i := range 2 {
		r.start(fmt.Sprintf("again%d", i))
	}
	r.shared(4)
	r.pass(time.Second)
	report := r.finish()
	r.gap(report, began, r.killed())
	r.replayed(report)
	r.noOverlap(report)
}

// killAll kills the whole group, and starts it anew.
func killAll(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store})
	workers := r.startAll(4)
	r.quiet(between(rng, time.Second, 2*time.Second))
	began := r.now()
	for _, w := range workers {
		w.kill()
	}
	for i := range 3 {
		r.start(fmt.Sprintf("again%d", i))
	}
	r.shared(3)
	r.pass(time.Second)
	report := r.finish()
	r.gap(report, began, r.killed())
	r.replayed(report)
	r.noOverlap(report)
}

// crashLoop lets one worker die again and again soon after its start, as a broken deployment
// does. Who dies before its first checkpoint leaves nothing but the one before, so replays add
// up.
func crashLoop(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store})
	r.startAll(3)
	for i := range 8 {
		p := r.start(fmt.Sprintf("crash%d", i))
		r.pass(between(rng, 100*time.Millisecond, 1500*time.Millisecond))
		p.kill()
	}
	r.shared(3)
	r.pass(time.Second)
	report := r.finish()
	r.gap(report, r.began, 0)
	r.noOverlap(report)
}

// freeze stops a worker while it is in its handler until others have its shards, and lets it go on.
func freeze(tb testing.TB, c combo, rng *rand.Rand, stubborn bool) (*rig, *process, trace.Time) {
	r := newRig(tb, plan{server: c.server, store: c.store, worker: worker.Config{
		Handling: 300 * time.Millisecond, CheckpointEach: true, Stubborn: stubborn,
	}})
	workers := r.startAll(3)
	r.pass(between(rng, time.Second, 2*time.Second))
	victim := workers[rng.IntN(3)]
	r.until(victim.name+" is in its handler", func() bool { return victim.handling() > 0 })
	victim.signal(syscall.SIGSTOP)
	r.shared(2)
	r.pass(between(rng, 0, 2*time.Second))
	woken := r.now()
	victim.signal(syscall.SIGCONT)
	r.shared(3)
	r.pass(time.Second)
	return r, victim, woken
}

func zombie(tb testing.TB, c combo, rng *rand.Rand) {
	r, _, _ := freeze(tb, c, rng, false)
	report := r.finish()
	r.gap(report, r.began, 0)
	r.replayed(report)
}

// stubbornZombie goes on after the wake-up as if nothing had happened: its checkpoint must be
// refused.
func stubbornZombie(tb testing.TB, c combo, rng *rand.Rand) {
	r, victim, woken := freeze(tb, c, rng, true)
	report := r.finish()
	r.gap(report, r.began, 0)
	r.replayed(report)
	refused, begun := 0, map[int64]trace.Time{}
	for _, e := range victim.log.Entries() {
		switch {
		case e.Kind == trace.Begin:
			begun[e.Batch] = e.At
		case e.Kind == trace.Checkpoint && begun[e.Batch] < woken && e.Asked > woken:
			if e.Err == "" {
				r.Errorf("%s stored a checkpoint of %s, batch %d, that was begun before it stood still", victim.name, e.Shard, e.Batch)
			}
			refused++
		}
	}
	if refused == 0 {
		r.Errorf("%s asked for no checkpoint of what it had in hand when it stood still", victim.name)
	}
	r.Logf("checkpoints refused after the wake-up: %d", refused)
}
