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
	puts, put := batch(500, 1024), &kinesis.PutRecordInput{StreamName: new("orders"), PartitionKey: new("k"), Data: make([]byte, 100)}
	against(b, "PutRecords_500_x_1KiB", 500<<10, bounded, func(c *kinesis.Client, _ *string) error {
		_, err := c.PutRecords(context.Background(), puts)
		return err
	})
	against(b, "GetRecords_5000_x_1KiB", 5000<<10, filled, func(c *kinesis.Client, iterator *string) error {
		_, err := c.GetRecords(context.Background(), &kinesis.GetRecordsInput{ShardIterator: iterator, Limit: new(int32(5000))})
		return err
	})
	against(b, "PutRecord_100B", 100, bounded, func(c *kinesis.Client, _ *string) error {
		_, err := c.PutRecord(context.Background(), put)
		return err
	})
}

// bounded makes a server that a benchmark can put into for long.
func bounded(b *testing.B) *kintest.Server {
	b.Helper()
	return newStream(b, 4, func(c *kintest.Config) { c.MaxBytes = 256 << 20 })
}

// filled makes a server with 5,000 records of 1 KiB in one shard.
func filled(b *testing.B) *kintest.Server {
	b.Helper()
	s := newStream(b, 1)
	for range 10 {
		if _, err := s.Client().PutRecords(b.Context(), batch(500, 1024)); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// against measures a call in four goroutines, answered by a constant and by a server.
func against(b *testing.B, name string, bytes int64, setup func(*testing.B) *kintest.Server, call func(*kinesis.Client, *string) error) {
	b.Helper()
	b.Run(name, func(b *testing.B) {
		for _, kind := range []string{"constant", "kintest"} {
			b.Run(kind, func(b *testing.B) {
				s := setup(b)
				handler, at := s.Handler(), iterator(b, s.Client())
				if kind == "constant" {
					r := &recorder{next: handler}
					if err := call(overLoopback(b, r), at); err != nil {
						b.Fatal(err)
					}
					handler = constant(r.last)
				}
				c := overLoopback(b, handler)
				b.SetBytes(bytes)
				b.SetParallelism(2)
				b.ReportAllocs()
				b.ResetTimer()
				b.RunParallel(func(p *testing.PB) {
					for p.Next() {
						if err := call(c, at); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	})
}

// BenchmarkPushDelay measures how long a record takes from the call of PutRecord until an open subscription has it.
func BenchmarkPushDelay(b *testing.B) {
	s := newStream(b, 1)
	c := overLoopback(b, s.Handler())
	events := subscribe(b, c, register(b, c), types.ShardIteratorTypeLatest)
	next(b, events) // the first event says that it is open
	delays := make([]time.Duration, 0, 10_000)
	for b.Loop() {
		start := time.Now()
		put(b, c, "x")
		for len(next(b, events).Records) == 0 {
		}
		delays = append(delays, time.Since(start))
	}
	slices.Sort(delays)
	b.ReportMetric(float64(delays[len(delays)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(delays[len(delays)*99/100].Microseconds()), "p99-µs")
}
