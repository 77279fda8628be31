package server

import (
	"log/slog"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
)

// TLS returns the port on 127.0.0.1 at which the server is reached by HTTP/1.1 over TLS too, until tb ends, for
// clients that speak nothing else. The certificate is signed by nobody.
func (s *Server) TLS(tb testing.TB) string {
	tb.Helper()
	target, err := url.Parse(s.URL)
	if err != nil {
		tb.Fatal(err)
	}
	silent := slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // clients see the errors
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: s.HTTPClient().Transport,
		ErrorLog:  silent,
	})
	front.Config.ErrorLog = silent
	front.StartTLS()
	tb.Cleanup(front.Close)
	at, err := url.Parse(front.URL)
	if err != nil {
		tb.Fatal(err)
	}
	return at.Port()
}
