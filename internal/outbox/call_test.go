package outbox_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/outbox"
)

// TestWhenCallsGo checks when there is a call, and what it takes.
func TestWhenCallsGo(t *testing.T) {
	t.Parallel()
	byShard := func(cfg *outbox.Config, _ *outbox.SpaceLimits) {
		cfg.Aggregation, cfg.AggregateMaxBytes, cfg.MaxCallRecords = outbox.ByShard, 1000, 3
	}
	few := func(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.MaxCallRecords = 3 }

	t.Run("when the oldest record of a lane has waited for Linger", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.put(in(0, 0), 10, 1)
		if got, want := r.idle(), r.now+100*ms; got != want {
			t.Errorf("wait until %v, want %v", got, want)
		}
		r.now += 99 * ms
		r.put(in(1, 0), 10, 1)
		r.idle()
		r.now += 1 * ms
		r.wantCall("[[0] [1]]") // a call that goes takes what there is
		if got := r.idle(); got < r.now+time.Second {
			t.Errorf("wait until %v, want nothing to do", got)
		}
	})
	t.Run("when all that waits would fill it", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, few)
		r.put(in(0, 0), 10, 1)
		r.put(in(3, 0), 10, 1)
		r.idle()
		if _, wake, _ := r.offer(in(2, 0), 10); !wake {
			t.Error("the record that fills the call does not wake")
		}
		r.wantCall("[[0] [1] [2]]")
	})
	t.Run("when the bytes would fill it", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, func(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.MaxCallBytes = 1000 })
		r.put(in(0, 0), 600, 1)
		r.idle()
		r.put(in(1, 0), 600, 1)
		r.wantCall("[[0]]")
		r.idle()
	})
	t.Run("only the first record of a quiet stream wakes, and that is enough", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		_, first, _ := r.offer(in(0, 0), 10)
		_, second, _ := r.offer(in(1, 0), 10)
		if !first || second {
			t.Errorf("wakes = %v, %v, want only the first", first, second)
		}
	})
	t.Run("with as many bytes as it may have, and of records as large as they may be", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, atOnce, func(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.MaxCallBytes, cfg.MaxRecordBytes = 1000, 501 })
		r.put(in(0, 0), 500, 1)
		r.put(in(1, 0), 498, 1)
		r.put(in(2, 0), 1, 1)
		if _, _, err := r.offer(in(3, 0), 501); !errors.Is(err, outbox.ErrTooLarge) {
			t.Errorf("offer = %v, want ErrTooLarge", err)
		}
		r.wantCall("[[0] [1]]")
		r.wantCall("[[2]]")
	})
	t.Run("at once without Linger", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, atOnce)
		if _, wake, _ := r.offer(in(0, 0), 10); !wake {
			t.Error("a record does not wake")
		}
		r.wantCall("[[0]]")
	})
	t.Run("aggregates: full ones fill it, and partial ones stay", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, byShard)
		r.put(in(0, 0), 400, 5)
		r.idle()
		r.put(in(1, 0), 400, 3)
		r.wantCall("[[0 1] [2 3] [5 6]]")
		r.idle()
	})
	t.Run("aggregates: partial ones join when half of Linger is over", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, byShard)
		r.put(in(0, 0), 10, 2)
		r.now += 50 * ms
		r.put(in(1, 0), 10, 2)
		r.now += 1 * ms
		r.put(in(2, 0), 10, 2)
		r.now += 49 * ms
		r.wantCall("[[0 1] [2 3]]")
		r.idle()
		r.now += 51 * ms
		r.wantCall("[[4 5]]")
	})
	t.Run("not while as many are out as may be", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, func(_ *outbox.Config, limits *outbox.SpaceLimits) { limits.Calls = 1 })
		r.put(in(0, 0), 10, 1)
		r.now += time.Second
		c := r.call()
		r.put(in(0, 0), 10, 1)
		r.now += time.Second
		if got := r.idle(); got < r.now+20*time.Second {
			t.Errorf("wait until %v, want only for the expiry", got)
		}
		r.stored(c)
		r.wantCall("[[1]]")
	})
	t.Run("lanes take turns", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, few)
		r.put(in(0, 0), 10, 7)
		r.put(in(1, 0), 10, 4)
		r.later("[[0] [1] [2]]")
		r.wantCall("[[7] [8] [9]]")
		r.wantCall("[[3] [4] [5]]")
		r.wantCall("[[10] [6]]")
	})
	t.Run("a lane whose entry does not fit keeps its turn", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, func(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.MaxCallBytes = 1000 })
		r.put(in(0, 0), 600, 1)
		r.idle()
		r.now += ms
		r.put(in(1, 0), 900, 1) // due before those of shard 2
		r.now += 1
		r.put(in(2, 0), 10, 1)
		r.later("[[0]]")
		r.wantCall("[[1] [2]]")
	})
}

// TestLanesThatWaitForTokensWakeTogether checks the grid of ticks.
func TestLanesThatWaitForTokensWakeTogether(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.RecordsPerSecond, cfg.Linger = 1000, 0 })
	for shard := range 4 {
		r.put(in(shard, 0), 1, 600)
	}
	sent := 0
	for step := r.o.Next(r.now); step.Call != nil; step = r.o.Next(r.now) {
		sent += len(step.Call.Items)
		r.stored(step.Call)
	}
	if sent != 2000 {
		t.Fatalf("sent at once = %d, want half a second of all shards, 2000", sent)
	}
	calls := 0
	for sent < 2400 {
		wait := r.idle()
		if wait > r.now+25*ms || wait <= r.now {
			t.Fatalf("wait until %v at %v, want at most a tick", wait, r.now)
		}
		r.now = wait
		c := r.call()
		calls++
		sent += len(c.Items)
		r.stored(c)
	}
	if calls > 5 {
		t.Errorf("calls for 0.1 s of all shards = %d, want one for each tick of 25 ms", calls)
	}
}

