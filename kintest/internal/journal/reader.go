package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

const (
	segmentMagic  = "kinjrnl\x01"
	segmentHeader = len(segmentMagic) + 8 // magic, number
)

// frameReader reads the frames of one segment. It needs memory for the largest
// payload.
type frameReader struct {
	r       *bufio.Reader
	at      place // of the next frame
	size    int64 // of the segment
	header  [frameHeader]byte
	payload []byte
}

// Ends of a segment other than io.EOF, which means that it ends with a whole frame.
var (
	errTorn = errors.New("journal: the last frame is not complete")
	errBad  = errors.New("damaged")
)

func badFrame(reason string) error { return fmt.Errorf("%w: %s", errBad, reason) }

// newFrameReader reads the header of the segment with a number, which has size
// bytes.
func newFrameReader(r io.Reader, number uint64, size int64) (*frameReader, error) {
	f := &frameReader{r: bufio.NewReaderSize(r, 256<<10), at: place{number, 0}, size: size}
	header := f.header[:segmentHeader]
	if size < int64(segmentHeader) {
		return f, badFrame("there is no segment header")
	}
	if _, err := io.ReadFull(f.r, header); err != nil {
		return f, err
	}
	if string(header) != string(appendNumbers([]byte(segmentMagic), number)) {
		return f, badFrame("the segment header is wrong")
	}
	f.at.offset = int64(segmentHeader)
	return f, nil
}

// next reads a frame. The payload is valid until the next call. The error is io.EOF
// at the end, errTorn for a frame that the segment's end cuts short, one that wraps
// errBad for anything else that is wrong with the bytes, or one of reading.
// After any error the reader stays where the frame begins.
func (f *frameReader) next() (Entry, error) {
	left := f.size - f.at.offset
	if left == 0 {
		return Entry{}, io.EOF
	}
	header := f.header[:min(left, frameHeader)]
	if _, err := io.ReadFull(f.r, header); err != nil {
		return Entry{}, err
	}
	if len(header) < frameHeader {
		return Entry{}, errTorn
	}
	e, length, sum, ok := parseHeader(header, f.at)
	if !ok {
		return Entry{}, f.badHeader()
	}
	if int64(length) > left-frameHeader {
		return Entry{}, errTorn
	}
	if cap(f.payload) < length {
		f.payload = make([]byte, length)
	}
	e.Payload = f.payload[:length]
	if _, err := io.ReadFull(f.r, e.Payload); err != nil {
		return Entry{}, err
	}
	if checksum(e.Payload) != sum {
		return Entry{}, badFrame("the checksum of an entry does not match")
	}
	f.at.offset += frameHeader + int64(length)
	return e, nil
}

// badHeader tells a tail of zeros, which a file system may leave of a write that a power
// failure cut short, from damage.
func (f *frameReader) badHeader() error {
	bad := badFrame("the checksum of a frame header does not match")
	if !zeros(f.header[:]) {
		return bad
	}
	for {
		chunk, err := f.r.Peek(1)
		if errors.Is(err, io.EOF) {
			return errTorn
		}
		if err != nil {
			return err
		}
		chunk, _ = f.r.Peek(max(len(chunk), f.r.Buffered()))
		if !zeros(chunk) {
			return bad
		}
		_, _ = f.r.Discard(len(chunk))
	}
}

func zeros(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
