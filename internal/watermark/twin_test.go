package watermark_test

import (
	"math/rand/v2"
	"testing"

	"github.com/kinstream/kin/internal/watermark"
)

// twin remembers every record for ever.
type twin struct {
	spans []struct{ value, first, n int }
	acked []bool
	taken int // how many spans, and records of the next, Take has told of
	part  int
}

func (w *twin) add(value, n int) {
	w.spans = append(w.spans, struct{ value, first, n int }{value, len(w.acked), n})
	w.acked = append(w.acked, make([]bool, n)...)
}

func (w *twin) ack(first, n int) {
	for i := max(0, first); i < min(first+n, len(w.acked)); i++ {
		w.acked[i] = true
	}
}

func (w *twin) next() int {
	for i, acked := range w.acked {
		if !acked {
			return i
		}
	}
	return len(w.acked)
}

// prefix returns how many spans are done, and how many records of the one after them.
func (w *twin) prefix() (done, part int) {
	next := w.next()
	for i, s := range w.spans {
		if s.first+s.n > next {
			return i, next - s.first
		}
	}
	return len(w.spans), 0
}

func (w *twin) take() (value, n int, ok bool) {
	done, part := w.prefix()
	if done == w.taken && part == w.part {
		return 0, 0, false
	}
	w.taken, w.part = done, part
	if part > 0 {
		return w.spans[done].value, part, true
	}
	return w.spans[done-1].value, w.spans[done-1].n, true
}

func (w *twin) unacked() (n int) {
	for _, acked := range w.acked {
		if !acked {
			n++
		}
	}
	return n
}

func (w *twin) bytes() (n int64) {
	done, _ := w.prefix()
	for _, s := range w.spans[done:] {
		n += int64(s.value)
	}
	return n
}

// step does the same to both, and compares everything that can be seen.
func step(t *testing.T, m *watermark.Mark[int], w *twin, op, a, b int) {
	t.Helper()
	switch op % 5 {
	case 0:
		if got, want := m.Add(a, b, int64(a)), uint64(len(w.acked)); got != want {
			t.Fatalf("Add = %d, want %d", got, want)
		}
		w.add(a, b)
	case 1, 2:
		first, n := w.next()+a-3, b
		if op%5 == 1 {
			first = w.next()
		}
		first = max(0, first)
		done, part := w.prefix()
		w.ack(first, n)
		nowDone, nowPart := w.prefix()
		if got, want := m.AckRange(uint64(first), n), done != nowDone || part != nowPart; got != want {
			t.Fatalf("AckRange(%d, %d) moved: %v, want %v", first, n, got, want)
		}
	case 3:
		number := max(0, w.next()+a-3)
		w.ack(number, 1)
		m.Ack(uint64(number))
	default:
		before := *w
		if _, _, want := before.take(); m.Moved() != want {
			t.Fatalf("Moved = %v, want %v", m.Moved(), want)
		}
		value, n, ok := m.Take()
		wantValue, wantN, wantOK := w.take()
		if value != wantValue || n != wantN || ok != wantOK {
			t.Fatalf("Take = %d, %d, %v, want %d, %d, %v", value, n, ok, wantValue, wantN, wantOK)
		}
	}
	compare(t, m, w)
}

func compare(t *testing.T, m *watermark.Mark[int], w *twin) {
	t.Helper()
	if got, want := m.Next(), uint64(w.next()); got != want {
		t.Fatalf("Next = %d, want %d", got, want)
	}
	if got, want := m.End(), uint64(len(w.acked)); got != want {
		t.Fatalf("End = %d, want %d", got, want)
	}
	if got, want := m.Unacked(), w.unacked(); got != want {
		t.Fatalf("Unacked = %d, want %d", got, want)
	}
	records, bytes := m.Window()
	if wantRecords, wantBytes := len(w.acked)-w.next(), w.bytes(); records != wantRecords || bytes != wantBytes {
		t.Fatalf("Window = %d, %d, want %d, %d", records, bytes, wantRecords, wantBytes)
	}
	for i := max(0, w.next()-2); i <= len(w.acked); i++ {
		if got, want := m.Acked(uint64(i)), i < len(w.acked) && w.acked[i]; got != want {
			t.Fatalf("Acked(%d) = %v, want %v", i, got, want)
		}
	}
}

func TestMarkAgreesWithItsNaiveTwin(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %#x", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 60 {
		var m watermark.Mark[int]
		var w twin
		size := 1 + r.IntN(200) // of a span, at most
		for range 200 {
			switch op := r.IntN(5); op {
			case 0:
				step(t, &m, &w, op, r.IntN(100), r.IntN(size))
			default:
				step(t, &m, &w, op, r.IntN(2*size), r.IntN(2*size))
			}
		}
	}
}

func FuzzMark(f *testing.F) {
	f.Add([]byte{0, 1, 5, 1, 0, 3, 3, 5, 0, 0, 7, 0, 4, 0, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		var m watermark.Mark[int]
		var w twin
		for ; len(ops) >= 3 && len(w.acked) < 4096; ops = ops[3:] {
			step(t, &m, &w, int(ops[0]), int(ops[1]), int(ops[2]))
		}
	})
}
