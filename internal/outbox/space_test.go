package outbox_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

// cost is what a record of the rig with size bytes of data counts.
func cost(hash string, size int) int { return len("k") + len(hash) + size + outbox.Overhead }

func owners(waiters []*outbox.Waiter[int]) string {
	var list []int
	for _, w := range waiters {
		list = append(list, w.Item().Owner)
	}
	return fmt.Sprint(list)
}

func TestRoom(t *testing.T) {
	t.Parallel()
	t.Run("a lane gets two thirds, and the others the rest", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, room(100_000, true))
		n := 0
		for ; ; n++ {
			if _, _, err := r.offer(in(0, 0), 1000); err != nil {
				break
			}
		}
		if got := n * cost(in(0, 0), 1000); got < 65_000 || got > 67_000 {
			t.Errorf("the lane holds %d bytes, want two thirds of 100,000", got)
		}
		r.put(in(1, 0), 1000, 5)
		if got := r.space.Gauges(); got.Waiting != 0 {
			t.Errorf("waiting = %d, want none: what does not fit fails", got.Waiting)
		}
	})
	t.Run("those who wait for a lane are served in their order, and lanes in turns", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, room(10_000, false))
		r.put(in(0, 0), 7800, 1)
		r.wait(in(0, 0), 100) // 1: the lane has its share
		r.wait(in(0, 0), 100) // 2
		r.wait(in(0, 0), 1)   // 3: comes after the others of its lane
		r.put(in(1, 0), 1000, 1)
		r.wait(in(2, 0), 6000) // 5: more than is free
		step := r.o.Next(r.now)
		if got, want := show(step.Call), "[[0] [4]]"; got != want {
			t.Fatalf("call = %s, want %s", got, want)
		}
		if got, want := owners(step.Admitted), "[]"; got != want {
			t.Errorf("admitted while the lane's record is in a call: %s, want %s", got, want)
		}
		if got, want := owners(r.stored(step.Call)), "[5]"; got != want {
			t.Errorf("admitted when all is answered: %s, want %s", got, want)
		}
		admitted, _ := r.o.Release(step.Call, r.now)
		if got, want := owners(admitted), "[1 2 3]"; got != want {
			t.Errorf("admitted when there is room: %s, want %s", got, want)
		}
	})
	t.Run("a record that would fit comes after those who wait for its lane", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, room(10_000, false))
		r.put(in(0, 0), 7700, 1)
		r.wait(in(0, 0), 500)
		r.wait(in(0, 0), 1)
		r.put(in(1, 0), 1, 1)
	})
	t.Run("one record comes on top when only callbacks are left", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, room(10_000, false))
		r.put(in(0, 0), 9000, 1)
		c := r.call()
		r.stored(c)
		r.put(in(0, 0), 9000, 1)
		r.wait(in(0, 0), 9000)
	})
	t.Run("another one does after 100 ms without any move", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, room(10_000, false))
		r.put(in(0, 0), 9000, 1)
		r.stored(r.call())
		r.put(in(0, 0), 9000, 1)
		r.stored(r.call())
		r.now += 50 * ms
		waits := r.wait(in(0, 0), 9000)
		if got, want := r.idle(), r.now+50*ms; got != want {
			t.Errorf("wait until %v, want %v", got, want)
		}
		r.now += 50 * ms
		if got := r.o.Next(r.now).Admitted; !slices.Equal(got, []*outbox.Waiter[int]{waits}) {
			t.Errorf("admitted = %s, want who waits", owners(got))
		}
	})
	t.Run("another one does at once when that is released, and moves count for the 100 ms", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, room(10_000, false))
		r.put(in(0, 0), 10_000-cost(in(0, 0), 0), 1) // exactly full
		first := r.call()
		r.stored(first)
		r.put(in(0, 0), 9000, 1)
		second := r.call()
		r.stored(second)
		r.o.Release(second, r.now)
		r.put(in(0, 0), 9000, 1)
		r.stored(r.call())
		waits := r.wait(in(0, 0), 9000)
		r.now += 60 * ms
		if got, _ := r.o.Release(first, r.now); len(got) > 0 {
			t.Errorf("admitted = %s, want nobody: one is on top", owners(got))
		}
		if got, want := r.idle(), r.now+100*ms; got != want {
			t.Errorf("wait until %v, want %v", got, want)
		}
		if ok, _ := r.space.Withdraw(waits, r.now); !ok {
			t.Error("the last one does not wait any more")
		}
	})
	t.Run("none comes on top where what does not fit fails, unless the space is empty", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, room(10_000, true))
		r.put(in(0, 0), 20_000, 1)
		r.done(r.call())
		r.put(in(0, 0), 9000, 1)
		c := r.call()
		r.stored(c)
		if _, _, err := r.offer(in(0, 0), 9000); !errors.Is(err, outbox.ErrFull) {
			t.Errorf("offer = %v, want ErrFull", err)
		}
		r.o.Release(c, r.now)
		r.put(in(0, 0), 20_000, 1)
	})
	t.Run("a record may take all that is free", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, room(10_000, false))
		r.put(in(0, 0), 5000-cost(in(0, 0), 0), 1)
		r.put(in(1, 0), 5000-cost(in(1, 0), 0), 1)
		r.wait(in(2, 0), 0)
	})
	t.Run("what gathers leaves while somebody waits and no call is out, and gathers on while one is", func(t *testing.T) {
		t.Parallel()
		for lane, size := range map[int]int{0: 1000, 3: 9000} { // waits for its lane's share, or for bytes
			r := newRig(t, func(_ *outbox.Config, limits *outbox.SpaceLimits) { limits.Bytes = 10_000 })
			r.put(in(0, 0), 6500, 1)
			r.put(in(0, 0), 1000, 1)
			if w, wake, _ := r.offer(in(lane, 0), size); w == nil || !wake {
				t.Fatalf("%d bytes: waits = %v, wakes = %v, want both", size, w != nil, wake)
			}
			r.wantCall("[[0] [1]]")
			r.put(in(1, 0), 100, 1)
			r.idle()
		}
	})
	t.Run("waiters follow their lane to a new map", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, room(10_000, false))
		r.put(in(0, 0), 7800, 1)
		r.wait(in(0, 0), 100)
		r.wait(in(0, 0), 100)
		r.split(0)
		step := r.o.Next(r.now)
		admitted := r.stored(step.Call)
		more, _ := r.o.Release(step.Call, r.now)
		if got, want := owners(append(admitted, more...)), "[1 2]"; got != want {
			t.Errorf("admitted = %s, want %s", got, want)
		}
		if c := r.call(); c.Entries[0].Shard() != "shardId-000000000000-low" {
			t.Errorf("shard = %s, want the child", c.Entries[0].Shard())
		}
	})
	t.Run("outboxes share it", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, room(10_000, false))
		r.put(in(0, 0), 7000, 1)
		other := &rig{T: t, space: r.space, o: outbox.New(r.space, config()), now: r.now, n: 100}
		other.o.Learn(outbox.View{Map: r.m}, r.now)
		other.wait(in(0, 0), 5000)
		step := r.o.Next(r.now)
		step.Call.Entries[0].Place.Shard = step.Call.Entries[0].Shard()
		admitted := r.o.Settle(step.Call, nil, r.now) // nothing but callbacks is left
		if got, want := owners(admitted), "[100]"; got != want {
			t.Errorf("admitted = %s, want %s", got, want)
		}
		other.now += time.Second
		other.wantCall("[[100]]")
	})
}

