package kin_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// A thousand shards that have nothing to give cost one process little. What connections cost is
// not in it: the client is a fake. Not parallel, because it measures the memory of the process.
func TestConsumerOfIdleShards(t *testing.T) { //nolint:paralleltest // see above
	synctest.Test(t, func(t *testing.T) {
		const shards = 1000
		f := newFakeStream(shards)
		memory := func() (bytes uint64, goroutines int) {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc + m.StackInuse, runtime.NumGoroutine()
		}
		before, none := memory()
		g := &group{t: t}
		var b book
		w := g.run(g.fake(f, &b))
		time.Sleep(time.Minute)
		if n := len(w.Shards()); n != shards {
			t.Errorf("it reads %d shards, want %d", n, shards)
		}
		bytes, goroutines := memory()
		mib, perShard := float64(int64(bytes-before))/(1<<20), float64(goroutines-none)/shards
		t.Logf("%d idle shards: %.1f MiB, %.2f goroutines each", shards, mib, perShard)
		if mib > 50 || perShard > 2.05 {
			t.Errorf("%d idle shards take %.1f MiB and %.2f goroutines each, want at most 50 MiB and 2", shards, mib, perShard)
		}
		f.put(7, "a")
		time.Sleep(2 * time.Second)
		b.wants(t, "a")
		w.end()
	})
}
