package outbox_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

// TestLargeRecords has shards that take nothing, whose callers put as fast as they can, and callers with
// records for which the space that these leave is too small.
func TestLargeRecords(t *testing.T) {
	t.Parallel()
	const bytes = hotSpace
	t.Run("that find no room do not hold up other lanes", func(t *testing.T) {
		t.Parallel()
		for _, lane := range []int{0, 1} { // the one that takes nothing, and another one
			l := newHotLoad(t, 1)
			waits := l.put(lane, bytes/2)
			l.trickle(10 * time.Second)
			if l.longestWait > 0 {
				t.Errorf("large record for lane %d: callers of other lanes waited for up to %v, want none to wait", lane, l.longestWait)
			}
			if !l.waiting[waits] {
				t.Errorf("large record for lane %d: was accepted, want no room for it", lane)
			}
		}
	})
	t.Run("that find no room do not hold up other lanes, nor their own, when there are several", func(t *testing.T) {
		t.Parallel()
		l := newHotLoad(t, 1)
		for i := range 14 {
			l.put(i%7+1, bytes/2)
		}
		l.trickle(10 * time.Second)
		if l.longestWait > 0 {
			t.Errorf("callers with small records waited for up to %v, want none to wait", l.longestWait)
		}
		if got, want := l.space.Gauges().Waiting, 15; got != want {
			t.Errorf("waiting = %d, want the large records, and the caller of the lane that takes nothing", got)
		}
	})
	t.Run("get in when the room is there that they need, and hold up others for a moment only", func(t *testing.T) {
		t.Parallel()
		l := newHotLoad(t, 1)
		waits := l.put(1, bytes/2)
		l.trickle(2 * time.Second)
		l.service.shards[0].dead = false
		l.admitted = l.note // nobody goes on putting into that shard
		for left := 20 * time.Second; l.waiting[waits]; left -= 100 * time.Millisecond {
			if left <= 0 {
				t.Fatal("the large record finds no room though the shard takes records again")
			}
			l.trickle(100 * time.Millisecond)
		}
		if most := 100 * time.Millisecond; l.longestWait > most {
			t.Errorf("callers of other lanes waited for up to %v, want %v at most", l.longestWait, most)
		}
	})
	t.Run("get in while other lanes put all they can", func(t *testing.T) {
		t.Parallel()
		l := newHotLoad(t, 1)
		l.admitted = l.refeed
		for i := 1; i < len(l.keys); i++ {
			l.feed(i)
		}
		l.run(l.now + 2*time.Second)
		if free := bytes - l.space.Gauges().Bytes; free > bytes/4 {
			t.Fatalf("free = %d, want the others to need it", free)
		}
		waits := l.put(1, bytes/4)
		if !l.waiting[waits] {
			t.Fatal("the large record was accepted at once, want it to wait")
		}
		l.run(l.now + time.Second)
		if l.waiting[waits] {
			t.Error("the large record has found no room in a second")
		}
	})
	t.Run("of several lanes get in one after the other", func(t *testing.T) {
		t.Parallel()
		l := newHotLoad(t, 1)
		var waits []*outbox.Waiter[int]
		for i := range 7 {
			waits = append(waits, l.put(1+i, bytes/4))
		}
		l.trickle(5 * time.Second)
		if left := slices.ContainsFunc(waits, func(w *outbox.Waiter[int]) bool { return l.waiting[w] }); left {
			t.Error("a large record has found no room in 5 seconds")
		}
		if most := 600 * time.Millisecond; l.longestWait > most {
			t.Errorf("callers of small records waited for up to %v, want %v at most", l.longestWait, most)
		}
	})
	t.Run("find room also when many lanes take nothing", func(t *testing.T) {
		t.Parallel()
		l := newHotLoad(t, 5)
		l.trickle(10 * time.Second)
		if l.longestWait > 0 {
			t.Errorf("callers of other lanes waited for up to %v, want none to wait", l.longestWait)
		}
		waits := l.put(6, bytes/16)
		l.trickle(time.Second)
		if waits != nil && l.waiting[waits] {
			t.Error("a record of a sixteenth of the space finds no room")
		}
	})
}

