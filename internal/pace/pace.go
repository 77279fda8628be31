package pace

import "time"

const (
	// MaxSpacing bounds the wait that refusals lead to.
	MaxSpacing = 10 * time.Second

	// firstSpacing is what the first refusal doubles if no limit is set: the
	// spacing of the service's 5 calls per second.
	firstSpacing = 200 * time.Millisecond

	// recovery is by how much an answer raises the rate, in calls per second. With
	// two greedy readers on a shard it makes 1 call in 25 a refused one.
	recovery = 0.1

	// freeRecovery is the same as a factor, used if no limit is set and thus no
	// rate is known to come back to.
	freeRecovery = 1.1

	// drift is the part by which waits of the spacing are longer at most.
	drift = 0.1

	// margin is the part by which waits for bytes are longer than the arithmetic says:
	// a call that comes a moment too early is refused and costs more.
	margin = 0.02

	// free is the spacing below which a reader without a limit waits no more.
	free = 5 * time.Millisecond
)

// Config is the pace of one shard.
type Config struct {
	// MaxCallsPerSecond bounds the calls. 0 means that there is no bound.
	MaxCallsPerSecond float64

	// BytesPerSecond bounds the bytes of the answers. 0 means that there is no bound.
	BytesPerSecond int

	// MinIdle and MaxIdle bound the wait at the tip. Invariant: MinIdle <= MaxIdle.
	MinIdle, MaxIdle time.Duration
}

// State is what a shard's calls so far led to. The zero State is that of a shard
// that was not called yet.
type State struct {
	spacing time.Duration // 0 means that of MaxCallsPerSecond
	idle    time.Duration // the next wait at the tip; 0 means MinIdle
}

// Answer is what a successful call brought.
type Answer struct {
	Records int
	Bytes   int
	AtTip   bool // nothing more was to be had
}

// Answered returns the state after an answer and the wait from the start of that
// call to the start of the next. The random number, in [0, 1), spreads the waits
// of shards that began together and of readers that share a shard.
func (c Config) Answered(s State, a Answer, random float64) (State, time.Duration) {
	s.spacing = c.recovered(s.spacing)
	// A reader that calls exactly at the limit finds a token each time and leaves
	// none to a reader that comes a moment later, for ever. So it drifts.
	wait := max(s.spacing, c.spacing())
	wait += time.Duration(drift * random * float64(wait))
	if c.BytesPerSecond > 0 {
		seconds := (1 + margin) * float64(a.Bytes) / float64(c.BytesPerSecond)
		wait = max(wait, time.Duration(seconds*float64(time.Second)))
	}
	if !a.AtTip || a.Records > 0 {
		s.idle = 0
	}
	if !a.AtTip {
		return s, wait
	}
	idle := max(s.idle, c.MinIdle)
	if a.Records == 0 {
		s.idle = min(idle+idle/2, c.MaxIdle)
	}
	return s, max(wait, spread(idle, 0.1, random))
}

// Throttled returns the state after a refusal and the wait from then to the next
// call. The random number, in [0, 1), keeps readers that were refused together
// from coming back together.
func (c Config) Throttled(s State, random float64) (State, time.Duration) {
	s.spacing = min(2*max(s.spacing, c.spacing(), firstSpacing), MaxSpacing)
	return s, spread(s.spacing, 0.5, random)
}

// spacing is the wait between calls that nobody refuses.
func (c Config) spacing() time.Duration {
	if c.MaxCallsPerSecond <= 0 {
		return 0
	}
	return time.Duration(float64(time.Second) / c.MaxCallsPerSecond)
}

// recovered is the spacing after one more answer. It is 0 once nothing is left
// of what refusals added.
func (c Config) recovered(spacing time.Duration) time.Duration {
	if spacing == 0 {
		return 0
	}
	rate := float64(time.Second) / float64(spacing)
	floor := c.spacing()
	if floor > 0 {
		rate += recovery
	} else {
		rate *= freeRecovery
		floor = free
	}
	spacing = time.Duration(float64(time.Second) / rate)
	if spacing <= floor {
		return 0
	}
	return spacing
}

// spread moves d by up to the given part of it, either way.
func spread(d time.Duration, part, random float64) time.Duration {
	return time.Duration(float64(d) * (1 - part + 2*part*random))
}
