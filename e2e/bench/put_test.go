//go:build unix

package bench_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/e2e/server"
)

// putShards is how many shards the streams have that Producers put into.
const putShards = 16

// BenchmarkPut is BenchmarkPut of the root package against a server that others wrote. The server is far slower than the
// client, so only the processor time of this process counts: records/cpu-s is how many it could put if the server kept up.
func BenchmarkPut(b *testing.B) {
	for _, kind := range []server.Kind{server.Kinesalite()} {
		client := kind.Start(b).Client()
		for _, size := range []int{100, 1 << 10} {
			data := make([]byte, size)
			run := func(name string, benchmark func(b *testing.B, stream string)) {
				b.Run(fmt.Sprintf("%dB/%s/server=%s", size, name, kind.Name), func(b *testing.B) {
					benchmark(b, streamOf(b, client, putShards))
				})
			}
			run("sdk", func(b *testing.B, stream string) { putByLoop(b, client, stream, data) })
			for name, cfg := range map[string]kin.ProducerConfig{
				"producer":            {},
				"aggregated":          {Aggregation: kin.AggregateByShard},
				"aggregated in order": {Aggregation: kin.AggregateByShard, Ordered: true},
			} {
				run(name, func(b *testing.B, stream string) {
					cfg.Stream = stream
					putByProducer(b, client, cfg, data)
				})
			}
		}
	}
}

var putKeys = func() (keys []string) {
	for i := range 10_000 {
		keys = append(keys, fmt.Sprint("key-", i))
	}
	return keys
}()

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measurePuts runs rounds of 500 records until the benchmark has enough, and then finish.
func measurePuts(b *testing.B, round, finish func()) {
	b.Helper()
	begun, rounds := cpuTime(), 0
	for b.Loop() {
		round()
		rounds++
	}
	finish()
	cpu := cpuTime() - begun
	b.ReportMetric(float64(cpu)/float64(batchRecords*rounds), "cpu-ns/record")
	b.ReportMetric(float64(batchRecords*rounds)/cpu.Seconds(), "records/cpu-s")
}

// putByLoop puts in a plain loop of calls of 500 records.
func putByLoop(b *testing.B, client *kinesis.Client, stream string, data []byte) {
	b.Helper()
	entries := make([]types.PutRecordsRequestEntry, batchRecords)
	measurePuts(b, func() {
		for i := range entries {
			entries[i] = types.PutRecordsRequestEntry{Data: data, PartitionKey: &putKeys[i]}
		}
		out, err := client.PutRecords(b.Context(), &kinesis.PutRecordsInput{StreamName: &stream, Records: entries})
		if err != nil || aws.ToInt32(out.FailedRecordCount) != 0 {
			b.Fatal(out, err)
		}
	}, func() {})
}

// putByProducer puts with a Producer that does not pace itself, and holds not more than the server takes in some seconds.
func putByProducer(b *testing.B, client *kinesis.Client, cfg kin.ProducerConfig, data []byte) {
	b.Helper()
	cfg.ShardBytesPerSecond, cfg.ShardRecordsPerSecond, cfg.MaxBufferedBytes = -1, -1, 8<<20
	p, err := kin.NewProducer(client, cfg)
	if err != nil {
		b.Fatal(err)
	}
	var failed atomic.Int64
	done := func(_ kin.PutResult, err error) {
		if err != nil {
			failed.Add(1)
		}
	}
	next := 0
	round := func() {
		for range batchRecords {
			next++
			if err := p.PutAsync(b.Context(), kin.UserRecord{PartitionKey: putKeys[next%len(putKeys)], Data: data}, done); err != nil {
				b.Fatal(err)
			}
		}
	}
	// Until the shards are known and all memory is there that the producer needs.
	for range 20 {
		round()
		if err := p.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	measurePuts(b, round, func() {
		if err := p.Close(b.Context()); err != nil {
			b.Error(err)
		}
	})
	if n := failed.Load(); n > 0 {
		b.Errorf("%d records failed", n)
	}
}

// BenchmarkPutDelay measures what a record waits at a low rate, from PutAsync to its answer, beside the call that carries
// it. Run it with -benchtime 1x.
func BenchmarkPutDelay(b *testing.B) {
	client := server.KinServe().Start(b).Client()
	for name, cfg := range map[string]kin.ProducerConfig{
		"producer":            {Linger: 10 * time.Millisecond},
		"aggregated":          {Linger: 100 * time.Millisecond, Aggregation: kin.AggregateByShard},
		"aggregated in order": {Linger: 100 * time.Millisecond, Aggregation: kin.AggregateByShard, Ordered: true},
	} {
		b.Run(strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
			cfg.Stream = streamOf(b, client, putShards)
			call := median(calls(b, client, cfg.Stream))
			delays := putsAtLowRate(b, client, cfg)
			milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
			b.ReportMetric(milliseconds(cfg.Linger), "linger-ms")
			b.ReportMetric(milliseconds(call), "call-p50-ms")
			b.ReportMetric(milliseconds(median(delays)-call), "added-p50-ms")
			b.ReportMetric(milliseconds(delays[len(delays)*99/100]-call), "added-p99-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func median(sorted []time.Duration) time.Duration { return sorted[len(sorted)/2] }

// calls returns how long plain calls of one record take, sorted.
func calls(b *testing.B, client *kinesis.Client, stream string) []time.Duration {
	b.Helper()
	var took []time.Duration
	for i := range 300 {
		began := time.Now()
		if _, err := client.PutRecords(b.Context(), &kinesis.PutRecordsInput{
			StreamName: &stream, Records: []types.PutRecordsRequestEntry{{Data: make([]byte, 100), PartitionKey: &putKeys[i]}},
		}); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took
}

// putsAtLowRate puts about 150 records a second and returns when their answers came, sorted.
func putsAtLowRate(b *testing.B, client *kinesis.Client, cfg kin.ProducerConfig) []time.Duration {
	b.Helper()
	p, err := kin.NewProducer(client, cfg)
	if err != nil {
		b.Fatal(err)
	}
	var mu sync.Mutex // guards delays
	var delays []time.Duration
	put := func(i int, done func(kin.PutResult, error)) {
		if err := p.PutAsync(b.Context(), kin.UserRecord{PartitionKey: putKeys[i], Data: make([]byte, 100)}, done); err != nil {
			b.Fatal(err)
		}
	}
	put(0, func(kin.PutResult, error) {}) // it waits until the shards are known
	if err := p.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	tick := time.NewTicker(6700 * time.Microsecond)
	defer tick.Stop()
	for i := range 1000 {
		<-tick.C
		began := time.Now()
		put(i, func(_ kin.PutResult, err error) {
			took := time.Since(began)
			if err != nil {
				b.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			delays = append(delays, took)
		})
	}
	if err := p.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	slices.Sort(delays)
	return delays
}
