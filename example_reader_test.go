package kin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// exampleOrders is a local server with a stream of two shards. Programs make
// their client with kinesis.NewFromConfig instead.
func exampleOrders(data ...string) *kintest.Server {
	server, err := kintest.NewServer(kintest.Config{})
	check(err)
	check(server.CreateStream("orders", 2))
	for _, d := range data {
		_, err := server.Put("orders", "customer-7", []byte(d))
		check(err)
	}
	return server
}

// Replay what a stream holds, from the oldest record to the newest one.
func ExampleReader() {
	server := exampleOrders("created", "paid", "shipped")
	defer server.Close()

	reader, err := kin.NewReader(server.Client(), kin.ReaderConfig{Stream: "orders", Until: kin.AtTip()})
	check(err)
	for rec, err := range reader.Records(context.Background()) {
		check(err)
		fmt.Println(rec.PartitionKey, string(rec.Data))
	}
	// Output:
	// customer-7 created
	// customer-7 paid
	// customer-7 shipped
}

// Follow a stream until a context ends: here, when nothing came for a while.
func ExampleReader_Records() {
	server := exampleOrders("created", "paid")
	defer server.Close()

	reader, err := kin.NewReader(server.Client(), kin.ReaderConfig{Stream: "orders"})
	check(err)
	ctx, cancel := context.WithCancelCause(context.Background())
	quiet := time.AfterFunc(500*time.Millisecond, func() { cancel(errors.New("nothing came")) })
	for rec, err := range reader.Records(ctx) {
		if err != nil {
			fmt.Println(err)
			break
		}
		quiet.Reset(500 * time.Millisecond)
		fmt.Println(string(rec.Data))
	}
	// Output:
	// created
	// paid
	// kin: reading orders ended: nothing came
}

// Keep the positions, for example in a file, and go on from there in another
// process. A record counts as read when its loop body is finished.
func ExampleReader_Positions() {
	server := exampleOrders("created", "paid", "shipped")
	defer server.Close()
	cfg := kin.ReaderConfig{Stream: "orders", Until: kin.AtTip()}

	first, err := kin.NewReader(server.Client(), cfg)
	check(err)
	for rec, err := range first.Records(context.Background()) {
		check(err)
		if string(rec.Data) == "shipped" {
			break // this one is not done
		}
		fmt.Println("first:", string(rec.Data))
	}
	kept, err := json.Marshal(first.Positions())
	check(err)

	check(json.Unmarshal(kept, &cfg.Positions))
	second, err := kin.NewReader(server.Client(), cfg)
	check(err)
	for rec, err := range second.Records(context.Background()) {
		check(err)
		fmt.Println("second:", string(rec.Data))
	}
	// Output:
	// first: created
	// first: paid
	// second: shipped
}

// Errors say what failed and what may help.
func ExampleShardError() {
	server := exampleOrders()
	defer server.Close()

	reader, err := kin.NewReader(server.Client(), kin.ReaderConfig{Stream: "orders", Shard: "shardId-000000000007"})
	check(err)
	for _, err := range reader.Records(context.Background()) {
		if e, ok := errors.AsType[*kin.ShardError](err); ok {
			fmt.Println(e.Op, e.Shard)
			fmt.Println(e.Err)
			fmt.Println(e.Hint)
		}
	}
	// Output:
	// ListShards shardId-000000000007
	// kin: no such shard
	// the stream has 2 shards, shardId-000000000000 to shardId-000000000001
}
