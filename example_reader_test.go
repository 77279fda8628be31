package kin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// exampleOrders is a local server with a stream of two shards. Programs make
// their client with kinesis.NewFromConfig instead.
func exampleOrders(data ...string) *kintest.Server {
	server, err := kintest.NewServer(kintest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := server.CreateStream("orders", 2); err != nil {
		log.Fatal(err)
	}
	for _, d := range data {
		if _, err := server.Put("orders", "customer-7", []byte(d)); err != nil {
			log.Fatal(err)
		}
	}
	return server
}

// Replay what a stream holds, from the oldest record to the newest one.
func ExampleReader() {
	server := exampleOrders("created", "paid", "shipped")
	defer server.Close()

	reader, err := kin.NewReader(server.Client(), kin.ReaderConfig{Stream: "orders", Until: kin.AtTip()})
	if err != nil {
		log.Fatal(err)
	}
	for rec, err := range reader.Records(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
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
	if err != nil {
		log.Fatal(err)
	}
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
	if err != nil {
		log.Fatal(err)
	}
	for rec, err := range first.Records(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		if string(rec.Data) == "shipped" {
			break // this one is not done
		}
		fmt.Println("first:", string(rec.Data))
	}
	kept, err := json.Marshal(first.Positions())
	if err != nil {
		log.Fatal(err)
	}

	if err := json.Unmarshal(kept, &cfg.Positions); err != nil {
		log.Fatal(err)
	}
	second, err := kin.NewReader(server.Client(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	for rec, err := range second.Records(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
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
	if err != nil {
		log.Fatal(err)
	}
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
