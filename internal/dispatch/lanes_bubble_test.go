package dispatch_test

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/internal/dispatch"
)

// diary notes what is done, and when.
type diary struct {
	mu    sync.Mutex
	began time.Time
	lines []string
}

func newDiary() *diary { return &diary{began: time.Now()} }

func (d *diary) note(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprint(time.Since(d.began).Seconds(), " ", what))
}

func (d *diary) wants(t *testing.T, want ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	slices.Sort(d.lines) // what happens at the same time has no order
	if !slices.Equal(d.lines, want) {
		t.Errorf("done: %q, want %q", d.lines, want)
	}
}

func TestLanes(t *testing.T) {
	t.Parallel()

	t.Run("do the items of one lane in order, and lanes side by side", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			d := newDiary()
			lanes := dispatch.NewLanes(2, func(item string) {
				time.Sleep(time.Second)
				d.note(item)
			})
			for _, item := range []string{"a", "b", "c"} {
				lanes.Put(0, "0"+item)
				lanes.Put(1, "1"+item)
			}
			lanes.Wait()
			d.wants(t, "1 0a", "1 1a", "2 0b", "2 1b", "3 0c", "3 1c")
		})
	})

	t.Run("have no goroutine while they are idle, and work again after that", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			d := newDiary()
			lanes := dispatch.NewLanes(8, func(item string) { d.note(item) })
			for range 3 {
				lanes.Put(7, "x")
				synctest.Wait() // a goroutine that stayed would fail the bubble
				time.Sleep(time.Second)
			}
			d.wants(t, "0 x", "1 x", "2 x")
		})
	})

	t.Run("forget what waits when they are stopped, and finish what is being done", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			d := newDiary()
			lanes := dispatch.NewLanes(2, func(item string) {
				time.Sleep(time.Second)
				d.note(item)
			})
			for _, item := range []string{"a", "b", "c"} {
				lanes.Put(1, item)
			}
			synctest.Wait()
			if dropped := lanes.Stop(); !slices.Equal(dropped, []string{"b", "c"}) {
				t.Errorf("dropped %q, want b and c", dropped)
			}
			if lanes.Put(0, "d") {
				t.Error("took an item after Stop")
			}
			lanes.Wait()
			d.wants(t, "1 a")
		})
	})

	t.Run("go on with a lane whose item ended the goroutine", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			d := newDiary()
			lanes := dispatch.NewLanes(1, func(item string) {
				d.note(item)
				if item == "a" {
					runtime.Goexit()
				}
			})
			lanes.Put(0, "a")
			lanes.Put(0, "b")
			lanes.Wait()
			d.wants(t, "0 a", "0 b")
		})
	})

	t.Run("give a key always the same lane, and use all lanes", func(t *testing.T) {
		t.Parallel()
		lanes := dispatch.NewLanes(16, func(int) {})
		used := map[int]bool{}
		for i := range 1000 {
			key := fmt.Sprint("key ", i)
			lane := lanes.Of(key)
			if lane < 0 || lane >= lanes.Len() || lanes.Of(key) != lane {
				t.Fatalf("%q has lane %d and then %d", key, lane, lanes.Of(key))
			}
			used[lane] = true
		}
		if len(used) != 16 {
			t.Errorf("1000 keys use %d of 16 lanes", len(used))
		}
	})
}
