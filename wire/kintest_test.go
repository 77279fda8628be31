package wire_test

import (
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/wire"
)

// A client of kintest is like any other: the codec takes its calls over, learns from
// the answers that the server speaks CBOR, and goes on in CBOR.
func TestApplyServesTheClientOfKintest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := kintest.New(t)
		if err := server.CreateStream("orders", 1); err != nil {
			t.Fatal(err)
		}
		codec, err := wire.New(wire.Config{})
		if err != nil {
			t.Fatal(err)
		}
		client := server.Client()
		for _, data := range []string{"one", "two"} {
			_, err := client.PutRecord(t.Context(), &kinesis.PutRecordInput{
				StreamName: new("orders"), PartitionKey: new("k"), Data: []byte(data),
			}, codec.Apply)
			if err != nil {
				t.Fatal(err)
			}
		}
		start, err := client.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{
			StreamName: new("orders"), ShardId: new("shardId-000000000000"), ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
		}, codec.Apply)
		if err != nil {
			t.Fatal(err)
		}
		out, err := client.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: start.ShardIterator}, codec.Apply)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(out.Records); got != 2 {
			t.Errorf("read %d records, want 2", got)
		}
		var got []string
		for _, c := range server.Calls() {
			got = append(got, c.Operation+" "+c.Protocol)
		}
		want := []string{"PutRecord json", "PutRecord cbor", "GetShardIterator json", "GetRecords cbor"}
		for i := range want {
			if i >= len(got) || got[i] != want[i] {
				t.Fatalf("calls %q, want %q", got, want)
			}
		}
	})
}

// Two subscriptions of one client are read side by side; with the SDK's own protocol
// the race detector reports it.
func TestSubscriptionsAreReadSideBySide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := kintest.New(t)
		if err := server.CreateStream("orders", 2); err != nil {
			t.Fatal(err)
		}
		client := kinesis.NewFromConfig(server.AWSConfig(), wire.Enable)
		stream, err := client.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: new("orders")})
		if err != nil {
			t.Fatal(err)
		}
		consumer, err := client.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{
			StreamARN: stream.StreamDescriptionSummary.StreamARN, ConsumerName: new("audit"),
		})
		if err != nil {
			t.Fatal(err)
		}
		read := make(chan int)
		for _, shard := range server.Shards("orders") {
			out, err := client.SubscribeToShard(t.Context(), &kinesis.SubscribeToShardInput{
				ConsumerARN: consumer.Consumer.ConsumerARN, ShardId: new(shard.ID),
				StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon},
			})
			if err != nil {
				t.Fatal(err)
			}
			go func() { // ends with the subscription, which the loop below closes
				n := 0
				for event := range out.GetStream().Events() {
					e, ok := event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent)
					if !ok {
						continue
					}
					if n += len(e.Value.Records); n == 50 {
						break
					}
				}
				_ = out.GetStream().Close()
				read <- n
			}()
		}
		for i := 0; ; i++ {
			full := 0
			for _, shard := range server.Shards("orders") {
				if shard.Records >= 50 {
					full++
				}
			}
			if full == 2 {
				break
			}
			key := string(rune('a' + i%26))
			if shard := server.ShardFor("orders", key); len(server.Records("orders")) < 1000 && shard != "" {
				if _, err := server.Put("orders", key, []byte("x")); err != nil {
					t.Fatal(err)
				}
			}
		}
		for range 2 {
			if n := <-read; n < 50 {
				t.Errorf("a subscription gave %d records, want 50", n)
			}
		}
	})
}