// TestWhoPassesALargeRecord looks at the door behind which others wait.
func TestWhoPassesALargeRecord(t *testing.T) {
	t.Parallel()
	// setup returns a space of 100,000 bytes in which 40 records of lane 0 leave no room for a large one of lane 1.
	setup := func(t *testing.T, large int) (*rig, *outbox.Waiter[int]) {
		t.Helper()
		r := newRig(t, room(100_000, false))
		r.put(in(0, 0), 1000-cost(in(0, 0), 0), 40)
		return r, r.wait(in(1, 0), large-cost(in(1, 0), 0))
	}
	small := func(r *rig, lane, n int) { r.Helper(); r.put(in(lane, 0), 1000-cost(in(lane, 0), 0), n) }
	t.Run("all lanes do, that of the large record too", func(t *testing.T) {
		t.Parallel()
		r, _ := setup(t, 95_000)
		small(r, 1, 1)
		small(r, 2, 1)
		small(r, 3, 1)
	})
	t.Run("a lane does with little, and not one that queues much", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, room(1_000_000, false))
		r.put(in(0, 0), 1000-cost(in(0, 0), 0), 600)
		r.wait(in(1, 0), 500_000)
		r.wait(in(0, 0), 10)
		small(r, 2, 40)
		r.wait(in(2, 0), 10_000) // an eighth of what is free is less than 50,000
		small(r, 3, 30)
	})
	t.Run("they do until they hold the reserve", func(t *testing.T) {
		t.Parallel()
		r, _ := setup(t, 95_000)
		for i := range 17 {
			small(r, 1+i%3, 1)
		}
		for lane := range 3 {
			r.wait(in(1+lane, 0), 10)
		}
	})
	t.Run("the large one is next when there is room", func(t *testing.T) {
		t.Parallel()
		r, large := setup(t, 95_000)
		c := r.call()
		small(r, 2, 4)
		if admitted := r.done(c); !slices.Equal(admitted, []*outbox.Waiter[int]{large}) {
			t.Errorf("admitted = %s, want the large one", owners(admitted))
		}
	})
	t.Run("nobody does while only those who passed are in the way", func(t *testing.T) {
		t.Parallel()
		r, large := setup(t, 95_000)
		c := r.call()
		small(r, 2, 6)
		r.done(c)
		waits := r.wait(in(3, 0), 10)
		admitted := r.done(r.wantCall("[[41] [42] [43] [44] [45] [46]]"))
		if !slices.Equal(admitted, []*outbox.Waiter[int]{large, waits}) {
			t.Errorf("admitted = %s, want the large one and who came after it", owners(admitted))
		}
		small(r, 3, 1)
	})
	t.Run("also if it needs more than the whole space, as one of the largest size with an explicit hash key does", func(t *testing.T) {
		t.Parallel()
		r, large := setup(t, 100_000+len(in(1, 0)))
		c := r.call()
		small(r, 2, 1)
		r.done(c)
		r.wait(in(3, 0), 10)
		if admitted := r.done(r.call()); len(admitted) == 0 || admitted[0] != large {
			t.Errorf("admitted = %s, want the large one", owners(admitted))
		}
	})
	t.Run("others do again when those do not leave, after twice the time each time", func(t *testing.T) {
		t.Parallel()
		r, large := setup(t, 95_000)
		c := r.call()
		small(r, 2, 6)
		r.done(c)
		slow := r.call()
		for i, patience := range []int{250, 500, 1000, 2000, 4000, 4000} {
			lane := []int{3, 1, 0}[i%3]
			waits := r.wait(in(lane, 0), 6000)
			if i == 0 {
				r.wait(in(lane, 0), 10) // comes after it
			}
			opens := r.idle()
			if got, want := (opens - r.now).Round(ms), time.Duration(patience)*ms; got != want {
				t.Errorf("the door opens after %v, want %v", got, want)
			}
			r.now = opens
			step := r.o.Next(r.now)
			if len(step.Admitted) == 0 || step.Admitted[0] != waits {
				t.Fatalf("admitted after %d ms = %s, want who waits", patience, owners(step.Admitted))
			}
			c, slow = slow, r.call() // those who passed are out now, and those before them leave
			r.done(c)
		}
		if ok, _ := r.space.Withdraw(large, r.now); !ok {
			t.Error("the large one does not wait any more")
		}
		small(r, 2, 1)
	})
	t.Run("others do again when who passed has left the reserve", func(t *testing.T) {
		t.Parallel()
		r, _ := setup(t, 95_000)
		slow := r.call()
		for range 3 {
			for i := range 17 {
				small(r, 1+i%3, 1)
			}
			waits := r.wait(in(2, 0), 10)
			if admitted := r.done(r.call()); !slices.Equal(admitted, []*outbox.Waiter[int]{waits}) {
				t.Errorf("admitted = %s, want who waits", owners(admitted))
			}
			r.done(r.call())
		}
		r.stored(slow)
	})
	t.Run("patience counts from when the door is shut, whoever leaves meanwhile", func(t *testing.T) {
		t.Parallel()
		r, _ := setup(t, 95_000)
		c := r.call()
		small(r, 2, 1)
		r.put(in(3, 0), 6000, 1)
		r.done(c)
		opens := r.now + 251*ms
		c = r.call()
		r.now += 100 * ms
		r.end(c, nil, map[int]*outbox.Failure{1: throttled})
		r.o.Release(c, r.now)
		r.wait(in(3, 0), 10)
		for r.now < opens {
			r.now = min(r.o.Next(r.now).Wait, opens)
		}
		r.o.Next(r.now)
		small(r, 1, 1)
	})
	t.Run("who shuts the door says so, and so do streams that look later", func(t *testing.T) {
		t.Parallel()
		r, _ := setup(t, 95_000)
		r.call()
		r.idle()
		var wake bool
		for i := 0; r.space.Gauges().Bytes < 57_000; i++ {
			if wake {
				t.Fatalf("record %d is said to change something", i)
			}
			_, wake, _ = r.offer(in(1+i%3, 0), 1000-cost(in(0, 0), 0))
			wake = wake && i > 2 // at first there was nothing to send
		}
		if !wake {
			t.Error("the record that shuts the door does not wake")
		}
		if step := r.o.Next(r.now); !step.Shut {
			t.Error("the first step does not say that the door is shut")
		}
		if step := r.o.Next(r.now); step.Shut {
			t.Error("the second step says again that the door is shut")
		}
	})
	t.Run("what gathers leaves while the door is shut", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, func(_ *outbox.Config, limits *outbox.SpaceLimits) { limits.Bytes = 100_000 })
		r.put(in(0, 0), 1000, 40)
		r.now += 100 * ms
		first := r.call()
		r.put(in(0, 0), 10, 1)
		r.now += 100 * ms
		r.wantCall("[[40]]") // stays out
		r.wait(in(1, 0), 95_000)
		r.put(in(2, 0), 5000, 1)
		r.done(first)
		r.wantCall("[[42]]")
	})
	t.Run("all do when it withdraws, and when the space is closed it is refused too", func(t *testing.T) {
		t.Parallel()
		r, large := setup(t, 95_000)
		for i := range 17 {
			small(r, 1+i%3, 1)
		}
		waits := r.wait(in(2, 0), 10)
		ok, admitted := r.space.Withdraw(large, r.now)
		if !ok || !slices.Equal(admitted, []*outbox.Waiter[int]{waits}) {
			t.Errorf("withdraw = %v, admitted %s, want who waited", ok, owners(admitted))
		}
		if ok, _ := r.space.Withdraw(large, r.now); ok {
			t.Error("the large one is withdrawn twice")
		}
		large = r.wait(in(1, 0), 90_000)
		if refused := r.space.Close(); !slices.Equal(refused, []*outbox.Waiter[int]{large}) || r.space.Gauges().Waiting != 0 {
			t.Errorf("refused = %s, waiting = %d, want the large one and nobody", owners(refused), r.space.Gauges().Waiting)
		}
	})
	t.Run("the large one follows its hash key to a new map", func(t *testing.T) {
		t.Parallel()
		r, large := setup(t, 95_000)
		r.split(1)
		if admitted := r.done(r.call()); !slices.Equal(admitted, []*outbox.Waiter[int]{large}) {
			t.Fatalf("admitted = %s, want the large one", owners(admitted))
		}
		if got, want := r.call().Entries[0].Shard(), "shardId-000000000001-low"; got != want {
			t.Errorf("shard = %s, want %s", got, want)
		}
	})
}

