package account

import (
	"fmt"
	"strings"
	"time"

	"github.com/kinstream/kin/e2e/group/trace"
)

// Longest returns the longest gap that ended after a moment, and began before another one if
// that is not 0. It is cut off at both.
func (r *Report) Longest(from, to trace.Time) Gap {
	var longest Gap
	for _, g := range r.Gaps {
		g.From = max(g.From, from)
		if to > 0 {
			g.To = min(g.To, to)
		}
		if g.Length() > longest.Length() {
			longest = g
		}
	}
	return longest
}

// Replayed returns how many records new owners had to deliver again, and the longest window of
// them.
func (r *Report) Replayed() (records int, window time.Duration) {
	for _, replay := range r.Replays {
		records += replay.Records
		window = max(window, replay.Window)
	}
	return records, window
}

// Redone returns how many records new owners had to deliver again although they were done.
func (r *Report) Redone() int {
	n := 0
	for _, replay := range r.Replays {
		n += replay.Done
	}
	return n
}

// Overlapped returns how often two owners were in their handlers at once, and for how long at most.
func (r *Report) Overlapped() (times int, longest time.Duration) {
	for _, o := range r.Overlaps {
		longest = max(longest, o.Length())
	}
	return len(r.Overlaps), longest
}

// Count returns how many violations of a kind there are, by the word in front of their texts.
func (r *Report) Count(kind string) int {
	n := 0
	for _, v := range r.Violations {
		if _, text, _ := strings.Cut(v, " "); strings.HasPrefix(text, kind+":") {
			n++
		}
	}
	return n
}

// String returns the account in a few lines.
func (r *Report) String() string {
	replayed, window := r.Replayed()
	times, overlap := r.Overlapped()
	longest := r.Longest(0, 0)
	var b strings.Builder
	fmt.Fprintf(&b, "put %d, done %d, lost %d, doubled %d (replayed %d, %d of them done, in %d hand-overs, at most %s back), reordered %d, unknown %d\n",
		r.Put, r.Done, r.Count("lost"), r.Doubled, replayed, r.Redone(), len(r.Replays), window.Round(time.Millisecond),
		r.Count("reordered")+r.Count("disorder"), r.Count("unknown"))
	fmt.Fprintf(&b, "longest gap %s (%s, until %s), overlaps %d (at most %s), late batches %d, zombies %d, checkpoints of former owners %d, beyond what was done %d, rows that went back %d",
		longest.Length().Round(time.Millisecond), longest.Shard, longest.To, times, overlap.Round(time.Millisecond), r.Late,
		r.Count("zombie"), r.Count("not refused"), r.Count("passed"), r.Count("back"))
	return b.String()
}
