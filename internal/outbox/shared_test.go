package outbox_test

import (
	"testing"

	"github.com/kinstream/kin/internal/outbox"
)

// TestOutboxesShareWhatTheyKeep has one stream after the other put a burst: what all keep must not grow with the number of them.
func TestOutboxesShareWhatTheyKeep(t *testing.T) {
	t.Parallel()
	r := newRig(t, atOnce)
	burst := func() {
		r.put(in(0, 0), 10, 2000)
		for r.o.Queued() > 0 {
			r.done(r.call())
		}
	}
	burst()
	chunks, calls := outbox.Kept(r.space)
	if chunks == 0 || calls == 0 {
		t.Fatalf("kept = %d chunks, %d calls, want some of both", chunks, calls)
	}
	for range 10 {
		cfg := config()
		cfg.Linger, cfg.BytesPerSecond, cfg.RecordsPerSecond = 0, 0, 0
		r.o = outbox.New(r.space, cfg)
		r.o.Next(r.now)
		r.o.Learn(outbox.View{Map: r.m, Distribution: outbox.ByKey}, r.now)
		burst()
		if more, _ := outbox.Kept(r.space); more != chunks {
			t.Fatalf("kept after another stream = %d chunks, want the same %d", more, chunks)
		}
	}
}
