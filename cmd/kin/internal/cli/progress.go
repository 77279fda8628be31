package cli

import (
	"time"

	"github.com/kinstream/kin/cmd/kin/internal/term"
)

const (
	frameInterval = 100 * time.Millisecond
	plainInterval = 5 * time.Second
)

// startProgress is startView for one line.
func (a *app) startProgress(text func(columns int, st style) string) (stop func()) {
	return a.startView(func(columns, _ int, st style) []string { return []string{text(columns, st)} })
}

// startView shows the lines that it returns on standard error while work goes on: redrawn in place
// on a terminal of so many rows, printed every few seconds elsewhere, where rows is 0.
// The returned function shows them a last time and ends it; it may be called again.
// lines is called from another goroutine.
func (a *app) startView(lines func(columns, rows int, st style) []string) (stop func()) {
	st := a.errStyle()
	if !term.IsTerminal(a.io.Err) {
		return term.Animate(plainInterval, func() {
			for _, line := range lines(80, 0, st) {
				a.sayf("%s", line)
			}
		})
	}
	screen := term.NewScreen(a.io.Err)
	stopFrames := term.Animate(frameInterval, func() {
		columns, rows := term.Size(a.io.Err)
		screen.Draw(lines(columns, rows, st), columns, rows)
	})
	return func() {
		stopFrames()
		screen.Close()
	}
}
