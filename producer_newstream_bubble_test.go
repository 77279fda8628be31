package kin_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
)

// TestProducerMeetsNewStreamsWhilePutsWait is for the race detector: a stream is made while the turn of the large record,
// which all streams share, goes from one Put to the next.
func TestProducerMeetsNewStreamsWhilePutsWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const mib = 1 << 20
		hold := make(chan struct{})
		client := &scriptedPuts{answer: func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
			<-hold
			return allStored(in), nil
		}}
		p := newProducer(t, client, kin.ProducerConfig{MaxBufferedBytes: 2 * mib, Linger: -1})
		ignore := func(kin.PutResult, error) {}
		if err := p.PutAsync(t.Context(), kin.UserRecord{PartitionKey: "first", Data: make([]byte, mib-10)}, ignore); err != nil {
			t.Fatal(err)
		}
		var puts sync.WaitGroup
		puts.Go(func() {
			for range 200 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond)
				if err := p.PutAsync(ctx, kin.UserRecord{PartitionKey: "large", Data: make([]byte, mib-10)}, ignore); err == nil {
					t.Error("a record was accepted that the buffer has no room for")
				}
				cancel()
			}
		})
		puts.Go(func() {
			for i := range 200 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond)
				_ = p.PutAsync(ctx, kin.UserRecord{Stream: fmt.Sprintf("stream-%d", i), PartitionKey: "k"}, ignore) // whether or not there is room
				cancel()
			}
		})
		puts.Wait()
		close(hold)
		mustClose(t, p)
	})
}
