package outbox_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/outbox"
)

func TestFailures(t *testing.T) {
	t.Parallel()
	t.Run("put exactly what failed again, before what is younger", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.put(in(0, 0), 10, 4)
		r.now += 100 * ms
		c := r.call()
		r.put(in(0, 0), 10, 1)
		r.end(c, nil, map[int]*outbox.Failure{1: throttled, 3: errInternal})
		r.wantVerdicts(c, "0:stored 1:waiting 2:stored 3:waiting?")
		r.idle() // the lane pauses
		r.now += 100 * ms
		c = r.wantCall("[[1] [3] [4]]")
		if got := c.Items[0].Attempts; got != 1 || c.Items[0].Last != throttled {
			t.Errorf("attempts, last = %d, %v, want 1 and why", got, c.Items[0].Last)
		}
		r.stored(c)
		r.wantVerdicts(c, "1:stored 3:stored? 4:stored")
		s := r.o.Stats(r.now)
		if s.Recovered != 2 || s.Retried != 2 || s.Throttled != 1 {
			t.Errorf("recovered, retried, throttled = %d, %d, %d, want 2, 2, 1", s.Recovered, s.Retried, s.Throttled)
		}
	})
	t.Run("pause their lane and no other", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, atOnce)
		r.put(in(0, 0), 10, 1)
		r.put(in(1, 0), 10, 1)
		c := r.call()
		r.end(c, nil, map[int]*outbox.Failure{0: throttled})
		r.put(in(1, 0), 10, 1)
		r.wantCall("[[2]]")
		begun := r.now
		for r.now < begun+25*ms {
			r.now = r.idle()
		}
		r.wantCall("[[0]]")
		if r.now > begun+75*ms {
			t.Errorf("paused for %v, want at most 50 ms and a tick", r.now-begun)
		}
	})
	t.Run("that nothing cures are final", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, func(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.RetryAmbiguous = false })
		r.put(in(0, 0), 10, 3)
		r.now += 100 * ms
		c := r.call()
		r.end(c, nil, map[int]*outbox.Failure{0: {Err: errThrottled}, 1: errInternal, 2: throttled})
		r.wantVerdicts(c, "0:refused 1:refused? 2:waiting")
		if s := r.o.Stats(r.now); s.Failed != 2 {
			t.Errorf("failed = %d, want 2", s.Failed)
		}
	})
	t.Run("end with the time of the record", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.put(in(0, 0), 10, 1)
		r.now += 20 * time.Second
		r.put(in(0, 0), 10, 1)
		r.put(in(1, 0), 10, 1)
		c := r.wantCall("[[0] [1] [2]]")
		r.now += 10 * time.Second
		r.end(c, errNoRoute, nil)
		r.wantVerdicts(c, "0:expired 1:waiting 2:waiting")
		r.now += 20*time.Second - 1
		if step := r.o.Next(r.now); step.Over != nil {
			t.Fatalf("expired too early: %s", verdicts(step.Over))
		}
	})
	t.Run("cost tokens if they may have been stored, and none if they never came there", func(t *testing.T) {
		t.Parallel()
		for failure, want := range map[*outbox.Failure]int{errCut: 2, errNoRoute: 10} {
			r := newRig(t, func(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.RecordsPerSecond = 20 })
			r.put(in(0, 0), 10, 20)
			r.now += 500 * ms
			c := r.call()
			if len(c.Items) != 10 {
				t.Fatalf("items in the first call = %d, want half a second's", len(c.Items))
			}
			r.end(c, failure, nil)
			r.now += 100 * ms // the stop is over
			if c := r.call(); len(c.Items) != want {
				t.Errorf("%v: items in the next call = %d, want %d", failure.Err, len(c.Items), want)
			}
		}
	})
	t.Run("expire while the stream stands still", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.put(in(0, 0), 10, 1)
		r.now += 29 * time.Second
		c := r.call()
		r.put(in(1, 0), 10, 1)
		for range 10 {
			r.end(c, errNoRoute, nil)
			r.now += 90 * ms
			if next := r.o.Next(r.now); next.Call != nil {
				c = next.Call
			} else {
				break
			}
		}
		for range 20 {
			step := r.o.Next(r.now)
			if step.Over != nil {
				r.wantVerdicts(step.Over, "0:expired")
				return
			}
			if step.Call != nil {
				r.end(step.Call, errNoRoute, nil)
			}
			r.now = max(r.now, step.Wait)
		}
		t.Error("the record never expires")
	})
	t.Run("of calls stop the stream, doubled each time", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, func(cfg *outbox.Config, _ *outbox.SpaceLimits) {
			cfg.Linger, cfg.RecordTTL = 0, outbox.Never
			cfg.Random = func() float64 { return 1 }
		})
		r.put(in(0, 0), 10, 1)
		second := func() *outbox.Call[int] { r.put(in(1, 0), 10, 1); return r.call() }
		c := r.call()
		other := second()
		for i, n := range []int{100, 200, 400, 800, 1600, 3200, 5000, 5000} {
			want := time.Duration(n) * ms
			r.end(c, errCut, nil)
			if i == 0 {
				r.end(other, errCut, nil) // of the same time: counts as one
			}
			if got := r.idle(); got != r.now+want {
				t.Errorf("failure %d: wait %v, want %v", i+1, got-r.now, want)
			}
			r.now += want
			c = r.call()
		}
		r.stored(c)
		r.put(in(0, 0), 10, 1)
		c = r.call()
		r.end(c, errCut, nil)
		if got := r.idle(); got != r.now+100*ms {
			t.Errorf("after a success: wait %v, want 100 ms", got-r.now)
		}
	})
	t.Run("of calls don't stop the stream any more when another one succeeds", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, atOnce)
		r.put(in(0, 0), 10, 1)
		first := r.call()
		r.put(in(1, 0), 10, 1)
		second := r.call()
		r.end(first, errNoRoute, nil)
		r.idle()
		r.stored(second)
		r.wantCall("[[0]]")
	})
	t.Run("that no other attempt cures don't stop the stream", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, atOnce)
		r.put(in(0, 0), 10, 1)
		c := r.call()
		r.end(c, &outbox.Failure{Err: errThrottled}, nil)
		r.wantVerdicts(c, "0:refused")
		r.put(in(0, 0), 10, 1)
		r.call()
	})
}

