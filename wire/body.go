package wire

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"unsafe"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// plainStream is a request body that can be read and rewound, and nothing else.
//
// It must not have a WriteTo. The SDK closes the body as soon as the header of
// the answer is there, and a body that has WriteTo then reports io.EOF from it.
// net/http, which looks for surplus bytes after the content, takes that for a write error
// and closes the connection under the answer that is still being read. Without WriteTo it
// reads instead, and there io.EOF is the end.
type plainStream struct{ io.ReadSeeker }

// setBody gives req a body that must be a plainStream or a *hotBody.
func setBody(req *smithyhttp.Request, body io.ReadSeeker) error {
	with, err := req.SetStream(body)
	if err != nil {
		return err
	}
	*req = *with
	return nil
}

// maxPresize bounds what is allocated because a header says so. It holds the
// largest answer of Kinesis, 10 MiB in base64 and its framing.
const maxPresize = 16 << 20

// startSize is how much is allocated at first for an answer that does not tell
// its size.
const startSize = 64 << 10

// readBody reads the answer into one buffer that nothing else uses.
//
// Content-Length is a hint: what comes beyond it is read as well, and a buffer
// larger than maxPresize grows only as bytes arrive. An answer without Content-Length is
// read into a buffer that calls share and then copied, so that what is kept is as large as the answer.
func (c *Codec) readBody(resp *http.Response) ([]byte, error) {
	if resp.ContentLength >= 0 {
		// One byte more, so that the end is seen without growing.
		return readAll(resp.Body, newBuffer(int(min(resp.ContentLength, maxPresize)+1)))
	}
	scratch, ok := c.scratch.Get().(*[]byte)
	if !ok {
		scratch = new(make([]byte, 0, startSize))
	}
	buf, err := readAll(resp.Body, *scratch)
	*scratch = buf[:0]
	body := bytes.Clone(buf)
	c.scratch.Put(scratch)
	return body, err
}

// readAll appends to buf until the end.
func readAll(r io.Reader, buf []byte) ([]byte, error) {
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		case len(buf) == cap(buf):
			buf = append(newBuffer(2*cap(buf)), buf...)
		}
	}
}

// withBody returns a copy of resp with a body that has been read already. The
// original keeps its own body, which the SDK closes.
func withBody(resp *smithyhttp.Response, body []byte) *smithyhttp.Response {
	clone := *resp.Response
	clone.Body = io.NopCloser(bytes.NewReader(body))
	return &smithyhttp.Response{Response: &clone}
}

// newBuffer returns an empty buffer with room for size bytes.
//
// Its memory is not cleared, which for a large answer costs a fifth of all that
// reading it takes. A strings.Builder is the only part of the standard library that hands
// out such memory. What lies beyond the buffer's length is never read before it is written.
func newBuffer(size int) []byte {
	var b strings.Builder
	b.Grow(max(size, 1))
	b.WriteByte(0) // so that there is a string with an address
	return unsafe.Slice(unsafe.StringData(b.String()), b.Cap())[:0]
}

// alias makes a string of bytes that will not change again, without a copy.
func alias(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
