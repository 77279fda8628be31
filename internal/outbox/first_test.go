package outbox_test

import (
	"testing"
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

// firstRig is an engine that has asked for its first View, and not got it.
func firstRig(t *testing.T, change func(*outbox.Config, *outbox.SpaceLimits)) *rig {
	t.Helper()
	cfg, limits := config(), outbox.SpaceLimits{Bytes: 1 << 20, Calls: 4}
	cfg.Linger, cfg.Aggregation = 100*ms, outbox.ByShard
	if change != nil {
		change(&cfg, &limits)
	}
	r := &rig{T: t, space: outbox.NewSpace[int](limits), m: evenMap(t, 4), now: 1000 * time.Second}
	r.o = outbox.New(r.space, cfg)
	r.put("1", 10, 3)
	if step := r.o.Next(r.now); !step.Ask || step.Call != nil {
		t.Fatalf("ask = %v, want so, and no call", step.Ask)
	}
	return r
}

func TestFirstView(t *testing.T) {
	t.Parallel()
	learn := func(r *rig) { r.o.Learn(outbox.View{Map: r.m, Distribution: outbox.ByKey}, r.now) }

	t.Run("is waited for when everything is to leave", func(t *testing.T) {
		t.Parallel()
		r := firstRig(t, nil)
		r.space.Close()
		r.space.Flush()
		if wait := r.idle(); wait != r.now+500*ms {
			t.Errorf("wait = %v, want 500ms", wait-r.now)
		}
		r.now += 499 * ms
		r.idle()
		learn(r)
		r.wantCall("[[0 1 2]]")
	})
	t.Run("is not waited for when it takes long", func(t *testing.T) {
		t.Parallel()
		r := firstRig(t, nil)
		r.now = r.idle()
		r.wantCall("[[0] [1] [2]]")
	})
	t.Run("is not waited for when there is none", func(t *testing.T) {
		t.Parallel()
		r := firstRig(t, nil)
		r.space.Flush()
		r.o.Unlearned(r.now)
		r.wantCall("[[0] [1] [2]]")
	})
	t.Run("is waited for half of the time that records have", func(t *testing.T) {
		t.Parallel()
		r := firstRig(t, func(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.RecordTTL = 400 * ms })
		if wait := r.idle(); wait != r.now+200*ms {
			t.Errorf("wait = %v, want 200ms", wait-r.now)
		}
		r.now += 200 * ms
		r.wantCall("[[0] [1] [2]]")
	})
	t.Run("is waited for when records are to be paced, however many there are", func(t *testing.T) {
		t.Parallel()
		r := firstRig(t, func(cfg *outbox.Config, limits *outbox.SpaceLimits) {
			cfg.Aggregation, limits.Bytes = outbox.None, 1000
		})
		for {
			w, _, err := r.offer("1", 100)
			if err != nil {
				t.Fatal(err)
			}
			if w != nil { // the space is full
				break
			}
		}
		r.idle()
		learn(r)
		r.call()
	})
	t.Run("is not waited for when records are neither packed nor paced", func(t *testing.T) {
		t.Parallel()
		r := firstRig(t, func(cfg *outbox.Config, _ *outbox.SpaceLimits) {
			cfg.Aggregation, cfg.BytesPerSecond, cfg.RecordsPerSecond = outbox.None, 0, 0
		})
		r.now += 100 * ms
		r.wantCall("[[0] [1] [2]]")
	})
	t.Run("is not waited for a second time", func(t *testing.T) {
		t.Parallel()
		r := firstRig(t, nil)
		learn(r)
		r.now += 100 * ms
		r.stored(r.wantCall("[[0 1 2]]"))
		r.now += time.Minute
		r.put("1", 10, 2)
		if !r.o.Next(r.now).Ask {
			t.Fatal("not asked again")
		}
		r.space.Flush()
		r.wantCall("[[3 4]]")
	})
}
