package cli

import (
	"io"

	"github.com/charmbracelet/lipgloss"
)

// style colours text for one output, if that output is a terminal that shows
// colours and NO_COLOR is not set. For anything else it returns text unchanged.
type style struct {
	r *lipgloss.Renderer
}

func styleFor(w io.Writer) style { return style{r: lipgloss.NewRenderer(w)} }

func (a *app) outStyle() style { return styleFor(a.io.Out) }
func (a *app) errStyle() style { return styleFor(a.io.Err) }

func (s style) bold(text string) string  { return s.r.NewStyle().Bold(true).Render(text) }
func (s style) faint(text string) string { return s.r.NewStyle().Faint(true).Render(text) }
func (s style) good(text string) string  { return s.colour("2", text) }
func (s style) warn(text string) string  { return s.colour("3", text) }
func (s style) bad(text string) string   { return s.colour("1", text) }
func (s style) blue(text string) string  { return s.colour("6", text) }

func (s style) colour(ansi, text string) string {
	return s.r.NewStyle().Foreground(lipgloss.Color(ansi)).Render(text)
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
