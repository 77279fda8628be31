package aggregate

import (
	"encoding/binary"
	"math/bits"
)

// Wire types. Groups (3 and 4) are not supported: no version of the format has any.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// Tags of the fields: field number and wire type. A field with a known number and
// another wire type is an unknown field.
const (
	tagPartitionKey = 1<<3 | wireBytes
	tagHashKey      = 2<<3 | wireBytes
	tagRecord       = 3<<3 | wireBytes

	tagPartitionKeyIndex = 1<<3 | wireVarint
	tagHashKeyIndex      = 2<<3 | wireVarint
	tagData              = 3<<3 | wireBytes
)

// next reads the first field of b, which is not empty, and returns what follows. The
// tag says whether the field has a number or bytes; other wire types have neither.
// (Results that fit in registers make this twice as fast as a struct.)
func next(b []byte) (tag, number uint64, value, rest []byte, ok bool) {
	if len(b) < 2 || b[0] >= 0x80 || b[1] >= 0x80 || b[0] < 1<<3 {
		return nextLong(b)
	}
	tag, number = uint64(b[0]), uint64(b[1])
	switch tag & 7 {
	case wireVarint:
		return tag, number, nil, b[2:], true
	case wireBytes:
		if b = b[2:]; number <= uint64(len(b)) {
			return tag, 0, b[:number:number], b[number:], true
		}
		return 0, 0, nil, nil, false
	default:
		return nextLong(b)
	}
}

// nextLong is next without the short cut for a tag and a number of one byte each.
func nextLong(b []byte) (tag, number uint64, value, rest []byte, ok bool) {
	if tag, b, ok = uvarint(b); !ok || tag < 1<<3 || tag >= 1<<32 {
		return 0, 0, nil, nil, false
	}
	switch tag & 7 {
	case wireVarint:
		number, b, ok = uvarint(b)
		return tag, number, nil, b, ok
	case wireBytes:
		if number, b, ok = uvarint(b); !ok || number > uint64(len(b)) {
			return 0, 0, nil, nil, false
		}
		return tag, 0, b[:number:number], b[number:], true
	case wireFixed64:
		return tag, 0, nil, b[min(8, len(b)):], len(b) >= 8
	case wireFixed32:
		return tag, 0, nil, b[min(4, len(b)):], len(b) >= 4
	default:
		return 0, 0, nil, nil, false
	}
}

// uvarint reads a number of at most 64 bits.
func uvarint(b []byte) (v uint64, rest []byte, ok bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}

// uvarintSize returns how many bytes binary.AppendUvarint appends.
func uvarintSize(v uint64) int {
	if v < 0x80 {
		return 1
	}
	return (bits.Len64(v) + 6) / 7
}

// appendNumber appends a number that is not negative. Most have one byte.
func appendNumber(b []byte, n int) []byte {
	if n < 0x80 {
		return append(b, byte(n))
	}
	return binary.AppendUvarint(b, uint64(n))
}

func appendString(b []byte, tag byte, s string) []byte {
	return append(appendNumber(append(b, tag), len(s)), s...)
}

// bytesSize returns the size of a bytes, string or message field of n bytes with
// its tag and length.
func bytesSize(n int) int { return 1 + uvarintSize(uint64(n)) + n }
