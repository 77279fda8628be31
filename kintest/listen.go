package kintest

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"

	"github.com/kinstream/kin/internal/memnet"
)

// Flow control of HTTP/2 in the direction to the server. The defaults of 64 KiB would make a client that sends a large batch
// wait for us at every step.
const (
	maxStreams      = 4096
	maxFrame        = 1 << 20
	windowPerStream = 16 << 20
	windowPerConn   = 64 << 20
)

// Serve answers requests that come in on l: HTTP/1.1, and HTTP/2 of clients that know beforehand that they may speak it. It
// blocks until Close, which closes l too, and then returns nil.
func (s *Server) Serve(l net.Listener) error {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return s.serve(l, "http://", protocols, func(srv *http.Server) error { return srv.Serve(l) })
}

// ServeTLS is Serve over TLS: HTTP/2 or HTTP/1.1, as the client and the server agree in the handshake. [SelfSigned] makes a
// certificate.
func (s *Server) ServeTLS(l net.Listener, cert tls.Certificate) error {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	return s.serve(l, "https://", protocols, func(srv *http.Server) error {
		srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
		return srv.ServeTLS(l, "", "")
	})
}

func (s *Server) serve(l net.Listener, scheme string, protocols *http.Protocols, run func(*http.Server) error) error {
	srv := &http.Server{ //nolint:gosec // no time-outs: subscriptions last for minutes, and nobody hostile is here
		Handler:   s.Handler(),
		Protocols: protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          maxStreams,
			MaxReadFrameSize:              maxFrame,
			MaxReceiveBufferPerStream:     windowPerStream,
			MaxReceiveBufferPerConnection: windowPerConn,
		},
		ErrorLog: slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelDebug),
	}
	f := &s.front
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		_ = l.Close()
		return nil
	}
	f.servers = append(f.servers, srv)
	if _, inMemory := l.(*memnet.Listener); !inMemory && f.url == "" {
		f.url = scheme + reachable(l.Addr())
	}
	f.active.Add(1)
	f.mu.Unlock()
	defer f.active.Done()

	if err := run(srv); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// listenInMemory starts to serve the in-memory network, once. That of a closed server is closed.
func (s *Server) listenInMemory() *memnet.Listener {
	f := &s.front
	f.mu.Lock()
	l, fresh, closed := f.memory, f.memory == nil, f.closed
	if fresh {
		l = memnet.Listen("kintest")
		f.memory = l
	}
	f.mu.Unlock()
	switch {
	case closed:
		_ = l.Close()
	case fresh:
		go func() { _ = s.Serve(l) }() // ends at Close, which waits for it
	}
	return l
}

// URL returns where clients of other processes find the server: the address of the first listener that was served. If there is
// none it names the in-memory network, which only [Server.HTTPClient] can reach.
func (s *Server) URL() string {
	s.front.mu.Lock()
	defer s.front.mu.Unlock()
	if s.front.url == "" {
		return memoryURL
	}
	return s.front.url
}

// reachable returns an address at which a listener can be reached from this machine, also if it listens on all of its addresses.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return addr.String()
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
}
