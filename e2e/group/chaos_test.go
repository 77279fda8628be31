//go:build unix

package group_test

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/kinstream/kin/e2e/group/proxy"
)

// chaos does to the group whatever a seed says, for so long, and then lets it come to rest.
func chaos(length time.Duration) func(tb testing.TB, c combo, rng *rand.Rand) {
	return func(tb testing.TB, c combo, rng *rand.Rand) {
		r := newRig(tb, plan{server: c.server, store: c.store, shards: 6, timeout: length + 2*time.Minute})
		m := &mayhem{rig: r, rng: rng, running: r.startAll(4)}
		for end := time.Now().Add(length); time.Now().Before(end); {
			m.step()
			r.pass(between(rng, 100*time.Millisecond, 2*time.Second))
		}
		m.rest()
		report := r.finish()
		r.gap(report, r.began, 0)
	}
}

// mayhem is a group to which anything happens.
type mayhem struct {
	*rig

	rng     *rand.Rand
	running []*process
	frozen  []*process
	started int
	splits  int
}

const mostWorkers, mostSplits = 7, 6

// step does one thing.
func (m *mayhem) step() {
	m.Helper()
	stream := m.defaults.Streams[0]
	switch n := m.rng.IntN(20); {
	case n < 4 && len(m.running) < mostWorkers, len(m.running) == 0:
		m.running = append(m.running, m.start(fmt.Sprintf("x%d", m.started)))
		m.started++
	case n < 6:
		m.take().kill()
	case n < 8:
		m.take().terminate()
	case n < 10:
		p := m.take()
		p.signal(syscall.SIGSTOP)
		m.frozen = append(m.frozen, p)
	case n < 12:
		m.thaw()
	case n < 14:
		p := m.running[m.rng.IntN(len(m.running))]
		trouble := troubles[m.rng.IntN(len(troubles))]
		m.notef("%s to the store: %s", p.name, trouble.name)
		m.toStore(trouble.mode, p)
	case n < 15:
		p := m.running[m.rng.IntN(len(m.running))]
		trouble := troubles[m.rng.IntN(len(troubles))]
		m.notef("%s to Kinesis: %s", p.name, trouble.name)
		p.kinesis.Set(trouble.mode)
	case n < 17:
		m.heal()
	case m.splits < mostSplits:
		m.splits++
		m.split(stream, m.rng.IntN(8))
	default:
		m.merge(stream, m.rng.IntN(8))
	}
}

// take removes a running worker and returns it.
func (m *mayhem) take() *process {
	i := m.rng.IntN(len(m.running))
	p := m.running[i]
	m.running = append(m.running[:i:i], m.running[i+1:]...)
	return p
}

// thaw lets those go on that stand still.
func (m *mayhem) thaw() {
	for _, p := range m.frozen {
		p.signal(syscall.SIGCONT)
	}
	m.running = append(m.running, m.frozen...)
	m.frozen = nil
}

// heal opens all ways again.
func (m *mayhem) heal() {
	m.notef("all ways are open")
	m.toStore(proxy.Pass)
	for _, p := range m.processes {
		p.kinesis.Set(proxy.Pass)
	}
}

// rest lets the group come to rest. Those that were asked to stop in trouble may have
// had to give up.
func (m *mayhem) rest() {
	m.Helper()
	m.thaw()
	m.heal()
	if len(m.running) == 0 {
		m.running = append(m.running, m.start("last"))
	}
	for _, p := range m.processes {
		p.mu.Lock()
		p.dead = p.dead || p.wanted
		p.mu.Unlock()
	}
	m.shared(len(m.running))
}
