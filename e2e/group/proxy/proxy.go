package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Mode says what a [Proxy] does.
type Mode int

const (
	// Pass lets everything through.
	Pass Mode = iota

	// Cut resets all connections, and new ones at once.
	Cut

	// Hold keeps connections open and lets nothing through in either direction.
	Hold

	// HoldAnswers lets requests through, and no answers.
	HoldAnswers
)

// Verdict says what is to become of a piece of a request, as it was read from the client.
type Verdict struct {
	Drop bool          // it is lost, and its connection reset
	Hold time.Duration // it waits for so long, whatever becomes of the client
}

// Proxy passes connections on to one address. It is safe for concurrent use.
type Proxy struct {
	target   string
	listener net.Listener
	running  sync.WaitGroup // the goroutines of the listener and of all links

	mu      sync.Mutex // guards what follows
	mode    Mode
	delay   time.Duration
	watch   func(request []byte) Verdict
	changed chan struct{} // closed and replaced when mode changes
	links   map[*link]bool
	closed  bool
}

// Start returns a proxy of target that listens on a free port of the loopback interface.
func Start(target string) (*Proxy, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{target: target, listener: listener, changed: make(chan struct{}), links: map[*link]bool{}}
	p.running.Go(p.accept) // until Close
	return p, nil
}

// Address is where the proxy listens.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Set changes what the proxy does, from the next byte on.
func (p *Proxy) Set(mode Mode) {
	p.mu.Lock()
	p.mode = mode
	close(p.changed)
	p.changed = make(chan struct{})
	cut := p.take(mode == Cut)
	p.mu.Unlock()
	for _, l := range cut {
		l.reset()
	}
}

// Delay makes everything that passes wait for so long, in each direction.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Watch makes f see all that clients send, before it is passed on, and decide about it. It is
// called by many goroutines; nil ends it.
func (p *Proxy) Watch(f func(request []byte) Verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watch = f
}

// judge returns the verdict about a piece of a request.
func (p *Proxy) judge(request []byte) Verdict {
	p.mu.Lock()
	watch := p.watch
	p.mu.Unlock()
	if watch == nil {
		return Verdict{}
	}
	return watch(request)
}

// take removes and returns the links that are to be reset. The caller holds mu.
func (p *Proxy) take(all bool) []*link {
	if !all {
		return nil
	}
	var links []*link
	for l := range p.links {
		links = append(links, l)
	}
	clear(p.links)
	return links
}

// Close resets all connections and waits until nothing of the proxy runs any more.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	links := p.take(true)
	p.mu.Unlock()
	err := p.listener.Close()
	for _, l := range links {
		l.reset()
	}
	p.running.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		l := newLink(p, conn)
		p.mu.Lock()
		refuse := p.closed || p.mode == Cut
		if !refuse {
			p.links[l] = true
			p.running.Go(l.run) // until both ends have closed, or reset
		}
		p.mu.Unlock()
		if refuse {
			l.reset()
		}
	}
}

// state returns the mode, what is closed when it changes, and the delay.
func (p *Proxy) state() (Mode, <-chan struct{}, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode, p.changed, p.delay
}

// link is one connection through the proxy.
type link struct {
	proxy  *Proxy
	client net.Conn
	once   sync.Once
	ctx    context.Context // ended by reset
	cancel context.CancelFunc

	mu     sync.Mutex // guards server
	server net.Conn   // nil until the gate was open for the first time
}

func newLink(p *Proxy, client net.Conn) *link {
	ctx, cancel := context.WithCancel(context.Background())
	return &link{proxy: p, client: client, ctx: ctx, cancel: cancel}
}

func (l *link) run() {
	defer func() {
		l.reset()
		l.proxy.mu.Lock()
		delete(l.proxy.links, l)
		l.proxy.mu.Unlock()
	}()
	if !l.pass(Hold) {
		return
	}
	server, err := new(net.Dialer).DialContext(l.ctx, "tcp", l.proxy.target)
	if err != nil {
		return
	}
	l.mu.Lock()
	l.server = server
	l.mu.Unlock()
	if l.ctx.Err() != nil { // reset did not see it
		_ = server.Close()
		return
	}
	var answers sync.WaitGroup
	answers.Go(func() { l.copy(l.client, server, l.slow, Hold, HoldAnswers) }) // until the server closes, or reset
	l.copy(server, l.client, l.judged, Hold)
	answers.Wait()
}

// copy moves bytes from src to dst while the mode is none of held, and as admit allows.
func (l *link) copy(dst, src net.Conn, admit func([]byte) bool, held ...Mode) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := src.Read(buffer)
		if n > 0 {
			if !admit(buffer[:n]) || !l.pass(held...) {
				return
			}
			if _, err := dst.Write(buffer[:n]); err != nil {
				l.reset()
				return
			}
		}
		if errors.Is(err, io.EOF) && l.pass(held...) {
			if half, ok := dst.(*net.TCPConn); ok {
				_ = half.CloseWrite()
			}
			return
		}
		if err != nil {
			l.reset()
			return
		}
	}
}

// pass waits until the mode is none of held, and reports false if the link was reset.
func (l *link) pass(held ...Mode) bool {
	for {
		mode, changed, _ := l.proxy.state()
		wait := false
		for _, h := range held {
			wait = wait || h == mode
		}
		if !wait {
			return true
		}
		select {
		case <-changed:
		case <-l.ctx.Done():
			return false
		}
	}
}

// judged does what the proxy's watcher says with a piece of a request, and what slow does.
func (l *link) judged(request []byte) bool {
	v := l.proxy.judge(request)
	if v.Drop {
		l.reset()
		return false
	}
	return l.wait(v.Hold) && l.slow(request)
}

// slow lets the proxy's delay pass, and reports false if the link was reset.
func (l *link) slow([]byte) bool {
	_, _, delay := l.proxy.state()
	return l.wait(delay)
}

// wait lets a time pass, and reports false if the link was reset.
func (l *link) wait(delay time.Duration) bool {
	if delay == 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.ctx.Done():
		return false
	}
}

// reset ends both connections at once.
func (l *link) reset() {
	l.once.Do(func() {
		l.cancel()
		l.mu.Lock()
		server := l.server
		l.mu.Unlock()
		for _, conn := range []net.Conn{l.client, server} {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			if conn != nil {
				_ = conn.Close()
			}
		}
	})
}
