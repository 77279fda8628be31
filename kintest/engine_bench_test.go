package kintest_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/kintest/internal/proto"
)

// benchEngine is a server with a stream whose payload is bounded, so that a
// benchmark may put for as long as it likes.
func benchEngine(b *testing.B, shards int) engine {
	s, err := kintest.NewServer(kintest.Config{MaxBytes: 256 << 20})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.CreateStream(orders, shards); err != nil {
		b.Fatal(err)
	}
	return engine{b, s}
}

func BenchmarkEnginePutRecords(b *testing.B) {
	for _, size := range []int{200, 1024} {
		for _, shards := range []int{4, 10_000} {
			b.Run(fmt.Sprintf("500x%dB/%d_shards", size, shards), func(b *testing.B) {
				e := benchEngine(b, shards)
				in := proto.PutRecordsRequest{StreamName: new(orders), HasRecords: true}
				for i := range 500 {
					in.Records = append(in.Records, entry(fmt.Sprintf("partition-key-%d", i), string(make([]byte, size))))
				}
				var out proto.PutRecordsReply
				b.SetBytes(int64(500 * size))
				b.ReportAllocs()
				for b.Loop() {
					out.Reset()
					if err := e.PutRecords(&in, &out); err != nil || out.Failed > 0 {
						b.Fatalf("%d failed, %v", out.Failed, err)
					}
				}
			})
		}
	}
}

func BenchmarkEngineGetRecords(b *testing.B) {
	for _, size := range []int{200, 1024} {
		b.Run(fmt.Sprintf("10000x%dB", size), func(b *testing.B) {
			e := benchEngine(b, 1)
			for range 10_000 {
				e.put(orders, "partition-key", string(make([]byte, size)))
			}
			it := e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)
			var out proto.GetRecordsReply
			b.SetBytes(int64(10_000 * size))
			b.ReportAllocs()
			for b.Loop() {
				out.Reset()
				if err := e.GetRecords(&proto.GetRecordsRequest{ShardIterator: &it}, &out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEnginePutRecord(b *testing.B) {
	e := benchEngine(b, 4)
	in := record(orders, "partition-key", string(make([]byte, 100)))
	var out proto.PutRecordReply
	b.ReportAllocs()
	for b.Loop() {
		if err := e.PutRecord(in, &out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEngineCreateStream(b *testing.B) {
	s, err := kintest.NewServer(kintest.Config{})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		if err := s.CreateStream(fmt.Sprint("stream-", n), 1); err != nil {
			b.Fatal(err)
		}
	}
}
