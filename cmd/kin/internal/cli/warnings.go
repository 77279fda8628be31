package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// warnings is a logger for the library's parts: warnings become lines like those
// of errors, and a warning that was just printed is not printed again.
func (a *app) warnings(name string) *slog.Logger {
	explain := func(err error) string {
		line, _ := a.explain(context.Background(), err) // what failed is tried again, whatever becomes of the command
		return line
	}
	return slog.New(&warningHandler{w: a.io.Err, name: name, explain: explain, last: make(map[string]time.Time)})
}

const sameWarning = 5 * time.Second

type warningHandler struct {
	w       io.Writer
	name    string
	explain func(error) string

	mu   sync.Mutex // guards last
	last map[string]time.Time
}

// Enabled implements slog.Handler.
func (h *warningHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

// Handle implements slog.Handler.
func (h *warningHandler) Handle(_ context.Context, r slog.Record) error {
	h.mu.Lock()
	again := time.Since(h.last[r.Message]) < sameWarning
	if !again {
		h.last[r.Message] = time.Now()
	}
	h.mu.Unlock()
	if again {
		return nil
	}
	var b strings.Builder
	b.WriteString(h.name + ": " + r.Message)
	r.Attrs(func(attr slog.Attr) bool {
		switch v := attr.Value.Any().(type) {
		case error:
			b.WriteString(": " + h.explain(v))
		case time.Duration:
			fmt.Fprintf(&b, ", %s %v", attr.Key, v.Round(time.Millisecond))
		default:
			if text := oneLine(attr.Value.String()); text != "" {
				fmt.Fprintf(&b, ", %s %s", attr.Key, text)
			}
		}
		return true
	})
	_, err := io.WriteString(h.w, b.String()+"\n")
	return err
}

// WithAttrs implements slog.Handler; the library's loggers carry none that a
// person who typed the stream's name needs to read again.
func (h *warningHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements slog.Handler.
func (h *warningHandler) WithGroup(string) slog.Handler { return h }
