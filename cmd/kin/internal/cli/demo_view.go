package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/cmd/kin/internal/term"
)

// demoSnapshot is what the view shows at one moment.
type demoSnapshot struct {
	elapsed             time.Duration
	url, text, phase    string
	fed                 float64 // 0 to 1
	passes              int64
	put, read           int64
	putBytes, readBytes int64
	wrong               int64 // failed, doubled, out of order, foreign so far
	shards              []demoShard
}

type demoShard struct {
	id        kin.ShardID
	put, read int64
	lag       time.Duration // as the service tells; -1 = not told
	ended     bool
}

func (d *demo) snapshot() demoSnapshot {
	l := d.ledger
	s := demoSnapshot{
		elapsed: time.Since(d.start), url: d.server.URL(), text: d.input.name, phase: *d.phase.Load(),
		fed: float64(d.fed.Load()) / 1e6, passes: d.passes.Load(),
		// Read first: what is read was put before.
		read: l.read.Load(), readBytes: l.readBytes.Load(),
		wrong: l.failed.Load() + l.doubled.Load() + l.reordered.Load() + l.foreign.Load(),
	}
	status := make(map[kin.ShardID]kin.ShardStatus)
	for _, st := range d.reader.Shards() {
		status[st.Shard] = st
	}
	for _, id := range l.shards.list() {
		c := l.shards.of(id)
		sh := demoShard{id: id, read: c.read.Load(), lag: -1}
		sh.put = max(c.put.Load(), sh.read) // a record can be read before its put is answered
		if st, ok := status[id]; ok {
			sh.lag, sh.ended = st.Lag, st.State == kin.ShardFinished
		}
		s.shards = append(s.shards, sh)
	}
	s.put, s.putBytes = max(l.put.Load(), s.read), max(l.putBytes.Load(), s.readBytes)
	return s
}

// startDemoView shows how the demo goes on, on standard error: a view that is
// redrawn on a terminal, or one line per second elsewhere.
func (a *app) startDemoView(d *demo) (stop func()) {
	var rates demoRates
	if !term.IsTerminal(a.io.Err) {
		return term.Animate(time.Second, func() {
			s := d.snapshot()
			rates.add(s)
			a.sayf("%s", demoLine(s, &rates))
		})
	}
	st := a.errStyle()
	screen := term.NewScreen(a.io.Err)
	stopFrames := term.Animate(frameInterval, func() {
		s := d.snapshot()
		rates.add(s)
		columns, rows := term.Size(a.io.Err)
		screen.Draw(demoFrame(s, &rates, columns, rows, st), columns, rows)
	})
	return func() {
		stopFrames()
		screen.Close()
	}
}

// demoRates is the history from which current rates are taken.
type demoRates struct {
	samples []demoSample // at most rateSamples, oldest first
	history []float64    // records read per second, one per frame
}

type demoSample struct {
	at                             time.Duration
	put, read, putBytes, readBytes int64
}

const (
	rateWindow  = time.Second
	rateHistory = 200 // frames
)

func (r *demoRates) add(s demoSnapshot) {
	now := demoSample{s.elapsed, s.put, s.read, s.putBytes, s.readBytes}
	if n := len(r.samples); n > 0 && now.at > r.samples[n-1].at {
		last := r.samples[n-1]
		r.history = append(r.history, float64(now.read-last.read)/(now.at-last.at).Seconds())
		if len(r.history) > rateHistory {
			r.history = r.history[1:]
		}
	}
	r.samples = append(r.samples, now)
	for len(r.samples) > 2 && now.at-r.samples[1].at >= rateWindow {
		r.samples = r.samples[1:]
	}
}

// perSecond is the rate of what of selects, over the last second.
func (r *demoRates) perSecond(of func(demoSample) int64) float64 {
	if len(r.samples) < 2 {
		return 0
	}
	first, last := r.samples[0], r.samples[len(r.samples)-1]
	return float64(of(last)-of(first)) / max((last.at-first.at).Seconds(), 0.001)
}

