package outbox_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/outbox"
)

func TestOrder(t *testing.T) {
	t.Parallel()
	t.Run("a lane has one call at a time, others go on", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, inOrder(outbox.ByShard))
		r.put(in(0, 0), 10, 2)
		c := r.later("[[0 1]]")
		r.put(in(0, 0), 10, 1)
		r.put(in(1, 0), 10, 1)
		r.later("[[3]]")
		r.idle()
		r.stored(c)
		r.wantCall("[[2]]")
	})
	t.Run("by shard, one entry holds all that waits, beyond AggregateMaxBytes", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, inOrder(outbox.ByShard))
		r.put(in(0, 0), 400, 20)
		r.now += time.Second
		if c := r.call(); len(c.Entries) != 1 || len(c.Items) != 20 {
			t.Errorf("call = %s, want one entry of 20", show(c))
		}
	})
	t.Run("with a pace, one entry holds what there are tokens for, and AggregateMaxBytes at least", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, inOrder(outbox.ByShard), func(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.BytesPerSecond = 20_000 })
		r.put(in(0, 0), 400, 100)
		r.now += time.Second
		c := r.call()
		if c.Bytes < 9000 || c.Bytes > 10_000 {
			t.Errorf("bytes of the first entry = %d, want half a second's", c.Bytes)
		}
		r.stored(c)
		r.now = r.idle()
		if c := r.call(); c.Bytes < 500 || c.Bytes > 1000+20_000/40 {
			t.Errorf("bytes of the second entry = %d, want AggregateMaxBytes, and what a tick adds", c.Bytes)
		}
	})
	t.Run("raw, a call has the first record of each key", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, inOrder(outbox.None))
		r.put(in(0, 1), 10, 3)
		r.put(in(0, 2), 10, 2)
		c := r.later("[[0] [3]]")
		if c.Entries[0].Aggregate {
			t.Error("a record is to be packed")
		}
		r.end(c, nil, map[int]*outbox.Failure{0: throttled})
		r.idle()
		c = r.later("[[0] [4]]")
		r.stored(c)
		r.stored(r.wantCall("[[1]]"))
		r.stored(r.wantCall("[[2]]"))
	})
	t.Run("by key, a call has one entry of each key, and nothing overtakes what did not go in", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, inOrder(outbox.ByPartitionKey), func(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.AggregateMaxRecords = 2 })
		r.put(in(0, 1), 10, 3)
		r.put(in(0, 2), 10, 1)
		r.put(in(0, 1), 10, 1)
		r.stored(r.later("[[0 1] [3]]"))
		r.stored(r.wantCall("[[2 4]]"))
	})
	t.Run("by key, a small record does not overtake a large one", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, inOrder(outbox.ByPartitionKey), func(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.MaxRecordBytes = 1000 })
		r.put(in(0, 1), 400, 1)
		r.put(in(0, 1), 700, 1)
		r.put(in(0, 1), 10, 1)
		r.stored(r.later("[[0]]"))
		r.stored(r.wantCall("[[1 2]]"))
	})
	t.Run("a record that is answered with an error does not stop its key", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, inOrder(outbox.None))
		r.put(in(0, 1), 10, 2)
		r.now += time.Second
		c := r.call()
		r.end(c, nil, map[int]*outbox.Failure{0: {Err: errThrottled}})
		r.wantVerdicts(c, "0:refused")
		r.later("[[1]]")
	})
	t.Run("new lanes wait for what is in flight from the old ones", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, inOrder(outbox.ByShard))
		r.put(in(0, 0), 10, 1)
		r.put(in(3, 0), 10, 1)
		c := r.later("[[0] [1]]")
		r.put(in(0, 0), 10, 1)
		r.put(in(3, 0), 10, 1)
		r.split(0)
		r.now += time.Second
		r.idle()
		r.end(c, nil, map[int]*outbox.Failure{0: throttled})
		r.later("[[0 2] [3]]")
	})
	t.Run("also through two maps", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, inOrder(outbox.ByShard))
		r.put(in(0, 0), 10, 1)
		r.now += time.Second
		c := r.call()
		r.put(in(0, 0), 10, 1)
		r.split(0)
		r.split(0)
		r.now += time.Second
		r.idle()
		r.stored(c)
		r.wantCall("[[1]]")
	})
	t.Run("and for what has landed and was judged", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, inOrder(outbox.ByShard))
		r.put(in(0, 1), 10, 2)
		c := r.later("[[0 1]]")
		r.put(in(0, 1), 10, 1)
		r.land(c, "shardId-000000000000-low")
		r.now += time.Second
		r.idle()
		r.split(0)
		r.wantCall("[[2]]")
	})
	t.Run("is refused where there is none", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, inOrder(outbox.ByShard))
		r.put(in(0, 0), 10, 1)
		r.now += time.Second
		c := r.call()
		r.put(in(0, 0), 10, 1)
		r.o.Learn(outbox.View{Distribution: outbox.Auto}, r.now)
		r.wantVerdicts(r.o.Next(r.now).Over, "1:unordered")
		if _, _, err := r.offer(in(0, 0), 10); !errors.Is(err, outbox.ErrUnordered) {
			t.Errorf("offer = %v, want ErrUnordered", err)
		}
		r.end(c, nil, map[int]*outbox.Failure{0: throttled})
		r.wantVerdicts(c, "0:unordered")
	})
	t.Run("is refused to who waits for room meanwhile", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, room(10_000, false), inOrder(outbox.ByShard))
		r.put(in(0, 0), 9000, 1)
		w := r.wait(in(0, 0), 9000)
		c := r.call()
		r.o.Learn(outbox.View{Distribution: outbox.Auto}, r.now)
		if admitted := r.done(c); !slices.Equal(admitted, []*outbox.Waiter[int]{w}) || !errors.Is(w.Err, outbox.ErrUnordered) {
			t.Errorf("told = %s with %v, want who waits, with ErrUnordered", owners(admitted), w.Err)
		}
		r.idle()
		if g := r.space.Gauges(); g != (outbox.Gauges{}) {
			t.Errorf("left = %+v, want nothing", g)
		}
	})
}