func TestAggregates(t *testing.T) {
	t.Parallel()
	byKey := packs(outbox.ByPartitionKey, 1000)
	t.Run("hold records of one key only, if asked for", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, byKey)
		for range 3 {
			r.put(in(0, 1), 300, 1)
			r.put(in(0, 2), 100, 1)
		}
		r.put(in(0, 1), 300, 2)
		c := r.later("[[0 2 4] [1 3 5] [6 7]]")
		for i, want := range []bool{true, true, true} {
			if c.Entries[i].Aggregate != want {
				t.Errorf("entry %d: aggregate = %v, want %v", i, c.Entries[i].Aggregate, want)
			}
		}
	})
	t.Run("of one key hold no records of another partition key with the same hash key", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, byKey)
		for owner, key := range []string{"a", "b", "a"} {
			it := outbox.Item[int]{Record: outbox.Record{PartitionKey: key, ExplicitHashKey: "7"}, Hash: hashkey.Key{Lo: 7}, Owner: owner}
			if _, _, err := r.o.Offer(&it, r.now); err != nil {
				t.Fatal(err)
			}
		}
		r.later("[[0] [1] [2]]")
	})
	t.Run("of keys grow only as far as the call has room", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, byKey, func(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.MaxRecordBytes, cfg.MaxCallBytes = 1000, 1000 })
		for range 2 {
			r.put(in(0, 1), 330, 1)
			r.put(in(0, 2), 330, 1)
		}
		r.later("[[0] [1]]")
		r.wantCall("[[2] [3]]")
	})
	t.Run("are expected by what waits, also when they begin to be made", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, func(cfg *outbox.Config, limits *outbox.SpaceLimits) {
			cfg.Aggregation, cfg.AggregateMaxBytes, cfg.MaxCallRecords = outbox.ByShard, 1000, 2
			limits.Calls = 3
		})
		r.put(in(1, 0), 1, 1)
		r.now += time.Second
		r.call()
		r.o.Learn(outbox.View{Distribution: outbox.Unknown}, r.now)
		r.put(in(3, 1), 1, 10)
		r.o.Learn(outbox.View{Distribution: outbox.ByKey}, r.now)
		r.later("[[1 2 3 4 5 6 7 8 9 10]]")
		// What the lane holds is measured in the new way: two aggregates are full.
		r.put(in(3, 1), 400, 4)
		r.idle()
		r.put(in(3, 1), 400, 1)
		r.call()
	})
	t.Run("have at most AggregateMaxRecords", func(t *testing.T) {
		t.Parallel()
		for _, aggregation := range []outbox.Aggregation{outbox.ByShard, outbox.ByPartitionKey} {
			r := newRig(t, func(cfg *outbox.Config, _ *outbox.SpaceLimits) {
				cfg.Aggregation, cfg.AggregateMaxRecords = aggregation, 2
			})
			r.put(in(0, 1), 10, 5)
			r.later("[[0 1] [2 3] [4]]")
		}
	})
	t.Run("leave large records alone", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, packs(outbox.ByShard, 1000))
		r.put(in(0, 1), 10, 2)
		r.put(in(0, 1), 2000, 1)
		r.put(in(0, 1), 10, 2)
		c := r.later("[[0 1] [2] [3 4]]")
		if got, want := c.Entries[1].Bytes, 2001; got != want {
			t.Errorf("bytes of the large one = %d, want %d: it goes as it is", got, want)
		}
	})
	t.Run("are not made while nobody knows how the stream chooses shards", func(t *testing.T) {
		t.Parallel()
		for name, view := range map[string]outbox.View{
			"unknown": {}, "auto": {Distribution: outbox.Auto},
		} {
			for _, aggregation := range []outbox.Aggregation{outbox.ByShard, outbox.ByPartitionKey} {
				r := newRig(t, func(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.Aggregation = aggregation })
				r.put(in(0, 1), 10, 2)
				r.o.Learn(view, r.now) // the map stays
				r.put(in(0, 1), 10, 1)
				c := r.later("[[0] [1] [2]]")
				if c.Entries[0].Aggregate {
					t.Errorf("%s: an entry is to be packed", name)
				}
			}
		}
	})
	t.Run("by shard need a map, by key don't", func(t *testing.T) {
		t.Parallel()
		for aggregation, want := range map[outbox.Aggregation]string{outbox.ByShard: "[[0] [1]]", outbox.ByPartitionKey: "[[0 1]]"} {
			cfg := config()
			cfg.Aggregation = aggregation
			r := newRig(t)
			r.o = outbox.New(r.space, cfg)
			r.o.Learn(outbox.View{Distribution: outbox.ByKey}, r.now)
			r.put(in(0, 1), 10, 2)
			r.later(want)
		}
	})
	t.Run("of one record are only made of what looks like one", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, byKey)
		it := outbox.Item[int]{Record: outbox.Record{PartitionKey: "k", Data: append([]byte("\xf3\x89\x9a\xc2"), make([]byte, 100)...)}}
		if _, _, err := r.o.Offer(&it, r.now); err != nil {
			t.Fatal(err)
		}
		r.now += time.Second
		if e := r.call().Entries[0]; !e.Aggregate || e.Bytes < 105+20 {
			t.Errorf("entry = %+v, want one to be packed with room for that", e)
		}
	})
}
