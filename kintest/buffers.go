package kintest

import "sync"

// buffers are byte slices that are used again: bodies of requests and of answers. They come in sizes, so that a short answer
// doesn't hold on to the memory of a long one.
type buffers struct{ small, medium, large sync.Pool }

const (
	smallBuffer  = 16 << 10
	mediumBuffer = 1 << 20
	largeBuffer  = 24 << 20
)

// get returns an empty slice with room for size bytes.
func (b *buffers) get(size int) *[]byte {
	pool, least := b.of(size)
	if pool == nil {
		return new(make([]byte, 0, size))
	}
	buf, ok := pool.Get().(*[]byte)
	if !ok {
		return new(make([]byte, 0, max(size, least)))
	}
	if cap(*buf) < size {
		*buf = make([]byte, 0, size)
	}
	*buf = (*buf)[:0]
	return buf
}

// put gives a slice back. Nobody may use its bytes afterwards.
func (b *buffers) put(buf *[]byte) {
	if pool, _ := b.of(cap(*buf)); pool != nil {
		pool.Put(buf)
	}
}

// of returns the pool for a size, and the least that its slices are made with. There is none for the largest.
func (b *buffers) of(size int) (pool *sync.Pool, least int) {
	switch {
	case size <= smallBuffer:
		return &b.small, smallBuffer
	case size <= mediumBuffer:
		return &b.medium, size
	case size <= largeBuffer:
		return &b.large, size
	}
	return nil, size
}
