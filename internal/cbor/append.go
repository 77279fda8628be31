package cbor

import (
	"encoding/binary"
	"math"
)

// Major types, in the upper three bits of an item's first byte.
const (
	majorUint   = 0
	majorNegInt = 1
	majorBytes  = 2
	majorText   = 3
	majorArray  = 4
	majorMap    = 5
	majorTag    = 6
	majorSimple = 7
)

// Second halves of the first byte with a meaning of their own.
const (
	arg8Bit       = 24
	arg16Bit      = 25
	arg32Bit      = 26
	arg64Bit      = 27
	argIndefinite = 31
)

// Whole first bytes of the items that have no argument.
const (
	byteFalse     = 0xf4
	byteTrue      = 0xf5
	byteNull      = 0xf6
	byteUndefined = 0xf7
	byteFloat16   = 0xf9
	byteFloat32   = 0xfa
	byteFloat64   = 0xfb
	byteBreak     = 0xff
)

// tagEpoch marks a number as a point in time.
const tagEpoch = 1

// AppendMap appends the header of a map of n members. The caller appends n keys,
// each followed by its value.
func AppendMap(dst []byte, n int) []byte { return appendHead(dst, majorMap, uint64(n)) }

// AppendArray appends the header of an array of n elements.
func AppendArray(dst []byte, n int) []byte { return appendHead(dst, majorArray, uint64(n)) }

// AppendMapStart appends the header of a map of unknown size, which ends with
// [AppendBreak].
func AppendMapStart(dst []byte) []byte { return append(dst, majorMap<<5|argIndefinite) }

// AppendArrayStart appends the header of an array of unknown size, which ends
// with [AppendBreak].
func AppendArrayStart(dst []byte) []byte { return append(dst, majorArray<<5|argIndefinite) }

// AppendBreak ends what [AppendMapStart] or [AppendArrayStart] began.
func AppendBreak(dst []byte) []byte { return append(dst, byteBreak) }

// AppendText appends a text string. It does not check that s is valid UTF-8.
func AppendText[S ~string | ~[]byte](dst []byte, s S) []byte {
	return append(appendHead(dst, majorText, uint64(len(s))), s...)
}

// AppendBytes appends a byte string. A nil slice is an empty byte string, not null.
func AppendBytes(dst, b []byte) []byte {
	return append(appendHead(dst, majorBytes, uint64(len(b))), b...)
}

// AppendBytesHead appends the header of a byte string of n bytes, for callers
// that append the bytes themselves.
func AppendBytesHead(dst []byte, n int) []byte { return appendHead(dst, majorBytes, uint64(n)) }

// AppendInt appends an integer.
func AppendInt(dst []byte, v int64) []byte {
	if v < 0 {
		return appendHead(dst, majorNegInt, uint64(-1-v))
	}
	return appendHead(dst, majorUint, uint64(v))
}

// AppendBool appends true or false.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, byteTrue)
	}
	return append(dst, byteFalse)
}

// AppendNull appends null.
func AppendNull(dst []byte) []byte { return append(dst, byteNull) }

// AppendFloat64 appends a floating-point number in 64 bits.
func AppendFloat64(dst []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, byteFloat64), math.Float64bits(v))
}

// AppendTag appends the header of a tag. The next item is what it tags.
func AppendTag(dst []byte, tag uint64) []byte { return appendHead(dst, majorTag, tag) }

// AppendTime appends a point in time, given in milliseconds since 1970, as
// Kinesis writes it: tag 1 with an integer count of milliseconds.
func AppendTime(dst []byte, millis int64) []byte {
	return AppendInt(append(dst, majorTag<<5|tagEpoch), millis)
}

// HeadSize is the number of bytes that the header of a string, array or map of
// length n takes, so that callers can size a buffer exactly.
func HeadSize(n int) int {
	switch {
	case n < arg8Bit:
		return 1
	case n <= math.MaxUint8:
		return 2
	case n <= math.MaxUint16:
		return 3
	case uint64(n) <= math.MaxUint32:
		return 5
	default:
		return 9
	}
}

func appendHead(dst []byte, major byte, arg uint64) []byte {
	major <<= 5
	switch {
	case arg < arg8Bit:
		return append(dst, major|byte(arg))
	case arg <= math.MaxUint8:
		return append(dst, major|arg8Bit, byte(arg))
	case arg <= math.MaxUint16:
		return append(dst, major|arg16Bit, byte(arg>>8), byte(arg))
	case arg <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, major|arg32Bit), uint32(arg))
	default:
		return binary.BigEndian.AppendUint64(append(dst, major|arg64Bit), arg)
	}
}
