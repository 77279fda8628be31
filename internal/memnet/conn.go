package memnet

import (
	"io"
	"net"
	"time"
)

// Addr names a place in memory.
type Addr string

// Network returns "mem".
func (Addr) Network() string { return "mem" }

// String returns the name itself.
func (a Addr) String() string { return string(a) }

// Conn is one end of a connection in memory. It is safe for concurrent use; the bytes of two Writes at once don't mix.
//
// Its errors are those of package net: *net.OpError around net.ErrClosed, os.ErrDeadlineExceeded, or the system's connection
// reset and broken pipe. Only io.EOF comes bare.
type Conn struct {
	in, out       *pipe
	local, remote Addr
}

var _ net.Conn = (*Conn)(nil)

// Pipe returns the two ends of a new connection.
func Pipe() (a, b *Conn) {
	return connect("mem:a", "mem:b")
}

func connect(dialer, listener Addr) (client, server *Conn) {
	up, down := newPipe(), newPipe()
	return &Conn{in: down, out: up, local: dialer, remote: listener},
		&Conn{in: up, out: down, local: listener, remote: dialer}
}

// Read waits for bytes and takes what there is, up to len(b). After the peer closed it returns what is left and then io.EOF.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.in.read(b)
	if err != nil && err != io.EOF { //nolint:errorlint // made a few lines away, never wrapped
		err = c.opError("read", err)
	}
	return n, err
}

// Write returns when all of b is in the buffer, or with the error that kept the rest out.
func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.out.write(b)
	if err != nil {
		err = c.opError("write", err)
	}
	return n, err
}

// CloseWrite ends the direction from this end to the peer, which reads the rest and then io.EOF. Reading goes on.
func (c *Conn) CloseWrite() error {
	c.out.closeWrite()
	return nil
}

// Close ends both directions. Bytes that the peer has not read yet stay readable to it; those that this end has not read are
// lost. It may be called more than once, and by several goroutines.
func (c *Conn) Close() error {
	c.out.closeWrite()
	c.in.closeRead()
	return nil
}

// Cut breaks the connection as a lost cable does, seen from both ends: bytes in flight are gone, and reads and writes fail
// with a connection reset. It is for tests of what happens then.
func (c *Conn) Cut() {
	c.out.cut()
	c.in.cut()
}

// LocalAddr returns this end's name.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the other end's name.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines; a zero time means none.
func (c *Conn) SetDeadline(t time.Time) error {
	c.in.setReadDeadline(t)
	c.out.setWriteDeadline(t)
	return nil
}

// SetReadDeadline sets when reads fail; a zero time means never.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.setReadDeadline(t)
	return nil
}

// SetWriteDeadline sets when writes fail; a zero time means never.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.setWriteDeadline(t)
	return nil
}

func (c *Conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "mem", Source: c.local, Addr: c.remote, Err: err}
}
