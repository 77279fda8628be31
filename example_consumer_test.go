package kin_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/memstore"
)

// One worker of a group. Start as many as you like, in as many processes, with a store that
// they share.
func ExampleConsumer() {
	server := exampleOrders("created", "paid", "shipped")
	defer server.Close()

	ctx, stop := context.WithCancel(context.Background())
	handler := kin.HandlerFunc(func(_ context.Context, b *kin.Batch) error {
		for _, rec := range b.Records {
			fmt.Println(rec.PartitionKey, string(rec.Data))
			if string(rec.Data) == "shipped" {
				stop() // finishes this batch first
			}
		}
		return nil
	})
	consumer, err := kin.NewConsumer(server.Client(), kin.ConsumerConfig{
		Stream: "orders",
		Group:  "billing",
		Store:  memstore.New(),
	}, handler)
	check(err)
	check(consumer.Run(ctx))
	// Output:
	// customer-7 created
	// customer-7 paid
	// customer-7 shipped
}

// A handler of single records. What can't be handled goes to a place for dead letters, and
// holds up nothing.
func ExampleEachRecord() {
	server := exampleOrders("created", "garbage", "paid")
	defer server.Close()

	ctx, stop := context.WithCancel(context.Background())
	handler := kin.EachRecord(func(_ context.Context, rec kin.Record) error {
		switch string(rec.Data) {
		case "garbage":
			return errors.New("not an order")
		case "paid":
			stop()
		}
		fmt.Println(string(rec.Data))
		return nil
	})
	consumer, err := kin.NewConsumer(server.Client(), kin.ConsumerConfig{
		Stream: "orders", Group: "billing", Store: memstore.New(),
		WhenFailed:  kin.SkipBatch,
		MaxAttempts: 2,
		DeadLetter: kin.HandlerFunc(func(_ context.Context, b *kin.Batch) error {
			fmt.Printf("dead letter: %s: %v\n", b.Records[0].Data, b.Err)
			return nil
		}),
	}, handler)
	check(err)
	check(consumer.Run(ctx))
	// Output:
	// created
	// dead letter: garbage: record 0 of the batch: not an order
	// paid
}

// Work that goes on after the handler has returned acknowledges its records when they are done.
// A checkpoint passes a record when all before it are done too.
func ExampleBatch_Ack() {
	server := exampleOrders("created", "paid", "shipped")
	defer server.Close()

	ctx, stop := context.WithCancel(context.Background())
	type task struct {
		batch *kin.Batch
		index int
	}
	tasks := make(chan task, 100)
	go func() { // ends with the last record
		for t := range tasks {
			fmt.Println("done:", string(t.batch.Records[t.index].Data))
			t.batch.Ack(t.index)
			if string(t.batch.Records[t.index].Data) == "shipped" {
				stop() // waits for what is delivered and not acknowledged
				return
			}
		}
	}()
	handler := kin.HandlerFunc(func(_ context.Context, b *kin.Batch) error {
		for i := range b.Records {
			tasks <- task{b, i}
		}
		return nil
	})
	consumer, err := kin.NewConsumer(server.Client(), kin.ConsumerConfig{
		Stream: "orders", Group: "billing", Store: memstore.New(), ManualAcks: true,
	}, handler)
	check(err)
	check(consumer.Run(ctx))
	// Output:
	// done: created
	// done: paid
	// done: shipped
}
