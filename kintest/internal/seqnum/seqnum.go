// Package seqnum has the sequence numbers of the service: what they are made of,
// their order, and their decimal text.
//
// A number has 186 bits, in the layout that the service is known to use:
//
//	bits  2   36                9 hex   1 hex   16 hex    2 hex   9 hex      8 hex   1 hex
//	      10  shard creation (s)        shard   counter   zero    time (s)   shard   version
//	                                    low 4                                        (2)
//
// Everything before the counter is the same for all records of a shard, so the
// numbers of a shard are in the order of their counters, and a shard that was
// created in a later second than another has only larger numbers: that is how the
// numbers of children come after those of their parents.
package seqnum

import "math/bits"

// Number is a sequence number of at most 192 bits, most significant limb first.
// Numbers are comparable with ==.
type Number struct{ hi, mid, lo uint64 }

// Parts is what a Number is made of.
type Parts struct {
	Created int64  // second in which the shard was created; 36 bits
	Shard   uint32 // index of the shard in its stream
	Counter uint64 // place of the record in its shard; 64 bits
	Time    int64  // second in which the record arrived; 36 bits
}

const (
	version  = 2
	secsMask = 1<<36 - 1

	// MaxCounter ends the range of a closed shard: no record has it.
	MaxCounter = 1<<63 - 1
)

// Make builds a number.
//
// From the low end: version at bit 0 (4 bits), shard at 4 (32), time at 36 (36),
// zero at 72 (8), counter at 80 (64), low digit of the shard at 144 (4),
// creation at 148 (36), 2 at 184 (2).
func Make(p Parts) Number {
	t := uint64(p.Time) & secsMask
	c := uint64(p.Created) & secsMask
	return Number{
		lo:  version | uint64(p.Shard)<<4 | t<<36,
		mid: t>>28 | p.Counter<<16,
		hi:  p.Counter>>48 | uint64(p.Shard&15)<<16 | c<<20 | 2<<56,
	}
}

// Parts takes a number apart. ok is false for a number that no shard could have
// given out.
func (n Number) Parts() (p Parts, ok bool) {
	p = Parts{
		Created: int64(n.hi >> 20 & secsMask),
		Shard:   uint32(n.lo >> 4),
		Counter: n.mid>>16 | n.hi<<48,
		Time:    int64((n.lo>>36 | n.mid<<28) & secsMask),
	}
	return p, Make(p) == n
}

// Compare orders numbers by value: -1 if n is smaller than m, 0 if they are equal,
// 1 if n is larger.
func (n Number) Compare(m Number) int {
	switch {
	case n.hi != m.hi:
		return order(n.hi, m.hi)
	case n.mid != m.mid:
		return order(n.mid, m.mid)
	default:
		return order(n.lo, m.lo)
	}
}

func order(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// IsZero says whether n is 0, which no record has.
func (n Number) IsZero() bool { return n == Number{} }

const tenTo19 = 10_000_000_000_000_000_000 // the largest power of ten in 64 bits

// AppendDecimal appends the decimal text of n, without leading zeros.
func (n Number) AppendDecimal(dst []byte) []byte {
	// Three divisions by 10^19 give limbs of 19 digits each, and a fourth of one.
	var limbs [4]uint64
	hi, mid, lo := n.hi, n.mid, n.lo
	top := 0
	for i := range limbs {
		var r uint64
		hi, r = hi/tenTo19, hi%tenTo19
		mid, r = bits.Div64(r, mid, tenTo19)
		lo, r = bits.Div64(r, lo, tenTo19)
		limbs[i] = r
		top = i
		if hi|mid|lo == 0 {
			break
		}
	}
	var text [4 * 19]byte
	at := len(text)
	for i := range top {
		at = put19(&text, at, limbs[i])
	}
	at = putShort(&text, at, limbs[top])
	return append(dst, text[at:]...)
}

// put19 writes the 19 digits of v so that they end before at.
func put19(text *[76]byte, at int, v uint64) int {
	for range 9 {
		q := v / 100
		d := (v - q*100) * 2
		at -= 2
		text[at], text[at+1] = pairs[d], pairs[d+1]
		v = q
	}
	at--
	text[at] = '0' + byte(v)
	return at
}

// putShort is put19 without leading zeros.
func putShort(text *[76]byte, at int, v uint64) int {
	for v >= 100 {
		q := v / 100
		d := (v - q*100) * 2
		at -= 2
		text[at], text[at+1] = pairs[d], pairs[d+1]
		v = q
	}
	if v >= 10 {
		at -= 2
		text[at], text[at+1] = pairs[v*2], pairs[v*2+1]
		return at
	}
	at--
	text[at] = '0' + byte(v)
	return at
}

const pairs = "00010203040506070809" +
	"10111213141516171819" +
	"20212223242526272829" +
	"30313233343536373839" +
	"40414243444546474849" +
	"50515253545556575859" +
	"60616263646566676869" +
	"70717273747576777879" +
	"80818283848586878889" +
	"90919293949596979899"

// String returns the decimal text of n.
func (n Number) String() string { return string(n.AppendDecimal(make([]byte, 0, 58))) }

// Parse reads decimal text without sign and without leading zeros. ok is false
// for any other text and for numbers of more than 192 bits.
func Parse(text string) (n Number, ok bool) {
	if text == "" || len(text) > 58 || (text[0] == '0' && len(text) > 1) {
		return Number{}, false
	}
	for i := range len(text) {
		d := text[i] - '0'
		if d > 9 {
			return Number{}, false
		}
		var over uint64
		over, n.lo = mulAdd(n.lo, uint64(d))
		over, n.mid = mulAdd(n.mid, over)
		over, n.hi = mulAdd(n.hi, over)
		if over != 0 {
			return Number{}, false
		}
	}
	return n, true
}

// mulAdd returns x*10+add.
func mulAdd(x, add uint64) (over, sum uint64) {
	over, sum = bits.Mul64(x, 10)
	sum, carry := bits.Add64(sum, add, 0)
	return over + carry, sum
}
