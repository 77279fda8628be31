package kintest_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/kintest"
)

func do(tb testing.TB, c *http.Client, req *http.Request) (*http.Response, string) {
	tb.Helper()
	resp, err := c.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return resp, string(body)
}

// serve runs a server on a port of this machine.
func serve(tb testing.TB, s *kintest.Server, cert *tls.Certificate) (url string) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if cert != nil {
			err = s.ServeTLS(l, *cert)
		} else {
			err = s.Serve(l)
		}
		if err != nil {
			tb.Errorf("serve: %v", err)
		}
	})
	tb.Cleanup(func() {
		_ = s.Close()
		wg.Wait()
	})
	if cert != nil {
		return "https://" + l.Addr().String()
	}
	return "http://" + l.Addr().String()
}

func TestProtocols(t *testing.T) {
	t.Parallel()
	cert, err := kintest.SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	trusted := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	cases := map[string]struct {
		cert      *tls.Certificate
		transport *http.Transport
		want      string
	}{
		"plain_HTTP_1":           {nil, &http.Transport{Protocols: protocols(true, false, false)}, "HTTP/1.1"},
		"plain_HTTP_2":           {nil, &http.Transport{Protocols: protocols(false, false, true)}, "HTTP/2.0"},
		"TLS_HTTP_1":             {&cert, &http.Transport{TLSClientConfig: trusted.Clone(), Protocols: protocols(true, false, false)}, "HTTP/1.1"},
		"TLS_HTTP_2":             {&cert, &http.Transport{TLSClientConfig: trusted.Clone(), Protocols: protocols(true, true, false)}, "HTTP/2.0"},
		"memory_HTTP_2_own_dial": {nil, nil, "HTTP/2.0"},
	}
	for name, c := range cases {
		t.Run(name+"_carries_large_batches_both_ways", func(t *testing.T) {
			t.Parallel()
			s := kintest.New(t)
			if err := s.CreateStream("orders", 1); err != nil {
				t.Fatal(err)
			}
			tr, url := c.transport, s.URL()
			if tr == nil {
				tr = &http.Transport{DialContext: s.Dial, Protocols: protocols(false, false, true)}
			} else {
				url = serve(t, s, c.cert)
			}
			t.Cleanup(tr.CloseIdleConnections)
			client := s.Client(func(o *kinesis.Options) {
				o.BaseEndpoint = &url
				o.HTTPClient = &http.Client{Transport: hideWriteTo{tr}}
			})
			in := batch(100, 50_000)
			if _, err := client.PutRecords(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			page, err := client.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: iterator(t, client)})
			if err != nil || len(page.Records) != 100 {
				t.Fatalf("GetRecords: %v; %d records, want 100", err, len(page.Records))
			}
			if got := s.Calls()[0].HTTP; got != c.want {
				t.Errorf("calls came over %s, want %s", got, c.want)
			}
		})
	}
}

func protocols(h1, h2, h2c bool) *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(h1)
	p.SetHTTP2(h2)
	p.SetUnencryptedHTTP2(h2c)
	return p
}

// hideWriteTo keeps the SDK from its race over HTTP/1.1; see Server.HTTPClient.
type hideWriteTo struct{ next http.RoundTripper }

func (h hideWriteTo) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r = r.Clone(r.Context())
		r.Body = struct {
			io.Reader
			io.Closer
		}{r.Body, r.Body}
	}
	return h.next.RoundTrip(r)
}

func TestSelfSigned(t *testing.T) {
	t.Parallel()
	cert, err := kintest.SelfSigned("kinesis.test", "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"kinesis.test", "10.0.0.1"} {
		if err := cert.Leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	if err := cert.Leaf.VerifyHostname("localhost"); err == nil {
		t.Error("certificate is good for localhost too, want only the hosts given")
	}
}

func TestURLCanBeReached(t *testing.T) {
	t.Parallel()
	s := kintest.New(t)
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(l) })
	conn, err := net.Dial("tcp", l.Addr().String()) // answered only when Serve has named the listener
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(conn); err != nil || len(body) == 0 {
		t.Fatalf("health = %q, %v", body, err)
	}
	_ = conn.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/health", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if resp, _ := do(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, req); resp.StatusCode != http.StatusOK {
		t.Errorf("health at %s = %d, want 200", s.URL(), resp.StatusCode)
	}
	_ = s.Close()
	wg.Wait()
}

func TestServeAndCloseByManyGoroutines(t *testing.T) {
	t.Parallel()
	for range 20 {
		s := newStream(t, 1)
		c := s.Client(func(o *kinesis.Options) { o.RetryMaxAttempts = 1 })
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				if i%4 == 0 {
					if err := s.Close(); err != nil {
						t.Errorf("close: %v", err)
					}
					return
				}
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Error(err)
					return
				}
				if i%4 == 1 {
					if err := s.Serve(l); err != nil {
						t.Errorf("serve: %v", err)
					}
				}
				_ = l.Close()
				_, _ = c.ListStreams(t.Context(), &kinesis.ListStreamsInput{}) // answered or refused, but not hanging
			})
		}
		wg.Wait()
	}
}
