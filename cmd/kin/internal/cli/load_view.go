package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/cmd/kin/internal/term"
)

// loadView shows how a run goes on. It is for one goroutine at a time.
type loadView struct {
	figures  func() putFigures
	duration time.Duration // 0 = no bound
	count    int64         // 0 = no bound
	explain  *explainer    // nil = no explanation
	shards   *kin.Producer // nil = no table

	rates demoRates
}

// lines are those of one frame. rows is 0 where they are not redrawn: then there is no table.
func (v *loadView) lines(columns, rows int, st style) []string {
	f := v.figures()
	v.rates.add(demoSnapshot{elapsed: time.Duration(f.Seconds * float64(time.Second)), put: f.Stored, putBytes: f.Bytes})
	text := fmt.Sprintf("%5.1f s  %s stored  %s  p50 %s  p99 %s", f.Seconds, thousands(f.Stored),
		strings.Join(strings.Fields(v.rates.putText()), " "), millisText(f.Delay.P50), millisText(f.Delay.P99))
	if done := v.done(f); done > 0 {
		text = st.blue(term.Bar(min(20, columns/4), done)) + " " + text
	}
	if f.Throttled > 0 {
		text += st.warn(fmt.Sprintf("  %s throttled", thousands(f.Throttled)))
	}
	if f.Failed > 0 {
		text += st.bad(fmt.Sprintf("  %s not stored", thousands(f.Failed)))
	}
	lines := []string{text}
	if v.explain != nil {
		if text := v.explain.line(); text != "" {
			lines = append(lines, st.faint(text))
		}
	}
	if v.shards != nil && rows > 0 {
		header, cells := shardTable(shardLoads(v.shards.Stats()), f.Seconds)
		lines = append(lines, alignedLines(header, cells)...)
	}
	return lines
}

// done is how much of the run is over, from 0 to 1; 0 if it has no end.
func (v *loadView) done(f putFigures) (part float64) {
	if v.duration > 0 {
		part = f.Seconds / v.duration.Seconds()
	}
	if v.count > 0 {
		part = max(part, float64(f.Records)/float64(v.count))
	}
	return min(part, 1)
}

// alignedLines are the lines of a table.
func alignedLines(header []string, cells [][]string) []string {
	var b strings.Builder
	writeTable(&b, header, cells) //nolint:errcheck // a Builder takes all
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

func shardTable(shards []shardLoad, seconds float64) (header []string, cells [][]string) {
	seconds = max(seconds, 0.001)
	for _, s := range shards {
		cells = append(cells, []string{
			string(s.Shard), thousands(int64(s.Records)), thousands(int64(float64(s.Entries) / seconds)),
			bytesText(int64(float64(s.Bytes)/seconds)) + "/s", thousands(int64(s.Throttled)), fmt.Sprintf("%.0f %%", s.Pace*100), thousands(int64(s.Buffered)),
		})
	}
	return []string{"SHARD", "STORED", "KINESIS RECORDS/S", "BYTES", "THROTTLED", "PACE", "BUFFERED"}, cells
}

// millisText writes milliseconds the way people read them.
func millisText(ms float64) string {
	switch {
	case ms >= 1000:
		return fmt.Sprintf("%.1f s", ms/1000)
	case ms >= 10:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.2g ms", ms)
}

func delayText(d delaySummary) string {
	return fmt.Sprintf("p50 %s, p99 %s, p99.9 %s, longest %s", millisText(d.P50), millisText(d.P99), millisText(d.P999), millisText(d.Max))
}

// printLoad prints the result of kin load for people. asked is the rate that was to be kept, 0 if none was.
func (a *app) printLoad(r loadResult, asked float64) error {
	var w strings.Builder
	wanted := ""
	const enough = 0.98
	if asked > 0 && r.PerSecond < enough*asked && r.Seconds > 1 {
		wanted = " of " + thousands(int64(asked+0.5))
	}
	fmt.Fprintf(&w, "put %s, %s in %.1f s: %s%s records/s, %.2f MB/s\n", count(int(r.Stored), "record"), bytesText(r.Bytes), r.Seconds,
		thousands(int64(r.PerSecond+0.5)), wanted, r.BytesPerS/1e6)
	if r.Records > 0 {
		fmt.Fprintf(&w, "run    %s, numbers 1 to %s\n", r.Run, thousands(r.Records))
		fmt.Fprintf(&w, "delay  %s\n", delayText(r.Delay))
	}
	fmt.Fprintf(&w, "calls  %s with %s, %s throttled (%.1f %%)\n", thousands(r.Calls), count(int(r.Entries), "Kinesis record"), thousands(r.Throttled), r.Share*100)
	if r.Explanation != nil {
		fmt.Fprintln(&w, r.Explanation.line())
	}
	if len(r.Shards) > 0 {
		fmt.Fprintln(&w)
		header, cells := shardTable(r.Shards, r.Seconds)
		if err := writeTable(&w, header, cells); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(a.io.Out, w.String()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
