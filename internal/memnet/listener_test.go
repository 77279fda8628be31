package memnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/internal/memnet"
)

func TestListener(t *testing.T) {
	t.Parallel()

	t.Run("joins_a_dial_with_an_accept", func(t *testing.T) {
		t.Parallel()
		l := memnet.Listen("orders")
		defer l.Close()
		c, err := l.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, c, "hi")
		_ = c.Close()
		if got, err := io.ReadAll(s); err != nil || string(got) != "hi" {
			t.Errorf("server read %q, %v", got, err)
		}
		if got, want := s.RemoteAddr().String(), c.LocalAddr().String(); got != want {
			t.Errorf("remote address = %s, want %s", got, want)
		}
		if got := c.RemoteAddr().String(); got != "orders" || l.Addr().String() != got {
			t.Errorf("dialled address = %s, listener %s", got, l.Addr())
		}
	})

	t.Run("refuses_after_close", func(t *testing.T) {
		t.Parallel()
		l := memnet.Listen("x")
		_ = l.Close()
		_ = l.Close()
		if _, err := l.Dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial = %v, want connection refused", err)
		}
		if c, err := l.DialContext(t.Context(), "tcp", "any"); c != nil || err == nil {
			t.Errorf("dial = %v, %v; want a nil connection and an error", c, err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept = %v, want net.ErrClosed", err)
		}
	})

	t.Run("wakes_accept_and_dial_at_close_and_drops_whom_nobody_accepted", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			l := memnet.Listen("x")
			waiting, err := l.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for range 127 {
				if _, err := l.Dial(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, err := l.Dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
					t.Errorf("dial into a full backlog = %v, want connection refused at close", err)
				}
			})
			synctest.Wait()
			_ = l.Close()
			wg.Wait()
			if _, err := waiting.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("read of a connection that nobody accepted = %v, want EOF", err)
			}
		})
	})

	t.Run("stops_a_dial_whose_context_ends", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			l := memnet.Listen("x")
			defer l.Close()
			for range 128 {
				if _, err := l.Dial(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := l.Dial(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("dial = %v, want the context's end", err)
			}
		})
	})
}

func TestHTTPInBubble(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run("an_hour_of_polling_over_"+version, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := memnet.Listen("web")
				protocols := new(http.Protocols)
				protocols.SetHTTP1(version == "HTTP/1.1")
				protocols.SetUnencryptedHTTP2(version == "HTTP/2.0")
				srv := &http.Server{Protocols: protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.WriteString(w, r.Proto)
				})}
				var wg sync.WaitGroup
				wg.Go(func() { _ = srv.Serve(l) })
				tr := &http.Transport{DialContext: l.DialContext, Protocols: protocols}
				for range 60 {
					if got := get(t, tr); got != version {
						t.Fatalf("answer over %s, want %s", got, version)
					}
					time.Sleep(time.Minute) // in a bubble
				}
				tr.CloseIdleConnections()
				_ = srv.Close()
				wg.Wait()
			})
		})
	}
}

func get(t *testing.T, tr http.RoundTripper) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://web/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
