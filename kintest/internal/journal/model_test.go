package journal_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kinstream/kin/kintest/internal/journal"
)

// TestConcurrentAppends has many writers, small segments and groups that die.
func TestConcurrentAppends(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const writers, each = 16, 200
	options := journal.Options{
		SegmentBytes: 20_000,
		Snapshot:     func(emit func(uint8, []byte)) { emit(1, []byte("snapshot")) },
		Alive:        func(group uint64, _ int64) bool { return group != 1 },
	}
	j := open(t, dir, options)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				pair := []journal.Entry{text(uint64(w+1), fmt.Sprint(n, " a")), text(uint64(w+1), fmt.Sprint(n, " b"))}
				if err := j.Append(pair...); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	closeNow(t, j)

	next := make([]int, writers)
	last := ""
	j = open(t, dir, options)
	if err := j.Replay(func(e journal.Entry) error {
		w := e.Group - 1
		n, half := next[w]/2, "ab"[next[w]%2:][:1]
		if got, want := string(e.Payload), fmt.Sprint(n, " ", half); got != want && w != 0 {
			return fmt.Errorf("writer %d: got %q, want %q", w, got, want)
		}
		if me := fmt.Sprint(w, n); half == "b" && last != me {
			return fmt.Errorf("writer %d: the entries of call %d are not together", w, n)
		}
		last = fmt.Sprint(w, n)
		next[w]++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for w := 1; w < writers; w++ {
		if next[w] != 2*each {
			t.Errorf("writer %d: %d entries, want %d", w, next[w], 2*each)
		}
	}
}

// model is what a journal ought to hold, kept naively.
type model struct {
	state   map[uint8]string // the latest state of each kind
	entries []journal.Entry
	horizon map[uint64]int64
}

func (m *model) options(segment int64) journal.Options {
	return journal.Options{
		SegmentBytes: segment,
		Snapshot: func(emit func(uint8, []byte)) {
			for kind, s := range m.state {
				emit(kind, []byte(s))
			}
		},
		Alive: func(group uint64, stamp int64) bool { return stamp >= m.horizon[group] },
	}
}

// needed are the entries that may not be missing, as text.
func (m *model) needed() []string {
	var list []string
	for _, e := range m.entries {
		if e.Stamp >= m.horizon[e.Group] {
			list = append(list, fmt.Sprint(e.Group, e.Stamp, string(e.Payload)))
		}
	}
	return list
}

// check replays the journal and compares.
func (m *model) check(t *testing.T, j *journal.Journal) {
	t.Helper()
	state := map[uint8]string{}
	if err := j.ReplayStates(func(e journal.Entry) error {
		state[e.Kind] = string(e.Payload)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(state), fmt.Sprint(m.state); got != want {
		t.Fatalf("states %s, want %s", got, want)
	}
	var got []string
	if err := j.Replay(func(e journal.Entry) error {
		if e.Stamp >= m.horizon[e.Group] { // others may be there or not
			got = append(got, fmt.Sprint(e.Group, e.Stamp, string(e.Payload)))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := m.needed(); !slices.Equal(got, want) {
		t.Fatalf("%d entries, want %d\n%s\nwant\n%s", len(got), len(want), strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRandomUseAgreesWithAModel(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 20 {
		dir := t.TempDir()
		m := &model{state: map[uint8]string{}, horizon: map[uint64]int64{}}
		j := open(t, dir, m.options(1+r.Int64N(2000)))
		for step := range 150 {
			switch r.IntN(10) {
			case 0:
				closeNow(t, j)
				j = open(t, dir, m.options(1+r.Int64N(2000)))
				m.check(t, j)
			case 1:
				m.horizon[1+r.Uint64N(3)] += r.Int64N(20)
			case 2, 3:
				kind := uint8(r.IntN(3))
				m.state[kind] = fmt.Sprint("state ", step)
				appendAll(t, j, journal.Entry{Kind: kind, Payload: []byte(m.state[kind])})
			default:
				e := journal.Entry{Kind: 1, Group: 1 + r.Uint64N(3), Stamp: int64(step), Payload: make([]byte, r.IntN(200))}
				m.entries = append(m.entries, e)
				appendAll(t, j, e)
			}
		}
		closeNow(t, j)
		m.check(t, open(t, dir, m.options(1000)))
	}
}
