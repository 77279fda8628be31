package hashkey

import (
	"cmp"
	"crypto/fips140"
	"crypto/md5" //nolint:gosec // the service defines hash keys by MD5; nothing is secured by it
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"unsafe"
)

// Errors of [Parse], found with errors.Is.
var (
	// ErrSyntax means that a text is not in the service's form of a hash key, the
	// pattern 0|([1-9]\d{0,38}).
	ErrSyntax = errors.New("not a decimal number of 1 to 39 digits without leading zeros")

	// ErrRange means that a text has the right form, but its number is 2^128 or more.
	ErrRange = errors.New("not below 2^128")
)

// Key is a hash key: the number Hi * 2^64 + Lo. Keys are comparable with ==.
type Key struct {
	Hi, Lo uint64
}

// Max is the highest key, 2^128 - 1.
func Max() Key { return Key{^uint64(0), ^uint64(0)} }

// Of returns the hash key that the service gives to a partition key: its MD5 as
// a big-endian number. It reads the key where it lies and allocates nothing.
func Of(partitionKey string) Key {
	sum := md5Sum(unsafe.Slice(unsafe.StringData(partitionKey), len(partitionKey)))
	return Key{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:])}
}

// md5Sum works also in programs that run with GODEBUG=fips140=only, where a plain
// md5.Sum panics. It does not write to b, which may be the bytes of a string.
func md5Sum(b []byte) [md5.Size]byte {
	if fips140.Enforced() {
		return md5SumEnforced(b)
	}
	return md5.Sum(b) //nolint:gosec // see the import
}

func md5SumEnforced(b []byte) (sum [md5.Size]byte) {
	fips140.WithoutEnforcement(func() { sum = md5.Sum(b) }) //nolint:gosec // see the import
	return sum
}

const (
	maxDigits  = 39
	limbDigits = 19
	limb       = 10_000_000_000_000_000_000 // 10^limbDigits, the highest power of ten in a uint64
)

// Parse reads a hash key in decimal. It accepts what the service accepts: 0 to
// 2^128 - 1, without sign, blanks or leading zeros. The error wraps [ErrSyntax]
// or [ErrRange].
func Parse(s string) (Key, error) {
	if s == "" || len(s) > maxDigits || (s[0] == '0' && len(s) > 1) {
		return Key{}, syntaxError(s)
	}
	var k Key
	for rest := s; rest != ""; {
		n := (len(rest)-1)%limbDigits + 1 // the first limb takes what the full ones leave
		var v uint64
		for i := range n {
			d := rest[i] - '0'
			if d > 9 {
				return Key{}, syntaxError(s)
			}
			v = v*10 + uint64(d)
		}
		rest = rest[n:]
		var ok bool
		if k, ok = k.mulAdd(limb, v); !ok {
			// Only 39 digits can be too much, and the last limb is read by then.
			return Key{}, fmt.Errorf("hash key %s: %w", s, ErrRange)
		}
	}
	return k, nil
}

func syntaxError(s string) error {
	const shown = 64
	if len(s) > shown {
		return fmt.Errorf("hash key %q... (%d bytes): %w", s[:shown], len(s), ErrSyntax)
	}
	return fmt.Errorf("hash key %q: %w", s, ErrSyntax)
}

// AppendDecimal appends k in decimal, the form that the service uses.
func (k Key) AppendDecimal(b []byte) []byte {
	var buf [maxDigits]byte
	i := len(buf)
	for k.Hi != 0 {
		var low uint64
		k, low = k.quoRem(limb)
		for range limbDigits {
			i--
			buf[i] = '0' + byte(low%10)
			low /= 10
		}
	}
	for v := k.Lo; v != 0 || i == len(buf); v /= 10 {
		i--
		buf[i] = '0' + byte(v%10)
	}
	return append(b, buf[i:]...)
}

// String returns k in decimal.
func (k Key) String() string {
	var buf [maxDigits]byte
	return string(k.AppendDecimal(buf[:0]))
}

// Compare returns -1, 0 or 1 as k is lower than, equal to or higher than l.
func (k Key) Compare(l Key) int {
	if c := cmp.Compare(k.Hi, l.Hi); c != 0 {
		return c
	}
	return cmp.Compare(k.Lo, l.Lo)
}

// Next returns the key one higher than k. The highest key is followed by 0.
func (k Key) Next() Key {
	lo, carry := bits.Add64(k.Lo, 1, 0)
	return Key{k.Hi + carry, lo}
}

// Prev returns the key one lower than k. 0 is preceded by the highest key.
func (k Key) Prev() Key {
	lo, borrow := bits.Sub64(k.Lo, 1, 0)
	return Key{k.Hi - borrow, lo}
}

// add returns k + l modulo 2^128.
func (k Key) add(l Key) Key {
	lo, carry := bits.Add64(k.Lo, l.Lo, 0)
	hi, _ := bits.Add64(k.Hi, l.Hi, carry)
	return Key{hi, lo}
}

// sub returns k - l modulo 2^128.
func (k Key) sub(l Key) Key {
	lo, borrow := bits.Sub64(k.Lo, l.Lo, 0)
	hi, _ := bits.Sub64(k.Hi, l.Hi, borrow)
	return Key{hi, lo}
}

// half returns k / 2, rounded down.
func (k Key) half() Key { return Key{k.Hi >> 1, k.Hi<<63 | k.Lo>>1} }

// mulAdd returns k * f + a, and false if that is not below 2^128.
func (k Key) mulAdd(f, a uint64) (Key, bool) {
	over, hi := bits.Mul64(k.Hi, f)
	carryHi, lo := bits.Mul64(k.Lo, f)
	lo, c := bits.Add64(lo, a, 0)
	hi, c = bits.Add64(hi, carryHi, c)
	return Key{hi, lo}, over == 0 && c == 0
}

// quoRem returns k / d, rounded down, and the remainder. d is not 0.
func (k Key) quoRem(d uint64) (Key, uint64) {
	hi, rem := k.Hi/d, k.Hi%d
	lo, rem := bits.Div64(rem, k.Lo, d)
	return Key{hi, lo}, rem
}
