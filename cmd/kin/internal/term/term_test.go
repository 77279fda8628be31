package term_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/cmd/kin/internal/term"
)

func TestScreen_goes_back_over_what_it_drew(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s := term.NewScreen(&out)
	s.Draw([]string{"one", "two"}, 80, 24)
	out.Reset()
	s.Draw([]string{"a line that is too wide", "b", "c", "d"}, 10, 4)
	s.Close()
	want := "\x1b[?2026h\x1b[?25l\x1b[2A\ra line th…\x1b[K\nb\x1b[K\nc\x1b[K\n\x1b[J\x1b[?2026l\x1b[?25h"
	if out.String() != want {
		t.Errorf("second frame = %q, want %q", out.String(), want)
	}
}

func TestBar_fills_by_eighths(t *testing.T) {
	t.Parallel()
	for fraction, want := range map[float64]string{-1: "░░░░", 0: "░░░░", 0.5: "██░░", 0.53125: "██▏░", 1: "████", 2: "████"} {
		if got := term.Bar(4, fraction); got != want {
			t.Errorf("bar of %v = %s, want %s", fraction, got, want)
		}
	}
}

func TestAnimate_draws_at_once_at_intervals_and_at_the_end(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var frames atomic.Int64
		stop := term.Animate(time.Second, func() { frames.Add(1) })
		if got := frames.Load(); got != 1 {
			t.Errorf("frames at the start = %d, want 1", got)
		}
		time.Sleep(3500 * time.Millisecond) // in a bubble
		stop()
		stop()
		if got := frames.Load(); got != 5 {
			t.Errorf("frames after 3.5 s = %d, want 5", got)
		}
	})
}

func TestTerminal_is_not_what_only_keeps_bytes(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if term.IsTerminal(&out) {
		t.Error("a strings.Builder is taken for a terminal")
	}
	if columns, rows := term.Size(&out); columns != 80 || rows != 24 {
		t.Errorf("its size = %d by %d, want 80 by 24", columns, rows)
	}
}
