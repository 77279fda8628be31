package hashkey

// Range is the set of keys from Start to End, both inclusive. Start <= End.
type Range struct {
	Start, End Key
}

// Full is the range of all keys.
func Full() Range { return Range{End: Max()} }

// Even returns the ranges of n shards as the service makes them for a new stream
// of n shards: each is 2^128 / n keys wide, rounded down, and the last one takes
// the few keys that are left. It returns nil if n is below 1.
func Even(n int) []Range {
	if n < 1 {
		return nil
	}
	width := evenWidth(uint64(n))
	ranges := make([]Range, n)
	var start Key
	for i := range ranges {
		next := start.add(width)
		ranges[i] = Range{start, next.Prev()}
		start = next
	}
	ranges[n-1].End = Max()
	return ranges
}

// evenWidth returns 2^128 / n modulo 2^128, rounded down: 0 stands for all keys.
func evenWidth(n uint64) Key {
	// 2^128 has one bit more than a Key, so divide 2^128 - 1 and correct.
	width, rem := Max().quoRem(n)
	if rem == n-1 {
		width = width.Next()
	}
	return width
}

// Valid reports whether Start <= End.
func (r Range) Valid() bool { return r.Start.Compare(r.End) <= 0 }

// Contains reports whether k is one of the keys of r.
func (r Range) Contains(k Key) bool { return r.Start.Compare(k) <= 0 && k.Compare(r.End) <= 0 }

// Overlaps reports whether r and o have a key in common.
func (r Range) Overlaps(o Range) bool {
	return r.Start.Compare(o.End) <= 0 && o.Start.Compare(r.End) <= 0
}

// Adjacent reports whether one of r and o starts just after the other one's end,
// so that the shards that own them can be merged.
func (r Range) Adjacent(o Range) bool {
	return r.before(o) || o.before(r)
}

// before reports whether o starts just after the end of r.
func (r Range) before(o Range) bool { return r.End != Max() && r.End.Next() == o.Start }

// Merge returns the union of two adjacent ranges, and false if they are not
// adjacent.
func (r Range) Merge(o Range) (Range, bool) {
	switch {
	case r.before(o):
		return Range{r.Start, o.End}, true
	case o.before(r):
		return Range{o.Start, r.End}, true
	default:
		return Range{}, false
	}
}

// Split cuts r in two. The second part starts at key at, which the service calls
// NewStartingHashKey. It returns false if a part would be empty: at must be
// above Start and not above End. (The service itself is stricter by one key on
// both sides.)
func (r Range) Split(at Key) (low, high Range, ok bool) {
	if r.Start.Compare(at) >= 0 || at.Compare(r.End) > 0 {
		return Range{}, Range{}, false
	}
	return Range{r.Start, at.Prev()}, Range{at, r.End}, true
}

// Middle returns the key at which [Range.Split] cuts r into halves; the first one
// gets the odd key. For a range of a single key it returns false.
func (r Range) Middle() (Key, bool) {
	if r.Start == r.End {
		return Key{}, false
	}
	return r.Start.add(r.End.sub(r.Start).half()).Next(), true
}

// String returns the range as "start-end", in decimal.
func (r Range) String() string {
	b := make([]byte, 0, 2*maxDigits+1)
	b = append(r.Start.AppendDecimal(b), '-')
	return string(r.End.AppendDecimal(b))
}
