//go:build unix

package wire_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/wire"
)

// The benchmarks compare the CPU time of this process, user and system, for the
// same calls by the plain SDK and by this package, alternating within one run.
// The server is another process, the test binary itself started again, so that
// its CPU time does not count. It answers from prepared bytes.
//
//	go test -run '^$' -bench . ./wire

const benchServerEnv = "KIN_WIRE_BENCH_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(benchServerEnv) != "" {
		serveBench()
		return
	}
	os.Exit(m.Run())
}

// serveBench listens, prints its address and serves until its input ends.
func serveBench() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	answers := map[string][]byte{} // filled by one client, one call at a time
	err = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		contentType := req.Header.Get("Content-Type")
		_, op, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
		key := op + req.URL.Path + contentType
		body := answers[key]
		if body == nil {
			var count, size int
			_, _ = fmt.Sscanf(req.URL.Path, "/%dx%d", &count, &size)
			body = benchAnswer(op, contentType, count, size)
			answers[key] = body
		}
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}))
	panic(err)
}

func benchAnswer(op, contentType string, count, size int) []byte {
	isCBOR := strings.Contains(contentType, "cbor")
	if op == "PutRecords" {
		out := &kinesis.PutRecordsOutput{FailedRecordCount: new(int32(0))}
		for i := range count {
			out.Records = append(out.Records, types.PutRecordsResultEntry{
				SequenceNumber: new(fmt.Sprintf("4964%052d", i)), ShardId: new("shardId-000000000000"),
			})
		}
		if isCBOR {
			return encodeCBOR(out, cborStyle{})
		}
		return encodeJSON(out)
	}
	out := &kinesis.GetRecordsOutput{NextShardIterator: new(strings.Repeat("A", 220)), MillisBehindLatest: new(int64(0))}
	data := make([]byte, size)
	for i := range count {
		for j := range data {
			data[j] = byte(i*j + j>>3)
		}
		out.Records = append(out.Records, types.Record{
			Data: append([]byte{}, data...), PartitionKey: new(fmt.Sprintf("key-%06d", i)),
			SequenceNumber: new(fmt.Sprintf("4964%052d", i)), ApproximateArrivalTimestamp: new(time.UnixMilli(1_795_000_000_123 + int64(i))),
			EncryptionType: types.EncryptionTypeNone,
		})
	}
	if isCBOR {
		return encodeCBOR(out, cborStyle{})
	}
	return encodeJSON(out)
}

// startBenchServer starts the server process and returns its address.
func startBenchServer(b *testing.B) string {
	b.Helper()
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), benchServerEnv+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(addr)
}

// plainBody hides the WriteTo of request bodies: without it the plain SDK client
// can't be measured over loopback at all, because of the race that doc.go tells of.
type plainBody struct{ http.RoundTripper }

func (t plainBody) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		req.Body = struct{ io.ReadCloser }{req.Body}
	}
	return t.RoundTripper.RoundTrip(req)
}

func benchClient(b *testing.B, base string, options ...func(*kinesis.Options)) *kinesis.Client {
	b.Helper()
	transport := &http.Transport{DisableCompression: true}
	b.Cleanup(transport.CloseIdleConnections)
	return kinesis.New(kinesis.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(base),
		Credentials:  staticCredentials,
		HTTPClient:   &http.Client{Transport: plainBody{transport}},
	}, options...)
}

