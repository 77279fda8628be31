package batch_test

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/batch"
)

type item struct {
	id           int
	size         int
	due, expires time.Duration
}

func measure(it *item) (size int, expires time.Duration) { return it.size, it.expires }

// twin is the naive collector: it keeps plain lists and computes everything anew.
type twin struct {
	limits batch.Limits
	open   []item
	due    time.Duration // of open: the earliest of all that was added to it, gone or not
	sealed [][]item
}

func total(items []item) (bytes int) {
	for _, it := range items {
		bytes += it.size
	}
	return bytes
}

func (n *twin) add(it item) (sealed bool) {
	before := len(n.sealed)
	if total(n.open)+it.size > n.limits.Bytes {
		n.seal()
	}
	if len(n.open) == 0 {
		n.due = it.due
	}
	n.due = min(n.due, it.due)
	n.open = append(n.open, it)
	if len(n.open) == n.limits.Records || total(n.open) >= n.limits.Bytes {
		n.seal()
	}
	return len(n.sealed) > before
}

func (n *twin) seal() {
	if len(n.open) > 0 {
		n.sealed, n.open = append(n.sealed, n.open), nil
	}
}

func earliest(items []item, of func(item) time.Duration) time.Duration {
	first := batch.Never
	for _, it := range items {
		first = min(first, of(it))
	}
	return first
}

func due(it item) time.Duration { return it.due }

func expires(it item) time.Duration { return it.expires }

func (n *twin) next(now time.Duration) []item {
	if len(n.sealed) == 0 && now >= n.dueAt() {
		n.seal()
	}
	if len(n.sealed) == 0 {
		return nil
	}
	first := n.sealed[0]
	n.sealed = n.sealed[1:]
	return first
}

func (n *twin) dueAt() time.Duration {
	switch {
	case len(n.sealed) > 0:
		return 0
	case len(n.open) == 0:
		return batch.Never
	}
	return n.due
}

func (n *twin) expire(now time.Duration) (gone []item) {
	var sealed [][]item
	for _, b := range append(slices.Clone(n.sealed), n.open) {
		var kept []item
		for _, it := range b {
			if it.expires <= now {
				gone = append(gone, it)
			} else {
				kept = append(kept, it)
			}
		}
		sealed = append(sealed, kept)
	}
	n.open = sealed[len(sealed)-1]
	n.sealed = slices.DeleteFunc(sealed[:len(sealed)-1], func(b []item) bool { return len(b) == 0 })
	return gone
}

