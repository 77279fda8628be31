package discover_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

const arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/s"

// world is the service, the store, and an omniscient observer that keeps the books of both.
type world struct {
	t *testing.T
	r *rand.Rand

	// The service. Time goes in steps.
	now    int
	shards []*shard

	// The store.
	stream lease.Stream
	rows   map[string]lease.Lease

	// The books.
	start   int             // records before this time are not to be read
	changes int             // of rows
	deleted map[string]int  // leases that were deleted: by which change, the last time
	lacked  map[string]bool // shards that a listing lacked
	log     []string
	actors  []*actor
}

// shard is one of the service. Its records are the times at which they were put.
type shard struct {
	topology.Shard
	records          []int
	trimmed          bool
	closedAt, number int
	read             map[int]bool // records by index that were read
	done             bool         // it was read to its end, or not to be read
}

func newWorld(t *testing.T, r *rand.Rand) *world {
	w := &world{t: t, r: r, rows: map[string]lease.Lease{}, deleted: map[string]int{}, lacked: map[string]bool{}}
	for _, keys := range hashkey.Even(1 + r.IntN(3)) {
		w.add(keys)
	}
	return w
}

func (w *world) add(keys hashkey.Range, parents ...*shard) {
	s := &shard{number: len(w.shards), read: map[int]bool{}}
	s.ID, s.Range = fmt.Sprintf("shardId-%012d", s.number), keys
	for _, p := range parents {
		p.Closed, p.closedAt = true, w.now
		s.Parents = append(s.Parents, p.ID)
	}
	w.shards = append(w.shards, s)
}

func (w *world) shard(id string) *shard {
	for _, s := range w.shards {
		if s.ID == id {
			return s
		}
	}
	return nil
}

func (w *world) open() (open []*shard) {
	for _, s := range w.shards {
		if !s.Closed {
			open = append(open, s)
		}
	}
	return open
}

// tick lets time pass: records are put.
func (w *world) tick() {
	w.now++
	for _, s := range w.open() {
		if w.r.IntN(3) > 0 {
			s.records = append(s.records, w.now)
		}
	}
}

// reshard splits an open shard, or merges two neighbours, however old each is.
func (w *world) reshard() {
	open := w.open()
	a := open[w.r.IntN(len(open))]
	for _, b := range open {
		if merged, ok := a.Range.Merge(b.Range); ok && w.r.IntN(2) == 0 {
			w.add(merged, a, b)
			return
		}
	}
	if at, ok := a.Range.Middle(); ok && len(open) < 12 {
		low, high, _ := a.Range.Split(at)
		w.add(low, a)
		w.add(high, a)
	}
}

// young says whether a shard is one of the newest, which listings may lack.
func (w *world) young(s *shard) bool { return s.number >= len(w.shards)-4 }

// trim removes the shard that was closed first, unless it has a young child: shards are kept for much
// longer than listings are old. What was not read of it is lost, and it is nobody's fault.
func (w *world) trim() {
	var first *shard
	for _, s := range w.shards {
		if s.Closed && !s.trimmed && (first == nil || s.closedAt < first.closedAt) {
			first = s
		}
	}
	if first == nil || slices.ContainsFunc(w.shards, func(s *shard) bool { return w.young(s) && slices.Contains(s.Parents, first.ID) }) {
		return
	}
	first.trimmed, first.done = true, true
	w.logf("%s is trimmed", first.ID)
}

