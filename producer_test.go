package kin_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
)

func TestNewProducer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cfg  kin.ProducerConfig
		want string // in the error; empty for none
	}{
		"takes a name":                   {kin.ProducerConfig{Stream: "orders"}, ""},
		"takes an ARN":                   {kin.ProducerConfig{Stream: "arn:aws:kinesis:eu-west-1:123456789012:stream/orders"}, ""},
		"takes an ARN of China":          {kin.ProducerConfig{Stream: "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/orders"}, ""},
		"takes -1 for none":              {kin.ProducerConfig{Stream: "s", Linger: -1, RecordTTL: -1}, ""},
		"takes the limits":               {kin.ProducerConfig{Stream: "s", MaxBatchBytes: 10 << 20, MaxRecordBytes: 10 << 20}, ""},
		"takes large records alone":      {kin.ProducerConfig{Stream: "s", MaxRecordBytes: 10 << 20}, ""},
		"takes a linger above the TTL's": {kin.ProducerConfig{Stream: "s", Linger: time.Hour}, ""},
		"takes no stream":                {kin.ProducerConfig{}, ""},
		"takes aggregation":              {kin.ProducerConfig{Aggregation: kin.AggregateByShard, AggregateMaxBytes: 64}, ""},
		"takes -1 for no pace":           {kin.ProducerConfig{ShardBytesPerSecond: -1, ShardRecordsPerSecond: -1, DescribeEvery: -1}, ""},
		"refuses an odd aggregation":     {kin.ProducerConfig{Aggregation: 3}, "ProducerConfig.Aggregation (3)"},
		"refuses tiny aggregates":        {kin.ProducerConfig{AggregateMaxBytes: 63}, "ProducerConfig.AggregateMaxBytes (63)"},
		"refuses large aggregates":       {kin.ProducerConfig{MaxRecordBytes: 100, AggregateMaxBytes: 101}, "ProducerConfig.AggregateMaxBytes (101)"},
		"refuses -2 user records":        {kin.ProducerConfig{AggregateMaxRecords: -2}, "ProducerConfig.AggregateMaxRecords (-2)"},
		"refuses a negative pace":        {kin.ProducerConfig{ShardBytesPerSecond: -2}, "ProducerConfig.ShardBytesPerSecond (-2)"},
		"refuses a negative rate":        {kin.ProducerConfig{ShardRecordsPerSecond: -2}, "ProducerConfig.ShardRecordsPerSecond (-2)"},
		"refuses to look all the time":   {kin.ProducerConfig{DescribeEvery: time.Millisecond}, "ProducerConfig.DescribeEvery (1ms)"},
		"refuses to aggregate blindly":   {kin.ProducerConfig{Aggregation: kin.AggregateByShard, DescribeEvery: -1}, "ProducerConfig.DescribeEvery (-1)"},
		"refuses negative records":       {kin.ProducerConfig{MaxRecordBytes: -1}, "ProducerConfig.MaxRecordBytes (-1)"},
		"refuses a bad name":             {kin.ProducerConfig{Stream: "a b"}, `ProducerConfig.Stream ("a b") is neither`},
		"refuses a consumer's ARN":       {kin.ProducerConfig{Stream: "arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:1"}, "ProducerConfig.Stream"},
		"refuses 501 records":            {kin.ProducerConfig{Stream: "s", MaxBatchRecords: 501}, "ProducerConfig.MaxBatchRecords (501) must be from 1 to 500"},
		"refuses -1 records":             {kin.ProducerConfig{Stream: "s", MaxBatchRecords: -1}, "ProducerConfig.MaxBatchRecords (-1)"},
		"refuses more than 10 MiB":       {kin.ProducerConfig{Stream: "s", MaxBatchBytes: 10<<20 + 1}, "ProducerConfig.MaxBatchBytes"},
		"refuses a batch below a record": {kin.ProducerConfig{Stream: "s", MaxBatchBytes: 1000}, "ProducerConfig.MaxBatchBytes (1000)"},
		"refuses larger records":         {kin.ProducerConfig{Stream: "s", MaxRecordBytes: 10<<20 + 1}, "ProducerConfig.MaxRecordBytes"},
		"refuses a buffer below a record": {
			kin.ProducerConfig{Stream: "s", MaxRecordBytes: 1 << 20, MaxBufferedBytes: 1 << 20}, "ProducerConfig.MaxBufferedBytes",
		},
		"refuses no calls":         {kin.ProducerConfig{Stream: "s", MaxInFlight: -1}, "ProducerConfig.MaxInFlight"},
		"refuses a negative wait":  {kin.ProducerConfig{Stream: "s", Linger: -2}, "ProducerConfig.Linger"},
		"refuses a TTL below":      {kin.ProducerConfig{Stream: "s", Linger: time.Second, RecordTTL: time.Second}, "ProducerConfig.RecordTTL (1s) must be more than Linger (1s)"},
		"refuses a bad timeout":    {kin.ProducerConfig{Stream: "s", CallTimeout: -1}, "ProducerConfig.CallTimeout"},
		"refuses unknown policies": {kin.ProducerConfig{Stream: "s", WhenFull: 2}, "ProducerConfig.WhenFull (2)"},
		"refuses unknown choices":  {kin.ProducerConfig{Stream: "s", WhenAmbiguous: -1}, "ProducerConfig.WhenAmbiguous (-1)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := kin.NewProducer(&scriptedPuts{}, tt.cfg)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("needs a client", func(t *testing.T) {
		t.Parallel()
		if _, err := kin.NewProducer(nil, kin.ProducerConfig{Stream: "s"}); err == nil {
			t.Error("error = nil, want one")
		}
	})
}

