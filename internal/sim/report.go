package sim

import (
	"fmt"
	"io"
	"time"

	"github.com/kinstream/kin/internal/sim/history"
)

// Total sums up many runs.
type Total struct {
	Runs, Events int64
	Time         time.Duration
	Settled      time.Duration // the longest
	Figures      history.Figures
	Skewed       int64 // runs with a clock beyond the margin
}

// Add adds a run without a violation.
func (t *Total) Add(s Scenario, r Result) {
	t.Runs++
	t.Events += r.Events
	t.Time += r.Time
	t.Settled = max(t.Settled, r.Settled)
	t.Figures.Add(r.Figures)
	for _, step := range s.Steps {
		if step.What == Drift {
			t.Skewed++
			break
		}
	}
}

// Merge adds another total.
func (t *Total) Merge(o Total) {
	t.Runs += o.Runs
	t.Events += o.Events
	t.Time += o.Time
	t.Settled = max(t.Settled, o.Settled)
	t.Figures.Add(o.Figures)
	t.Skewed += o.Skewed
}

// Print writes the total for people.
func (t *Total) Print(out io.Writer) {
	f := t.Figures
	fmt.Fprintf(out, "%d groups, %.1f group-hours, %d events\n", t.Runs, t.Time.Hours(), t.Events)
	fmt.Fprintf(out, "records: %d put, %d delivered, %d of them again (%d in calm hand-overs), %d expired unread\n",
		f.Records, f.Delivered, f.Doubled, f.CalmDoubled, f.Expired)
	fmt.Fprintf(out, "workers: %d joined, %d left, %d were forgotten\n", f.Joins, f.Left, f.Forgotten)
	fmt.Fprintf(out, "leases: %d made, %d finished, %d deleted; %d changes of owner, %d of them hand-overs (%d to workers that left); %d checkpoints\n",
		f.Created, f.Finished, f.Removed, f.Moves, f.HandOvers, f.Abandoned, f.Checkpoints)
	fmt.Fprintf(out, "two handlers at once: %s because a handler went on, %s because a process stood still, %s by an operator's force, %s by a clock beyond the margin (%d groups)\n",
		lengths(f.Overlap.Handler), lengths(f.Overlap.Frozen), lengths(f.Overlap.Operator), lengths(f.Overlap.BadClock), t.Skewed)
	fmt.Fprintf(out, "longest: %s until settled, %s unread while one worker was in trouble, %s in any trouble, %s in a planned hand-over\n",
		t.Settled.Round(time.Millisecond), f.MaxUnread.Round(time.Millisecond), f.MaxGap.Round(time.Millisecond), f.MaxCalmGap.Round(time.Millisecond))
}

func lengths(l history.Lengths) string {
	return fmt.Sprintf("%d times, at most %s", l.Count, l.Max.Round(time.Millisecond))
}

// PrintFailure writes all that is known of a run that broke a promise.
func PrintFailure(out io.Writer, s Scenario, r Result, lines int) {
	fmt.Fprintf(out, "BROKEN: %v\n\n%s\nthe last events:\n", r.Violation, s)
	tail := r.Tail
	if len(tail) > lines {
		tail = tail[len(tail)-lines:]
	}
	for _, line := range tail {
		fmt.Fprintln(out, line)
	}
}