// hotLoad is a load on a stream of which some shards take nothing, one after the other, whose
// callers put as fast as they can. The others have little to do.
type hotLoad struct {
	*load
	hot         int                   // shards below that take nothing
	since       map[int]time.Duration // when the callers began to wait that do
	longestWait time.Duration         // of callers of small records for the others
}

const (
	hotSpace   = 4 << 20 // bytes that a hotLoad has room for
	largeOwner = 1000    // and above: who puts large records
)

func newHotLoad(tb testing.TB, hot int) *hotLoad {
	tb.Helper()
	cfg := config()
	cfg.RecordTTL, cfg.MaxRecordBytes = outbox.Never, 3<<20
	l := &hotLoad{load: newIdleLoad(tb, 8, 2000, outbox.SpaceLimits{Bytes: hotSpace, Calls: 4}, cfg), hot: hot, since: map[int]time.Duration{}}
	l.admitted = l.hotOnly
	for i := range hot {
		l.service.shards[i].dead = true
		l.feed(i)
		l.run(l.now + 5*time.Second)
	}
	return l
}

// hotOnly lets the feeders of hot shards go on, and nobody else.
func (l *hotLoad) hotOnly(owner int) {
	l.note(owner)
	if owner < l.hot {
		l.feed(owner)
	}
}

