package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kinstream/kin/cmd/kin/internal/term"
)

// groupSnapshot is what the view of act two shows at one moment.
type groupSnapshot struct {
	elapsed      time.Duration
	url, phase   string
	put, handled int64
	doubled      int64
	wrong        int64 // out of order, foreign, not stored so far
	workers      []groupWorker
	shards       []groupShard
}

type groupWorker struct {
	name   string
	state  workerState
	shards int
}

func (d *groupDemo) snapshot() groupSnapshot {
	s := groupSnapshot{
		elapsed: time.Since(d.start), url: d.url, phase: *d.phase.Load(),
		handled: d.ledger.handled(), shards: d.ledger.list(), doubled: d.ledger.doubled.Load(),
		wrong: d.ledger.reordered.Load() + d.ledger.foreign.Load() + d.ledger.failed.Load(),
	}
	s.put = max(d.ledger.put.Load(), s.handled) // a record can be handled before its put is answered
	for _, w := range d.workers {
		s.workers = append(s.workers, groupWorker{w.name, workerState(w.state.Load()), d.ledger.owned(w.name)})
	}
	return s
}

// startGroupView shows how act two goes on, on standard error: a table that is redrawn on a
// terminal, or one line per second elsewhere.
func (a *app) startGroupView(d *groupDemo) (stop func()) {
	if !term.IsTerminal(a.io.Err) {
		return term.Animate(time.Second, func() { a.sayf("%s", groupLine(d.snapshot())) })
	}
	st := a.errStyle()
	screen := term.NewScreen(a.io.Err)
	stopFrames := term.Animate(frameInterval, func() {
		columns, rows := term.Size(a.io.Err)
		screen.Draw(groupFrame(d.snapshot(), rows, st), columns, rows)
	})
	return func() {
		stopFrames()
		screen.Close()
	}
}

// groupLine is the view in one line.
func groupLine(s groupSnapshot) string {
	var shares []string
	for _, w := range s.workers {
		share := strconv.Itoa(w.shards)
		switch w.state {
		case workerAway, workerGone:
			share = "-"
		case workerDead:
			share = "dead"
		case workerHere:
		}
		shares = append(shares, w.name+" "+share)
	}
	return fmt.Sprintf("%5.1f s  put %s  handled %s  behind %s  shards: %s  %s", s.elapsed.Seconds(),
		thousands(s.put), thousands(s.handled), thousands(s.put-s.handled), strings.Join(shares, ", "), s.phase)
}

// groupFrame is the view for a terminal with so many rows: a table of shards and workers.
func groupFrame(s groupSnapshot, rows int, st style) []string {
	text := fmt.Sprintf("%.1f s  %s", s.elapsed.Seconds(), st.warn(s.phase))
	if s.wrong > 0 {
		text += st.bad(fmt.Sprintf("  %s wrong", thousands(s.wrong)))
	}
	lines := []string{
		fmt.Sprintf("%s  %s", st.bold("kin demo, act two: a group of workers"), st.faint(s.url)),
		"",
		fmt.Sprintf("put      %10s records", thousands(s.put)),
		fmt.Sprintf("handled  %10s records  %s", thousands(s.handled), st.faint(thousands(s.doubled)+" again, after a crash")),
		text,
		"",
	}
	header := []string{fmt.Sprintf("%-22s", "shard")}
	for _, w := range s.workers {
		header = append(header, workerHead(w, st))
	}
	lines = append(lines, strings.Join(header, "  ")+st.faint(fmt.Sprintf("  %10s %12s %12s", "records", "last", "longest gap")))
	for i, sh := range s.shards {
		if len(lines) >= rows-2 && i < len(s.shards)-1 {
			return append(lines, st.faint("and "+count(len(s.shards)-i, "more shard")))
		}
		lines = append(lines, groupRow(sh, s.workers, st))
	}
	return lines
}

const workerColumn = 8

// workerHead is the head of a worker's column.
func workerHead(w groupWorker, st style) string {
	switch w.state {
	case workerDead:
		return st.bad(fmt.Sprintf("%-*s", workerColumn, w.name+" killed"))
	case workerGone:
		return st.faint(fmt.Sprintf("%-*s", workerColumn, w.name+" left"))
	case workerAway:
		return st.faint(fmt.Sprintf("%-*s", workerColumn, w.name+" -"))
	case workerHere:
	}
	return st.bold(fmt.Sprintf("%-*s", workerColumn, fmt.Sprintf("%s %d", w.name, w.shards)))
}

// groupRow is the line of a shard: a mark in the column of its owner.
func groupRow(s groupShard, workers []groupWorker, st style) string {
	row := []string{fmt.Sprintf("%-22s", s.id)}
	for _, w := range workers {
		cell := fmt.Sprintf("%-*s", workerColumn, "·")
		switch {
		case w.name != s.owner:
			cell = st.faint(cell)
		case w.state == workerDead:
			cell = st.bad(fmt.Sprintf("%-*s", workerColumn, "×"))
		default:
			cell = st.good(fmt.Sprintf("%-*s", workerColumn, "███"))
		}
		row = append(row, cell)
	}
	return strings.Join(row, "  ") + fmt.Sprintf("  %10s %9.2f s %9.2f s", thousands(s.records), s.quiet.Seconds(), s.gap.Seconds())
}