func TestAggregationIsPrintedByName(t *testing.T) {
	t.Parallel()
	for a, want := range map[kin.Aggregation]string{
		kin.NoAggregation: "NoAggregation", kin.AggregateByShard: "AggregateByShard",
		kin.AggregateByPartitionKey: "AggregateByPartitionKey", -1: "invalid", 3: "invalid",
	} {
		if got := a.String(); got != want {
			t.Errorf("String of %d = %q, want %q", int(a), got, want)
		}
	}
}

func TestProducerChecksRecords(t *testing.T) {
	t.Parallel()
	data := func(n int) []byte { return make([]byte, n) }
	for name, tt := range map[string]struct {
		rec  kin.UserRecord
		want string // in the error; empty for none
	}{
		"takes a key of 256 characters of 4 bytes": {kin.UserRecord{PartitionKey: strings.Repeat("𝄞", 256)}, ""},
		"takes no data":                          {kin.UserRecord{PartitionKey: "k"}, ""},
		"takes the largest record":               {kin.UserRecord{PartitionKey: "k", Data: data(1<<20 - 1)}, ""},
		"takes the lowest hash key":              {kin.UserRecord{PartitionKey: "k", ExplicitHashKey: "0"}, ""},
		"takes the highest hash key":             {kin.UserRecord{PartitionKey: "k", ExplicitHashKey: "340282366920938463463374607431768211455"}, ""},
		"refuses no key":                         {kin.UserRecord{Data: data(1)}, "UserRecord.PartitionKey is empty"},
		"refuses a key of 257 characters":        {kin.UserRecord{PartitionKey: strings.Repeat("k", 257)}, "UserRecord.PartitionKey has 257 characters"},
		"refuses bytes that are no text":         {kin.UserRecord{PartitionKey: "k\xff"}, "UserRecord.PartitionKey is not valid UTF-8"},
		"refuses a record that is 1 byte larger": {kin.UserRecord{PartitionKey: "k", Data: data(1 << 20)}, "UserRecord.Data (1048576 bytes) and PartitionKey (1 bytes)"},
		"refuses a hash key that is too high":    {kin.UserRecord{PartitionKey: "k", ExplicitHashKey: "340282366920938463463374607431768211456"}, "UserRecord.ExplicitHashKey"},
		"refuses a hash key with a leading zero": {kin.UserRecord{PartitionKey: "k", ExplicitHashKey: "01"}, "UserRecord.ExplicitHashKey"},
		"refuses a hash key with a sign":         {kin.UserRecord{PartitionKey: "k", ExplicitHashKey: "-1"}, "UserRecord.ExplicitHashKey"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := &scriptedPuts{}
				p := newProducer(t, client, kin.ProducerConfig{})
				_, err := p.Put(t.Context(), tt.rec)
				mustClose(t, p)
				if tt.want == "" {
					if err != nil {
						t.Errorf("error = %v, want nil", err)
					}
					return
				}
				e := putError(t, err)
				if !errors.Is(err, kin.ErrInvalidRecord) || !strings.Contains(err.Error(), tt.want) || e.Ambiguous || e.Attempts != 0 {
					t.Errorf("error = %v (%s), want ErrInvalidRecord with %q", err, describe(e), tt.want)
				}
				if e.Record.PartitionKey != tt.rec.PartitionKey {
					t.Errorf("record in the error = %q, want %q", e.Record.PartitionKey, tt.rec.PartitionKey)
				}
				if len(client.seen()) != 0 {
					t.Errorf("calls = %d, want 0", len(client.seen()))
				}
			})
		})
	}
}

func TestProducerStartsNothingBeforeTheFirstRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// A goroutine that is left behind fails the bubble: p is not closed.
		p := newProducer(t, &scriptedPuts{}, kin.ProducerConfig{})
		if err := p.Flush(t.Context()); err != nil {
			t.Errorf("Flush = %v, want nil", err)
		}
	})
}

func TestProducerTargetsTheStream(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders"
	for stream, want := range map[string]kinesis.PutRecordsInput{"orders": {StreamName: new("orders")}, arn: {StreamARN: new(arn)}} {
		var name, byARN *string
		client := &scriptedPuts{answer: func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
			name, byARN = in.StreamName, in.StreamARN
			return allStored(in), nil
		}}
		p := newProducer(t, client, kin.ProducerConfig{Stream: stream})
		if _, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "k"}); err != nil {
			t.Fatal(err)
		}
		mustClose(t, p)
		same := func(a, b *string) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
		if !same(name, want.StreamName) || !same(byARN, want.StreamARN) {
			t.Errorf("%s: name %v and ARN %v, want %v and %v", stream, name, byARN, want.StreamName, want.StreamARN)
		}
	}
}