func (r *demoRates) text(records, bytes func(demoSample) int64) string {
	return fmt.Sprintf("%10s records/s  %6.1f MB/s", thousands(int64(r.perSecond(records))), r.perSecond(bytes)/1e6)
}

func (r *demoRates) putText() string {
	return r.text(func(s demoSample) int64 { return s.put }, func(s demoSample) int64 { return s.putBytes })
}

func (r *demoRates) readText() string {
	return r.text(func(s demoSample) int64 { return s.read }, func(s demoSample) int64 { return s.readBytes })
}

// demoLine is the view in one line.
func demoLine(s demoSnapshot, rates *demoRates) string {
	return fmt.Sprintf("%5.1f s  %3.0f %%  put %s  read %s  behind %s  %s  %s", s.elapsed.Seconds(), s.fed*100,
		thousands(s.put), thousands(s.read), thousands(s.put-s.read), strings.TrimSpace(rates.readText()), s.phase)
}

// demoFrame is the view for a terminal of the given size.
func demoFrame(s demoSnapshot, rates *demoRates, columns, rows int, st style) []string {
	barWidth := max(10, min(40, columns-50))
	lines := []string{
		fmt.Sprintf("%s  %s", st.bold("kin demo"), st.faint(s.url+"  "+s.text)),
		"",
		fmt.Sprintf("put   %13s records %8.1f MB  %s", thousands(s.put), float64(s.putBytes)/1e6, st.bold(rates.putText())),
		fmt.Sprintf("read  %13s records %8.1f MB  %s", thousands(s.read), float64(s.readBytes)/1e6, st.bold(rates.readText())),
		fmt.Sprintf("%s  %s", st.blue(term.Bar(barWidth, s.fed)), phaseText(s, st)),
		st.faint(sparkline(rates.history, min(columns-2, 78))),
		"",
	}
	return append(lines, demoShardLines(s.shards, rows-len(lines)-2, st)...)
}

func phaseText(s demoSnapshot, st style) string {
	text := fmt.Sprintf("%.1f s  pass %d  %s", s.elapsed.Seconds(), s.passes, st.warn(s.phase))
	if s.wrong > 0 {
		text += st.bad(fmt.Sprintf("  %s wrong", thousands(s.wrong)))
	}
	return text
}

// demoShardLines is the table of shards in at most rows lines: those that are
// read to their end are counted in one line if there is no room.
func demoShardLines(shards []demoShard, rows int, st style) []string {
	lines := []string{st.faint(fmt.Sprintf("%-22s %12s %12s %9s %9s", "shard", "put", "read", "behind", "lag"))}
	ended := 0
	if len(shards) > rows-2 {
		shards = slices.Clone(shards)
		shards = slices.DeleteFunc(shards, func(s demoShard) bool {
			if s.ended {
				ended++
			}
			return s.ended
		})
	}
	if ended > 0 {
		lines = append(lines, st.faint(count(ended, "closed shard")+" read to the end"))
	}
	for _, s := range shards {
		text := fmt.Sprintf("%-22s %12s %12s %9s ", s.id, thousands(s.put), thousands(s.read), thousands(s.put-s.read))
		switch {
		case s.ended:
			lines = append(lines, st.faint(text+fmt.Sprintf("%9s", "ended")))
		case s.lag < 0:
			lines = append(lines, text+fmt.Sprintf("%9s", "-"))
		default:
			lines = append(lines, text+st.good(fmt.Sprintf("%6d ms", s.lag.Milliseconds())))
		}
	}
	return lines
}

// sparkline draws the last values as a line of bars of the given width.
func sparkline(values []float64, width int) string {
	if len(values) > width {
		values = values[len(values)-width:]
	}
	highest := 0.0
	for _, v := range values {
		highest = max(highest, v)
	}
	if highest == 0 {
		return ""
	}
	bars := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, v := range values {
		b.WriteRune(bars[int(max(v, 0)/highest*float64(len(bars)-1)+0.5)])
	}
	return b.String()
}
