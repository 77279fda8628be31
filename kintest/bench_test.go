package kintest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
)

// batch returns a PutRecords input of n records.
func batch(n, size int) *kinesis.PutRecordsInput {
	in := &kinesis.PutRecordsInput{StreamName: new("orders")}
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i * 7)
	}
	for i := range n {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: data, PartitionKey: new("key-" + string(rune('a'+i%26)))})
	}
	return in
}

// overLoopback returns a client of the SDK for a server on a port of this machine.
func overLoopback(b *testing.B, handler http.Handler) *kinesis.Client {
	b.Helper()
	srv := httptest.NewServer(handler)
	b.Cleanup(srv.Close)
	tr := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	b.Cleanup(tr.CloseIdleConnections)
	s := kintest.New(b)
	return s.Client(func(o *kinesis.Options) {
		o.BaseEndpoint = new(srv.URL)
		o.HTTPClient = &http.Client{Transport: hideWriteTo{tr}}
	})
}

// recorder remembers the last answer of a handler.
type recorder struct {
	next http.Handler
	mu   sync.Mutex
	last []byte
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	rec := httptest.NewRecorder()
	r.next.ServeHTTP(rec, req)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = rec.Body.Bytes()
	_, _ = w.Write(r.last)
}

// constant answers what it was given.
type constant []byte

func (c constant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_, _ = w.Write(c)
}

// BenchmarkAgainstConstant compares the server with one that answers from a constant, for the same client, over loopback.
func BenchmarkAgainstConstant(b *testing.B) {
	for _, kind := range []string{"constant", "kintest"} {
		b.Run("PutRecords_500_x_1KiB/"+kind, func(b *testing.B) {
			s := newStream(b, 4, func(c *kintest.Config) { c.MaxBytes = 256 << 20 })
			in := batch(500, 1024)
			c := overLoopback(b, choose(b, s, kind, func(c *kinesis.Client) {
				if _, err := c.PutRecords(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}))
			b.SetBytes(500 << 10)
			parallel(b, func() error {
				_, err := c.PutRecords(context.Background(), in)
				return err
			})
		})
		b.Run("GetRecords_5000_x_1KiB/"+kind, func(b *testing.B) {
			s := newStream(b, 1)
			for range 10 {
				if _, err := s.Client().PutRecords(b.Context(), batch(500, 1024)); err != nil {
					b.Fatal(err)
				}
			}
			in := &kinesis.GetRecordsInput{ShardIterator: iterator(b, s.Client(), 0), Limit: new(int32(5000))}
			c := overLoopback(b, choose(b, s, kind, func(c *kinesis.Client) {
				if _, err := c.GetRecords(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}))
			b.SetBytes(5000 << 10)
			parallel(b, func() error {
				_, err := c.GetRecords(context.Background(), in)
				return err
			})
		})
		b.Run("PutRecord_100B/"+kind, func(b *testing.B) {
			s := newStream(b, 4, func(c *kintest.Config) { c.MaxBytes = 256 << 20 })
			in := &kinesis.PutRecordInput{StreamName: new("orders"), PartitionKey: new("k"), Data: make([]byte, 100)}
			c := overLoopback(b, choose(b, s, kind, func(c *kinesis.Client) {
				if _, err := c.PutRecord(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}))
			parallel(b, func() error {
				_, err := c.PutRecord(context.Background(), in)
				return err
			})
		})
	}
}

// choose returns the server itself, or one that repeats what it once answered.
func choose(b *testing.B, s *kintest.Server, kind string, once func(*kinesis.Client)) http.Handler {
	b.Helper()
	if kind == "kintest" {
		return s.Handler()
	}
	r := &recorder{next: s.Handler()}
	once(overLoopback(b, r))
	return constant(r.last)
}

// parallel runs call in four goroutines.
func parallel(b *testing.B, call func() error) {
	b.Helper()
	b.SetParallelism(2)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := call(); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkPushDelay measures how long a record takes from the call of PutRecord until an open subscription has it.
func BenchmarkPushDelay(b *testing.B) {
	s := newStream(b, 1)
	c := overLoopback(b, s.Handler())
	events := subscribe(b, c, register(b, c), 0, types.ShardIteratorTypeLatest)
	next(b, events) // the first event says that it is open
	delays := make([]time.Duration, 0, 10_000)
	for b.Loop() {
		start := time.Now()
		put(b, c, "k", "x")
		for len(next(b, events).Records) == 0 {
		}
		delays = append(delays, time.Since(start))
	}
	slices.Sort(delays)
	b.ReportMetric(float64(delays[len(delays)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(delays[len(delays)*99/100].Microseconds()), "p99-µs")
}
