package outbox_test

import (
	"testing"
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

// TestNothingExpiresOfALaneAtItsLimits offers records of one shard as fast as there is room for them, for longer
// than they live.
func TestNothingExpiresOfALaneAtItsLimits(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		size   int
		change func(*outbox.Config)
		least  float64 // entries that must be stored, or
		bytes  float64
	}{
		"many small ones":           {size: 100, least: 1000},
		"large ones":                {size: 10_000, bytes: 1 << 20},
		"small ones, aggregated":    {size: 100, bytes: 1 << 20, change: func(cfg *outbox.Config) { cfg.Aggregation = outbox.ByShard }},
		"with a short time to live": {size: 1000, bytes: 1 << 20, change: func(cfg *outbox.Config) { cfg.Aggregation, cfg.RecordTTL = outbox.ByShard, 4*time.Second }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config()
			if test.change != nil {
				test.change(&cfg)
			}
			l := newLoad(t, 1, test.size, outbox.SpaceLimits{Bytes: 256 << 20, Calls: 8}, cfg)
			const lasts = 70 * time.Second
			l.run(lasts)
			counts := l.boxes[0].Stats(l.now).Counts
			if counts.Failed > 0 {
				t.Errorf("failed = %d of %d accepted, want none", counts.Failed, counts.Accepted)
			}
			if got, want := float64(counts.Entries), 0.97*test.least*lasts.Seconds(); got < want {
				t.Errorf("entries stored = %v, want at least %v", got, want)
			}
			if got, want := float64(counts.EntryBytes), 0.97*test.bytes*lasts.Seconds(); got < want {
				t.Errorf("bytes stored = %v, want at least %v", got, want)
			}
		})
	}
}

// TestPaceAfterAnOutage refuses everything for three minutes: afterwards the pace is what it was.
func TestPaceAfterAnOutage(t *testing.T) {
	t.Parallel()
	p := outbox.NewPace(1<<20, 0)
	now := time.Second
	for ; now < 180*time.Second; now = max(now+100*time.Millisecond, p.PausedUntil()) {
		p.Learn(50_000, 0, 2, 0, now)
	}
	if got := p.Factor(); got > 0.1 {
		t.Errorf("factor while everything is refused = %v, want few attempts", got)
	}
	p.Learn(50_000, 1, 0, 0, now)
	if got := p.Factor(); got != 1 {
		t.Errorf("factor when something is stored again = %v, want 1", got)
	}
}
