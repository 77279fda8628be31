package watermark_test

import (
	"math"
	"runtime"
	"testing"
	"weak"

	"github.com/kinstream/kin/internal/watermark"
)

// want checks what Take returns: the first n records of the span with the value are the end of
// the prefix.
func want(t *testing.T, m *watermark.Mark[string], value string, n int) {
	t.Helper()
	gotValue, gotN, ok := m.Take()
	if gotValue != value || gotN != n || !ok {
		t.Fatalf("Take = %q, %d, %v, want %q, %d", gotValue, gotN, ok, value, n)
	}
	if m.Moved() {
		t.Fatal("Take has left something")
	}
	if value, n, ok := m.Take(); ok {
		t.Fatalf("Take = %q, %d again", value, n)
	}
}

func TestMark(t *testing.T) {
	t.Parallel()

	t.Run("has nothing to say at first", func(t *testing.T) {
		t.Parallel()
		var m watermark.Mark[string]
		if m.Moved() || m.Ack(0) || m.AckRange(3, 4) {
			t.Error("a Mark without records has moved")
		}
		m.Add("a", 3, 10)
		if _, _, ok := m.Take(); ok {
			t.Error("a Mark has moved without an acknowledgement")
		}
	})

	t.Run("ends its prefix before the first record that is not acknowledged", func(t *testing.T) {
		t.Parallel()
		var m watermark.Mark[string]
		m.Add("a", 3, 10)
		m.Add("b", 2, 20)
		if m.Ack(1) || m.Ack(4) {
			t.Error("the prefix has moved over record 0")
		}
		if !m.Ack(0) {
			t.Error("the prefix has not moved")
		}
		want(t, &m, "a", 2)
		m.Ack(2)
		want(t, &m, "a", 3)
		if records, bytes := m.Window(); records != 2 || bytes != 20 || m.Unacked() != 1 {
			t.Errorf("window = %d records, %d bytes, %d unacked", records, bytes, m.Unacked())
		}
		m.Ack(3)
		want(t, &m, "b", 2)
	})

	t.Run("acknowledges over the borders of spans", func(t *testing.T) {
		t.Parallel()
		var m watermark.Mark[string]
		for _, value := range []string{"a", "b", "c", "d"} {
			m.Add(value, 100, 1)
		}
		m.AckRange(150, 200)
		if got := m.Unacked(); got != 200 {
			t.Errorf("unacked = %d, want 200", got)
		}
		m.AckRange(0, 151)
		want(t, &m, "d", 50)
	})

	t.Run("passes a span without records when its turn has come", func(t *testing.T) {
		t.Parallel()
		var m watermark.Mark[string]
		m.Add("empty", 0, 0)
		want(t, &m, "empty", 0)
		m.Add("a", 1, 0)
		m.Add("end", 0, 0)
		if m.Moved() {
			t.Error("the end came before its turn")
		}
		m.Ack(0)
		want(t, &m, "end", 0)
	})

	t.Run("ignores what was acknowledged before, and what was never added", func(t *testing.T) {
		t.Parallel()
		var m watermark.Mark[string]
		m.Add("a", 4, 0)
		m.AckRange(0, 2)
		want(t, &m, "a", 2)
		for _, r := range []struct {
			first uint64
			n     int
		}{{0, 2}, {4, 1}, {math.MaxUint64, 1}, {math.MaxUint64, math.MaxInt}, {3, 0}, {3, -1}} {
			if m.AckRange(r.first, r.n) || m.Unacked() != 2 {
				t.Errorf("AckRange(%d, %d): %d unacked, want 2", r.first, r.n, m.Unacked())
			}
		}
		m.AckRange(1, math.MaxInt)
		want(t, &m, "a", 4)
	})
}

// What was acknowledged and told must not keep pages in memory.
func TestMarkLetsGoOfValues(t *testing.T) {
	t.Parallel()
	var m watermark.Mark[*[1 << 20]byte]
	var pages []weak.Pointer[[1 << 20]byte]
	for range 3 {
		page := new([1 << 20]byte)
		pages = append(pages, weak.Make(page))
		m.Add(page, 10, 1)
	}
	m.AckRange(0, 20)
	m.Take()
	runtime.GC()
	for i, gone := range []bool{true, true, false} {
		if got := pages[i].Value() == nil; got != gone {
			t.Errorf("page %d is let go: %v, want %v", i, got, gone)
		}
	}
	runtime.KeepAlive(&m)
}

// Allocations are counted over the whole process, so this must not run beside other tests.
func TestMarkAllocatesNothing(t *testing.T) {
	var m watermark.Mark[int]
	work := func(ack func(first uint64)) func() {
		return func() {
			for range 100 {
				ack(m.Add(1, 500, 1))
				m.Take()
			}
		}
	}
	for name, ack := range map[string]func(first uint64){
		"at once":      func(first uint64) { m.AckRange(first, 500) },
		"in order":     func(first uint64) { forward(&m, first) },
		"out of order": func(first uint64) { backward(&m, first) },
	} {
		f := work(ack)
		f() // the ring and the bitmaps come to be
		if got := testing.AllocsPerRun(10, f); got != 0 {
			t.Errorf("%s: %v allocations, want none", name, got)
		}
	}
}

func forward(m *watermark.Mark[int], first uint64) {
	for i := range uint64(500) {
		m.Ack(first + i)
	}
}

func backward(m *watermark.Mark[int], first uint64) {
	for i := range uint64(500) {
		m.Ack(first + 499 - i)
	}
}

// BenchmarkMark acknowledges spans of 500 records. One iteration is one span.
func BenchmarkMark(b *testing.B) {
	for _, bm := range []struct {
		name string
		ack  func(m *watermark.Mark[int], first uint64)
	}{
		{"at once", func(m *watermark.Mark[int], first uint64) { m.AckRange(first, 500) }},
		{"in order", forward},
		{"backwards", backward},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			var m watermark.Mark[int]
			for b.Loop() {
				bm.ack(&m, m.Add(1, 500, 1))
				m.Take()
			}
		})
	}
}
