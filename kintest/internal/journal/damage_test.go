package journal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kinstream/kin/kintest/internal/journal"
)

// sample makes a journal with two segments and returns their bytes.
func sample(t *testing.T, dir string) (older, newest []byte) {
	t.Helper()
	options := journal.Options{SegmentBytes: 180}
	j := open(t, dir, options)
	appendAll(t, j, text(1, "first"), text(0, "state"), text(2, "second, which is longer"))
	appendAll(t, j, text(1, "third"), text(0, ""), text(1, "x"))
	closeNow(t, j)
	if got := files(t, dir); len(got) != 2 {
		t.Fatalf("segments %v, want two", got)
	}
	return readFile(t, dir, 1), readFile(t, dir, 2)
}

func readFile(t *testing.T, dir string, number uint64) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, journal.SegmentName(number)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeFile(t *testing.T, dir string, number uint64, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, journal.SegmentName(number)), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// tryReplay opens a journal and replays all of it.
func tryReplay(dir string) (lines []string, cut journal.Cut, err error) {
	j, err := journal.Open(dir, journal.Options{})
	if err != nil {
		return nil, journal.Cut{}, err
	}
	defer j.Close()
	line := func(e journal.Entry) error {
		lines = append(lines, string(e.Payload))
		return nil
	}
	if err := j.ReplayStates(line); err != nil {
		return nil, j.Cut(), err
	}
	return lines, j.Cut(), j.Replay(line)
}

// ends are the offsets at which frames of a segment end, the first being the end of
// its head, and the number of entries up to there.
func ends(t *testing.T, number uint64, segment []byte) (offsets []int, entries []int) {
	t.Helper()
	for end := range len(segment) + 1 {
		count := 0
		got, torn, err := journal.ReadFrames(segment[:end], number, func(e journal.Entry) error {
			if e.Kind <= journal.MaxKind {
				count++
			}
			return nil
		})
		if err != nil {
			continue
		}
		if !torn && got == int64(end) {
			offsets = append(offsets, end)
			entries = append(entries, count)
		}
	}
	if len(offsets) == 0 {
		t.Fatal("no frames")
	}
	return offsets, entries
}