func newRand(tb testing.TB) *rand.Rand {
	seed := rand.Uint64()
	tb.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// walk does random things to a collector and to its twin.
type walk struct {
	t     *testing.T
	r     *rand.Rand
	c     *batch.Collector[item]
	n     *twin
	now   time.Duration
	added int
	left  map[int]int // how often an item left, by id
}

func (w *walk) newItem() item {
	w.added++
	it := item{
		id: w.added, size: w.r.IntN(1 + w.n.limits.Bytes*w.r.IntN(5)/4),
		due: w.now + time.Duration(w.r.IntN(20)), expires: w.now + 1 + time.Duration(w.r.IntN(60)),
	}
	if w.r.IntN(3) == 0 {
		it.expires = batch.Never
	}
	return it
}

func (w *walk) step() {
	w.now += time.Duration(w.r.IntN(4))
	switch w.r.IntN(12) {
	case 0:
		w.c.Seal()
		w.n.seal()
	case 1, 2:
		w.checkSame("Expire", w.c.Expire(w.now, measure), w.n.expire(w.now))
	case 3, 4, 5:
		got, ok := w.c.Next(w.now)
		if ok != (len(got.Items) > 0) || got.Bytes != total(got.Items) {
			w.t.Fatalf("Next = %v with %d bytes, %v: want %d bytes", got.Items, got.Bytes, ok, total(got.Items))
		}
		if len(got.Items) > w.n.limits.Records || got.Bytes > w.n.limits.Bytes && len(got.Items) > 1 {
			w.t.Fatalf("batch of %d items and %d bytes, want at most %+v", len(got.Items), got.Bytes, w.n.limits)
		}
		w.checkSame("Next", got.Items, w.n.next(w.now))
		w.c.Recycle(got.Items)
	case 6:
		var items []item
		for range w.r.IntN(w.n.limits.Records + 1) {
			items = append(items, item{id: w.added + 1, due: w.now, expires: w.now + 5})
			w.added++
		}
		w.c.AddFirst(items, 0, w.now+5)
		if len(items) > 0 {
			w.n.sealed = slices.Insert(w.n.sealed, 0, slices.Clone(items))
		}
		clear(items) // the collector has copied them
	default:
		it := w.newItem()
		if got, want := w.c.Add(it, it.size, it.due, it.expires), w.n.add(it); got != want {
			w.t.Fatalf("Add sealed = %v, want %v", got, want)
		}
	}
	w.checkState()
}

func (w *walk) checkSame(what string, got, want []item) {
	w.t.Helper()
	if !slices.Equal(got, want) {
		w.t.Fatalf("%s at %d = %v, want %v", what, w.now, got, want)
	}
	for _, it := range got {
		w.left[it.id]++
	}
}

func (w *walk) checkState() {
	w.t.Helper()
	if got, want := w.c.Due(), w.n.dueAt(); got != want {
		w.t.Fatalf("Due = %d, want %d", got, want)
	}
	held := append(slices.Concat(w.n.sealed...), w.n.open...)
	if got, want := w.c.Len(), len(held); got != want {
		w.t.Fatalf("Len = %d, want %d", got, want)
	}
	if got, want := w.c.Expires(), earliest(held, expires); got != want {
		w.t.Fatalf("Expires = %d, want %d", got, want)
	}
	if got, want := w.c.Opens(), len(w.n.open) == 0; got != want {
		w.t.Fatalf("Opens = %v, want %v", got, want)
	}
}

func TestCollector(t *testing.T) {
	t.Parallel()

	t.Run("does what its naive twin does, and every item leaves once", func(t *testing.T) {
		t.Parallel()
		r := newRand(t)
		for range 300 {
			limits := batch.Limits{Records: 1 + r.IntN(8), Bytes: 1 + r.IntN(100)}
			w := &walk{t: t, r: r, c: batch.New[item](limits), n: &twin{limits: limits}, left: map[int]int{}}
			for range 400 {
				w.step()
			}
			w.c.Seal()
			w.n.seal()
			for w.c.Len() > 0 {
				got, _ := w.c.Next(w.now)
				w.checkSame("Next", got.Items, w.n.next(w.now))
			}
			if len(w.left) != w.added {
				t.Fatalf("items that left = %d, want %d", len(w.left), w.added)
			}
			for id, n := range w.left {
				if n != 1 {
					t.Fatalf("item %d left %d times, want once", id, n)
				}
			}
		}
	})

	t.Run("lets an item that is larger than a batch go alone", func(t *testing.T) {
		t.Parallel()
		c := batch.New[item](batch.Limits{Records: 500, Bytes: 10})
		for id, size := range []int{3, 11, 4} {
			c.Add(item{id: id, size: size}, size, 0, batch.Never)
		}
		var got [][]int
		for b, ok := c.Next(0); ok; b, ok = c.Next(0) {
			var sizes []int
			for _, it := range b.Items {
				sizes = append(sizes, it.size)
			}
			got = append(got, sizes)
		}
		if want := [][]int{{3}, {11}, {4}}; !slices.EqualFunc(got, want, slices.Equal[[]int]) {
			t.Errorf("batches = %v, want %v", got, want)
		}
	})
}

func TestCollectorReusesTheSlicesOfFullBatches(t *testing.T) { //nolint:paralleltest // counts the allocations of the process
	c := batch.New[item](batch.Limits{Records: 100, Bytes: 1 << 20})
	round := func() {
		for i := range 100 {
			c.Add(item{id: i}, 1, 0, batch.Never)
		}
		b, _ := c.Next(0)
		c.Recycle(b.Items)
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("allocations per batch = %v, want 0", n)
	}
}

func TestLater(t *testing.T) {
	t.Parallel()
	r := newRand(t)
	for range 200 {
		var (
			l    batch.Later[item]
			held []item
			now  time.Duration
		)
		for id := range 300 {
			now += time.Duration(r.IntN(3))
			if r.IntN(3) > 0 {
				it := item{id: id, due: now + time.Duration(r.IntN(10))}
				l.Add(it.due, it)
				held = append(held, it)
			} else {
				slices.SortStableFunc(held, func(a, b item) int { return int(a.due - b.due) })
				want := held[:0:0]
				for len(held) > 0 && held[0].due <= now && (len(want) == 0 || held[0].due == want[0].due) {
					want, held = append(want, held[0]), held[1:]
				}
				if got, ok := l.Next(now); ok != (len(want) > 0) || !slices.Equal(got, want) {
					t.Fatalf("Next(%d) = %v, %v, want %v", now, got, ok, want)
				}
			}
			if got, want := l.Due(), earliest(held, due); got != want {
				t.Fatalf("Due = %d, want %d", got, want)
			}
			if got, want := l.Len(), len(held); got != want {
				t.Fatalf("Len = %d, want %d", got, want)
			}
		}
	}
}

// A queue that never becomes empty must not keep the room of batches that left.
func TestCollectorThatIsNeverEmptyAllocatesLittle(t *testing.T) { // counts what all goroutines allocate: not parallel
	c := batch.New[int](batch.Limits{Records: 1, Bytes: 1})
	for range 3 {
		c.Add(0, 1, 0, batch.Never)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100_000 {
		c.Add(0, 1, 0, batch.Never)
		b, _ := c.Next(0)
		c.Recycle(b.Items)
	}
	runtime.ReadMemStats(&after)
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(1<<20); got > most {
		t.Errorf("100,000 batches allocated %d bytes, want at most %d", got, most)
	}
}
