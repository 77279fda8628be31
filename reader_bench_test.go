//go:build unix

package kin_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/internal/cbor"
	"github.com/kinstream/kin/wire"
)

// cannedReads is an HTTP client that gives the same page for ever.
type cannedReads struct{ page []byte }

func newCannedReads(records int, data []byte) *cannedReads {
	b := cbor.AppendMap(nil, 3)
	b = cbor.AppendText(cbor.AppendText(b, "NextShardIterator"), strings.Repeat("i", 230))
	b = cbor.AppendInt(cbor.AppendText(b, "MillisBehindLatest"), 1000)
	b = cbor.AppendArray(cbor.AppendText(b, "Records"), records)
	for i := range records {
		b = cbor.AppendMap(b, 4)
		b = cbor.AppendText(cbor.AppendText(b, "SequenceNumber"), fmt.Sprintf("49665812345678901234567890123456789012345678901234%06d", i))
		b = cbor.AppendText(cbor.AppendText(b, "PartitionKey"), fmt.Sprintf("customer-%07d", i))
		b = cbor.AppendTime(cbor.AppendText(b, "ApproximateArrivalTimestamp"), 1_700_000_000_000)
		b = cbor.AppendBytes(cbor.AppendText(b, "Data"), data)
	}
	return &cannedReads{page: b}
}

func (c *cannedReads) Do(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	kind, body := r.Header.Get("Content-Type"), c.page
	switch {
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), "ListShards"):
		body = []byte(`{"Shards":[{"ShardId":"shardId-000000000000","HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"340282366920938463463374607431768211455"},"SequenceNumberRange":{"StartingSequenceNumber":"1"}}]}`)
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), "DescribeStreamSummary"):
		body = []byte(`{"StreamDescriptionSummary":{"StreamName":"orders","StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/orders","StreamCreationTimestamp":1700000000}}`)
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), "GetShardIterator"):
		body = []byte(`{"ShardIterator":"i"}`)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {kind}},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}

func (c *cannedReads) client(opts ...func(*kinesis.Options)) *kinesis.Client {
	return kinesis.New(kinesis.Options{Region: "us-east-1", HTTPClient: c, Credentials: aws.AnonymousCredentials{}}, opts...)
}

// pageShape is what a page of a benchmark holds.
type pageShape struct{ records, bytes int }

func pageShapes() []pageShape { return []pageShape{{10_000, 200}, {5_000, 1 << 10}, {500, 10_000}} }

// look does with a record the least that anybody does. Page after page, the first look into a
// record is what costs most: by then it is in no cache any more.
func look(data []byte, key string) int { return len(data) + len(key) + int(data[0]) + int(key[0]) }

// BenchmarkRead compares a bare loop of GetRecords calls over package wire with the
// Reader. One operation is a page; cpu-ns is what a record costs on all cores together.
func BenchmarkRead(b *testing.B) {
	for _, size := range pageShapes() {
		canned := newCannedReads(size.records, bytes.Repeat([]byte("x"), size.bytes))
		name := fmt.Sprintf("%dx%dB", size.records, size.bytes)
		report := func(b *testing.B, begun time.Duration, pages int) {
			b.ReportAllocs()
			b.SetBytes(int64(size.records * size.bytes))
			b.ReportMetric(float64(cpuTime()-begun)/float64(size.records*pages), "cpu-ns/record")
		}
		b.Run(name+"/bare", func(b *testing.B) {
			client := canned.client(wire.Enable)
			begun, pages, sum := cpuTime(), 0, 0
			for b.Loop() {
				out, err := client.GetRecords(b.Context(), &kinesis.GetRecordsInput{ShardIterator: new("i")})
				if err != nil || len(out.Records) != size.records {
					b.Fatal(len(out.Records), err)
				}
				for i := range out.Records {
					sum += look(out.Records[i].Data, *out.Records[i].PartitionKey)
				}
				pages++
			}
			report(b, begun, pages)
		})
		b.Run(name+"/reader", func(b *testing.B) {
			r := newReader(b, canned.client(), func(cfg *kin.ReaderConfig) { cfg.MaxCallsPerSecond, cfg.MaxBytesPerSecond = -1, -1 })
			begun, n, sum := cpuTime(), 0, 0
			for rec, err := range r.Records(b.Context()) {
				if err != nil {
					b.Fatal(err)
				}
				sum += look(rec.Data, rec.PartitionKey)
				if n++; n%size.records == 0 && !b.Loop() {
					break
				}
			}
			report(b, begun, n/size.records)
		})
	}
}
