package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kinstream/kin/kintest/internal/journal"
)

// text makes an entry of a group; its stamp is the length of the text.
func text(group uint64, s string) journal.Entry {
	return journal.Entry{Kind: 1, Group: group, Stamp: int64(len(s)), Payload: []byte(s)}
}

func open(t testing.TB, dir string, options journal.Options) *journal.Journal {
	t.Helper()
	j, err := journal.Open(dir, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func appendAll(t testing.TB, j *journal.Journal, entries ...journal.Entry) {
	t.Helper()
	for _, e := range entries {
		if err := j.Append(e); err != nil {
			t.Fatal(err)
		}
	}
}

// contents writes what a journal replays as text: states, then the rest.
func contents(t testing.TB, j *journal.Journal) string {
	t.Helper()
	var lines []string
	line := func(e journal.Entry) error {
		lines = append(lines, fmt.Sprintf("%d/%d/%d %s", e.Kind, e.Group, e.Stamp, e.Payload))
		return nil
	}
	if err := j.ReplayStates(line); err != nil {
		t.Fatal(err)
	}
	if err := j.Replay(line); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func files(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range names {
		names[i] = strings.TrimLeft(strings.TrimSuffix(filepath.Base(names[i]), ".log"), "0")
	}
	return names
}

func closeNow(t testing.TB, j *journal.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()

	t.Run("gives back what was appended, in order, after each opening", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "not", "there", "yet")
		want := ""
		for i := range 3 {
			j := open(t, dir, journal.Options{})
			if got := contents(t, j); got != want {
				t.Fatalf("opening %d: got\n%s\nwant\n%s", i, got, want)
			}
			appendAll(t, j, text(7, fmt.Sprint("entry ", i)), text(7, ""))
			want = strings.TrimPrefix(want+fmt.Sprintf("\n1/7/7 entry %d\n1/7/0 ", i), "\n")
			if cut := j.Cut(); cut != (journal.Cut{}) {
				t.Errorf("opening %d cut %+v", i, cut)
			}
			closeNow(t, j)
		}
	})

	t.Run("keeps the entries of one call together and whole", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		j := open(t, dir, journal.Options{})
		large := strings.Repeat("x", 3<<20)
		if err := j.Append(text(1, "a"), journal.Entry{Kind: journal.MaxKind, Group: 1 << 63, Stamp: -5, Payload: []byte("b")}, text(1, large)); err != nil {
			t.Fatal(err)
		}
		closeNow(t, j)
		want := fmt.Sprintf("1/1/1 a\n239/9223372036854775808/-5 b\n1/1/%d %s", len(large), large)
		if got := contents(t, open(t, dir, journal.Options{})); got != want {
			t.Errorf("got %.100s ... (%d bytes), want %d bytes", got, len(got), len(want))
		}
	})

	t.Run("ends with the error of the visitor", func(t *testing.T) {
		t.Parallel()
		j := open(t, t.TempDir(), journal.Options{})
		appendAll(t, j, text(0, "state"), text(1, "a"), text(1, "b"))
		stop, calls := errors.New("stop"), 0
		for _, replay := range []func(func(journal.Entry) error) error{j.Replay, j.ReplayStates} {
			err := replay(func(journal.Entry) error { calls++; return stop })
			if !errors.Is(err, stop) {
				t.Errorf("error = %v, want %v", err, stop)
			}
		}
		if calls != 2 {
			t.Errorf("%d visits, want 2", calls)
		}
	})
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()

	t.Run("what is too large or of a reserved kind, with all of the call", func(t *testing.T) {
		t.Parallel()
		j := open(t, t.TempDir(), journal.Options{})
		if err := j.Append(text(1, "a"), journal.Entry{Payload: make([]byte, journal.MaxPayload+1)}); !errors.Is(err, journal.ErrTooLarge) {
			t.Errorf("error = %v, want %v", err, journal.ErrTooLarge)
		}
		if err := j.Append(text(1, "b"), journal.Entry{Kind: journal.MaxKind + 1}); err == nil {
			t.Error("a reserved kind is accepted")
		}
		appendAll(t, j, text(1, "c"))
		if got, want := contents(t, j), "1/1/1 c"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})

	t.Run("everything after Close", func(t *testing.T) {
		t.Parallel()
		j := open(t, t.TempDir(), journal.Options{})
		closeNow(t, j)
		if err := j.Append(text(1, "a")); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("error = %v, want %v", err, journal.ErrClosed)
		}
		closeNow(t, j)
	})

	t.Run("everything after a write has failed", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		j, err := journal.Open(dir, journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		appendAll(t, j, text(1, "a"))
		j.Break()
		first := j.Append(text(1, "b"))
		second := j.Append(text(1, "c"))
		if first == nil || !errors.Is(second, first) {
			t.Errorf("errors = %v and %v, want the same one twice", first, second)
		}
		if err := j.Close(); err == nil {
			t.Error("Close says nothing of a file that can not be synced")
		}
		if got, want := contents(t, open(t, dir, journal.Options{})), "1/1/1 a"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestDirectoryIsOpenOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, journal.Options{})
	if _, err := journal.Open(dir, journal.Options{}); !errors.Is(err, journal.ErrLocked) {
		t.Fatalf("error = %v, want %v", err, journal.ErrLocked)
	}
	closeNow(t, j)
	open(t, dir, journal.Options{})
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()

	t.Run("a path that is no directory", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := journal.Open(file, journal.Options{}); err == nil {
			t.Error("no error")
		}
	})
}

