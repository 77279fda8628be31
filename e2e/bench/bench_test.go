package bench_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/e2e/server"
)

const (
	recordBytes  = 1 << 10
	batchRecords = 500
	pageRecords  = 5000 // what a GetRecords asks for: about 5 MB
	shards       = 4
	workersEach  = 2 // workers for each processor
)

func kinds() []server.Kind { return []server.Kind{server.KinServe(), server.Kinesalite(), constant()} }

// stream creates a stream of its own on the server.
func stream(b *testing.B, client *kinesis.Client) string {
	b.Helper()
	return streamOf(b, client, shards)
}

// streamOf creates a stream with so many shards.
func streamOf(b *testing.B, client *kinesis.Client, shards int32) string {
	b.Helper()
	name := fmt.Sprintf("bench-%d", streamCount.Add(1))
	ctx := b.Context()
	if _, err := client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: &shards}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_, _ = client.DeleteStream(context.WithoutCancel(ctx), &kinesis.DeleteStreamInput{StreamName: &name, EnforceConsumerDeletion: aws.Bool(true)})
	})
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		out, err := client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name})
		if err != nil {
			b.Fatal(err)
		}
		if out.StreamDescriptionSummary.StreamStatus == types.StreamStatusActive {
			return name
		}
		<-tick.C
	}
}

var streamCount atomic.Int64

// batch is a PutRecords request whose records spread over the shards.
func batch(stream string) *kinesis.PutRecordsInput {
	in := &kinesis.PutRecordsInput{StreamName: &stream}
	data := bytes.Repeat([]byte("0123456789abcdef"), recordBytes/16)
	for i := range batchRecords {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String("key-" + strconv.Itoa(i)), Data: data})
	}
	return in
}

