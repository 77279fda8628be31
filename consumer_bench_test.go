//go:build unix

package kin_test

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/memstore"
)

// BenchmarkConsume is BenchmarkRead for a group of one: what leases, batches and
// acknowledgements cost beside a Reader. One operation is a page; cpu-ns is what a record costs
// on all cores together.
func BenchmarkConsume(b *testing.B) {
	for _, size := range pageShapes() {
		canned := newCannedReads(size.records, bytes.Repeat([]byte("x"), size.bytes))
		for _, lanes := range []int{1, 8} {
			b.Run(fmt.Sprintf("%dx%dB/lanes=%d", size.records, size.bytes, lanes), func(b *testing.B) {
				ctx, stop := context.WithCancel(b.Context())
				defer stop()
				var handled, sum atomic.Int64
				pages := make(chan struct{})
				handler := kin.HandlerFunc(func(_ context.Context, batch *kin.Batch) error {
					seen := 0
					for i := range batch.Records {
						seen += look(batch.Records[i].Data, batch.Records[i].PartitionKey)
					}
					sum.Add(int64(seen))
					n, page := len(batch.Records), size.records
					if now := int(handled.Add(int64(n))); now/page > (now-n)/page {
						select {
						case pages <- struct{}{}:
						case <-ctx.Done():
						}
					}
					return nil
				})
				c, err := kin.NewConsumer(canned.client(), kin.ConsumerConfig{
					Stream: "orders", Group: "billing", Store: memstore.New(), MaxCallsPerSecond: -1, MaxBytesPerSecond: -1, Parallel: lanes,
				}, handler)
				if err != nil {
					b.Fatal(err)
				}
				done := make(chan error, 1)
				go func() { done <- c.Run(ctx) }() // ends with stop
				<-pages
				begun, n := cpuTime(), 0
				for b.Loop() {
					<-pages
					n++
				}
				cpu := cpuTime() - begun
				stop()
				if err := <-done; err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				b.SetBytes(int64(size.records * size.bytes))
				b.ReportMetric(float64(cpu)/float64(n*size.records), "cpu-ns/record")
			})
		}
	}
}
