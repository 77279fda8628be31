package cli

import (
	"io"
	"os"

	"github.com/kinstream/kin/cmd/kin/internal/term"
)

// style colours text for one output, if that output is a terminal that shows
// colours and NO_COLOR is not set. For anything else it returns text unchanged.
type style struct{ on bool }

func styleFor(w io.Writer) style { return style{on: term.IsTerminal(w) && os.Getenv("NO_COLOR") == ""} }

func (a *app) outStyle() style { return styleFor(a.io.Out) }
func (a *app) errStyle() style { return styleFor(a.io.Err) }

func (s style) bold(text string) string  { return s.render("1", text) }
func (s style) faint(text string) string { return s.render("2", text) }
func (s style) bad(text string) string   { return s.render("31", text) }
func (s style) good(text string) string  { return s.render("32", text) }
func (s style) warn(text string) string  { return s.render("33", text) }
func (s style) blue(text string) string  { return s.render("36", text) }

// render puts text between the code of a graphic rendition and the one that ends it.
func (s style) render(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// status colours the status of a stream.
func (s style) status(status string) string {
	switch status {
	case "ACTIVE":
		return s.good(status)
	case "DELETING":
		return s.bad(status)
	}
	return s.warn(status)
}
