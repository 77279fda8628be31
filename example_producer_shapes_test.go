package kin_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/kinstream/kin"
)

// PutBatch puts what belongs together for the caller, and says of each record whether it is stored.
func ExampleProducer_PutBatch() {
	server := exampleServer()
	defer server.Close()
	ctx := context.Background()
	producer, err := kin.NewProducer(server.Client(), kin.ProducerConfig{Stream: "orders"})
	check(err)

	orders := []kin.UserRecord{
		{PartitionKey: "customer-17", Data: []byte("two apples")},
		{PartitionKey: "", Data: []byte("whose?")},
		{PartitionKey: "customer-4", Data: []byte("a pear")},
	}
	results, err := producer.PutBatch(ctx, orders)
	if failed, ok := errors.AsType[*kin.BatchError](err); ok {
		for _, f := range failed.Failed {
			fmt.Println("not stored:", f.Index, string(f.Err.Record.Data), "maybe:", f.Err.Ambiguous)
		}
	}
	fmt.Println("stored:", results[0].ShardID, results[2].ShardID)

	check(producer.Close(ctx))
	// Output:
	// not stored: 1 whose? maybe: false
	// stored: shardId-000000000000 shardId-000000000000
}

// PutFrom takes records from a channel, which holds up the sender while the producer has no room.
func ExampleProducer_PutFrom() {
	server := exampleServer()
	defer server.Close()
	ctx := context.Background()
	producer, err := kin.NewProducer(server.Client(), kin.ProducerConfig{Stream: "orders"})
	check(err)

	records := make(chan kin.UserRecord)
	go func() {
		defer close(records) // ends PutFrom, after all answers
		for i := range 1000 {
			records <- kin.UserRecord{PartitionKey: fmt.Sprint("customer-", i), Data: []byte("two apples")}
		}
	}()
	var stored atomic.Int64
	err = producer.PutFrom(ctx, records, func(rec kin.UserRecord, _ kin.PutResult, err error) {
		if err != nil {
			fmt.Println("keep", rec.PartitionKey, "elsewhere:", err)
			return
		}
		stored.Add(1)
	})
	check(err)
	fmt.Println("stored", stored.Load())

	check(producer.Close(ctx))
	// Output:
	// stored 1000
}

// A LineWriter puts each line as a record.
func ExampleLineWriter() {
	server := exampleServer()
	defer server.Close()
	ctx := context.Background()
	producer, err := kin.NewProducer(server.Client(), kin.ProducerConfig{Stream: "orders"})
	check(err)

	lines := kin.NewLineWriter(producer, kin.LineWriterConfig{
		// The lines of a customer go to one shard.
		Key: func(line []byte) string { key, _, _ := strings.Cut(string(line), " "); return key },
	})
	fmt.Fprintln(lines, "customer-17 two apples")
	fmt.Fprintln(lines, "customer-4 a pear")
	check(lines.Close()) // nil: all lines are stored
	check(producer.Close(ctx))

	stored := []string{}
	for _, rec := range server.Records("orders") {
		stored = append(stored, rec.PartitionKey+": "+string(rec.Data))
	}
	slices.Sort(stored)
	fmt.Println(strings.Join(stored, "\n"))
	// Output:
	// customer-17: customer-17 two apples
	// customer-4: customer-4 a pear
}

// A logger that neither waits nor stops when the stream takes no more: lines that find no room are counted.
func ExampleNewLineWriter() {
	server := exampleServer()
	defer server.Close()
	ctx := context.Background()
	producer, err := kin.NewProducer(server.Client(), kin.ProducerConfig{Stream: "orders", WhenFull: kin.FailWhenFull})
	check(err)

	var lost atomic.Int64
	lines := kin.NewLineWriter(producer, kin.LineWriterConfig{Failed: func(*kin.LineError) { lost.Add(1) }})
	logger := slog.New(slog.NewJSONHandler(lines, nil))
	logger.Info("ordered", "customer", 17)
	logger.Info("ordered", "customer", 4)
	check(lines.Close())
	check(producer.Close(ctx))

	fmt.Println("in the stream", len(server.Records("orders")), "lost", lost.Load())
	// Output:
	// in the stream 2 lost 0
}
