package kin_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// check ends an example. A program would return the error.
func check(err error) {
	if err != nil {
		panic("BUG: " + err.Error())
	}
}

// exampleServer is a local Kinesis with one stream, orders, in place of AWS.
func exampleServer() *kintest.Server {
	server, err := kintest.NewServer(kintest.Config{})
	check(err)
	check(server.CreateStream("orders", 1))
	return server
}

// Put waits for the result of each record.
func ExampleProducer_Put() {
	server := exampleServer()
	defer server.Close()
	ctx := context.Background()

	producer, err := kin.NewProducer(server.Client(), kin.ProducerConfig{Stream: "orders"})
	check(err)
	result, err := producer.Put(ctx, kin.UserRecord{PartitionKey: "customer-17", Data: []byte("two apples")})
	check(err)
	fmt.Println(result.ShardID, result.Attempts)

	_, err = producer.Put(ctx, kin.UserRecord{Data: []byte("whose?")})
	fmt.Println(err)

	check(producer.Close(ctx))
	// Output:
	// shardId-000000000000 1
	// put record with key "" (6 bytes) to orders: kin: invalid record: UserRecord.PartitionKey is empty: it must have 1 to 256 characters
}

// PutAsync is the fast way: records share calls, and each answer goes to a callback.
func ExampleProducer_PutAsync() {
	server := exampleServer()
	defer server.Close()
	// The stream is throttled at first: those records are sent again.
	server.Inject(kintest.Fault{Operation: "PutRecords", Times: 1, Records: func(i int) string {
		if i < 100 {
			return "ProvisionedThroughputExceededException"
		}
		return ""
	}})
	ctx := context.Background()

	producer, err := kin.NewProducer(server.Client(), kin.ProducerConfig{Stream: "orders", RecordTTL: 5 * time.Second})
	check(err)
	var stored, again atomic.Int64
	for i := range 1000 {
		rec := kin.UserRecord{PartitionKey: fmt.Sprint("customer-", i), Data: []byte("two apples")}
		err := producer.PutAsync(ctx, rec, func(result kin.PutResult, err error) {
			if failed, ok := errors.AsType[*kin.PutError](err); ok {
				fmt.Println("keep", failed.Record.PartitionKey, "elsewhere; may be stored:", failed.Ambiguous, failed)
				return
			}
			stored.Add(1)
			if result.Attempts > 1 {
				again.Add(1)
			}
		})
		check(err) // closed, full, or not a valid record
	}
	check(producer.Close(ctx)) // sends what is buffered
	fmt.Println("stored", stored.Load(), "of them at a second attempt", again.Load())
	fmt.Println("in the stream", len(server.Records("orders")))
	// Output:
	// stored 1000 of them at a second attempt 100
	// in the stream 1000
}

// A Close with a limit says what it had to give up.
func ExampleProducer_Close() {
	server := exampleServer()
	defer server.Close()
	server.Inject(kintest.Fault{Operation: "PutRecords", Error: "ProvisionedThroughputExceededException"})
	ctx := context.Background()

	producer, err := kin.NewProducer(server.Client(), kin.ProducerConfig{Stream: "orders"})
	check(err)
	for i := range 3 {
		rec := kin.UserRecord{PartitionKey: fmt.Sprint("customer-", i), Data: []byte("two apples")}
		check(producer.PutAsync(ctx, rec, func(kin.PutResult, error) { /* each is told as well */ }))
	}
	patience, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if late, ok := errors.AsType[*kin.CloseError](producer.Close(patience)); ok {
		fmt.Println("given up:", late.NotStored+late.Ambiguous) // how many of them may be stored is in Ambiguous
	}
	// Output:
	// given up: 3
}
