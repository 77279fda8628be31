package cbor

import (
	"encoding/binary"
	"errors"
	"math"
)

// MaxDepth is how many arrays, maps and tags may enclose an item that
// [Reader.Skip] passes. Kinesis itself nests five deep.
const MaxDepth = 128

// Errors of [Reader] methods. They carry no position: [Reader.Offset] tells it.
var (
	// ErrTruncated is returned when an item reaches beyond the end of the buffer,
	// or announces a length that the rest of the buffer cannot hold.
	ErrTruncated = errors.New("cbor: item reaches beyond the end of the input")

	// ErrSyntax is returned for bytes that are not well-formed CBOR.
	ErrSyntax = errors.New("cbor: malformed item")

	// ErrType is returned when the item is well-formed but of another type than
	// the one asked for. The cursor has not moved.
	ErrType = errors.New("cbor: item of another type")

	// ErrRange is returned when a number does not fit into the type asked for.
	ErrRange = errors.New("cbor: number out of range")

	// ErrDepth is returned when items are nested deeper than [MaxDepth].
	ErrDepth = errors.New("cbor: nested too deeply")
)

// Kind is the type of an item.
type Kind uint8

// The kinds of items, as [Reader.Kind] tells them apart.
const (
	KindEnd     Kind = iota // nothing left
	KindInt                 // an integer, negative or not
	KindBytes               // a byte string
	KindText                // a text string
	KindArray               // an array
	KindMap                 // a map
	KindTag                 // a tag: the next item is what it tags
	KindBool                // true or false
	KindNull                // null or undefined
	KindFloat               // a floating-point number of any width
	KindBreak               // the end of a map or array of indefinite length
	KindUnknown             // a simple value that this package does not name, or malformed
)

// Reader is a cursor over CBOR in memory. The zero value reads nothing; make one
// with [NewReader]. It is a small value without pointers to itself: copy it to
// look ahead.
type Reader struct {
	buf []byte
	off int
}

// NewReader returns a reader at the start of buf, which it never changes.
func NewReader(buf []byte) Reader { return Reader{buf: buf} }

// Offset is the number of bytes read.
func (r *Reader) Offset() int { return r.off }

// Len is the number of bytes left.
func (r *Reader) Len() int { return len(r.buf) - r.off }

// Kind tells the type of the next item without reading it.
func (r *Reader) Kind() Kind {
	if r.off >= len(r.buf) {
		return KindEnd
	}
	b := r.buf[r.off]
	switch b >> 5 {
	case majorUint, majorNegInt:
		return KindInt
	case majorBytes:
		return KindBytes
	case majorText:
		return KindText
	case majorArray:
		return KindArray
	case majorMap:
		return KindMap
	case majorTag:
		return KindTag
	}
	switch b {
	case byteFalse, byteTrue:
		return KindBool
	case byteNull, byteUndefined:
		return KindNull
	case byteFloat16, byteFloat32, byteFloat64:
		return KindFloat
	case byteBreak:
		return KindBreak
	}
	return KindUnknown
}

// head reads the first byte of an item of type major and its argument. Anything
// but a definite argument is ErrType or ErrSyntax.
func (r *Reader) head(major byte) (uint64, error) {
	if r.off >= len(r.buf) {
		return 0, ErrTruncated
	}
	b := r.buf[r.off]
	if b>>5 != major {
		return 0, ErrType
	}
	if b &= 0x1f; b < arg8Bit {
		r.off++
		return uint64(b), nil
	}
	return r.argument(b)
}

// argument reads the argument that follows a first byte whose lower bits are
// info, and steps over both.
func (r *Reader) argument(info byte) (uint64, error) {
	rest := r.buf[r.off+1:]
	switch info {
	case arg8Bit:
		if len(rest) >= 1 {
			r.off += 2
			return uint64(rest[0]), nil
		}
	case arg16Bit:
		if len(rest) >= 2 {
			r.off += 3
			return uint64(binary.BigEndian.Uint16(rest)), nil
		}
	case arg32Bit:
		if len(rest) >= 4 {
			r.off += 5
			return uint64(binary.BigEndian.Uint32(rest)), nil
		}
	case arg64Bit:
		if len(rest) >= 8 {
			r.off += 9
			return binary.BigEndian.Uint64(rest), nil
		}
	default:
		return 0, ErrSyntax
	}
	return 0, ErrTruncated
}

// container reads the header of a map or array whose elements take at least size
// bytes each. It returns -1 for an indefinite length.
func (r *Reader) container(major byte, size int) (int, error) {
	if r.off < len(r.buf) && r.buf[r.off] == major<<5|argIndefinite {
		r.off++
		return -1, nil
	}
	n, err := r.head(major)
	if err != nil {
		return 0, err
	}
	if n > uint64(r.Len()/size) {
		return 0, ErrTruncated
	}
	return int(n), nil
}

// Map reads the header of a map and returns its number of members, or -1 for a
// map that goes on until a break. Iterate with [Reader.Next].
func (r *Reader) Map() (int, error) { return r.container(majorMap, 2) }

// Array reads the header of an array and returns its number of elements, or -1
// for an array that goes on until a break. Iterate with [Reader.Next].
func (r *Reader) Array() (int, error) { return r.container(majorArray, 1) }

