package aggregate

import (
	"crypto/fips140"
	"crypto/md5" //nolint:gosec // the format checks for accidents with MD5; nothing is secured by it
)

const (
	magic     = "\xf3\x89\x9a\xc2"
	frameSize = len(magic) + md5.Size
)

// Is reports whether data is framed as an aggregated record: long enough, with
// the magic number in front and a checksum that matches at the end. [Parse] also
// wants a protobuf message in between.
func Is(data []byte) bool {
	_, ok := unframe(data)
	return ok
}

// unframe returns what is inside the frame of an aggregated record.
func unframe(data []byte) (message []byte, ok bool) {
	if len(data) <= frameSize || string(data[:len(magic)]) != magic {
		return nil, false
	}
	message = data[len(magic) : len(data)-md5.Size]
	return message, checksum(message) == [md5.Size]byte(data[len(data)-md5.Size:])
}

// checksum works also in programs that run with GODEBUG=fips140=only, where a plain
// md5.Sum panics.
func checksum(b []byte) [md5.Size]byte {
	if !fips140.Enforced() {
		return md5.Sum(b) //nolint:gosec // see the import
	}
	var sum [md5.Size]byte
	fips140.WithoutEnforcement(func() { sum = md5.Sum(b) }) //nolint:gosec // see the import
	return sum
}
