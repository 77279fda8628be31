//go:build unix

package group_test

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/kinstream/kin/e2e/group/proxy"
)

var troubles = []struct {
	name string
	mode proxy.Mode
}{
	{"connections are cut", proxy.Cut},
	{"nothing gets through", proxy.Hold},
	{"no answer gets through", proxy.HoldAnswers},
}

// toStore sets the proxies to the store of all workers, those included that start later; or of
// some.
func (r *rig) toStore(mode proxy.Mode, processes ...*process) {
	if len(processes) == 0 {
		r.storeMode, processes = mode, r.processes
	}
	for _, p := range processes {
		if p.store != nil {
			p.store.Set(mode)
		}
	}
}

// storeDown takes the store away for so long: its process stands still, or no worker reaches
// it. One worker is asked to stop meanwhile, and one is started.
func storeDown(outage time.Duration) func(tb testing.TB, c combo, rng *rand.Rand) {
	return func(tb testing.TB, c combo, rng *rand.Rand) {
		r := newRig(tb, plan{server: c.server, store: c.store, shards: 6, timeout: outage + 2*time.Minute})
		workers := r.startAll(4)
		r.pass(between(rng, time.Second, 2*time.Second))
		var back func()
		if n := rng.IntN(len(troubles) + 1); n < len(troubles) || r.storePID == 0 {
			n %= len(troubles)
			r.notef("the store: %s", troubles[n].name)
			r.toStore(troubles[n].mode)
			back = func() { r.toStore(proxy.Pass) }
		} else {
			r.notef("the store stands still")
			r.must(syscall.Kill(r.storePID, syscall.SIGSTOP))
			back = func() { r.must(syscall.Kill(r.storePID, syscall.SIGCONT)) }
		}
		r.pass(outage / 2)
		workers[0].terminate() // it can't hand over, and says so
		r.pass(outage/2 - 10*time.Second)
		r.start("late") // it waits for the store, for StartTimeout at most
		r.pass(10 * time.Second)
		r.notef("the store is back")
		back()
		r.until("w0 has ended", func() bool { return workers[0].gone() })
		r.Logf("w0 ended with %s", workers[0].cmd.ProcessState)
		workers[0].excuse()
		r.shared(4)
		r.pass(time.Second)
		report := r.finish()
		r.gap(report, r.began, 0)
		r.noOverlap(report)
	}
}

// storeFlaps takes the store away for shorter and for longer than the time-out.
func storeFlaps(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store, shards: 6})
	r.startAll(4)
	for range 4 {
		r.pass(between(rng, 500*time.Millisecond, 1500*time.Millisecond))
		trouble := troubles[rng.IntN(len(troubles))]
		r.notef("the store: %s", trouble.name)
		r.toStore(trouble.mode)
		r.pass(between(rng, 200*time.Millisecond, 2*r.defaults.TTL))
		r.toStore(proxy.Pass)
	}
	r.shared(4)
	report := r.finish()
	r.gap(report, r.began, 0)
	r.noOverlap(report)
}

// slowStore makes each call of the store take a quarter of a second and more, for a while with a
// worker that joins and one that leaves.
func slowStore(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store, shards: 6})
	workers := r.startAll(3)
	r.pass(between(rng, time.Second, 2*time.Second))
	for _, p := range r.processes {
		p.store.Delay(100 * time.Millisecond)
	}
	r.notef("the store is slow")
	r.pass(between(rng, time.Second, r.defaults.TTL))
	workers[0].terminate()
	r.start("slow").store.Delay(100 * time.Millisecond)
	workers[0].left()
	r.shared(3)
	r.pass(between(rng, time.Second, 2*r.defaults.TTL))
	for _, p := range r.processes {
		p.store.Delay(0)
	}
	report := r.finish()
	r.gap(report, r.began, 0)
	r.planned(report)
}

// partition cuts one worker off from the store, while it still reaches Kinesis. It must
// stop by itself before others take its shards, and what it had sent arrives when all is over.
func partition(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store, shards: 6})
	workers := r.startAll(3)
	r.quiet(time.Second)
	for i, n := range rng.Perm(len(troubles)) {
		victim := workers[i]
		r.pass(between(rng, time.Second, 2*time.Second))
		began := r.now()
		r.notef("%s: %s", victim.name, troubles[n].name)
		r.toStore(troubles[n].mode, victim)
		r.shared(2)
		r.pass(between(rng, 0, time.Second))
		if victim.began(began.Add(r.defaults.TTL)) {
			r.Errorf("%s delivered records although it had not reached the store for %s", victim.name, r.defaults.TTL)
		}
		r.toStore(proxy.Pass, victim)
		r.shared(3)
	}
	report := r.finish()
	r.gap(report, r.began, r.killed())
	r.replayed(report)
	r.noOverlap(report)
}

// kinesisDown takes Kinesis away. The leases stay where they are, and nothing is delivered twice.
func kinesisDown(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store, shards: 6})
	workers := r.startAll(4)
	for _, n := range rng.Perm(len(troubles)) {
		r.pass(between(rng, time.Second, 2*time.Second))
		r.notef("Kinesis: %s", troubles[n].name)
		for _, p := range r.processes {
			p.kinesis.Set(troubles[n].mode)
		}
		r.pass(between(rng, time.Second, r.defaults.TTL+time.Second))
		for _, p := range r.processes {
			p.kinesis.Set(proxy.Pass)
		}
	}
	for _, p := range workers {
		p.kinesis.Set(proxy.Cut)
	}
	workers[0].terminate()
	workers[0].left()
	for _, p := range workers[1:] {
		p.kinesis.Set(proxy.Pass)
	}
	r.shared(3)
	report := r.finish()
	r.gap(report, r.began, 0)
	r.planned(report)
}
