package cli

import (
	"time"

	"github.com/kinstream/kin/cmd/kin/internal/term"
)

const (
	frameInterval = 100 * time.Millisecond
	plainInterval = 5 * time.Second
)

// startProgress shows the line that text returns on standard error while work
// goes on: redrawn in place on a terminal, printed every few seconds elsewhere.
// The returned function shows it a last time and ends it; it may be called again.
// text is called from another goroutine.
func (a *app) startProgress(text func(columns int, st style) string) (stop func()) {
	st := a.errStyle()
	if !term.IsTerminal(a.io.Err) {
		return term.Animate(plainInterval, func() { a.sayf("%s", text(80, st)) })
	}
	screen := term.NewScreen(a.io.Err)
	stopFrames := term.Animate(frameInterval, func() {
		columns, rows := term.Size(a.io.Err)
		screen.Draw([]string{text(columns, st)}, columns, rows)
	})
	return func() {
		stopFrames()
		screen.Close()
	}
}
