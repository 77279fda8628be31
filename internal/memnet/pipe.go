package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// bufferSize is what one direction of a connection holds at most. An HTTP answer of several megabytes should not need a
// change of goroutine for every few kilobytes.
const bufferSize = 256 << 10

// firstBuffer is what a direction allocates at its first byte: most connections carry short messages only.
const firstBuffer = 4 << 10

// pipe is one direction of a connection: a ring of bytes between one end that writes and one that reads.
//
// The mutex guards all fields and is held only while bytes are copied. Both conditions use it.
type pipe struct {
	mu       sync.Mutex
	readable sync.Cond // signalled when bytes came, or an end
	writable sync.Cond // signalled when room came, or an end

	ring  []byte // grows by doubling up to bufferSize; nil after the last use
	start int    // index of the first unread byte. Invariant: start < len(ring), or both are 0
	held  int    // unread bytes. Invariant: held <= len(ring)

	writing    bool // a Write is between its first and its last byte: others wait, so that writes don't mix
	reset      bool // cut: both sides fail
	writerDone bool // the writing end has closed: io.EOF follows the held bytes
	readerGone bool // the reading end has closed: nobody will take what is written

	readBy, writeBy deadline
}

func newPipe() *pipe {
	p := &pipe{}
	p.readable.L = &p.mu
	p.writable.L = &p.mu
	return p
}

// read takes at least one byte, or says why there will be none.
func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.reset:
			return 0, syscall.ECONNRESET
		case p.readerGone:
			return 0, net.ErrClosed
		case p.readBy.expired:
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case p.held > 0:
			return p.take(b), nil
		case p.writerDone:
			return 0, io.EOF
		}
		p.readable.Wait()
	}
}

// write puts all of b, waiting for room as often as needed. It returns how much went in before an error.
func (p *pipe) write(b []byte) (written int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.writing && p.mayWrite() == nil {
		p.writable.Wait()
	}
	if err := p.mayWrite(); err != nil {
		return 0, err
	}
	p.writing = true
	defer func() {
		p.writing = false
		p.writable.Broadcast()
	}()
	for written < len(b) {
		if err := p.mayWrite(); err != nil {
			return written, err
		}
		if p.held == bufferSize {
			p.writable.Wait()
			continue
		}
		written += p.put(b[written:])
	}
	return written, nil
}

// mayWrite says why nothing more can be written, or nil. The caller holds the mutex.
func (p *pipe) mayWrite() error {
	switch {
	case p.reset:
		return syscall.ECONNRESET
	case p.writerDone:
		return net.ErrClosed
	case p.writeBy.expired:
		return os.ErrDeadlineExceeded
	case p.readerGone:
		return syscall.EPIPE
	}
	return nil
}

// take moves held bytes to b. The caller holds the mutex.
func (p *pipe) take(b []byte) int {
	n := copy(b, p.ring[p.start:min(p.start+p.held, len(p.ring))])
	n += copy(b[n:], p.ring[:p.held-min(p.held, len(p.ring)-p.start)])
	p.held -= n
	p.start += n
	if p.start >= len(p.ring) {
		p.start -= len(p.ring)
	}
	if p.held == 0 {
		p.start = 0 // the next write is one copy
	}
	p.writable.Broadcast()
	return n
}

// put moves as much of b as there is room for into the ring. The caller holds the mutex.
func (p *pipe) put(b []byte) int {
	if want := p.held + len(b); want > len(p.ring) && len(p.ring) < bufferSize {
		p.grow(want)
	}
	n := 0
	for n < len(b) && p.held < len(p.ring) {
		end := p.start + p.held
		room := p.ring[min(end, len(p.ring)):]
		if end >= len(p.ring) {
			room = p.ring[end-len(p.ring) : p.start]
		}
		k := copy(room, b[n:])
		p.held += k
		n += k
	}
	p.readable.Signal()
	return n
}

// grow makes the ring large enough for want bytes, within bufferSize. The caller holds the mutex.
func (p *pipe) grow(want int) {
	size := max(len(p.ring), firstBuffer)
	for size < want && size < bufferSize {
		size *= 2
	}
	ring := make([]byte, size)
	held := p.held
	if held > 0 {
		n := copy(ring, p.ring[p.start:min(p.start+held, len(p.ring))])
		copy(ring[n:], p.ring[:held-n])
	}
	p.ring, p.start = ring, 0
}

// closeWrite ends the direction from its writing end.
func (p *pipe) closeWrite() {
	p.end(func() { p.writerDone = true })
}

// closeRead ends the direction from its reading end; what is held is lost.
func (p *pipe) closeRead() {
	p.end(func() { p.readerGone, p.ring, p.start, p.held = true, nil, 0, 0 })
}

// cut ends the direction for both ends at once.
func (p *pipe) cut() {
	p.end(func() { p.reset, p.ring, p.start, p.held = true, nil, 0, 0 })
}

// end makes a change that everybody who waits has to see, and stops deadlines that no longer matter.
func (p *pipe) end(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	if p.reset || p.readerGone {
		p.readBy.stop()
	}
	if p.reset || p.writerDone {
		p.writeBy.stop()
	}
	p.readable.Broadcast()
	p.writable.Broadcast()
}

func (p *pipe) setReadDeadline(t time.Time) {
	p.setDeadline(&p.readBy, &p.readable, t)
}

func (p *pipe) setWriteDeadline(t time.Time) {
	p.setDeadline(&p.writeBy, &p.writable, t)
}

func (p *pipe) setDeadline(d *deadline, waiting *sync.Cond, t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d.set(t, func(turn int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if d.turn == turn {
			d.expired = true
			waiting.Broadcast()
		}
	})
	if d.expired {
		waiting.Broadcast()
	}
}
