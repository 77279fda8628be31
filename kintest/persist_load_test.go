package kintest_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kinstream/kin/kintest"
)

func loaded(counters ...uint64) []kintest.LoadRecord {
	var records []kintest.LoadRecord
	for _, c := range counters {
		records = append(records, kintest.LoadRecord{Counter: c, Arrival: int64(c), Data: fmt.Sprint(c)})
	}
	return records
}

func TestLoading(t *testing.T) {
	t.Parallel()
	const second = kintest.SessionCounters
	for _, tc := range []struct {
		name     string
		counters []uint64
	}{
		{"in order", []uint64{1, 2, 3, 4}},
		{"nothing", nil},
		{"overlapping calls", []uint64{2, 3, 1, 6, 4, 5}},
		{"a record that was never written", []uint64{1, 2, 4, 5}},
		{"older ones expired", []uint64{102, 101, 103, 104}},
		{"a second session", []uint64{1, 2, second, second + 1}},
		{"a second session, out of order, after a gap", []uint64{1, 3, second + 1, second, second + 2}},
		{"sessions without records", []uint64{1, 7*second + 1, 7 * second}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			held, next := kintest.Load(loaded(tc.counters...), 0)
			slices.Sort(tc.counters)
			if want := loaded(tc.counters...); !slices.Equal(held, want) {
				t.Errorf("held %v, want %v", held, want)
			}
			if n := len(tc.counters); n > 0 && next != tc.counters[n-1]+1 {
				t.Errorf("next counter %d, want %d", next, tc.counters[n-1]+1)
			}
		})
	}

	t.Run("keeps what comes later than its window", func(t *testing.T) {
		t.Parallel()
		var counters []uint64
		for c := range uint64(20_000) {
			if c > 0 && c%5000 != 7 {
				counters = append(counters, c)
			}
		}
		counters = append(counters, 5007, 7, 15_007, 10_007)
		held, next := kintest.Load(loaded(counters...), 0)
		slices.Sort(counters)
		if !slices.Equal(held, loaded(counters...)) || next != 20_000 {
			t.Errorf("held %d records up to %d, want %d up to 20000", len(held), next, len(counters))
		}
	})

	t.Run("bounds its window in bytes", func(t *testing.T) {
		t.Parallel()
		records := loaded(2, 3, 4, 5, 6, 1)
		for i := range records {
			records[i].Data = strings.Repeat("x", 5<<20)
		}
		held, _ := kintest.Load(records, 0)
		if len(held) != 6 || !slices.IsSortedFunc(held, func(a, b kintest.LoadRecord) int { return int(a.Counter) - int(b.Counter) }) {
			t.Errorf("held %d records, want 6 in order", len(held))
		}
	})

	t.Run("drops what has expired and keeps its counters", func(t *testing.T) {
		t.Parallel()
		held, next := kintest.Load(loaded(1, 2, 3, 4), 3)
		if !slices.Equal(held, loaded(3, 4)) || next != 5 {
			t.Errorf("held %v, next %d, want 3 and 4, next 5", held, next)
		}
		held, next = kintest.Load(loaded(1, 2, 3, 4), 100)
		if len(held) != 0 || next != 5 {
			t.Errorf("held %v, next %d, want nothing, next 5", held, next)
		}
	})

	t.Run("agrees with sorting", func(t *testing.T) {
		t.Parallel()
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		for range 300 {
			var counters []uint64
			for c := range uint64(r.IntN(300)) {
				if r.IntN(20) > 0 {
					counters = append(counters, c+1)
				}
			}
			order := slices.Clone(counters)
			for range r.IntN(20) { // swap near ones
				if n := len(order); n > 1 {
					i := r.IntN(n)
					j := min(n-1, i+r.IntN(30))
					order[i], order[j] = order[j], order[i]
				}
			}
			held, _ := kintest.Load(loaded(order...), 0)
			if !slices.Equal(held, loaded(counters...)) {
				t.Fatalf("from %v: held %v", order, held)
			}
		}
	})
}

// FuzzKeptRecords reads any payload. What is accepted must be the same after it was
// written again.
func FuzzKeptRecords(f *testing.F) {
	one := kintest.KeptRecord(7, 1_700_000_000_000, "key", "12", "data")
	f.Add(one)
	f.Add(append(bytes.Clone(one), kintest.KeptRecord(1<<40, -1, "", "", "")...))
	f.Add(one[:len(one)-1])
	f.Fuzz(func(t *testing.T, payload []byte) {
		again, ok := kintest.ReadKept(payload)
		if !ok {
			return
		}
		third, ok := kintest.ReadKept(again)
		if !ok || !bytes.Equal(again, third) {
			t.Fatalf("%x was read, written as %x, and then read as %x, %v", payload, again, third, ok)
		}
		if len(again) > len(payload) {
			t.Fatalf("%d bytes were read, %d written", len(payload), len(again))
		}
	})
}