func TestCallsThatAreRefusedForTheirContent(t *testing.T) {
	t.Parallel()
	for _, aggregation := range []outbox.Aggregation{outbox.None, outbox.ByShard} {
		t.Run(fmt.Sprint("cost only the bad record, aggregation ", aggregation), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.Aggregation = aggregation })
			const n, bad = 400, 137
			for i := range n {
				r.put(in(i%4, i), 10, 1)
			}
			r.now += time.Second
			calls, stored := 0, 0
			for step := r.o.Next(r.now); step.Call != nil; step = r.o.Next(r.now) {
				calls++
				c := step.Call
				var whole *outbox.Failure
				for i := range c.Items {
					if c.Items[i].Owner == bad {
						whole = errContent
					}
				}
				r.end(c, whole, nil)
				for i := range c.Items {
					switch it := &c.Items[i]; {
					case it.Verdict == outbox.Stored:
						stored++
					case it.Verdict == outbox.Refused && it.Owner != bad:
						t.Errorf("record %d is refused", it.Owner)
					}
				}
				r.o.Release(c, r.now)
			}
			if stored != n-1 || calls > 40 {
				t.Errorf("stored = %d in %d calls, want %d in at most 40", stored, calls, n-1)
			}
		})
	}
	t.Run("come again with half as many records at most, also of other lanes", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, packs(outbox.ByShard, 51_200))
		r.put(in(0, 0), 10, 8)
		r.now += time.Second
		r.end(r.wantCall("[[0 1 2 3 4 5 6 7]]"), errContent, nil)
		r.wantCall("[[0 1 2 3]]")
		r.put(in(1, 0), 10, 8)
		r.later("[[4 5 6 7]]")
		r.wantCall("[[8 9 10 11 12 13 14 15]]")
	})
	t.Run("are not searched when it is not the records", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.put(in(0, 0), 10, 400)
		r.now += time.Second
		calls := 0
		for step := r.o.Next(r.now); step.Call != nil; step = r.o.Next(r.now) {
			calls++
			r.end(step.Call, errContent, nil)
			r.o.Release(step.Call, r.now)
		}
		if most := 3 * outbox.MaxRefusals; calls > most {
			t.Errorf("calls = %d, want at most %d", calls, most)
		}
		if got := r.space.Gauges(); got != (outbox.Gauges{}) {
			t.Errorf("left = %+v", got)
		}
	})
}

