package topology

import (
	"slices"

	"github.com/kinstream/kin/internal/hashkey"
)

// Coverage compares the ranges of the open shards with the range of all hash keys,
// which they ought to cover once. Holes are keys that no known open shard owns: a
// shard is not listed yet, so list again. Overlaps are keys that more than one of
// them owns, which only a wrong listing can say. Both are in ascending order, and
// neighbouring keys are in one range. A shard counts as open while it has no known
// child, is not listed as closed and has not been read to its end.
func (g *Graph) Coverage() (holes, overlaps []hashkey.Range) {
	var open []hashkey.Range
	for _, n := range g.nodes {
		if n.open() && n.Range.Valid() {
			open = append(open, n.Range)
		}
	}
	slices.SortFunc(open, func(a, b hashkey.Range) int { return a.Start.Compare(b.Start) })

	var next hashkey.Key // the lowest key not passed yet
	var past bool        // all keys are passed
	for _, r := range open {
		switch {
		case past || r.Start.Compare(next) < 0:
			end := r.End
			if !past && next.Compare(end) <= 0 {
				end = next.Prev()
			}
			overlaps = appendRange(overlaps, hashkey.Range{Start: r.Start, End: end})
		case r.Start != next:
			holes = appendRange(holes, hashkey.Range{Start: next, End: r.Start.Prev()})
		}
		if !past && r.End.Compare(next) >= 0 {
			next, past = r.End.Next(), r.End == hashkey.Max()
		}
	}
	if !past {
		holes = appendRange(holes, hashkey.Range{Start: next, End: hashkey.Max()})
	}
	return holes, overlaps
}

// appendRange appends r, or extends the last range by it if they touch. r does not
// start before the last range.
func appendRange(ranges []hashkey.Range, r hashkey.Range) []hashkey.Range {
	if len(ranges) == 0 {
		return append(ranges, r)
	}
	last := &ranges[len(ranges)-1]
	switch {
	case last.Overlaps(r):
		if last.End.Compare(r.End) < 0 {
			last.End = r.End
		}
	case last.Adjacent(r):
		last.End = r.End
	default:
		ranges = append(ranges, r)
	}
	return ranges
}
