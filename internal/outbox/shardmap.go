package outbox

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"sort"

	"github.com/kinstream/kin/internal/hashkey"
)

// ErrIncomplete means that the open shards of a listing leave hash keys out, or claim
// some twice: it was made while the stream changed. Ask again.
var ErrIncomplete = errors.New("listing of shards is not complete")

// Shard is one shard of a listing.
type Shard struct {
	ID     string
	Range  hashkey.Range
	Closed bool
}

// Map says which shard takes a hash key. It does not change.
//
// A table with an index for the highest bits of a key leaves little to search: nothing
// at all if the shards are about equal.
type Map struct {
	open    []Shard // by range: each starts where the one before ends
	starts  []hashkey.Key
	table   []uint32 // for each value of the highest bits: the shard of the lowest such key
	shift   int
	ranges  map[string]hashkey.Range // also of closed shards
	virtual bool
}

// NewMap makes a Map of a listing, or returns an error that wraps [ErrIncomplete]. Closed
// shards are only remembered for [Map.Range].
func NewMap(listing []Shard) (*Map, error) {
	m := &Map{ranges: make(map[string]hashkey.Range, len(listing))}
	for _, s := range listing {
		if !s.Range.Valid() {
			return nil, fmt.Errorf("range %v of shard %s is empty: %w", s.Range, s.ID, ErrIncomplete)
		}
		m.ranges[s.ID] = s.Range
		if !s.Closed {
			m.open = append(m.open, s)
		}
	}
	slices.SortFunc(m.open, func(a, b Shard) int { return a.Range.Start.Compare(b.Range.Start) })
	if err := m.partition(); err != nil {
		return nil, err
	}
	m.index()
	return m, nil
}

// partition returns an error if the open shards are not a partition of all keys.
func (m *Map) partition() error {
	if len(m.open) == 0 {
		return fmt.Errorf("no open shard: %w", ErrIncomplete)
	}
	want := hashkey.Key{}
	for i, s := range m.open {
		if s.Range.Start != want || i > 0 && want == (hashkey.Key{}) {
			return fmt.Errorf("shard %s starts at %v, not at %v: %w", s.ID, s.Range.Start, want, ErrIncomplete)
		}
		want = s.Range.End.Next()
	}
	if last := m.open[len(m.open)-1]; last.Range.End != hashkey.Max() {
		return fmt.Errorf("shard %s, the last one, ends at %v: %w", last.ID, last.Range.End, ErrIncomplete)
	}
	return nil
}

func (m *Map) index() {
	m.starts = make([]hashkey.Key, len(m.open))
	for i, s := range m.open {
		m.starts[i] = s.Range.Start
	}
	width := min(bits.Len(uint(len(m.open)))+1, 20)
	m.shift = 64 - width
	m.table = make([]uint32, 1<<width)
	at := 0
	for i := range m.table {
		low := hashkey.Key{Hi: uint64(i) << m.shift}
		for at+1 < len(m.starts) && m.starts[at+1].Compare(low) <= 0 {
			at++
		}
		m.table[i] = uint32(at)
	}
}

// virtualMap is the map of a stream without one: equal ranges without names.
func virtualMap() *Map {
	m := &Map{virtual: true}
	for _, r := range hashkey.Even(virtualLanes) {
		m.open = append(m.open, Shard{Range: r})
	}
	m.index()
	return m
}

// Len returns the number of open shards.
func (m *Map) Len() int { return len(m.open) }

// Open returns open shard i, counted by hash key.
func (m *Map) Open(i int) Shard { return m.open[i] }

// Index returns which open shard takes the key.
func (m *Map) Index(k hashkey.Key) int {
	at := k.Hi >> m.shift
	low, high := int(m.table[at]), len(m.starts)-1
	if at+1 < uint64(len(m.table)) {
		high = int(m.table[at+1])
	}
	if low == high {
		return low
	}
	// The first shard that starts above the key, less one.
	return low + sort.Search(high-low, func(i int) bool { return m.starts[low+i+1].Compare(k) > 0 })
}

// Range returns the range of a shard, open or closed, if the listing had it.
func (m *Map) Range(shard string) (hashkey.Range, bool) {
	r, ok := m.ranges[shard]
	return r, ok
}

// same reports whether both maps have the same open shards.
func (m *Map) same(o *Map) bool { return m.virtual == o.virtual && slices.Equal(m.open, o.open) }
