package journal

import (
	"encoding/binary"
	"hash/crc32"
)

// Entry is what the journal keeps.
type Entry struct {
	// Kind is the caller's; it is at most MaxKind.
	Kind uint8

	// Group is what the entry belongs to. 0 means a state, which the snapshot at the
	// head of a later segment makes superfluous.
	Group uint64

	// Stamp is the age of the entry in its group, for Options.Alive. The journal only
	// compares it.
	Stamp int64

	// Payload is the content, at most MaxPayload bytes. Replay lends it for the
	// duration of the call.
	Payload []byte
}

const (
	// MaxKind is the highest Kind of an Entry.
	MaxKind = 0xEF

	// MaxPayload is the most bytes that an Entry may have.
	MaxPayload = 64 << 20
)

// Kinds of the journal's own entries.
const (
	kindLive    = 0xF0 + iota // at the head: numbers of the older segments there are
	kindHeadEnd               // the head is complete
	kindDeleted               // numbers of segments that are deleted
)

const (
	frameHeader = 29
	headerSum   = frameHeader - 4 // where the checksum of the header is
)

// place is where a frame is: it goes into the checksum of the header.
type place struct {
	segment uint64
	offset  int64
}

// checksum is CRC-32C, which the processor computes.
func checksum(b []byte) uint32 {
	return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
}

// appendFrame appends the frame of e without the checksum of the header, which sign
// adds when the place is known. sum is the checksum of the payload.
func appendFrame(b []byte, e *Entry, sum uint32) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(e.Payload)))
	b = binary.LittleEndian.AppendUint32(b, sum)
	b = append(b, e.Kind)
	b = binary.LittleEndian.AppendUint64(b, e.Group)
	b = binary.LittleEndian.AppendUint64(b, uint64(e.Stamp))
	b = append(b, 0, 0, 0, 0)
	return append(b, e.Payload...)
}

// sign writes the checksum of the header that frame begins with.
func sign(frame []byte, at place) {
	binary.LittleEndian.PutUint32(frame[headerSum:], headerChecksum(frame, at))
}

func headerChecksum(frame []byte, at place) uint32 {
	var b [headerSum + 16]byte
	copy(b[:], frame[:headerSum])
	binary.LittleEndian.PutUint64(b[headerSum:], at.segment)
	binary.LittleEndian.PutUint64(b[headerSum+8:], uint64(at.offset))
	return checksum(b[:])
}

// parseHeader reads a header, which has frameHeader bytes. It returns false if that
// is not what was written at the place.
func parseHeader(h []byte, at place) (e Entry, length int, sum uint32, ok bool) {
	n := binary.LittleEndian.Uint32(h)
	if n > MaxPayload || binary.LittleEndian.Uint32(h[headerSum:]) != headerChecksum(h, at) {
		return Entry{}, 0, 0, false
	}
	e.Kind = h[8]
	e.Group = binary.LittleEndian.Uint64(h[9:])
	e.Stamp = int64(binary.LittleEndian.Uint64(h[17:]))
	return e, int(n), binary.LittleEndian.Uint32(h[4:]), true
}

// numbers reads the payload of kindLive and kindDeleted.
func numbers(payload []byte) ([]uint64, bool) {
	if len(payload)%8 != 0 {
		return nil, false
	}
	list := make([]uint64, 0, len(payload)/8)
	for ; len(payload) > 0; payload = payload[8:] {
		list = append(list, binary.LittleEndian.Uint64(payload))
	}
	return list, true
}

func appendNumbers(b []byte, list ...uint64) []byte {
	for _, n := range list {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}
