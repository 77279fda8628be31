package kintest

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/kinstream/kin/kintest/internal/proto"
)

// A frame of an event stream:
//
//	+--------------+----------------+-----------+---------+---------+-----------+
//	| total length | headers length | CRC32 of  | headers | payload | CRC32 of  |
//	| 4 bytes      | 4 bytes        | the first | ...     | ...     | all bytes |
//	|              |                | 8 bytes   |         |         | before    |
//	+--------------+----------------+-----------+---------+---------+-----------+
//
// all big-endian. A header is a length byte, a name, the byte 7 for a string, two bytes of length, a value.
const (
	preludeLen   = 12
	frameEnd     = 4
	headerString = 7
)

// contentEventStream is the Content-Type of an event stream.
const contentEventStream = "application/vnd.amazon.eventstream"

// frame is one frame that is being made in a buffer: begin, append the payload to buf, end.
type frame struct {
	buf   []byte
	start int
}

// beginFrame begins a frame behind what dst holds.
func beginFrame(dst []byte, headers ...string) frame {
	f := frame{buf: dst, start: len(dst)}
	f.buf = append(f.buf, make([]byte, preludeLen)...)
	for i := 0; i+1 < len(headers); i += 2 {
		name, value := headers[i], headers[i+1]
		f.buf = append(f.buf, byte(len(name)))
		f.buf = append(f.buf, name...)
		f.buf = append(f.buf, headerString)
		f.buf = binary.BigEndian.AppendUint16(f.buf, uint16(len(value)))
		f.buf = append(f.buf, value...)
	}
	binary.BigEndian.PutUint32(f.buf[f.start+4:], uint32(len(f.buf)-f.start-preludeLen))
	return f
}

// end fills in lengths and checksums, and returns the buffer with the frame.
func (f frame) end() []byte {
	b := f.buf[f.start:]
	binary.BigEndian.PutUint32(b, uint32(len(b)+frameEnd))
	binary.BigEndian.PutUint32(b[8:], crc32.ChecksumIEEE(b[:8]))
	return binary.BigEndian.AppendUint32(f.buf, crc32.ChecksumIEEE(b))
}

// appendInitialResponse appends the frame that an event stream begins with.
func appendInitialResponse(dst []byte) []byte {
	f := beginFrame(dst, ":message-type", "event", ":event-type", "initial-response",
		":content-type", proto.JSON.ContentType())
	f.buf = append(f.buf, "{}"...)
	return f.end()
}

// appendEventFrame appends a SubscribeToShardEvent.
func appendEventFrame(dst []byte, event *proto.Event) []byte {
	f := beginFrame(dst, ":message-type", "event", ":event-type", "SubscribeToShardEvent",
		":content-type", proto.JSON.ContentType())
	f.buf = proto.AppendEvent(f.buf, event)
	return f.end()
}

// appendExceptionFrame appends an error that ends the stream.
func appendExceptionFrame(dst []byte, e *apiError) []byte {
	f := beginFrame(dst, ":message-type", "exception", ":exception-type", e.Code,
		":content-type", proto.JSON.ContentType())
	f.buf = proto.JSON.AppendError(f.buf, e.Code, e.Message)
	return f.end()
}
