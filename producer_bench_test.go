//go:build unix

package kin_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// serverForBenchmarks makes this test binary a server, see TestServeForBenchmarks.
const serverForBenchmarks = "KIN_SERVE_FOR_BENCHMARKS"

// TestServeForBenchmarks is the server of benchmarks in a process of its own, so that the processor time
// of this one is the client's alone. It ends with its standard input.
func TestServeForBenchmarks(t *testing.T) {
	t.Parallel()
	if os.Getenv(serverForBenchmarks) == "" {
		t.Skip("is only for benchmarks, which start it")
	}
	s := kintest.New(t, func(c *kintest.Config) { c.MaxBytes = 256 << 20 })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateStream("orders", 16); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("serving %s\n", l.Addr())
	go func() { _ = s.Serve(l) }() // ends with the process
	_, _ = bufio.NewReader(os.Stdin).ReadByte()
}

// serverProcess starts a server with a stream "orders" of 16 shards, and returns a client of it.
func serverProcess(b *testing.B) *kinesis.Client {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestServeForBenchmarks$")
	cmd.Env = append(os.Environ(), serverForBenchmarks+"=1")
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil || cmd.Start() != nil {
		b.Fatal("the server does not start")
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait() // it is stopped, whatever it says
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if address, ok := strings.CutPrefix(lines.Text(), "serving "); ok {
			return kinesis.New(kinesis.Options{
				Region: "us-east-1", BaseEndpoint: aws.String("http://" + address),
				Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
			})
		}
	}
	b.Fatal("the server does not say where it is")
	return nil
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measurePuts runs rounds of records until the benchmark has enough, and then finish.
func measurePuts(b *testing.B, records, size int, round, finish func()) {
	b.Helper()
	b.ReportAllocs()
	b.SetBytes(int64(records * size))
	begun, rounds := cpuTime(), 0
	for b.Loop() {
		round()
		rounds++
	}
	finish()
	cpu := cpuTime() - begun
	b.ReportMetric(float64(cpu)/float64(records*rounds), "cpu-ns/record")
	b.ReportMetric(float64(records*rounds)/cpu.Seconds(), "records/cpu-s")
}

// BenchmarkPut measures what putting costs this process, with a server in another one: a loop of PutRecords
// calls of 500 records with the SDK as it is, and the Producer, without and with aggregation and order. One operation is
// 500 records; cpu-ns is what a record costs on all cores together.
func BenchmarkPut(b *testing.B) {
	client := serverProcess(b)
	keys := numbered("key-", 10_000)
	for _, size := range []int{100, 1 << 10} {
		data := make([]byte, size)
		b.Run(fmt.Sprintf("%dB/sdk", size), func(b *testing.B) {
			entries := make([]types.PutRecordsRequestEntry, 500)
			measurePuts(b, 500, size, func() {
				for i := range entries {
					entries[i] = types.PutRecordsRequestEntry{Data: data, PartitionKey: &keys[i]}
				}
				out, err := client.PutRecords(b.Context(), &kinesis.PutRecordsInput{StreamName: new("orders"), Records: entries})
				if err != nil || *out.FailedRecordCount != 0 {
					b.Fatal(out, err)
				}
			}, func() {})
		})
		for name, cfg := range map[string]kin.ProducerConfig{
			"producer":            {},
			"aggregated":          {Aggregation: kin.AggregateByShard},
			"aggregated in order": {Aggregation: kin.AggregateByShard, Ordered: true},
		} {
			b.Run(fmt.Sprintf("%dB/%s", size, name), func(b *testing.B) { benchmarkProducer(b, client, keys, data, cfg) })
		}
	}
}

func benchmarkProducer(b *testing.B, client *kinesis.Client, keys []string, data []byte, cfg kin.ProducerConfig) {
	b.Helper()
	cfg.ShardBytesPerSecond, cfg.ShardRecordsPerSecond = -1, -1
	p := newProducer(b, client, cfg)
	if _, err := p.Put(b.Context(), kin.UserRecord{PartitionKey: "k", Data: data}); err != nil {
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
		for range 500 {
			next++
			if err := p.PutAsync(b.Context(), kin.UserRecord{PartitionKey: keys[next%len(keys)], Data: data}, done); err != nil {
				b.Fatal(err)
			}
		}
	}
	for range 1000 {
		round() // until all memory is there that it needs
	}
	if err := p.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	measurePuts(b, 500, len(data), round, func() { mustClose(b, p) })
	if n := failed.Load(); n > 0 {
		b.Errorf("%d records failed", n)
	}
	if stats := p.Stats().Streams[0]; cfg.Aggregation != kin.NoAggregation {
		b.ReportMetric(stats.Fill(), "records/entry")
	}
}