// usage is what calls cost: CPU time and allocations.
type usage struct {
	cpu    time.Duration
	allocs uint64
	calls  int
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure makes calls for a while, and adds what they cost,
// the collection of their garbage included.
func (u *usage) measure(b *testing.B, call func() error) {
	b.Helper()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := cpuTime(b)
	for ; cpuTime(b)-start < 200*time.Millisecond; u.calls++ {
		if err := call(); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	u.cpu += cpuTime(b) - start
	runtime.ReadMemStats(&after)
	u.allocs += after.Mallocs - before.Mallocs
}

func (u *usage) perCall() float64 { return float64(u.cpu.Nanoseconds()) / float64(u.calls) }

// compare measures the same call by each client in turn and reports the CPU time
// of each, and how many times more the first one, the plain SDK, needs.
func compare(b *testing.B, records, size int, names []string, calls []func() error) {
	b.Helper()
	used := make([]usage, len(calls))
	for _, call := range calls { // connections, caches of the server, what was learnt
		for range 3 {
			if err := call(); err != nil {
				b.Fatal(err)
			}
		}
	}
	for b.Loop() {
		for i, call := range calls {
			used[i].measure(b, call)
		}
	}
	b.ReportMetric(0, "ns/op")
	for i, u := range used {
		b.ReportMetric(u.perCall()/1000, names[i]+"-cpu-us/call")
		b.ReportMetric(float64(records*size)/u.perCall()*1000, names[i]+"-MB/cpu-s")
		b.ReportMetric(float64(u.allocs)/float64(u.calls*records), names[i]+"-allocs/record")
		if i > 0 {
			b.ReportMetric(used[0].perCall()/u.perCall(), names[i]+"-times-faster")
		}
	}
}

func BenchmarkGetRecords(b *testing.B) {
	addr := startBenchServer(b)
	for _, shape := range []struct{ records, size int }{{10_000, 200}, {2_000, 1024}, {500, 10_000}, {1, 100}} {
		b.Run(fmt.Sprintf("%dx%dB", shape.records, shape.size), func(b *testing.B) {
			base := fmt.Sprintf("http://%s/%dx%d", addr, shape.records, shape.size)
			in := &kinesis.GetRecordsInput{ShardIterator: aws.String(strings.Repeat("A", 220))}
			names, clients := benchClients(b, base)
			calls := make([]func() error, len(clients))
			for i, client := range clients {
				calls[i] = func() error {
					out, err := client.GetRecords(b.Context(), in)
					if err == nil && len(out.Records) != shape.records {
						err = fmt.Errorf("%d records", len(out.Records))
					}
					return err
				}
			}
			compare(b, shape.records, shape.size, names, calls)
		})
	}
}

func BenchmarkPutRecords(b *testing.B) {
	addr := startBenchServer(b)
	for _, shape := range []struct{ records, size int }{{500, 1024}, {500, 200}, {100, 50_000}} {
		b.Run(fmt.Sprintf("%dx%dB", shape.records, shape.size), func(b *testing.B) {
			base := fmt.Sprintf("http://%s/%dx%d", addr, shape.records, shape.size)
			in := &kinesis.PutRecordsInput{StreamName: aws.String("orders")}
			for i := range shape.records {
				in.Records = append(in.Records, types.PutRecordsRequestEntry{
					Data: []byte(strings.Repeat(string(rune('a'+i%26)), shape.size)), PartitionKey: new(fmt.Sprintf("key-%06d", i)),
				})
			}
			names, clients := benchClients(b, base)
			calls := make([]func() error, len(clients))
			for i, client := range clients {
				calls[i] = func() error {
					out, err := client.PutRecords(b.Context(), in)
					if err == nil && len(out.Records) != shape.records {
						err = fmt.Errorf("%d results", len(out.Records))
					}
					return err
				}
			}
			compare(b, shape.records, shape.size, names, calls)
		})
	}
}

// benchClients returns the plain SDK, CBOR and JSON.
func benchClients(b *testing.B, base string) (names []string, clients []*kinesis.Client) {
	b.Helper()
	options := func(f wire.Format) func(*kinesis.Options) {
		codec, err := wire.New(wire.Config{Format: f})
		if err != nil {
			b.Fatal(err)
		}
		return codec.Apply
	}
	// CBOR and not Auto, because Auto puts in JSON to a server that is not known.
	return []string{"sdk", "cbor", "json"}, []*kinesis.Client{
		benchClient(b, base), benchClient(b, base, options(wire.CBOR)), benchClient(b, base, options(wire.JSON)),
	}
}
