//go:build unix

package group_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/kinstream/kin/e2e/group/account"
	"github.com/kinstream/kin/e2e/group/trace"
)

// ledger knows while a scenario runs which records are still to be handled. The account does
// not rest on it.
type ledger struct {
	mu   sync.Mutex // guards what follows
	puts []trace.Entry
	open map[place]bool   // acknowledged and not done
	done map[place]bool   // perhaps not acknowledged yet
	hand map[call][]place // batches in hand
}

type place struct {
	shard account.Shard
	seq   string
	sub   int
}

type call struct {
	worker string
	batch  int64
}

func newLedger() *ledger {
	return &ledger{open: map[place]bool{}, done: map[place]bool{}, hand: map[call][]place{}}
}

// put notes records that were acknowledged.
func (l *ledger) put(e trace.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.puts = append(l.puts, e)
	for _, p := range places(e) {
		if !l.done[p] {
			l.open[p] = true
		}
	}
}

// handled notes what workers have done.
func (l *ledger) handled(entries []trace.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range entries {
		c := call{e.Worker, e.Batch}
		if e.Kind == trace.Begin {
			l.hand[c] = places(e)
		}
		if e.Kind == trace.End {
			if e.Err == "" {
				for _, p := range l.hand[c] {
					l.done[p] = true
					delete(l.open, p)
				}
			}
			delete(l.hand, c)
		}
	}
}

func places(e trace.Entry) []place {
	all := make([]place, len(e.Records))
	for i, r := range e.Records {
		all[i] = place{account.Shard{Stream: e.Stream, ID: e.Shard}, r.Seq, r.Sub}
	}
	return all
}

// left returns how many acknowledged records are not done.
func (l *ledger) left() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// behind returns the acknowledged records that are not done.
func (l *ledger) behind() []place {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.open))
}

// handledAll says whether all of these records are done.
func (l *ledger) handledAll(places []place) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !slices.ContainsFunc(places, func(p place) bool { return l.open[p] })
}

// of returns how many acknowledged records of a stream are not done.
func (l *ledger) of(stream string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for p := range l.open {
		if p.shard.Stream == stream {
			n++
		}
	}
	return n
}

func (l *ledger) log() []trace.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.puts)
}

// String returns how much is left of each shard.
func (l *ledger) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := map[string]int{}
	for p := range l.open {
		left[p.shard.String()]++
	}
	return fmt.Sprint(left)
}