func TestLandings(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T, retry bool) (*rig, *outbox.Call[int]) {
		t.Helper()
		r := newRig(t, func(cfg *outbox.Config, _ *outbox.SpaceLimits) {
			cfg.Aggregation, cfg.RetryAmbiguous = outbox.ByShard, retry
		})
		r.put(in(0, 1), 10, 2)
		r.now += 100 * ms
		return r, r.wantCall("[[0 1]]")
	}
	const parent = "shardId-000000000000"
	t.Run("in a shard that holds all hash keys are stored", func(t *testing.T) {
		t.Parallel()
		r, c := setup(t, true)
		r.split(0)
		r.land(c, parent+"-low")
		r.wantVerdicts(c, "0:stored 1:stored")
		if !r.o.Next(r.now + time.Second).Ask {
			t.Error("a new map is not asked for")
		}
	})
	t.Run("in a shard that does not are put again", func(t *testing.T) {
		t.Parallel()
		r, c := setup(t, true)
		r.land(c, "shardId-000000000001")
		r.wantVerdicts(c, "0:waiting? 1:waiting?")
		c = r.wantCall("[[0 1]]")
		r.land(c, "shardId-000000000001")
		r.wantCall("[[0] [1]]") // now alone
	})
	t.Run("are refused where nothing may be put again", func(t *testing.T) {
		t.Parallel()
		r, c := setup(t, false)
		r.land(c, "shardId-000000000001")
		r.wantVerdicts(c, "0:refused? 1:refused?")
	})
	t.Run("wait for a map that knows the shard", func(t *testing.T) {
		t.Parallel()
		r, c := setup(t, true)
		r.land(c, parent+"-low")
		r.wantVerdicts(c, "0:landed 1:landed")
		r.idle()
		r.split(1) // not that one
		if over := r.o.Next(r.now).Over; over != nil {
			t.Fatalf("answered by a map without the shard: %s", verdicts(over))
		}
		r.m = evenMap(t, 4)
		r.split(0)
		over := r.o.Next(r.now).Over
		r.wantVerdicts(over, "0:stored 1:stored")
		if e := over.Entries[0]; len(over.Entries) != 1 || e.Place.Sequence != "7" || e.N != 2 {
			t.Errorf("answered with entry %+v of %d, want one with the place of both", e, len(over.Entries))
		}
	})
	t.Run("that no map explains are put again, alone", func(t *testing.T) {
		t.Parallel()
		r, c := setup(t, true)
		r.land(c, "nowhere")
		want := r.now + outbox.JudgeWithin
		for r.now < want {
			wait := r.idle()
			if wait > want {
				t.Fatalf("wait until %v, want %v at most", wait, want)
			}
			r.now = max(wait, r.now+ms)
			r.o.Unlearned(r.now)
		}
		r.put(in(0, 1), 10, 2)
		r.now += 100 * ms
		r.wantCall("[[0] [1] [2 3]]")
	})
	t.Run("are answered when the time of their records is over", func(t *testing.T) {
		t.Parallel()
		r, c := setup(t, true)
		r.now += 29 * time.Second
		r.land(c, "nowhere")
		r.now += time.Second
		r.wantVerdicts(r.o.Next(r.now).Over, "0:expired? 1:expired?")
	})
	t.Run("of single records are stored wherever that is", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.put(in(0, 1), 10, 1)
		r.now += 100 * ms
		c := r.call()
		r.land(c, "nowhere")
		r.wantVerdicts(c, "0:stored")
		if s := r.o.Stats(r.now); s.Strayed != 1 {
			t.Errorf("strayed = %d, want 1", s.Strayed)
		}
	})
	t.Run("that are given up may be stored", func(t *testing.T) {
		t.Parallel()
		r, c := setup(t, true)
		r.land(c, "nowhere")
		r.space.Close()
		r.space.GiveUp(errThrottled)
		r.wantVerdicts(r.o.Next(r.now).Over, "0:given up? 1:given up?")
		if got, want := r.space.Left(), (outbox.Left{Ambiguous: 2}); got != want {
			t.Errorf("left = %+v, want %+v", got, want)
		}
	})
}

func TestLanesOfANewMap(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	half := hashkey.Even(8)[1].Start.String()
	r.put(in(0, 1), 10, 2)
	r.put(half, 10, 1)
	r.put(in(0, 1), 10, 1)
	r.put(in(1, 1), 10, 1)
	r.split(0)
	r.now += time.Second
	c := r.call()
	shards := map[int]string{}
	for i := range c.Entries {
		shards[c.Range(i)[0].Owner] = c.Entries[i].Shard()
	}
	const parent = "shardId-000000000000"
	for owner, want := range map[int]string{0: parent + "-low", 1: parent + "-low", 2: parent + "-high", 3: parent + "-low", 4: "shardId-000000000001"} {
		if shards[owner] != want {
			t.Errorf("record %d is expected in %q, want %q", owner, shards[owner], want)
		}
	}
}
