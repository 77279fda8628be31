package watermark

import "math/bits"

// between returns the mask of those bits of word w that are from to last-1 of the whole.
func between(w, from, last int) uint64 {
	mask := ^uint64(0)
	if low := from - w*64; low > 0 {
		mask <<= low
	}
	if above := (w+1)*64 - last; above > 0 {
		mask = mask << above >> above
	}
	return mask
}

// setBits sets bits from to last-1, and returns how many were not set.
func setBits(words []uint64, from, last int) int {
	n := 0
	for w := from / 64; w*64 < last; w++ {
		fresh := between(w, from, last) &^ words[w]
		words[w] |= fresh
		n += bits.OnesCount64(fresh)
	}
	return n
}

// countBits returns how many of the bits from to last-1 are set.
func countBits(words []uint64, from, last int) int {
	n := 0
	for w := from / 64; w*64 < last; w++ {
		n += bits.OnesCount64(words[w] & between(w, from, last))
	}
	return n
}

// ones returns how many bits are set in a row from bit i on, within its word.
func ones(words []uint64, i int) int {
	return bits.TrailingZeros64(^(words[i/64] >> (i % 64)))
}