// TestRefusedCallsOfManyLanes counts what the search costs when 64 lanes are full.
func TestRefusedCallsOfManyLanes(t *testing.T) {
	t.Parallel()
	const n = 20_000
	for name, test := range map[string]struct {
		bad  func(owner int) bool
		most int // calls
	}{
		"one is bad":     {func(owner int) bool { return owner == 777 }, 70},
		"one in 97 is":   {func(owner int) bool { return owner%97 == 0 }, 3300},
		"one in 16 is":   {func(owner int) bool { return owner%16 == 0 }, 150},
		"every one is":   {func(int) bool { return true }, 1250},
		"one lane's are": {func(owner int) bool { return owner%64 == 5 }, 90},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(_ *outbox.Config, limits *outbox.SpaceLimits) { limits.Bytes = 64 << 20 })
			r.o.Learn(outbox.View{Map: evenMap(t, 64), Distribution: outbox.ByKey}, r.now)
			for i := range n {
				r.put(hashkey.Even(64)[i%64].Start.String(), 10, 1)
			}
			r.now += time.Second
			calls, answers := 0, 0
			for step := r.o.Next(r.now); step.Call != nil; step = r.o.Next(r.now) {
				calls++
				c := step.Call
				var whole *outbox.Failure
				for i := range c.Items {
					if test.bad(c.Items[i].Owner) {
						whole = errContent
					}
				}
				r.end(c, whole, nil)
				for i := range c.Items {
					it := &c.Items[i]
					if it.Verdict == outbox.Waiting {
						continue
					}
					answers++
					if refused := it.Verdict == outbox.Refused; refused != test.bad(it.Owner) {
						t.Fatalf("record %d: refused = %v", it.Owner, refused)
					}
				}
				r.o.Release(c, r.now)
			}
			t.Logf("calls = %d", calls)
			if answers != n || calls > test.most {
				t.Errorf("answers = %d in %d calls, want %d in %d at most", answers, calls, n, test.most)
			}
		})
	}
}

