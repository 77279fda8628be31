//go:build unix

package kin_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/internal/cbor"
	"github.com/kinstream/kin/wire"
)

// cannedPuts is an HTTP client that answers each PutRecords call of 500 records
// in the format of the request, so that only the client's own work is measured.
type cannedPuts struct{ json, cbor string }

func newCannedPuts() *cannedPuts {
	const shard, seq, n = "shardId-000000000000", "49665812345678901234567890123456789012345678901234567890", 500
	one := fmt.Sprintf(`{"SequenceNumber":%q,"ShardId":%q}`, seq, shard)
	text := `{"FailedRecordCount":0,"Records":[` + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + `]}`
	b := cbor.AppendMap(nil, 2)
	b = cbor.AppendInt(cbor.AppendText(b, "FailedRecordCount"), 0)
	b = cbor.AppendArray(cbor.AppendText(b, "Records"), n)
	for range n {
		b = cbor.AppendMap(b, 2)
		b = cbor.AppendText(cbor.AppendText(b, "SequenceNumber"), seq)
		b = cbor.AppendText(cbor.AppendText(b, "ShardId"), shard)
	}
	return &cannedPuts{json: text, cbor: string(b)}
}

func (c *cannedPuts) Do(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	kind, body := r.Header.Get("Content-Type"), c.json
	if strings.Contains(kind, "cbor") {
		body = c.cbor
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {kind}},
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

func (c *cannedPuts) client(opts ...func(*kinesis.Options)) *kinesis.Client {
	return kinesis.New(kinesis.Options{
		Region: "us-east-1", HTTPClient: c,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
		}),
	}, opts...)
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPut compares a loop of PutRecords calls of 500 records, with the SDK as
// it is and over package wire, with the Producer. One operation is 500 records; cpu-ns
// is what a record costs on all cores together.
func BenchmarkPut(b *testing.B) {
	keys := numbered("key-", 500)
	for _, size := range []int{100, 1 << 10} {
		data := make([]byte, size)
		name := fmt.Sprintf("%dB", size)
		measure := func(b *testing.B, round func()) {
			b.Helper()
			b.ReportAllocs()
			b.SetBytes(500 * int64(size))
			begun, rounds := cpuTime(), 0
			for b.Loop() {
				round()
				rounds++
			}
			b.ReportMetric(float64(cpuTime()-begun)/float64(500*rounds), "cpu-ns/record")
		}
		loop := func(b *testing.B, client *kinesis.Client) {
			b.Helper()
			entries := make([]types.PutRecordsRequestEntry, 500)
			measure(b, func() {
				for i := range entries {
					entries[i] = types.PutRecordsRequestEntry{Data: data, PartitionKey: &keys[i]}
				}
				out, err := client.PutRecords(b.Context(), &kinesis.PutRecordsInput{StreamName: new("orders"), Records: entries})
				if err != nil || len(out.Records) != 500 {
					b.Fatal(out, err)
				}
			})
		}
		b.Run(name+"/sdk", func(b *testing.B) { loop(b, newCannedPuts().client()) })
		b.Run(name+"/wire", func(b *testing.B) { loop(b, newCannedPuts().client(wire.Enable)) })
		b.Run(name+"/producer", func(b *testing.B) {
			p := newProducer(b, newCannedPuts().client(), kin.ProducerConfig{Linger: time.Minute})
			done := func(_ kin.PutResult, err error) {
				if err != nil {
					b.Error(err)
				}
			}
			measure(b, func() {
				for i := range keys {
					if err := p.PutAsync(b.Context(), kin.UserRecord{PartitionKey: keys[i], Data: data}, done); err != nil {
						b.Fatal(err)
					}
				}
			})
			mustClose(b, p)
		})
	}
}