func TestFlushAndClose(t *testing.T) {
	t.Parallel()
	t.Run("flush is over when all that was accepted before is released", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		if r.space.Flush() != nil {
			t.Error("there is something to flush in an empty space")
		}
		r.put(in(0, 0), 10, 2)
		first := r.space.Flush()
		if again := r.space.Flush(); again != first {
			t.Error("a flush of the same is another one")
		}
		c := r.wantCall("[[0] [1]]") // does not wait for Linger
		r.put(in(0, 0), 10, 1)
		second := r.space.Flush()
		later := r.wantCall("[[2]]")
		r.stored(later)
		if _, answered := r.o.Release(later, r.now); len(answered) != 0 {
			t.Error("a flush is over before what came first")
		}
		r.end(c, nil, map[int]*outbox.Failure{0: throttled})
		if _, answered := r.o.Release(c, r.now); len(answered) != 0 {
			t.Error("a flush is over with a record that is tried again")
		}
		c = r.later("[[0]]")
		r.stored(c)
		if _, answered := r.o.Release(c, r.now); len(answered) != 2 || answered[0] != first || answered[1] != second {
			t.Errorf("flushes over = %d, want both, in their order", len(answered))
		}
		r.put(in(0, 0), 10, 1)
		r.idle() // nobody is in a hurry any more
	})
	t.Run("close refuses who waits and who comes, and sends the rest at once", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, func(_ *outbox.Config, limits *outbox.SpaceLimits) { limits.Bytes = 1000 })
		r.put(in(0, 0), 100, 1)
		if w, _, _ := r.offer(in(0, 0), 700); w == nil {
			t.Fatal("does not wait")
		}
		refused := r.space.Close()
		if got, want := owners(refused), "[1]"; got != want || !errors.Is(refused[0].Err, outbox.ErrClosed) {
			t.Errorf("refused = %s, want %s", got, want)
		}
		if _, _, err := r.offer(in(0, 0), 1); !errors.Is(err, outbox.ErrClosed) {
			t.Errorf("offer = %v, want ErrClosed", err)
		}
		c := r.wantCall("[[0]]")
		r.stored(c)
		if r.space.Finished() {
			t.Error("finished before the release")
		}
		r.o.Release(c, r.now)
		if !r.space.Finished() {
			t.Error("not finished")
		}
	})
	t.Run("giving up ends what waits, and what comes back", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.put(in(0, 0), 10, 3)
		c := r.later("[[0] [1] [2]]")
		r.put(in(0, 0), 10, 1)
		r.space.Close()
		r.space.GiveUp(errThrottled)
		r.space.GiveUp(nil)
		if !errors.Is(r.space.GaveUp(), errThrottled) {
			t.Errorf("cause = %v, want the first", r.space.GaveUp())
		}
		step := r.o.Next(r.now)
		r.wantVerdicts(step.Over, "3:given up")
		r.o.Release(step.Over, r.now)
		r.end(c, nil, map[int]*outbox.Failure{1: throttled, 2: errInternal})
		r.wantVerdicts(c, "0:stored 1:given up 2:given up?")
		if got, want := r.space.Left(), (outbox.Left{NotStored: 2, Ambiguous: 1}); got != want {
			t.Errorf("left = %+v, want %+v", got, want)
		}
		r.o.Release(c, r.now)
		if !r.space.Finished() || r.idle() != outbox.Never {
			t.Error("not finished, or something left to wait for")
		}
	})
}