func TestViews(t *testing.T) {
	t.Parallel()
	t.Run("are asked for at the start, regularly, and once at a time", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		if step := r.o.Next(r.now); step.Ask || step.Wait != r.now+time.Minute-time.Minute/16 { // chance is a half, of an eighth
			t.Errorf("ask = %v, wait %v, want none for a little less than a minute", step.Ask, step.Wait-r.now)
		}
		r.now += time.Minute
		if !r.o.Next(r.now).Ask || r.o.Next(r.now+time.Hour).Ask {
			t.Error("not asked, or twice")
		}
	})
	t.Run("are asked for less often while there is no answer", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, func(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.Random = func() float64 { return 1 } })
		r.now += time.Minute
		for _, seconds := range []int{1, 2, 4, 8, 16, 30, 30} {
			want := time.Duration(seconds) * time.Second
			if !r.o.Next(r.now).Ask {
				t.Fatal("not asked")
			}
			r.o.Unlearned(r.now)
			step := r.o.Next(r.now)
			if got := step.Wait - r.now; step.Ask || got != want {
				t.Errorf("ask again after %v, want %v", got, want)
			}
			r.now = step.Wait
		}
	})
	t.Run("are used, and asked for less and less often, while half of the answer is missing", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, func(cfg *outbox.Config, _ *outbox.SpaceLimits) { cfg.Random = func() float64 { return 1 } })
		r.now += time.Minute
		for _, seconds := range []int{1, 2, 4, 8, 16, 30, 30} {
			if !r.o.Next(r.now).Ask {
				t.Fatal("not asked")
			}
			r.o.Learn(outbox.View{Distribution: outbox.Auto, Partial: true}, r.now)
			if r.o.Stats(r.now).Distribution != outbox.Auto {
				t.Error("the half that is there was not learned")
			}
			want := time.Duration(seconds) * time.Second
			if got := r.o.Next(r.now).Wait - r.now; got != want {
				t.Errorf("ask again after %v, want %v", got, want)
			}
			r.now += want
		}
		r.o.Next(r.now)
		r.o.Learn(outbox.View{Map: r.m, Distribution: outbox.ByKey}, r.now)
		if got := r.o.Next(r.now).Wait - r.now; got != time.Minute-time.Minute/8 {
			t.Errorf("after a whole answer, ask again after %v, want an eighth less than a minute", got)
		}
	})
	t.Run("are never asked for without RefreshEvery", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		cfg := config()
		cfg.RefreshEvery = 0
		o := outbox.New(r.space, cfg)
		if step := o.Next(r.now); step.Ask || step.Wait != outbox.Never {
			t.Errorf("step = %+v, want nothing", step)
		}
	})
	t.Run("are asked for once a second at most when records land elsewhere", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, atOnce)
		asked := 0
		for range 100 {
			r.put(in(0, 0), 10, 1)
			step := r.o.Next(r.now)
			if step.Ask {
				asked++
				r.o.Learn(outbox.View{Map: r.m, Distribution: outbox.ByKey}, r.now)
			}
			step.Call.Entries[0].Place.Shard = "elsewhere"
			r.o.Settle(step.Call, nil, r.now)
			r.o.Release(step.Call, r.now)
			r.now += 100 * ms
		}
		if asked < 9 || asked > 10 {
			t.Errorf("asked in 10 seconds = %d times, want 9 or 10", asked)
		}
	})
	t.Run("are asked for again when records land elsewhere meanwhile", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, atOnce)
		r.now += time.Minute
		r.put(in(0, 0), 10, 1)
		step := r.o.Next(r.now)
		if !step.Ask {
			t.Fatal("not asked")
		}
		step.Call.Entries[0].Place.Shard = "elsewhere"
		r.o.Settle(step.Call, nil, r.now)
		r.now += 100 * ms
		r.o.Learn(outbox.View{Map: r.m, Distribution: outbox.ByKey}, r.now)
		if step := r.o.Next(r.now); step.Ask || step.Wait != r.now+900*ms {
			t.Errorf("ask = %v, wait %v, want to ask a second after the last time", step.Ask, step.Wait-r.now)
		}
		if !r.o.Next(r.now + 900*ms).Ask {
			t.Error("not asked again")
		}
	})
	t.Run("say how large records may be", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.put(in(0, 0), 5000, 1)
		r.put(in(0, 0), 500, 1)
		r.o.Learn(outbox.View{MaxRecordBytes: 1000}, r.now)
		if _, _, err := r.offer(in(0, 0), 1000); !errors.Is(err, outbox.ErrTooLarge) {
			t.Errorf("offer = %v, want ErrTooLarge", err)
		}
		r.now += time.Second
		step := r.o.Next(r.now)
		r.wantVerdicts(step.Over, "0:refused")
		if got, want := show(step.Call), "[[1]]"; got != want {
			t.Errorf("call = %s, want %s", got, want)
		}
	})
}
