package sim

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/kinstream/kin/lease"
)

// Size bounds the groups that [Generate] makes.
type Size struct {
	Hosts, Shards, Steps int
	Trouble              time.Duration
}

// Small is for thousands of runs, Large for a few.
var (
	Small = Size{Hosts: 6, Shards: 12, Steps: 14, Trouble: 3 * time.Minute}
	Large = Size{Hosts: 50, Shards: 1000, Steps: 60, Trouble: 3 * time.Minute}
)

// Generate makes the scenario of a seed. Most scenarios have a few kinds of trouble, so that
// each kind is also seen without the others.
func Generate(seed uint64, size Size) Scenario {
	r := rand.New(rand.NewPCG(seed, 1))
	s := Scenario{
		Seed:            seed,
		Hosts:           1 + r.IntN(size.Hosts),
		Streams:         1 + r.IntN(5)/4,
		TTL:             pick(r, 3*time.Second, 10*time.Second, 10*time.Second, 30*time.Second),
		Start:           pick(r, lease.TrimHorizon, lease.TrimHorizon, "LATEST"),
		CheckpointEvery: pick(r, time.Second, 5*time.Second, time.Minute),
		ListEvery:       pick(r, 5*time.Second, 20*time.Second, time.Minute),
		Trouble:         size.Trouble/3 + time.Duration(r.Int64N(int64(size.Trouble*2/3))),
		PutEvery:        time.Duration(20+r.IntN(300)) * time.Millisecond,
	}
	if r.IntN(8) == 0 { // long enough that finished leases are deleted
		s.Trouble += 12 * time.Minute
		s.PutEvery *= 8
	}
	s.Shards = 1 + r.IntN(max(1, size.Shards/s.Streams))
	capacity := r.IntN(12) == 0
	s.Store.Latency = pick(r, 5*time.Millisecond, 20*time.Millisecond, 20*time.Millisecond, 200*time.Millisecond)
	s.Store.Noise = pick(r, 0, 0, 0.01, 0.1, 0.3)
	s.ClockError = pick(r, 0, 0.005, 0.02)
	s.Service = generateService(r)
	s.Handler = generateHandler(r, s.TTL)
	s.Steps = generateSteps(r, s, size)
	s.Steps = withDarkness(s)
	if capacity {
		s.Capacity = s.enough()
	}
	return s
}

// enough is how many leases each worker has to take at least, so that all shards are read.
func (s Scenario) enough() int {
	shards := s.Shards * s.Streams
	for _, step := range s.Steps {
		if step.What == Split {
			shards++
		}
	}
	return 1 + shards/s.Hosts
}

func generateService(r *rand.Rand) Service {
	return Service{
		ListLag:     pick(r, 0, 2*time.Second, 15*time.Second),
		ListPartial: pick(r, 0, 0, 0.2, 0.6),
		ListFail:    pick(r, 0, 0.1, 0.5),
		Children:    pick(r, 1, 1, 0.5, 0),
	}
}

func generateHandler(r *rand.Rand, ttl time.Duration) Handler {
	return Handler{
		Slow:    pick(r, 10*time.Millisecond, 50*time.Millisecond, time.Second, ttl, 3*ttl),
		Fail:    pick(r, 0, 0.02, 0.2),
		Ignore:  pick(r, 0, 0.2, 1),
		Manual:  r.IntN(4) == 0,
		Batch:   1 + r.IntN(20),
		Restive: pick(r, 0, 0, 0.1),
	}
}

// weights say how often each kind of step comes in a scenario that has all of them.
var weights = [whats]int{
	Crash: 4, Leave: 4, Start: 1, Freeze: 4, Jump: 1, Partition: 4, Outage: 2, Throttle: 2, Split: 4, Merge: 3, Trim: 1, Expire: 2, Drain: 1,
	Pin: 1, Reset: 1, Force: 1, Drift: 1,
}

func generateSteps(r *rand.Rand, s Scenario, size Size) []Step {
	var kinds []What
	for what := range Dark { // what comes then is added by withDarkness
		rare := what == Reset || what == Force || what == Drift || what == Trim
		if r.IntN(5) < 2 && (!rare || r.IntN(4) == 0) {
			for range weights[what] {
				kinds = append(kinds, what)
			}
		}
	}
	if len(kinds) == 0 {
		return nil
	}
	steps := make([]Step, r.IntN(size.Steps+1))
	for i := range steps {
		steps[i] = Step{
			At:   time.Duration(r.Int64N(int64(s.Trouble))),
			What: kinds[r.IntN(len(kinds))],
			Host: r.IntN(s.Hosts),
			For:  time.Duration(r.Int64N(int64(pick(r, s.TTL/4, s.TTL, 3*s.TTL)))),
			Pick: r.IntN(1 << 16),
		}
	}
	if len(steps) > 3 && r.IntN(3) == 0 { // much at once
		for i := range steps[:len(steps)/2] {
			steps[i].At = steps[0].At + time.Duration(r.Int64N(int64(s.TTL)))
		}
	}
	slices.SortStableFunc(steps, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
	return steps
}

// withDarkness adds times in which the service does not answer to the steps of some scenarios. It has
// a source of chance of its own, so that a seed that is known for something keeps its meaning.
func withDarkness(s Scenario) []Step {
	r := rand.New(rand.NewPCG(s.Seed, 3))
	if r.IntN(3) > 0 {
		return s.Steps
	}
	steps := slices.Clone(s.Steps)
	at := func() time.Duration { return time.Duration(r.Int64N(int64(s.Trouble))) }
	for range 1 + r.IntN(4) {
		step := Step{At: at(), What: pick(r, Dark, Dark, Gloom), Host: r.IntN(s.Hosts), Pick: r.IntN(1 << 16)}
		step.For = time.Duration(r.Int64N(int64(pick(r, s.TTL, 3*s.TTL, 6*s.TTL))))
		steps = append(steps, step)
	}
	slices.SortStableFunc(steps, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
	return steps
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }
