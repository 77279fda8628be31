package outbox_test

import (
	"math"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

const year = 365 * 24 * time.Hour

// TestSumsOfManyTimes adds up more than a time.Duration holds, which is 292 years: a busy producer has that in days.
func TestSumsOfManyTimes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put(in(0, 1), 10, 1)
	r.put(in(0, 2), 10, 1)
	r.now += 100 * ms
	c := r.o.Next(r.now).Call
	if c == nil || len(c.Entries) != 2 {
		t.Fatal("want a call of two records")
	}
	begun := r.o.Stats(r.now)
	r.now = 200 * year
	r.o.Begun(c, r.now)
	for i := range c.Entries {
		c.Entries[i].Place = outbox.Place{Shard: c.Entries[i].Shard(), Sequence: "1"}
	}
	r.o.Settle(c, nil, r.now)
	r.o.Answered(c, r.now)
	r.o.Release(c, r.now)

	got := r.o.Stats(r.now)
	lane := got.Lanes[0].Times()
	for name, h := range map[string]outbox.Histogram{"buffer": got.Buffer, "delay": got.Delay, "buffer of the lane": lane.Buffer, "delay of the lane": lane.Delay} {
		if want := 400 * year.Seconds(); math.Abs(h.Sum-want) > 3000 { // a rig begins at 1000 s
			t.Errorf("%s: sum = %v s, want about %v", name, h.Sum, want)
		}
	}
	if spent, want := all(&got)-all(&begun), 4*(r.now-100*ms).Microseconds(); math.Abs(float64(spent-want)) > 4e9 {
		t.Errorf("times of four lanes grew by %d µs, want about %d", spent, want)
	}
	r.reshards()
	if after := r.o.Stats(r.now); after.Spent != got.Spent {
		t.Errorf("times of lanes, one of them retired = %d µs, want %d as before", after.Spent, got.Spent)
	}
}

// all returns what lanes spent in all states, in microseconds.
func all(s *outbox.Stats) (sum int64) {
	for _, spent := range s.Spent {
		sum += spent
	}
	return sum
}
