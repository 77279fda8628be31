package memnet

import (
	"context"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
)

// Listener is where connections come in. Its Dial methods are the other side; nothing else can reach it.
type Listener struct {
	addr    Addr
	backlog chan *Conn
	closed  chan struct{}
	once    sync.Once
	dialled atomic.Int64 // names the dialling ends
}

var _ net.Listener = (*Listener)(nil)

// backlogSize is how many connections may wait for Accept before Dial waits too.
const backlogSize = 128

// Listen returns a listener called name. Names need not be unique: a connection finds its listener by the value it was dialled on.
func Listen(name string) *Listener {
	return &Listener{addr: Addr(name), backlog: make(chan *Conn, backlogSize), closed: make(chan struct{})}
}

// Accept waits for the next connection. After Close it returns an error that is net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed: // also when somebody waits in the backlog
		return nil, l.opError("accept", net.ErrClosed)
	default:
	}
	select {
	case c := <-l.backlog:
		return c, nil
	case <-l.closed:
		return nil, l.opError("accept", net.ErrClosed)
	}
}

// Close ends Accept and Dial, and closes the connections that nobody accepted. Accepted ones live on.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	for {
		select {
		case c := <-l.backlog:
			_ = c.Close()
		default:
			return nil
		}
	}
}

// Addr returns the listener's name.
func (l *Listener) Addr() net.Addr { return l.addr }

// Dial connects to the listener, without waiting for Accept unless the backlog is full. After Close it returns an error that
// is the system's "connection refused".
func (l *Listener) Dial(ctx context.Context) (*Conn, error) {
	name := string(l.addr) + "#" + strconv.FormatInt(l.dialled.Add(1), 10)
	client, server := connect(Addr(name), l.addr)
	select {
	case <-l.closed:
		return nil, l.opError("dial", syscall.ECONNREFUSED)
	default:
	}
	select {
	case l.backlog <- server:
	case <-l.closed:
		return nil, l.opError("dial", syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, l.opError("dial", context.Cause(ctx))
	}
	select {
	case <-l.closed: // Close may have emptied the backlog just before: nobody would ever accept this one
		_ = server.Close()
	default:
	}
	return client, nil
}

// DialContext is Dial in the shape that http.Transport wants; it ignores network and address.
func (l *Listener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	c, err := l.Dial(ctx)
	if err != nil {
		return nil, err // not c: a nil *Conn in an interface is not nil
	}
	return c, nil
}

func (l *Listener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "mem", Addr: l.addr, Err: err}
}