func TestSegments(t *testing.T) {
	t.Parallel()

	t.Run("are begun when one is full, with the snapshot in place of the states", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		state := 0
		options := journal.Options{SegmentBytes: 400, Snapshot: func(emit func(uint8, []byte)) {
			emit(9, fmt.Append(nil, "snapshot ", state))
		}}
		j := open(t, dir, options)
		var want []string
		for i := range 40 {
			state = i
			appendAll(t, j, text(0, fmt.Sprint("state ", i)), text(3, fmt.Sprint("entry ", i)))
			want = append(want, fmt.Sprintf("1/3/%d entry %d", len(fmt.Sprint("entry ", i)), i))
		}
		closeNow(t, j)
		if n := len(files(t, dir)); n < 5 {
			t.Fatalf("%d segments, want more", n)
		}
		got := strings.Split(contents(t, open(t, dir, options)), "\n")
		first := slices.IndexFunc(got, func(s string) bool { return strings.HasPrefix(s, "1/3/") })
		if !slices.Equal(got[first:], want) {
			t.Errorf("entries\n%s\nwant\n%s", strings.Join(got[first:], "\n"), strings.Join(want, "\n"))
		}
		states := got[:first]
		if len(states) > 5 || !strings.HasPrefix(states[0], "9/0/0 snapshot ") {
			t.Errorf("states\n%s\nwant those since the last snapshot", strings.Join(states, "\n"))
		}
		if last := states[len(states)-1]; last != "1/0/8 state 39" && last != "9/0/0 snapshot 39" {
			t.Errorf("last state %q, want that of 39", last)
		}
	})

	t.Run("go when nothing in them lives, also from the middle", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		alive := map[uint64]bool{1: true, 2: true, 3: true}
		options := journal.Options{SegmentBytes: 1, Alive: func(group uint64, _ int64) bool { return alive[group] }}
		j := open(t, dir, options)
		appendAll(t, j, text(1, "a"), text(2, "b"), text(3, "c"), text(0, "state"))
		wantFiles(t, dir, "1 2 3 5") // 4 had a state only
		alive[2] = false
		appendAll(t, j, text(1, "d"))
		wantFiles(t, dir, "1 3 5 6")
		closeNow(t, j)
		if got, want := contents(t, open(t, dir, options)), "1/1/1 a\n1/3/1 c\n1/1/1 d"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})

	t.Run("are judged by the newest stamp of a group", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		horizon := int64(0)
		options := journal.Options{SegmentBytes: 200, Alive: func(_ uint64, stamp int64) bool { return stamp >= horizon }}
		j := open(t, dir, options)
		appendAll(t, j, text(1, "1234567"), text(1, "1"), text(1, "12"))
		horizon = 7
		for range 8 {
			appendAll(t, j, text(1, "1"))
		}
		if got := files(t, dir); got[0] != "1" {
			t.Errorf("segments %v, want 1 to be kept", got)
		}
		horizon = 8
		for range 8 {
			appendAll(t, j, text(1, "1"))
		}
		if got := files(t, dir); got[0] == "1" || len(got) != 1 {
			t.Errorf("segments %v, want the newest only", got)
		}
	})

	t.Run("of an earlier run are judged after a replay, and not before", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		j := open(t, dir, journal.Options{SegmentBytes: 1})
		appendAll(t, j, text(1, "a"), text(2, "b"))
		closeNow(t, j)
		options := journal.Options{SegmentBytes: 1, Alive: func(group uint64, _ int64) bool { return group != 1 }}
		j = open(t, dir, options)
		appendAll(t, j, text(2, "c"))
		wantFiles(t, dir, "1 2 3 4")
		closeNow(t, j)
		j = open(t, dir, options)
		contents(t, j)
		appendAll(t, j, text(2, "d"))
		wantFiles(t, dir, "2 3 4 5")
	})

	t.Run("written to in two runs are judged by both", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		j := open(t, dir, journal.Options{})
		appendAll(t, j, text(1, "a"))
		closeNow(t, j)
		j = open(t, dir, journal.Options{SegmentBytes: 1, Alive: func(group uint64, _ int64) bool { return group == 1 }})
		appendAll(t, j, text(2, "b"), text(2, "c"))
		wantFiles(t, dir, "1 3")
	})

	t.Run("go when asked for, if a replay has read them", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		j := open(t, dir, journal.Options{SegmentBytes: 1})
		appendAll(t, j, text(1, "a"), text(2, "b"), text(1, "c"))
		closeNow(t, j)
		j = open(t, dir, journal.Options{Alive: func(group uint64, _ int64) bool { return group != 1 }})
		for _, want := range []string{"1 2 3 4", "2 4"} {
			if err := j.Prune(); err != nil {
				t.Fatal(err)
			}
			wantFiles(t, dir, want)
			contents(t, j)
		}
		closeNow(t, j)
		if err := j.Prune(); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("error = %v, want %v", err, journal.ErrClosed)
		}
		if got, want := contents(t, open(t, dir, journal.Options{})), "1/2/1 b"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})

	t.Run("that were declared dead go at the next opening if the process ended in between", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		kept := filepath.Join(t.TempDir(), "kept")
		alive := true
		options := journal.Options{SegmentBytes: 1, Alive: func(group uint64, _ int64) bool { return alive || group != 1 }}
		j := open(t, dir, options)
		appendAll(t, j, text(1, "a"))
		first := filepath.Join(dir, journal.SegmentName(1))
		if err := os.Link(first, kept); err != nil {
			t.Fatal(err)
		}
		alive = false
		appendAll(t, j, text(2, "b"))
		closeNow(t, j)
		wantFiles(t, dir, "2 3")
		if err := os.Rename(kept, first); err != nil {
			t.Fatal(err)
		}
		unfinished := filepath.Join(dir, journal.SegmentName(4)+".new")
		if err := os.WriteFile(unfinished, []byte("half a head"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, want := contents(t, open(t, dir, options)), "1/2/1 b"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		wantFiles(t, dir, "2 3")
		if _, err := os.Stat(unfinished); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the unfinished segment is still there: %v", err)
		}
	})
}

func wantFiles(t *testing.T, dir, want string) {
	t.Helper()
	if got := strings.Join(files(t, dir), " "); got != want {
		t.Fatalf("segments %s, want %s", got, want)
	}
}
