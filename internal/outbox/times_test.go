package outbox_test

import (
	"testing"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/outbox"
)

// total returns how many durations are in all buckets.
func total(h *outbox.Histogram) (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

func TestTimes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put(in(0, 1), 10, 1)
	r.put(in(2, 1), 10, 1)
	r.now += 40 * ms
	r.put(in(2, 2), 10, 1)
	r.now += 60 * ms
	c := r.o.Next(r.now).Call
	if c == nil || len(c.Entries) != 3 {
		t.Fatal("want a call of three records")
	}
	r.o.Begun(c, r.now)
	r.now += 300 * ms
	for i := range c.Entries {
		c.Entries[i].Place = outbox.Place{Shard: c.Entries[i].Shard(), Sequence: "1"}
	}
	c.Entries[0].Place, c.Entries[0].Failure = outbox.Place{}, &outbox.Failure{Retryable: true}
	r.o.Settle(c, nil, r.now)
	r.o.Answered(c, r.now)
	r.o.Release(c, r.now)

	got := r.o.Stats(r.now)
	for i, want := range []struct {
		begun, answered uint64
		buffer, delay   time.Duration
	}{{1, 0, 100 * ms, 0}, {}, {2, 2, 160 * ms, 760 * ms}, {}} {
		at := got.Lanes[i].Times()
		if total(&at.Buffer) != want.begun || total(&at.Delay) != want.answered || at.Buffer.Sum != want.buffer.Seconds() || at.Delay.Sum != want.delay.Seconds() {
			t.Errorf("lane %d = %+v, want %+v", i, at, want)
		}
	}
	if total(&got.Buffer) != 3 || total(&got.Delay) != 2 || got.Delay.Sum != 0.76 {
		t.Errorf("stream = %+v, want the sum", got.Times)
	}

	r.expired()
	r.reshards()
}

// expired checks that records that expire count for their lane.
func (r *rig) expired() {
	r.Helper()
	r.now += time.Hour
	over := r.o.Next(r.now).Over
	r.o.Answered(over, r.now)
	lane := r.o.Stats(r.now).Lanes[0]
	if at := lane.Times(); total(&at.Delay) != 1 || total(&at.Buffer) != 1 || lane.Failed != 1 {
		r.Errorf("lane = %+v with %+v, want one record that failed", lane, at)
	}
	r.o.Release(over, r.now)
}

// reshards checks that lanes that stay keep their times, and that those that end leave theirs to the stream.
func (r *rig) reshards() {
	r.Helper()
	before := r.o.Stats(r.now)
	was := before.Lanes[0].Times()
	shards := []outbox.Shard{r.m.Open(0), r.m.Open(1), r.m.Open(3)}
	low, high := halves(r.m.Open(2).Range)
	shards = append(shards, outbox.Shard{ID: "low", Range: low}, outbox.Shard{ID: "high", Range: high})
	m, err := outbox.NewMap(shards)
	if err != nil {
		r.Fatal(err)
	}
	r.o.Learn(outbox.View{Map: m, Distribution: outbox.ByKey}, r.now)
	after := r.o.Stats(r.now)
	if stayed := after.Lanes[0].Times(); after.Times != before.Times || stayed != was {
		r.Errorf("stream %+v, lane %+v, want those from before: %+v, %+v", after.Times, stayed, before.Times, was)
	}
	for _, lane := range after.Lanes[1:] {
		if got := lane.Times(); got != (outbox.Times{}) {
			r.Errorf("lane %s = %+v, want nothing", lane.Shard.ID, got)
		}
	}
}

// halves splits a range.
func halves(r hashkey.Range) (low, high hashkey.Range) {
	middle := r.Start
	middle.Hi += (r.End.Hi - r.Start.Hi) / 2
	above := middle
	middle.Lo, above.Lo = ^uint64(0), 0
	above.Hi++
	return hashkey.Range{Start: r.Start, End: middle}, hashkey.Range{Start: above, End: r.End}
}
