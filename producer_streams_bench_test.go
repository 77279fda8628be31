//go:build unix

package kin_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
)

// instantPuts stores everything at once.
type instantPuts struct{}

func (instantPuts) PutRecords(_ context.Context, in *kinesis.PutRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
	return allStored(in), nil
}

// BenchmarkPutIntoManyStreams measures what a record costs that goes into one of four streams, when the producer has put
// into so many before. One operation is 100 records, each of which makes a call, since nothing lingers.
func BenchmarkPutIntoManyStreams(b *testing.B) {
	for _, streams := range []int{4, 100, 1000} {
		b.Run(strconv.Itoa(streams), func(b *testing.B) {
			p := newProducer(b, instantPuts{}, kin.ProducerConfig{Linger: -1})
			put := func(i int) {
				if _, err := p.Put(b.Context(), kin.UserRecord{Stream: fmt.Sprint("stream-", i), PartitionKey: "k"}); err != nil {
					b.Fatal(err)
				}
			}
			for i := range streams {
				put(i)
			}
			next := 0
			measurePuts(b, 100, 1, func() {
				for range 100 {
					next++
					put(next % 4)
				}
			}, func() { mustClose(b, p) })
		})
	}
}