// Next reports whether another member or element follows. n is the count that
// Map or Array returned, and is Next's to change:
//
//	n, err := r.Map()
//	for err == nil && r.Next(&n) { ... }
//
// It returns true also at the end of the buffer: reading the item then says
// [ErrTruncated].
func (r *Reader) Next(n *int) bool {
	if *n > 0 {
		*n--
		return true
	}
	if *n == 0 {
		return false
	}
	if r.off < len(r.buf) && r.buf[r.off] == byteBreak {
		r.off++
		*n = 0
		return false
	}
	return true
}

// Text reads a text string. The result aliases the buffer, unless the string has
// an indefinite length and more than one chunk.
func (r *Reader) Text() ([]byte, error) { return r.str(majorText) }

// Bytes reads a byte string. The result aliases the buffer, unless the string
// has an indefinite length and more than one chunk. It is never nil without an error.
func (r *Reader) Bytes() ([]byte, error) { return r.str(majorBytes) }

func (r *Reader) str(major byte) ([]byte, error) {
	start := r.off
	// Nearly all strings of a record have one of the two shortest headers.
	if rest := r.buf[start:]; len(rest) >= 2 {
		from, n := 1, int(rest[0]^major<<5)
		if n == arg8Bit {
			from, n = 2, int(rest[1])
		} else if n > arg8Bit {
			n = len(rest) // another type or a longer header: see below
		}
		if end := from + n; end <= len(rest) {
			r.off = start + end
			return rest[from:end:end], nil
		}
	}
	n, err := r.head(major)
	if err != nil {
		if start < len(r.buf) && r.buf[start] == major<<5|argIndefinite {
			r.off = start + 1
			return r.chunks(major)
		}
		return nil, err
	}
	if n > uint64(len(r.buf)-r.off) {
		return nil, ErrTruncated
	}
	end := r.off + int(n)
	s := r.buf[r.off:end:end]
	r.off = end
	return s, nil
}

// chunks joins the parts of a string of indefinite length, up to its break.
func (r *Reader) chunks(major byte) ([]byte, error) {
	joined := r.buf[r.off:r.off:r.off]
	for parts := 0; ; parts++ {
		if r.off >= len(r.buf) {
			return nil, ErrTruncated
		}
		switch r.buf[r.off] {
		case byteBreak:
			r.off++
			return joined, nil
		case major<<5 | argIndefinite:
			return nil, ErrSyntax
		}
		part, err := r.str(major)
		if err != nil {
			if errors.Is(err, ErrType) {
				err = ErrSyntax
			}
			return nil, err
		}
		if parts == 0 {
			joined = part
			continue
		}
		// part has no spare capacity, so the first append copies.
		joined = append(joined, part...)
	}
}

// Int reads an integer.
func (r *Reader) Int() (int64, error) {
	if r.off < len(r.buf) && r.buf[r.off]>>5 == majorNegInt {
		n, err := r.head(majorNegInt)
		if err == nil && n > math.MaxInt64 {
			err = ErrRange
		}
		return -1 - int64(n), err
	}
	n, err := r.head(majorUint)
	if err == nil && n > math.MaxInt64 {
		err = ErrRange
	}
	return int64(n), err
}

// Float reads a floating-point number of any width, or an integer.
func (r *Reader) Float() (float64, error) {
	if r.off >= len(r.buf) {
		return 0, ErrTruncated
	}
	first := r.buf[r.off]
	switch first >> 5 {
	case majorUint:
		n, err := r.head(majorUint)
		return float64(n), err
	case majorNegInt:
		n, err := r.head(majorNegInt)
		return -1 - float64(n), err
	}
	switch first {
	case byteFloat16, byteFloat32, byteFloat64:
	default:
		return 0, ErrType
	}
	bits, err := r.argument(first & 0x1f)
	if err != nil {
		return 0, err
	}
	switch first {
	case byteFloat16:
		return float16(uint16(bits)), nil
	case byteFloat32:
		return float64(math.Float32frombits(uint32(bits))), nil
	default:
		return math.Float64frombits(bits), nil
	}
}

// Bool reads true or false.
func (r *Reader) Bool() (bool, error) {
	if r.off >= len(r.buf) {
		return false, ErrTruncated
	}
	switch r.buf[r.off] {
	case byteTrue:
		r.off++
		return true, nil
	case byteFalse:
		r.off++
		return false, nil
	}
	return false, ErrType
}

// Null reads null or undefined if it is the next item, and reports whether it was.
func (r *Reader) Null() bool {
	if r.off < len(r.buf) && (r.buf[r.off] == byteNull || r.buf[r.off] == byteUndefined) {
		r.off++
		return true
	}
	return false
}

// Tag reads the header of a tag. The next item is what it tags.
func (r *Reader) Tag() (uint64, error) { return r.head(majorTag) }

// float16 widens a half-precision number.
func float16(bits uint16) float64 {
	sign, exp, frac := bits>>15, int(bits>>10&0x1f), float64(bits&0x3ff)
	var v float64
	switch exp {
	case 0:
		v = math.Ldexp(frac, -24)
	case 0x1f:
		v = math.Inf(1)
		if frac != 0 {
			v = math.NaN()
		}
	default:
		v = math.Ldexp(frac+1024, exp-25)
	}
	if sign != 0 {
		v = -v
	}
	return v
}
