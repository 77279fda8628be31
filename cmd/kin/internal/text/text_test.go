package text_test

import (
	"bufio"
	"testing"
	"unicode/utf8"

	"github.com/kinstream/kin/cmd/kin/internal/text"
)

func TestLibrary_is_whole_and_each_line_can_be_a_record(t *testing.T) {
	t.Parallel()
	lines, bytes := 0, 0
	s := bufio.NewScanner(text.Library())
	for s.Scan() {
		lines++
		bytes += len(s.Bytes())
		if len(s.Bytes()) == 0 || !utf8.Valid(s.Bytes()) {
			t.Fatalf("line %d = %q, want UTF-8 text", lines, s.Bytes())
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	if lines != text.Lines || lines < 100_000 {
		t.Errorf("lines = %d, want %d", lines, text.Lines)
	}
	if bytes != 9_508_490 {
		t.Errorf("bytes = %d, want 9,508,490: is the text another one?", bytes)
	}
}
