package cbor

// Skip reads one item of any type, with all that it contains, and forgets it.
// It checks that what it passes is well-formed.
func (r *Reader) Skip() error {
	n, err := r.skipOne()
	if n == 0 || err != nil {
		return err
	}
	return r.skipInside(n)
}

// skipInside passes the n items inside an item whose header has been read.
func (r *Reader) skipInside(n int) (err error) {
	var (
		left  [MaxDepth]int // items still to come at each level; negative: until a break
		depth int           // levels that are open
	)
	for {
		if n != 0 {
			if depth == MaxDepth {
				return ErrDepth
			}
			left[depth] = n
			depth++
		}
		for depth > 0 && r.levelDone(&left[depth-1]) {
			depth--
		}
		if depth == 0 {
			return nil
		}
		if n, err = r.skipOne(); err != nil {
			return err
		}
	}
}

// Counts of a level that ends with a break. A map counts down by two so that a
// break between a key and its value can be refused.
const (
	untilBreak      = -1
	untilBreakKey   = -2
	untilBreakValue = -3
)

// levelDone reports whether a level has no item left, and counts the next one
// down otherwise. A misplaced break is left for skipOne to refuse.
func (r *Reader) levelDone(left *int) bool {
	atBreak := r.off < len(r.buf) && r.buf[r.off] == byteBreak
	switch *left {
	case 0:
		return true
	case untilBreak:
	case untilBreakKey:
		if !atBreak {
			*left = untilBreakValue
		}
	case untilBreakValue:
		*left = untilBreakKey
		return false
	default:
		*left--
		return false
	}
	if atBreak {
		r.off++
	}
	return atBreak
}

// skipOne passes one item without its children and returns how many of these
// follow, or one of the counts above for an indefinite number.
func (r *Reader) skipOne() (int, error) {
	if r.off >= len(r.buf) {
		return 0, ErrTruncated
	}
	switch first := r.buf[r.off]; first >> 5 {
	case majorUint, majorNegInt:
		_, err := r.head(first >> 5)
		return 0, err
	case majorBytes, majorText:
		return 0, r.skipStr(first >> 5)
	case majorArray:
		return r.Array()
	case majorMap:
		n, err := r.Map()
		if n < 0 {
			return untilBreakKey, err
		}
		return 2 * n, err
	case majorTag:
		_, err := r.Tag()
		return 1, err
	default:
		return 0, r.skipSimple(first & 0x1f)
	}
}

// skipStr passes a string without joining its chunks.
func (r *Reader) skipStr(major byte) error {
	if r.buf[r.off] != major<<5|argIndefinite {
		_, err := r.str(major)
		return err
	}
	r.off++
	for r.off < len(r.buf) {
		switch first := r.buf[r.off]; {
		case first == byteBreak:
			r.off++
			return nil
		case first>>5 != major, first&0x1f == argIndefinite:
			return ErrSyntax
		}
		if _, err := r.str(major); err != nil {
			return err
		}
	}
	return ErrTruncated
}

// skipSimple passes a simple value or a floating-point number.
func (r *Reader) skipSimple(info byte) error {
	if info < arg8Bit {
		r.off++
		return nil
	}
	n, err := r.argument(info) // refuses a break outside a level that takes one
	if err == nil && info == arg8Bit && n < 32 {
		return ErrSyntax // reserved: these have a one-byte form
	}
	return err
}
