// Package term draws on a terminal in place: a block of lines that is redrawn
// while work goes on, and stays when it ends.
//
//	Animate --every interval--> frame() -> lines -> Screen.Draw
//	                                                   |
//	             one Write: up to the first line of the last frame, the new
//	             lines, each cleared to its end, everything below cleared
//
// It does not read from the terminal and does not change its mode: Ctrl-C stays a
// signal, and output of the shell after the last frame lands below it.
package term

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"
	xterm "github.com/charmbracelet/x/term"
)

// IsTerminal reports whether w is a terminal that understands cursor movement.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && xterm.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb"
}

// Size returns the columns and rows of the terminal w, 80 by 24 if it does not say.
func Size(w io.Writer) (columns, rows int) {
	if f, ok := w.(*os.File); ok {
		if c, r, err := xterm.GetSize(f.Fd()); err == nil && c > 0 && r > 0 {
			return c, r
		}
	}
	return 80, 24
}

// Screen redraws a block of lines in place. It is for one goroutine at a time.
type Screen struct {
	w     io.Writer
	drawn int // lines of the last frame
}

// NewScreen returns a Screen that draws on w, beginning at its current line.
func NewScreen(w io.Writer) *Screen { return &Screen{w: w} }

const (
	hideCursor  = "\x1b[?25l"
	showCursor  = "\x1b[?25h"
	beginUpdate = "\x1b[?2026h" // the terminal shows nothing until endUpdate
	endUpdate   = "\x1b[?2026l"
	clearRight  = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// Draw replaces the last frame by lines. Lines wider than columns and frames
// higher than rows are cut: a line that wraps, or a frame that scrolls, would
// be drawn at the wrong place the next time.
func (s *Screen) Draw(lines []string, columns, rows int) {
	if len(lines) > rows-1 {
		lines = lines[:max(rows-1, 0)]
	}
	var b strings.Builder
	b.WriteString(beginUpdate + hideCursor)
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	b.WriteString("\r")
	for _, line := range lines {
		b.WriteString(ansi.Truncate(line, columns, "…") + clearRight + "\n")
	}
	b.WriteString(clearBelow + endUpdate)
	s.drawn = len(lines)
	io.WriteString(s.w, b.String()) //nolint:errcheck // a terminal that is gone ends the process by SIGPIPE or SIGHUP
}

// Close leaves the last frame where it is and gives the cursor back.
func (s *Screen) Close() {
	io.WriteString(s.w, showCursor) //nolint:errcheck // as in Draw
	s.drawn = 0
}

// Animate calls frame now and then every interval, one call at a time, until
// the function that it returns is called; that one waits for a running frame,
// calls frame a last time and returns. It may be called more than once.
func Animate(interval time.Duration, frame func()) (stop func()) {
	quit := make(chan struct{})
	var wg sync.WaitGroup
	frame()
	// Ends when quit is closed; stop waits for it.
	wg.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				frame()
			case <-quit:
				return
			}
		}
	})
	return sync.OnceFunc(func() {
		close(quit)
		wg.Wait()
		frame()
	})
}

// Bar is a progress bar of the given width for a fraction from 0 to 1.
func Bar(width int, fraction float64) string {
	const steps = 8
	eighths := []rune(" ▏▎▍▌▋▊▉")
	fraction = min(max(fraction, 0), 1)
	filled := int(fraction*float64(width*steps) + 0.5)
	full, part := filled/steps, filled%steps
	bar := strings.Repeat("█", full)
	if part > 0 {
		bar += string(eighths[part])
		full++
	}
	return bar + strings.Repeat("░", max(width-full, 0))
}
