package sim_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/sim"
)

// seeds is how many scenarios a test runs: fewer where all is slow.
func seeds(n uint64) uint64 {
	if raceEnabled || testing.Short() {
		return max(1, n/20)
	}
	return n
}

// TestGroupsKeepTheirPromises runs thousands of small groups through all kinds of trouble.
func TestGroupsKeepTheirPromises(t *testing.T) {
	t.Parallel()
	runSeeds(t, sim.Small, 1, seeds(2500))
}

// TestLargeGroupsKeepTheirPromises runs groups of up to 50 workers and 1,000 shards.
func TestLargeGroupsKeepTheirPromises(t *testing.T) {
	t.Parallel()
	runSeeds(t, sim.Large, 1, seeds(6))
}

// TestRareScenarios runs those in which, out of a hundred thousand and more, a promise was broken
// by what the others don't come to.
func TestRareScenarios(t *testing.T) {
	t.Parallel()
	for seed, what := range map[uint64]string{
		104171: "a worker leaves while the end of a shard waits for the other parent of a merge",
		100960: "a worker is told to leave while its Join is under way",

		910005864: "three listings within seconds lack the same shard, between two others",
		920000897: "a row that was deleted comes back with a second Join, and its worker reads on a moment",
		31001004:  "a row comes back with a second Join when its worker has deleted it and leaves",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := sim.Generate(seed, sim.Small)
			s.Steps = slices.DeleteFunc(s.Steps, func(s sim.Step) bool { return s.What >= sim.Dark }) // came later
			if sim.Run(s, sim.Options{}).Violation != nil {
				fail(t, s)
			}
		})
	}
}

// runSeeds runs scenarios on two threads, and shows the first failure.
func runSeeds(t *testing.T, size sim.Size, first, count uint64) {
	t.Helper()
	var next atomic.Uint64
	var mu sync.Mutex // guards total
	var total sim.Total
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				seed := first + next.Add(1) - 1
				if seed >= first+count || t.Failed() {
					return
				}
				s := sim.Generate(seed, size)
				r := sim.Run(s, sim.Options{})
				if r.Violation != nil {
					fail(t, s)
					return
				}
				mu.Lock()
				total.Add(s, r)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	var b bytes.Buffer
	total.Print(&b)
	t.Logf("\n%s", b.String())
}

// fail shows a failure, made smaller, and keeps the whole trace of the original.
func fail(t *testing.T, s sim.Scenario) {
	t.Helper()
	name := filepath.Join(t.ArtifactDir(), fmt.Sprintf("seed-%d.txt", s.Seed))
	var trace bytes.Buffer
	r := sim.Run(s, sim.Options{Trace: &trace})
	if err := os.WriteFile(name, trace.Bytes(), 0o600); err != nil {
		t.Error(err)
	}
	small := sim.Shrink(s, sim.Options{}, 200)
	var b bytes.Buffer
	sim.PrintFailure(&b, small, sim.Run(small, sim.Options{}), 60)
	t.Errorf("seed %d: %v\nthe whole trace is in %s; made smaller:\n%s", s.Seed, r.Violation, name, b.String())
}

func TestTheSameSeedGivesTheSameHistory(t *testing.T) {
	t.Parallel()
	for seed := range seeds(60) {
		s := sim.Generate(seed, sim.Small)
		var first, second bytes.Buffer
		a := sim.Run(s, sim.Options{Trace: &first})
		b := sim.Run(s, sim.Options{Trace: &second})
		if a.Sum != b.Sum || a.Events != b.Events || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatalf("seed %d: two runs differ: %d and %d events, sums %x and %x", seed, a.Events, b.Events, a.Sum, b.Sum)
		}
	}
	a, b := sim.Generate(1, sim.Small), sim.Generate(2, sim.Small)
	if sim.Run(a, sim.Options{}).Sum == sim.Run(b, sim.Options{}).Sum {
		t.Error("seeds 1 and 2 give the same history, want different ones")
	}
}

// TestMutantsAreFound makes mistakes on purpose in the store and the readers. The judge must
// see each.
func TestMutantsAreFound(t *testing.T) {
	t.Parallel()
	const within = 400
	for _, mutant := range sim.Mutants() {
		t.Run(string(mutant), func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= within; seed++ {
				s := sim.Generate(seed, sim.Small)
				if mutant == sim.LoadWorkersFirst {
					restless(&s)
				}
				r := sim.Run(s, sim.Options{Mutant: mutant})
				if r.Violation != nil {
					t.Logf("seed %d: %v", seed, r.Violation)
					return
				}
			}
			t.Errorf("not found within %d seeds", within)
		})
	}
}

// restless makes workers come and go all the time, while calls take long: some mistakes need a
// change in the middle of a call.
func restless(s *sim.Scenario) {
	s.Hosts, s.TTL, s.Store.Noise = 5, 30*time.Second, 0.5
	s.Steps = nil
	for at := 10 * time.Second; at < s.Trouble; at += 5 * time.Second {
		s.Steps = append(s.Steps, sim.Step{At: at, What: sim.Leave, Host: int(at / (5 * time.Second)), For: time.Second})
	}
}
