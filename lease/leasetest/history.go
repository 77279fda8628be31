package leasetest

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/kinstream/kin/lease"
)

// history is what clients did to the rows of one group, and what they saw. Rows are never
// removed in it, no worker is forgotten, and each owner joins before it takes a lease.
type history struct {
	clock atomic.Int64 // orders beginnings and ends

	wrote chan struct{} // has an element when something was written

	mu     sync.Mutex // guards what follows
	reads  []readEvent
	writes []writeEvent
}

func newHistory() *history { return &history{wrote: make(chan struct{}, 1)} }

// span is when a call began and ended.
type span struct{ began, ended int64 }

type readEvent struct {
	span
	version int64
	workers []string // IDs, in order
	leases  []lease.Lease
	all     bool // a Load, not a Poll
}

type writeEvent struct {
	span
	change  lease.Change
	result  lease.Result
	unknown bool // the answer got lost
}

// begin returns a span that begins now.
func (h *history) begin() span { return span{began: h.clock.Add(1)} }

func (h *history) read(s span, snapshot lease.Snapshot, all bool) {
	s.ended = h.clock.Add(1)
	read := readEvent{s, snapshot.Version, idsOf(snapshot), snapshot.Leases, all}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reads = append(h.reads, read)
}

// write notes the changes of one call, which have no results if the answer got lost.
func (h *history) write(s span, changes []lease.Change, results []lease.Result) {
	s.ended = h.clock.Add(1)
	defer func() {
		select {
		case h.wrote <- struct{}{}:
		default:
		}
	}()
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, c := range changes {
		w := writeEvent{span: s, change: c, unknown: results == nil}
		if !w.unknown {
			w.result = results[i]
		}
		h.writes = append(h.writes, w)
	}
}

// violations returns what no linearizable store could have answered.
func (h *history) violations() []string {
	var all []string
	report := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	h.checkContents(report)
	h.checkOrder(report)
	h.checkVersions(report)
	h.checkOwners(report)
	return all
}

type reporter func(format string, args ...any)

// revision is one revision of one row.
type revision struct {
	key lease.Key
	n   int64
}

// checkContents finds revisions with more than one content, and contents that nobody wrote.
func (h *history) checkContents(report reporter) {
	written := map[revision][]lease.Lease{} // by changes that were made or may have been
	made := map[revision]lease.Lease{}
	for _, w := range h.writes {
		r := revision{w.change.New.Key, w.change.New.Revision}
		if w.unknown || w.result.Made {
			written[r] = append(written[r], w.change.New)
		}
		if !w.result.Made {
			continue
		}
		if other, twice := made[r]; twice && !other.Equal(w.change.New) {
			report("revision %d of %s was made twice: by %s and by %s", r.n, r.key.Shard, other.Owner, w.change.New.Owner)
		}
		made[r] = w.change.New
	}
	seen := func(l lease.Lease) {
		if l.Revision == 0 {
			return
		}
		r := revision{l.Key, l.Revision}
		if want, known := made[r]; known && !l.Equal(want) {
			report("revision %d of %s was seen as %+v, but written as %+v", r.n, r.key.Shard, l, want)
		}
		if !slices.ContainsFunc(written[r], l.Equal) {
			report("revision %d of %s was seen as %+v, which nobody wrote", r.n, r.key.Shard, l)
		}
	}
	for _, r := range h.reads {
		for _, l := range r.leases {
			seen(l)
		}
	}
	for _, w := range h.writes {
		if !w.unknown {
			seen(w.result.Lease)
		}
	}
}

// sight is a number that a call saw, which must not fall.
type sight struct {
	span
	n int64
}

// checkOrder finds calls that saw an older revision, or version, than one which had ended
// before they began.
func (h *history) checkOrder(report reporter) {
	rows := map[lease.Key][]sight{}
	var versions []sight
	for _, w := range h.writes {
		if !w.unknown {
			rows[w.change.New.Key] = append(rows[w.change.New.Key], sight{w.span, w.result.Lease.Revision})
		}
	}
	for _, r := range h.reads {
		versions = append(versions, sight{r.span, r.version})
		if !r.all {
			continue
		}
		for key := range rows {
			rows[key] = append(rows[key], sight{r.span, revisionIn(r.leases, key)})
		}
	}
	for key, sights := range rows {
		checkRising("revision of "+key.Shard, sights, report)
	}
	checkRising("version", versions, report)
	h.checkFuture(report)
}

// checkFuture finds reads that saw a revision before anybody began to write it.
func (h *history) checkFuture(report reporter) {
	first := map[revision]int64{}
	for _, w := range h.writes {
		r := revision{w.change.New.Key, w.change.New.Revision}
		if began, known := first[r]; !known || w.began < began {
			first[r] = w.began
		}
	}
	for _, read := range h.reads {
		for _, l := range read.leases {
			if began, known := first[revision{l.Key, l.Revision}]; known && read.ended < began {
				report("revision %d of %s was seen before it was written", l.Revision, l.Shard)
			}
		}
	}
}

// checkRising reports sights of less than what was seen by a call that had ended before.
func checkRising(what string, sights []sight, report reporter) {
	byEnd := slices.SortedFunc(slices.Values(sights), func(a, b sight) int { return cmp.Compare(a.ended, b.ended) })
	byBegin := slices.SortedFunc(slices.Values(sights), func(a, b sight) int { return cmp.Compare(a.began, b.began) })
	highest, i := int64(0), 0
	for _, s := range byBegin {
		for ; i < len(byEnd) && byEnd[i].ended < s.began; i++ {
			highest = max(highest, byEnd[i].n)
		}
		if s.n < highest {
			report("%s: a call saw %d although another one that had ended before saw %d", what, s.n, highest)
		}
	}
}

// checkVersions finds changes that announce, but whose version did not rise after they were
// made and before they were answered: a Load that does not show the change has a lower version
// than all that is read after the answer.
func (h *history) checkVersions(report reporter) {
	for _, w := range h.writes {
		if w.unknown || !w.result.Made || !w.change.Announces() {
			continue
		}
		without, after := int64(-1), int64(-1)
		for _, r := range h.reads {
			if r.all && revisionIn(r.leases, w.change.New.Key) < w.change.New.Revision {
				without = max(without, r.version)
			}
			if r.began > w.ended && (after < 0 || r.version < after) {
				after = r.version
			}
		}
		if after >= 0 && without >= after {
			report("revision %d of %s: version %d was read after the change was answered, but a load with version %d does not show it",
				w.change.New.Revision, w.change.New.Shard, after, without)
		}
	}
}

// checkOwners finds loads that show an owner without a row.
func (h *history) checkOwners(report reporter) {
	for _, r := range h.reads {
		for _, l := range r.leases {
			if _, there := slices.BinarySearch(r.workers, l.Owner); l.Owner != "" && !there {
				report("a load shows worker %s as the owner of %s, but not its row, although it joined before", l.Owner, l.Shard)
			}
		}
	}
}

// revisionIn returns the revision of a row that a load shows, 0 if it shows none.
func revisionIn(leases []lease.Lease, key lease.Key) int64 {
	i, found := slices.BinarySearchFunc(leases, key, func(l lease.Lease, key lease.Key) int { return l.Compare(key) })
	if !found {
		return 0
	}
	return leases[i].Revision
}
