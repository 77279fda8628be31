package wire

import (
	"crypto/sha256"
	"errors"
	"io"
	"math/bits"
	"net/http"
	"sync"
)

// hotBody is the body of a hot operation, which is in memory as a whole. Like
// plainStream it must not have a WriteTo.
//
// Its memory serves later calls when its own call has ended. Nothing reads it from
// then on, whoever still holds the body: all access goes through the mutex, and what comes
// late gets an error. net/http is one that may come late, after a call whose context has ended or
// that was answered early. So a hotBody itself is never used again, only its memory.
type hotBody struct {
	mu      sync.Mutex // guards all below
	content []byte     // nil when the call has ended
	offset  int64
}

// errBodySeek means that a body was wound to a place where it has none.
var errBodySeek = errors.New("wire: seek before the start of a request body")

// Read reads from the body.
func (b *hotBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.content == nil:
		return 0, http.ErrBodyReadAfterClose
	case b.offset >= int64(len(b.content)):
		return 0, io.EOF
	}
	n := copy(p, b.content[b.offset:])
	b.offset += int64(n)
	return n, nil
}

// Seek winds the body, for attempts after the first one and to learn its size.
func (b *hotBody) Seek(offset int64, whence int) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += b.offset
	case io.SeekEnd:
		offset += int64(len(b.content))
	}
	if offset < 0 {
		return 0, errBodySeek
	}
	b.offset = offset
	return offset, nil
}

// sum returns the hash of the whole body, computed where it lies, and false if its call has
// ended.
func (b *hotBody) sum() (sum [sha256.Size]byte, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return sha256.Sum256(b.content), b.content != nil
}

// release takes the memory of the body away, because its call has ended.
func (b *hotBody) release() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	content := b.content
	b.content = nil
	return content
}

// buffers is the memory of request bodies that are no longer needed. Without it, a
// producer's bodies would be most of its garbage, several MB for each call.
//
// It holds no more buffers than calls were under way at once, of about the size of the largest,
// and the garbage collector takes what is not used for a while.
type buffers struct{ pool sync.Pool } // of *[]byte

// minPooled is the size below which a body is not worth keeping.
const minPooled = 4 << 10

// get returns an empty buffer with room for size bytes. No buffers at all have none to
// use again.
func (b *buffers) get(size int) []byte {
	if b == nil || size < minPooled {
		return newBuffer(size)
	}
	if buf, ok := b.pool.Get().(*[]byte); ok && cap(*buf) >= size && cap(*buf) <= maxSpare*size {
		return (*buf)[:0]
	}
	return newBuffer(roundUp(size))
}

// maxSpare is how many times larger than needed a buffer may be. One that is larger
// yet is left to the garbage collector, so that a few large requests do not bind memory for as long
// as small ones follow.
const maxSpare = 16

// roundUp returns a size of at least n that bodies of about the same size share.
func roundUp(n int) int {
	step := 1 << max(bits.Len(uint(n))-4, 0) // at most an eighth of n
	return (n + step - 1) &^ (step - 1)
}

// put gives a buffer back that nothing reads any more.
func (b *buffers) put(buf []byte) {
	if cap(buf) >= minPooled {
		b.pool.Put(&buf)
	}
}
