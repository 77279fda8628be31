package kin_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// grown fails for each figure of a stream that is less than it was: metrics are made of them.
func grown(t *testing.T, when string, was, now *kin.StreamStats) {
	t.Helper()
	for name, pair := range map[string][2]kin.Seconds{
		"idle":      {was.LaneTime.Idle, now.LaneTime.Idle},
		"gathering": {was.LaneTime.Gathering, now.LaneTime.Gathering},
		"ready":     {was.LaneTime.Ready, now.LaneTime.Ready},
		"limited":   {was.LaneTime.Limited, now.LaneTime.Limited},
		"paused":    {was.LaneTime.Paused, now.LaneTime.Paused},
		"held":      {was.LaneTime.Held, now.LaneTime.Held},
	} {
		if pair[1] < pair[0] {
			t.Errorf("%s: %s = %v, want at least %v as before", when, name, pair[1], pair[0])
		}
	}
	if now.Accepted < was.Accepted || now.Stored < was.Stored || now.Entries < was.Entries {
		t.Errorf("%s: counts = %+v, want at least %+v as before", when, now.PutCounts, was.PutCounts)
	}
}

// addUp fails if the times of a stream are not those of its shards.
func addUp(t *testing.T, s *kin.StreamStats) {
	t.Helper()
	sums := map[string]kin.Seconds{}
	for i := range s.Shards {
		for state, spent := range s.Shards[i].LaneTime.All() {
			sums[state] += spent
		}
	}
	for state, got := range s.LaneTime.All() {
		if want := sums[state]; math.Abs(float64(got-want)) > 1e-5 || state == "idle" && got < 1 {
			t.Errorf("%s of all shards = %v s, want %v", state, got, want)
		}
	}
}

func TestProducerStatsGrow(t *testing.T) {
	t.Parallel()

	t.Run("of a stream only grow, also when its shards change", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			server := kintest.New(t)
			if err := server.CreateStream("orders", 2); err != nil {
				t.Fatal(err)
			}
			p, err := kin.NewProducer(server.Client(), kin.ProducerConfig{Stream: "orders", DescribeEvery: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			l := newPutLog(t, p)
			var was kin.StreamStats
			for _, shards := range []int{2, 5, 3} {
				if err := server.Reshard("orders", shards); err != nil {
					t.Fatal(err)
				}
				for range 5 {
					shout(l, time.Now().String(), 20)
					time.Sleep(2 * time.Second)
					now := p.Stats().Streams[0]
					grown(t, "resharding", &was, &now)
					if len(now.Shards) == 2 { // the first ones: there are no others that count
						addUp(t, &now)
					}
					was = now
				}
				if len(was.Shards) != shards {
					t.Errorf("shards = %d, want %d", len(was.Shards), shards)
				}
			}
			if err := p.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	})

	t.Run("say how long the oldest record waits, known shards or not", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			for _, every := range []time.Duration{0, -1} {
				server := kintest.New(t)
				if err := server.CreateStream("orders", 2); err != nil {
					t.Fatal(err)
				}
				p, err := kin.NewProducer(server.Client(), kin.ProducerConfig{Stream: "orders", DescribeEvery: every, Linger: 10 * time.Second})
				if err != nil {
					t.Fatal(err)
				}
				shout(newPutLog(t, p), "a", 3)
				time.Sleep(4 * time.Second)
				if got, want := p.Stats().Streams[0].Oldest, 4*time.Second; got < want-time.Second || got > want {
					t.Errorf("oldest with DescribeEvery %v = %v, want about %v", every, got, want)
				}
				if err := p.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		})
	})
}