func TestTruncationAtEveryByte(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, newest := sample(t, dir)
	offsets, entries := ends(t, 2, newest)
	at := -1 // index of the last frame that is whole
	for size := range len(newest) + 1 {
		if at+1 < len(offsets) && offsets[at+1] == size {
			at++
		}
		writeFile(t, dir, 2, newest[:size])
		lines, cut, err := tryReplay(dir)
		if at < 0 {
			if _, ok := errors.AsType[*journal.CorruptError](err); !ok {
				t.Fatalf("cut in the head at %d: error %v, want a CorruptError", size, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("cut at %d: %v", size, err)
		}
		// The two entries with a group in the older segment are always there.
		if want := 2 + entries[at]; len(lines) != want {
			t.Fatalf("cut at %d: %d entries %q, want %d", size, len(lines), lines, want)
		}
		want := journal.Cut{}
		if lost := size - offsets[at]; lost > 0 {
			want = journal.Cut{File: journal.SegmentName(2), Offset: int64(offsets[at]), Bytes: int64(lost)}
		}
		if cut != want {
			t.Fatalf("cut at %d: reported %+v, want %+v", size, cut, want)
		}
		if got := readFile(t, dir, 2); len(got) != offsets[at] {
			t.Fatalf("cut at %d: the file has %d bytes after opening, want %d", size, len(got), offsets[at])
		}
	}
}

func TestAppendGoesOnAfterACut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, newest := sample(t, dir)
	writeFile(t, dir, 2, newest[:len(newest)-1])
	j := open(t, dir, journal.Options{})
	appendAll(t, j, text(1, "new"))
	closeNow(t, j)
	lines, cut, err := tryReplay(dir)
	if got, want := strings.Join(lines, " "), " first second, which is longer third new"; got != want || err != nil || cut.Bytes != 0 {
		t.Errorf("got %q, cut %+v, error %v; want %q", got, cut, err, want)
	}
}

func TestZerosAtTheEndAreCut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, newest := sample(t, dir)
	for _, n := range []int{1, 28, 29, 30, 5000, 600_000} {
		writeFile(t, dir, 2, append(bytes.Clone(newest), make([]byte, n)...))
		lines, cut, err := tryReplay(dir)
		if err != nil || len(lines) != 5 || cut.Bytes != int64(n) || cut.Offset != int64(len(newest)) {
			t.Errorf("%d zeros: %d entries, cut %+v, error %v; want 5 entries and a cut", n, len(lines), cut, err)
		}
		writeFile(t, dir, 2, append(append(bytes.Clone(newest), make([]byte, max(n, 40))...), 1))
		if _, _, err := tryReplay(dir); err == nil {
			t.Errorf("%d zeros and a one: no error", n)
		}
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	older, newest := sample(t, dir)
	for number, data := range map[uint64][]byte{1: older, 2: newest} {
		for bit := range len(data) * 8 {
			damaged := bytes.Clone(data)
			damaged[bit/8] ^= 1 << (bit % 8)
			writeFile(t, dir, number, damaged)
			lines, cut, err := tryReplay(dir)
			bad, ok := errors.AsType[*journal.CorruptError](err)
			if !ok {
				t.Fatalf("segment %d, bit %d: entries %q, cut %+v, error %v; want a CorruptError", number, bit, lines, cut, err)
			}
			if bad.File != journal.SegmentName(number) || bad.Offset > int64(bit/8) || bad.Offset+bad.Lost != int64(len(data)) {
				t.Fatalf("segment %d, bit %d: %v", number, bit, bad)
			}
		}
		writeFile(t, dir, number, data)
	}
}

func TestDamageIsReported(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		damage func(t *testing.T, dir string, older, newest []byte)
		want   string
	}{
		{"older segment missing", func(t *testing.T, dir string, _, _ []byte) {
			if err := os.Remove(filepath.Join(dir, journal.SegmentName(1))); err != nil {
				t.Fatal(err)
			}
		}, "the file is missing"},
		{"older segment cut short", func(t *testing.T, dir string, older, _ []byte) {
			writeFile(t, dir, 1, older[:len(older)-1])
		}, "a frame is not complete, although the segment is"},
		{"segment under another's name", func(t *testing.T, dir string, _, newest []byte) {
			writeFile(t, dir, 1, newest)
		}, "the segment header is wrong"},
		{"a frame twice", func(t *testing.T, dir string, _, newest []byte) {
			offsets, _ := ends(t, 2, newest)
			last := newest[offsets[len(offsets)-2]:]
			writeFile(t, dir, 2, append(bytes.Clone(newest), last...))
		}, "the checksum of a frame header does not match"},
		{"a frame taken out", func(t *testing.T, dir string, _, newest []byte) {
			offsets, _ := ends(t, 2, newest)
			writeFile(t, dir, 2, append(bytes.Clone(newest[:offsets[0]]), newest[offsets[1]:]...))
		}, "the checksum of a frame header does not match"},
		{"a frame of another segment in the same place", func(t *testing.T, dir string, _, newest []byte) {
			other := journal.WriteFrames(3, journal.HeadEnd(), text(1, "old"))
			own := journal.WriteFrames(2, journal.HeadEnd(), text(1, "new"))
			copy(own[len(own)-32:], other[len(other)-32:])
			if len(own) != len(other) || len(newest) == 0 {
				t.Fatal("the frames are not in the same place")
			}
			writeFile(t, dir, 2, own)
		}, "the checksum of a frame header does not match"},
		{"empty segment", func(t *testing.T, dir string, _, _ []byte) {
			writeFile(t, dir, 2, nil)
		}, "there is no segment header"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			older, newest := sample(t, dir)
			tc.damage(t, dir, older, newest)
			lines, _, err := tryReplay(dir)
			if bad, ok := errors.AsType[*journal.CorruptError](err); !ok || bad.Reason != tc.want {
				t.Errorf("entries %q, error %v; want a CorruptError because %s", lines, err, tc.want)
			}
		})
	}
}
