package outbox_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

func TestQueueAgreesWithItsNaiveTwin(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		var q outbox.Queue
		var twin []uint64
		var out []uint64 // taken, and free to come back
		next := uint64(1)
		for step := range 400 {
			switch r.IntN(7) {
			case 0, 1:
				for range r.IntN(50) {
					q.Push(next)
					twin = append(twin, next)
					next++
				}
			case 2, 3:
				n := r.IntN(len(twin) + 1)
				got := q.Take(n)
				if !slices.Equal(got, twin[:n]) {
					t.Fatalf("seed %d, step %d: took %v, want %v", seed, step, got, twin[:n])
				}
				out = append(out, twin[:n]...)
				twin = slices.Clone(twin[n:])
			case 4: // some of what is out comes back, in runs
				r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
				n := r.IntN(len(out) + 1)
				run := slices.Sorted(slices.Values(out[:n]))
				out = out[n:]
				q.Insert(run...)
				twin = append(twin, run...)
				slices.Sort(twin)
			case 5:
				if len(twin) == 0 {
					continue
				}
				i := r.IntN(len(twin))
				out = append(out, twin[i])
				twin = slices.Delete(twin, i, i+1)
				want := uint64(0)
				if i < len(twin) {
					want = twin[i]
				}
				if got := q.Remove(i); got != want {
					t.Fatalf("seed %d, step %d: after the removed one = %d, want %d", seed, step, got, want)
				}
			case 6:
				n, modulus := r.IntN(len(twin)+1), 1+r.Uint64N(4)
				kept := slices.DeleteFunc(slices.Clone(twin[:n]), func(s uint64) bool { return s%modulus == 0 })
				for _, s := range twin[:n] {
					if s%modulus == 0 {
						out = append(out, s)
					}
				}
				twin = append(kept, twin[n:]...)
				q.Compact(n, func(s uint64) bool { return s%modulus == 0 })
			}
			got := q.Seqs(func(problem string) { t.Fatalf("seed %d, step %d: %s", seed, step, problem) })
			if !slices.Equal(got, twin) {
				t.Fatalf("seed %d, step %d: queue = %v, want %v", seed, step, got, twin)
			}
		}
	}
}

func TestQueueLetsGoOfChunksThatAreNotNeeded(t *testing.T) {
	t.Parallel()
	var q outbox.Queue
	seq := uint64(0)
	fill := func(n int) {
		for range n {
			seq++
			q.Push(seq)
		}
		q.Take(n)
	}
	fill(10_000)
	_, peak := q.Chunks()
	for range 100 {
		fill(9000)
	}
	if _, kept := q.Chunks(); kept != peak {
		t.Errorf("kept under a steady load = %d chunks, want %d", kept, peak)
	}
	for range 100 {
		fill(10)
	}
	if used, kept := q.Chunks(); used != 0 || kept > 3 {
		t.Errorf("used, kept after a quiet time = %d, %d, want 0 and at most 3", used, kept)
	}
}

func TestQueueTakesARunBackIntoFewChunks(t *testing.T) {
	t.Parallel()
	var q outbox.Queue
	for seq := range uint64(200) {
		q.Push(seq + 1)
	}
	run := q.Take(100)
	q.Insert(run...)
	if used, _ := q.Chunks(); used > 10 {
		t.Errorf("chunks for 200 items = %d, want at most 10", used)
	}
}

func TestAgendaAgreesWithItsNaiveTwin(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 3))
		var a outbox.Agenda
		twin := map[int]time.Duration{}
		for step := range 300 {
			n := r.IntN(30)
			if r.IntN(3) == 0 {
				a.Remove(n)
				delete(twin, n)
			} else {
				twin[n] = time.Duration(r.IntN(50))
				a.Set(n, twin[n])
			}
			want := outbox.Never
			for _, at := range twin {
				want = min(want, at)
			}
			if got := a.First(); got != want {
				t.Fatalf("seed %d, step %d: first = %d, want %d", seed, step, got, want)
			}
			for n := range 30 {
				want, ok := twin[n]
				if !ok {
					want = outbox.Never
				}
				if got := a.Moment(n); cmp.Compare(got, want) != 0 {
					t.Fatalf("seed %d, step %d: moment of %d = %d, want %d", seed, step, n, got, want)
				}
			}
		}
	}
}
