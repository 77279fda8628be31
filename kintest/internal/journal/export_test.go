package journal

import (
	"bytes"
	"io"
)

// Break makes later writes fail.
func (j *Journal) Break() { _ = j.file.Close() }

// ReadFrames reads a segment from memory.
func ReadFrames(data []byte, number uint64, visit func(Entry) error) (end int64, torn bool, err error) {
	s, err := readFrames(bytes.NewReader(data), number, int64(len(data)), true, visit)
	return s.end, s.torn, err
}

// ReadFramesFrom is ReadFrames for a reader that may fail.
func ReadFramesFrom(r io.Reader, number uint64, size int64) error {
	_, err := readFrames(r, number, size, true, func(Entry) error { return nil })
	return err
}

// WriteFrames makes the bytes of a segment without a head.
func WriteFrames(number uint64, entries ...Entry) []byte {
	var out bytes.Buffer
	out.Write(appendNumbers([]byte(segmentMagic), number))
	for _, e := range entries {
		frame := appendFrame(nil, &e, checksum(e.Payload))
		sign(frame, place{number, int64(out.Len())})
		out.Write(frame)
	}
	return out.Bytes()
}

// HeadEnd is the entry at the end of a head.
func HeadEnd() Entry { return Entry{Kind: kindHeadEnd} }

// SegmentName is the name of a segment's file.
func SegmentName(number uint64) string { return segmentName(number) }