// list returns what the service lists. If stale, it lacks some of the newest shards, of any
// generation, and may show closed ones as open: each shard at most twice for the same worker.
func (w *world) list(stale bool, lacks map[string]int) []topology.Shard {
	var list []topology.Shard
	for _, s := range w.shards {
		if s.trimmed {
			continue
		}
		recent := w.young(s)
		if stale && recent && len(s.Parents) > 0 && lacks[s.ID] < 2 && w.r.IntN(3) == 0 {
			w.lacked[s.ID] = true
			lacks[s.ID]++
			w.logf("a listing lacks %s", s.ID)
			continue
		}
		listed := s.Shard
		if stale && recent && w.r.IntN(4) == 0 {
			listed.Closed = false
		}
		list = append(list, listed)
	}
	w.r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// before returns the shards of which the service says that they ended before the start: not
// those within a margin. If stale, it comes from a listing that lacked some that were made
// after the start.
func (w *world) before(stale bool) map[string]bool {
	before := map[string]bool{}
	for _, s := range w.shards {
		young := len(s.Parents) > 0 && !slices.ContainsFunc(s.Parents, func(id string) bool {
			p := w.shard(id)
			return p.trimmed || p.closedAt < w.start // shards are kept for much longer than listings lack them
		})
		if s.Closed && s.closedAt < w.start-w.r.IntN(3) || stale && young && w.r.IntN(4) == 0 {
			before[s.ID] = true
		}
	}
	return before
}

// children is what the end of a shard says: all of it, nothing, or a part.
func (w *world) children(id string) []topology.Shard {
	var list []topology.Shard
	how := w.r.IntN(6)
	for _, s := range w.shards {
		if !slices.Contains(s.Parents, id) || how == 0 {
			continue
		}
		child := s.Shard
		child.Closed = false // it is not said there
		if how == 1 {
			child.Parents = []string{id}
		}
		if how == 2 {
			child.Range = hashkey.Range{Start: hashkey.Max()}
		}
		list = append(list, child)
	}
	return list
}

// update makes a change of a row if it is still the one that was seen, and returns what is
// there then. known is the last change that who makes it knows all rows of.
func (w *world) update(c lease.Change, known int) lease.Lease {
	id := c.Old.Shard
	old, found := w.rows[id]
	if !c.Fits(old) {
		return old
	}
	w.changes++
	switch {
	case c.Removes():
		delete(w.rows, id)
		w.deleted[id] = w.changes
		if s := w.shard(id); !s.trimmed {
			w.fatalf("the lease of %s is deleted, which is still listed", id)
		}
	case !found:
		// Who was held up since before the lease was deleted may make it again, and finds
		// nothing to read.
		if by := w.deleted[id]; by > 0 && known >= by {
			w.fatalf("the lease of %s is created again", id)
		}
		w.checkFirst(c.New)
		w.rows[id] = c.New
	default:
		w.rows[id] = c.New
	}
	return w.rows[id]
}

// checkFirst checks the row of a new lease.
func (w *world) checkFirst(l lease.Lease) {
	s := w.shard(l.Shard)
	for _, p := range l.Parents {
		if !slices.Contains(s.Parents, p) {
			w.fatalf("%s names a parent %s", l.Shard, p)
		}
	}
	for _, p := range s.Parents {
		if _, has := w.rows[p]; !has && !w.shard(p).trimmed && w.deleted[p] == 0 {
			w.fatalf("%s gets a lease before its parent %s", l.Shard, p)
		}
	}
	if l.HashStart+"-"+l.HashEnd != s.Range.String() {
		w.fatalf("%s has keys %s-%s, want %s", l.Shard, l.HashStart, l.HashEnd, s.Range)
	}
	switch {
	case l.Checkpoint == lease.TrimHorizon && (w.start == 0 || w.stream.Seeded):
	case l.Checkpoint == w.stream.Start:
	case l.Checkpoint == lease.ShardEnd && s.Closed && s.closedAt < w.start:
		s.done = true
	default:
		w.fatalf("%s begins at %s, want it at %s or TRIM_HORIZON", l.Shard, l.Checkpoint, w.stream.Start)
	}
}

// read reads up to n records of a shard from a checkpoint on, and returns the new checkpoint,
// and whether that was all there is.
func (w *world) read(l lease.Lease, n int) (lease.Checkpoint, bool) {
	s := w.shard(l.Shard)
	if s.trimmed {
		return l.Checkpoint, true
	}
	w.checkParents(s)
	i := 0
	kind, arg, _ := strings.Cut(string(l.Checkpoint), ":")
	at, _ := strconv.Atoi(arg)
	switch kind {
	case "AT_TIMESTAMP":
		for i < len(s.records) && s.records[i] < at {
			i++
		}
	case "AFTER_SEQUENCE_NUMBER":
		i = at + 1
	}
	checkpoint := l.Checkpoint
	for ; n > 0 && i < len(s.records); n-- {
		if s.records[i] < w.start && !w.mayBeginEarly(s) {
			w.fatalf("record %d of %s is read, from before the start", i, s.ID)
		}
		s.read[i] = true
		checkpoint = lease.Checkpoint(fmt.Sprintf("AFTER_SEQUENCE_NUMBER:%d", i))
		i++
	}
	return checkpoint, s.Closed && i == len(s.records)
}

// mayBeginEarly says whether a listing lacked a shard, or what it was made of, so that it
// looked new.
func (w *world) mayBeginEarly(s *shard) bool {
	return w.lacked[s.ID] || slices.ContainsFunc(s.Parents, func(p string) bool { return w.mayBeginEarly(w.shard(p)) })
}

// checkParents checks that a shard is not read before what it was made of.
func (w *world) checkParents(s *shard) {
	for _, id := range s.Parents {
		if p := w.shard(id); !p.done {
			w.fatalf("%s is read before its parent %s is done", s.ID, id)
		}
	}
}

func (w *world) sorted() []lease.Lease {
	return slices.SortedFunc(maps.Values(w.rows), func(a, b lease.Lease) int { return a.Compare(b.Key) })
}

func (w *world) logf(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf("%4d ", w.now)+fmt.Sprintf(format, args...))
}

func (w *world) fatalf(format string, args ...any) {
	w.t.Helper()
	var lines []string
	for _, s := range w.shards {
		row := w.rows[s.ID]
		lines = append(lines, fmt.Sprintf("%s of %s: closed %v at %d, trimmed %v, done %v; lease of %s at %q, owner %q",
			s.ID, s.Parents, s.Closed, s.closedAt, s.trimmed, s.done, row.Parents, row.Checkpoint, row.Owner))
	}
	lines = append(lines, w.log[max(0, len(w.log)-60):]...)
	lines = append(lines, fmt.Sprintf("%4d start %d, %+v", w.now, w.start, w.stream), fmt.Sprintf(format, args...))
	w.t.Fatal(strings.ReplaceAll(strings.Join(lines, "\n"), "shardId-0000000000", "shard-"))
}