// BenchmarkPutRecords puts 500 records of 1 KiB a call.
func BenchmarkPutRecords(b *testing.B) {
	for _, kind := range kinds() {
		b.Run("server="+kind.Name, func(b *testing.B) {
			client := kind.Start(b).Client()
			in := batch(stream(b, client))
			b.SetBytes(batchRecords * recordBytes)
			b.SetParallelism(workersEach)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					out, err := client.PutRecords(b.Context(), in)
					if err != nil || aws.ToInt32(out.FailedRecordCount) != 0 {
						b.Errorf("put records: %v", err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkGetRecords gets 5,000 records of 1 KiB a call, of all shards at the same time.
func BenchmarkGetRecords(b *testing.B) {
	for _, kind := range kinds() {
		b.Run("server="+kind.Name, func(b *testing.B) {
			client := kind.Start(b).Client()
			name := stream(b, client)
			fill(b, client, name, 2*shards*pageRecords)
			var iterators []*string
			for i := range shards {
				out, err := client.GetShardIterator(b.Context(), &kinesis.GetShardIteratorInput{
					StreamName: &name, ShardId: aws.String(fmt.Sprintf("shardId-%012d", i)), ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
				})
				if err != nil {
					b.Fatal(err)
				}
				iterators = append(iterators, out.ShardIterator)
			}
			b.SetBytes(pageRecords * recordBytes)
			b.SetParallelism(workersEach)
			b.ResetTimer()
			var worker atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				in := &kinesis.GetRecordsInput{
					ShardIterator: iterators[int(worker.Add(1))%shards], Limit: aws.Int32(pageRecords),
				}
				for pb.Next() {
					out, err := client.GetRecords(b.Context(), in)
					if err != nil || len(out.Records) != pageRecords {
						b.Errorf("get records: %v", err)
						return
					}
				}
			})
		})
	}
}

// fill puts so many records of 1 KiB, spread evenly over the shards.
func fill(b *testing.B, client *kinesis.Client, name string, records int) {
	b.Helper()
	in := batch(name)
	for range (records + batchRecords - 1) / batchRecords * 5 / 4 { // MD5 does not spread exactly
		if _, err := client.PutRecords(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPutRecord puts one record of 100 bytes a call.
func BenchmarkPutRecord(b *testing.B) {
	for _, kind := range kinds() {
		b.Run("server="+kind.Name, func(b *testing.B) {
			client := kind.Start(b).Client()
			name := stream(b, client)
			b.SetParallelism(8)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				in := &kinesis.PutRecordInput{StreamName: &name, PartitionKey: aws.String("key"), Data: make([]byte, 100)}
				for pb.Next() {
					if _, err := client.PutRecord(b.Context(), in); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}

// BenchmarkMemory is what the server's process takes for each byte of payload
// that it holds. Run it with -benchtime 1x.
func BenchmarkMemory(b *testing.B) {
	const payload = 256 << 20
	for _, kind := range []server.Kind{server.KinServe(), server.Kinesalite()} {
		b.Run("server="+kind.Name, func(b *testing.B) {
			s := kind.Start(b)
			client := s.Client()
			in := batch(stream(b, client))
			held := 0
			for held < payload {
				if _, err := client.PutRecords(b.Context(), in); err != nil {
					b.Fatal(err)
				}
				held += batchRecords * recordBytes
			}
			b.ReportMetric(float64(residentBytes(b, s.PID))/float64(held), "rss/payload")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// residentBytes reads the resident memory of a process, where the system tells it.
func residentBytes(b *testing.B, pid int) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skipf("no memory figures on this system: %v", err)
	}
	_, rss, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(rss)
	if len(fields) < 2 {
		b.Fatalf("no VmRSS for process %d", pid)
	}
	kilobytes, err := strconv.Atoi(fields[0])
	if err != nil {
		b.Fatal(err)
	}
	return kilobytes << 10
}

// BenchmarkPush measures the time from the start of a PutRecord to its record's
// arrival at an open subscription.
func BenchmarkPush(b *testing.B) {
	b.Run("server="+server.KinServe().Name, func(b *testing.B) {
		client := server.KinServe().Start(b).Client()
		name := stream(b, client)
		events := subscribe(b, client, name)
		var delays []time.Duration
		for b.Loop() {
			began := time.Now()
			if _, err := client.PutRecord(b.Context(), &kinesis.PutRecordInput{
				StreamName: &name, PartitionKey: aws.String("key"), ExplicitHashKey: aws.String("0"), Data: make([]byte, 100),
			}); err != nil {
				b.Fatal(err)
			}
			for pushed := 0; pushed == 0; {
				event, ok := <-events
				if !ok {
					b.Fatal("the subscription ended")
				}
				if e, is := event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent); is {
					pushed = len(e.Value.Records)
				}
			}
			delays = append(delays, time.Since(began))
		}
		slices.Sort(delays)
		b.ReportMetric(float64(delays[len(delays)*99/100].Microseconds())/1000, "p99-ms")
	})
}

func subscribe(b *testing.B, client *kinesis.Client, name string) <-chan types.SubscribeToShardEventStream {
	b.Helper()
	summary, err := client.DescribeStreamSummary(b.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: &name})
	if err != nil {
		b.Fatal(err)
	}
	consumer, err := client.RegisterStreamConsumer(b.Context(), &kinesis.RegisterStreamConsumerInput{
		StreamARN: summary.StreamDescriptionSummary.StreamARN, ConsumerName: aws.String("bench"),
	})
	if err != nil {
		b.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		out, err := client.SubscribeToShard(b.Context(), &kinesis.SubscribeToShardInput{
			ConsumerARN: consumer.Consumer.ConsumerARN, ShardId: aws.String("shardId-000000000000"),
			StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest},
		})
		if err == nil {
			b.Cleanup(func() { _ = out.GetStream().Close() })
			return out.GetStream().Events()
		}
		select {
		case <-b.Context().Done():
			b.Fatal(err)
		case <-tick.C: // the consumer is not ACTIVE yet
		}
	}
}
