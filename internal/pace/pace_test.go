package pace_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/pace"
)

const (
	ms   = time.Millisecond
	mib  = 1 << 20
	even = 0.5 // the random number that spreads no wait but those of the spacing
	none = 0.0 // the random number that makes those of the spacing shortest
)

func service() pace.Config {
	return pace.Config{MaxCallsPerSecond: 5, BytesPerSecond: 2 * mib, MinIdle: 250 * ms, MaxIdle: time.Second}
}

func TestAnswered(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		config pace.Config
		answer pace.Answer
		want   time.Duration
	}{
		"catches up at five calls per second": {
			service(), pace.Answer{Records: 1000, Bytes: 200_000}, 200 * ms,
		},
		"goes on at full pace after an empty answer behind the tip": {
			service(), pace.Answer{}, 200 * ms,
		},
		"keeps the five seconds that an answer of 10 MiB costs": {
			service(), pace.Answer{Records: 10, Bytes: 10 * mib}, 5 * time.Second,
		},
		"keeps two MiB per second": {
			service(), pace.Answer{Records: 10, Bytes: mib}, 500 * ms,
		},
		"waits at the tip even if records came": {
			service(), pace.Answer{Records: 1, Bytes: 100, AtTip: true}, 250 * ms,
		},
		"does not wait at all behind the tip without limits": {
			pace.Config{MinIdle: 10 * ms, MaxIdle: 20 * ms}, pace.Answer{Records: 10_000, Bytes: 10 * mib}, 0,
		},
		"waits at the tip also without limits": {
			pace.Config{MinIdle: 10 * ms, MaxIdle: 20 * ms}, pace.Answer{AtTip: true}, 10 * ms,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got := tt.config.Answered(pace.State{}, tt.answer, even)
			if got < tt.want || got > tt.want+tt.want/10 {
				t.Errorf("wait = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestIdleWait(t *testing.T) {
	t.Parallel()
	c, empty := service(), pace.Answer{AtTip: true}
	var s pace.State
	var got time.Duration
	for i, want := range []time.Duration{250 * ms, 375 * ms, 562500 * time.Microsecond, 843750 * time.Microsecond, time.Second, time.Second} {
		if s, got = c.Answered(s, empty, even); got != want {
			t.Fatalf("wait after %d empty answers = %v, want %v", i+1, got, want)
		}
	}
	s, _ = c.Answered(s, pace.Answer{Records: 1, AtTip: true}, even)
	if _, got = c.Answered(s, empty, even); got != 250*ms {
		t.Errorf("first idle wait after a record = %v, want %v", got, 250*ms)
	}
	for range 5 {
		s, _ = c.Answered(s, empty, even)
	}
	s, _ = c.Answered(s, pace.Answer{}, even) // empty, but behind the tip: records are there
	if _, got = c.Answered(s, empty, even); got != 250*ms {
		t.Errorf("first idle wait after an answer behind the tip = %v, want %v", got, 250*ms)
	}
}

func TestIdleCallsPerHour(t *testing.T) {
	t.Parallel()
	// The cost that the documentation of ReaderConfig.MaxIdleWait gives.
	c := service()
	var s pace.State
	calls := 0
	for now := time.Duration(0); now < time.Hour; calls++ {
		var wait time.Duration
		s, wait = c.Answered(s, pace.Answer{AtTip: true}, rand.Float64())
		now += wait
	}
	if calls < 3500 || calls > 3700 {
		t.Errorf("idle shard takes %d calls an hour, want about 3600", calls)
	}
}

func TestThrottled(t *testing.T) {
	t.Parallel()

	t.Run("doubles the spacing up to its bound", func(t *testing.T) {
		t.Parallel()
		c := service()
		var s pace.State
		var got time.Duration
		for i, want := range []time.Duration{400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, 10 * time.Second, 10 * time.Second} {
			if s, got = c.Throttled(s, even); got != want {
				t.Fatalf("wait after %d refusals = %v, want %v", i+1, got, want)
			}
		}
	})

	t.Run("is won back by answers, to the limit and no further", func(t *testing.T) {
		t.Parallel()
		c := service()
		s, last := c.Throttled(pace.State{}, even)
		calls := 0
		for ; last > 200*ms; calls++ {
			var wait time.Duration
			if s, wait = c.Answered(s, pace.Answer{Records: 1}, none); wait >= last {
				t.Fatalf("wait = %v after %v: does not recover", wait, last)
			}
			last = wait
			if calls > 1000 {
				t.Fatal("no recovery in 1000 answers")
			}
		}
		if last != 200*ms {
			t.Errorf("wait = %v after recovery, want %v", last, 200*ms)
		}
		// 2.5 calls per second are missing, and each answer brings back 0.1.
		if calls < 20 || calls > 30 {
			t.Errorf("recovery took %d answers, want about 25", calls)
		}
	})

	t.Run("is won back to no wait at all if there is no limit", func(t *testing.T) {
		t.Parallel()
		c := pace.Config{}
		s, _ := c.Throttled(pace.State{}, even)
		for range 100 {
			var wait time.Duration
			if s, wait = c.Answered(s, pace.Answer{Records: 1}, even); wait == 0 {
				return
			}
		}
		t.Error("still waiting after 100 answers")
	})
}

// Two readers that know nothing of each other share a shard whose service lets 5
// calls per second pass. Both must get a fair part, and few calls may be wasted.
func TestTwoReadersShareAShard(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	c := pace.Config{MaxCallsPerSecond: 5}
	var states [2]pace.State
	var due [2]time.Duration
	var passed [2]int
	refused := 0
	tokens, last := 5.0, time.Duration(0)
	for {
		i := 0
		if due[1] < due[0] {
			i = 1
		}
		now := due[i]
		if now > time.Hour {
			break
		}
		tokens = min(5, tokens+5*(now-last).Seconds())
		last = now
		var wait time.Duration
		if tokens >= 1 {
			tokens--
			passed[i]++
			states[i], wait = c.Answered(states[i], pace.Answer{Records: 1}, rng.Float64())
		} else {
			refused++
			states[i], wait = c.Throttled(states[i], rng.Float64())
		}
		due[i] += wait
	}
	total := passed[0] + passed[1]
	if total < 14_000 {
		t.Errorf("%d calls passed in an hour, want at least 14000 of the 18000 that fit", total)
	}
	if refused > total/10 {
		t.Errorf("%d calls refused beside %d that passed, want under a tenth", refused, total)
	}
	for i, n := range passed {
		if n < total*35/100 {
			t.Errorf("reader %d got %d of %d calls, want at least 35 %%", i, n, total)
		}
	}
}

func TestWaitsStayInTheirBounds(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		c := pace.Config{
			MaxCallsPerSecond: float64(rng.IntN(20)),
			BytesPerSecond:    rng.IntN(3) * mib,
			MinIdle:           time.Duration(rng.IntN(500)) * ms,
		}
		c.MaxIdle = c.MinIdle + time.Duration(rng.IntN(1000))*ms
		least := time.Duration(0)
		if c.MaxCallsPerSecond > 0 {
			least = time.Duration(float64(time.Second) / c.MaxCallsPerSecond)
		}
		var s pace.State
		for range 200 {
			var wait time.Duration
			most := pace.MaxSpacing + pace.MaxSpacing/2
			if rng.IntN(3) == 0 {
				s, wait = c.Throttled(s, rng.Float64())
			} else {
				a := pace.Answer{Records: rng.IntN(3), Bytes: rng.IntN(10 * mib), AtTip: rng.IntN(2) == 0}
				s, wait = c.Answered(s, a, rng.Float64())
				if wait < least {
					t.Fatalf("%+v: wait %v is shorter than %v", c, wait, least)
				}
			}
			if wait < 0 || wait > most {
				t.Fatalf("%+v: wait %v is out of bounds", c, wait)
			}
		}
	}
}