// refeed lets all feeders go on.
func (l *hotLoad) refeed(owner int) {
	l.note(owner)
	if owner < largeOwner {
		l.feed(owner)
	}
}

// note measures how long a caller has waited.
func (l *hotLoad) note(owner int) {
	if begun, ok := l.since[owner]; ok && owner < largeOwner {
		l.longestWait = max(l.longestWait, l.now-begun)
	}
	delete(l.since, owner)
}

// put offers a large record, and returns who waits for room with it.
func (l *hotLoad) put(lane, size int) *outbox.Waiter[int] {
	l.tb.Helper()
	return l.offerOne(lane, largeOwner+lane, make([]byte, size))
}

func (l *hotLoad) offerOne(lane, owner int, data []byte) *outbox.Waiter[int] {
	l.tb.Helper()
	it := outbox.Item[int]{Record: outbox.Record{PartitionKey: l.keys[lane], Data: data}, Hash: l.hash[lane], Owner: owner}
	w, _, err := l.boxes[0].Offer(&it, l.now)
	if err != nil {
		l.tb.Fatal(err)
	}
	if w != nil {
		l.waiting[w] = true
	}
	return w
}

// trickle has one small record put into each lane that is served every 10 ms.
func (l *hotLoad) trickle(lasts time.Duration) {
	l.tb.Helper()
	for end := l.now + lasts; l.now < end; l.run(l.now + 10*time.Millisecond) {
		for i := l.hot; i < len(l.keys); i++ {
			if _, waits := l.since[i]; waits {
				continue
			}
			if l.offerOne(i, i, l.data[:100]) != nil {
				l.since[i] = l.now
			}
		}
	}
	for _, begun := range l.since {
		l.longestWait = max(l.longestWait, l.now-begun)
	}
}

// TestShareOfMuchSpace is about a buffer of which four times are more than an int holds, where that has 32 bits.
func TestShareOfMuchSpace(t *testing.T) {
	t.Parallel()
	const space, step = math.MaxInt32, 64 << 20
	was := 0
	for i := range space / step {
		free := i * step
		got := outbox.Share(space, free)
		if got < was {
			t.Errorf("share of %d MiB free = %d MiB, want no less than of %d MiB, which is %d MiB", free>>20, got>>20, (free-step)>>20, was>>20)
		}
		was = got
	}
}
