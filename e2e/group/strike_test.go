//go:build unix

package group_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kinstream/kin/e2e/group/proxy"
	"github.com/kinstream/kin/e2e/group/worker"
)

// struckAsTheyWrite strikes at workers in the moment in which a write of theirs is on its way: as
// they join, take a lease, hand it over, store a checkpoint, end a shard. The write is lost,
// or made without an answer, or arrives when others have the lease.
func struckAsTheyWrite(tb testing.TB, c combo, rng *rand.Rand) {
	r := newRig(tb, plan{server: c.server, store: c.store, shards: 6, worker: worker.Config{Handling: 20 * time.Millisecond}})
	s := &striker{rig: r, rng: rng, counts: map[string]int{}, running: r.startAll(4)}
	for _, p := range s.running {
		s.aim(p)
	}
	for end := time.Now().Add(8 * time.Second); time.Now().Before(end); {
		r.pass(300 * time.Millisecond)
		s.replace()
	}
	s.rest()
	report := r.finish()
	r.Logf("strikes: %v", s.counts)
	r.gap(report, r.began, 0)
}

// striker strikes at workers of a group. Its numbers are drawn in the order in which requests come.
type striker struct {
	*rig

	running []*process
	started int

	mu     sync.Mutex // guards what follows
	rng    *rand.Rand
	counts map[string]int
}

// signs are what a request has in it, and how often in a hundred it is struck then. The first that
// is found counts. What SQL drivers send has none of the others.
var signs = []struct {
	what, sign string
	chance     int
}{
	{"end of a shard", "SHARD_END", 15},
	{"lease", "lease#", 20},
	{"worker", "worker#", 3},
	{"anything else", "", 1},
}

func (s *striker) aim(p *process) {
	p.store.Watch(func(request []byte) proxy.Verdict {
		for _, w := range signs {
			if bytes.Contains(request, []byte(w.sign)) {
				return s.strike(p, w.what, w.chance)
			}
		}
		return proxy.Verdict{}
	})
}

func (s *striker) strike(p *process, what string, chance int) proxy.Verdict {
	s.mu.Lock()
	struck, how, long := s.rng.IntN(100) < chance, s.rng.IntN(4), between(s.rng, s.defaults.TTL/2, 2*s.defaults.TTL)
	if struck {
		s.counts[what]++
	}
	s.mu.Unlock()
	switch {
	case !struck:
	case how == 0: // the write is lost, and with it the worker
		p.signal(syscall.SIGKILL)
		return proxy.Verdict{Drop: true}
	case how == 1: // the write is made, and nobody waits for the answer
		p.signal(syscall.SIGKILL)
	case how == 2:
		p.signal(syscall.SIGSTOP)
		time.AfterFunc(long, func() { _ = p.cmd.Process.Signal(syscall.SIGCONT) })
	default: // its client gives it up, and perhaps its lease
		return proxy.Verdict{Hold: long}
	}
	return proxy.Verdict{}
}

// replace starts a worker for each that is gone, and reshards now and then, so that there is
// something to write.
func (s *striker) replace() {
	s.Helper()
	for i, p := range s.running {
		if p.gone() {
			s.running[i] = s.start(fmt.Sprintf("x%d", s.started))
			s.aim(s.running[i])
			s.started++
		}
	}
	s.mu.Lock()
	now, shard := s.rng.IntN(4) == 0, s.rng.IntN(8)
	s.mu.Unlock()
	if now {
		s.split(s.defaults.Streams[0], shard)
		s.merge(s.defaults.Streams[0], shard)
	}
}

// rest ends the strikes, and lets the group come to rest.
func (s *striker) rest() {
	s.Helper()
	for _, p := range s.processes {
		p.store.Watch(nil)
		p.signal(syscall.SIGCONT)
	}
	s.replace()
	for _, p := range s.running {
		p.store.Watch(nil)
	}
	s.shared(len(s.running))
}
