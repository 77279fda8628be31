package wire

import (
	"io"

	"github.com/aws/smithy-go"
)

// DecodeCBOR and DecodeJSON decode the body of a successful answer. DecodeJSON
// changes it.
func DecodeCBOR(body []byte, out smithy.Deserializable) error {
	return decodeOutput(formCBOR, body, out)
}

func DecodeJSON(body []byte, out smithy.Deserializable) error {
	return decodeOutput(formJSON, body, out)
}

// Encode encodes a request.
func Encode(format Format, in any) ([]byte, bool) { return encode(format, in, nil) }

// DoubtFor is how long an endpoint is doubted.
const DoubtFor = doubtFor

// FallbackID is the name of the middleware that makes calls again.
const FallbackID = fallbackID

// RoundUp is the size of the buffer that a body of n bytes gets.
func RoundUp(n int) int { return roundUp(n) }

// NewBody returns the body of a request, and a function that ends its call.
func NewBody(content []byte) (body io.ReadSeeker, end func()) {
	b := &hotBody{content: content}
	return b, func() { b.release() }
}

// Buffers is the memory of request bodies.
type Buffers struct{ b buffers }

// Get returns an empty buffer with room for size bytes.
func (b *Buffers) Get(size int) []byte { return b.b.get(size) }

// Put gives a buffer back.
func (b *Buffers) Put(buf []byte) { b.b.put(buf) }
