package journal_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/kinstream/kin/kintest/internal/journal"
)

const (
	crashDir     = "KIN_JOURNAL_CRASH_DIR"
	crashWriters = 4
	crashSegment = 64 << 10
)

// TestKill9 starts this test program again as a process that appends, kills it in the
// middle, and looks for all that was answered.
func TestKill9(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(crashDir); dir != "" {
		appendUntilKilled(t, dir)
		return
	}
	dir := t.TempDir()
	answered := make([]int, crashWriters) // per writer, how many
	for round := range 4 {
		runAndKill(t, dir, 2000*(round+1), answered)
		j, err := journal.Open(dir, journal.Options{SegmentBytes: crashSegment})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		found := make([]int, crashWriters)
		err = j.Replay(func(e journal.Entry) error {
			writer, n := e.Group-1, int(binary.LittleEndian.Uint64(e.Payload))
			if n != found[writer] {
				return fmt.Errorf("writer %d: entry %d comes after %d entries", writer, n, found[writer])
			}
			found[writer]++
			return nil
		})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for w := range found {
			// One entry may have been written and not answered.
			if found[w] < answered[w] || found[w] > answered[w]+1 {
				t.Fatalf("round %d: writer %d: %d entries are there, %d were answered", round, w, found[w], answered[w])
			}
		}
		answered = found
		closeNow(t, j)
	}
	t.Logf("%d segments, entries per writer %v", len(files(t, dir)), answered)
}

// runAndKill lets a process append and kills it after so many answers, which it counts.
func runAndKill(t *testing.T, dir string, after int, answered []int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill9$")
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if n == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		// What was answered before the kill may still be in the pipe. Only a line of its
		// own after the kill may be cut.
		if w, err := strconv.Atoi(strings.TrimPrefix(lines.Text(), "answered ")); err == nil && w < len(answered) {
			answered[w]++
		}
	}
	_ = cmd.Wait()
}

// appendUntilKilled goes on where the entries in the directory end, and writes a line
// for each answer. Each line is one write, so it is whole or not there.
func appendUntilKilled(t *testing.T, dir string) {
	j, err := journal.Open(dir, journal.Options{SegmentBytes: crashSegment})
	if err != nil {
		t.Fatal(err)
	}
	next := make([]uint64, crashWriters)
	if err := j.Replay(func(e journal.Entry) error {
		next[e.Group-1]++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for w := range crashWriters {
		wg.Go(func() {
			for n := next[w]; ; n++ {
				payload := make([]byte, 8+n*7919%300)
				binary.LittleEndian.PutUint64(payload, n)
				if err := j.Append(journal.Entry{Group: uint64(w) + 1, Payload: payload}); err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(os.Stdout, fmt.Sprintf("answered %d\n", w))
			}
		})
	}
	wg.Wait()
}
