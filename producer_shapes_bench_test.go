package kin_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
)

// cannedAnswer is a PutClient whose answers to calls of 500 records cost nothing, so that only the
// producer's own work is measured.
type cannedAnswer struct{ out *kinesis.PutRecordsOutput }

func (c *cannedAnswer) PutRecords(context.Context, *kinesis.PutRecordsInput, ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
	return c.out, nil
}

func newCannedAnswer(keys []string) *cannedAnswer {
	in := &kinesis.PutRecordsInput{}
	for i := range keys {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: &keys[i]})
	}
	return &cannedAnswer{allStored(in)}
}

// BenchmarkPutShapes compares the ways to put 500 records of 100 bytes without a network. One
// operation is 500 records.
func BenchmarkPutShapes(b *testing.B) {
	keys := numbered("key-", 500)
	data := bytes.Repeat([]byte("x"), 100)
	recs := make([]kin.UserRecord, len(keys))
	for i := range recs {
		recs[i] = kin.UserRecord{PartitionKey: keys[i], Data: data}
	}
	measure := func(name string, start func(p *kin.Producer) (round func(ctx context.Context) error)) {
		b.Run(name, func(b *testing.B) {
			p := newProducer(b, newCannedAnswer(keys), kin.ProducerConfig{Linger: time.Minute})
			round := start(p)
			b.ReportAllocs()
			for b.Loop() {
				if err := round(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			mustClose(b, p)
		})
	}
	measure("PutAsync", func(p *kin.Producer) func(context.Context) error {
		done := func(kin.PutResult, error) {}
		return func(ctx context.Context) error {
			for i := range recs {
				if err := p.PutAsync(ctx, recs[i], done); err != nil {
					return err
				}
			}
			return nil
		}
	})
	measure("PutBatch", func(p *kin.Producer) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := p.PutBatch(ctx, recs)
			return err
		}
	})
	measure("PutFrom", func(p *kin.Producer) func(context.Context) error {
		return func(ctx context.Context) error {
			source := make(chan kin.UserRecord, len(recs))
			for i := range recs {
				source <- recs[i]
			}
			close(source)
			return p.PutFrom(ctx, source, func(kin.UserRecord, kin.PutResult, error) {})
		}
	})
	text := bytes.Repeat(append(bytes.Clone(data), '\n'), len(recs))
	measure("LineWriter", func(p *kin.Producer) func(context.Context) error {
		w := kin.NewLineWriter(p, kin.LineWriterConfig{})
		return func(context.Context) error {
			_, err := w.Write(text)
			return err
		}
	})
}
