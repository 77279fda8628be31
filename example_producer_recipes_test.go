package kin_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/kinstream/kin"
)

// A program that is told to end stops putting, and then gives what is buffered the time that the platform allows.
func ExampleProducer_Close_atASignal() {
	server := exampleServer()
	defer server.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	producer, err := kin.NewProducer(server.Client(), kin.ProducerConfig{Stream: "orders"})
	check(err)

	var stored atomic.Int64
	for i := 0; ctx.Err() == nil; i++ {
		rec := kin.UserRecord{PartitionKey: fmt.Sprint("customer-", i), Data: []byte("two apples")}
		// ctx ends the waiting for room. What was accepted is put nevertheless.
		err := producer.PutAsync(ctx, rec, func(_ kin.PutResult, err error) {
			if err != nil {
				slog.Error("not stored", "err", err) // or keep its Record elsewhere
				return
			}
			stored.Add(1)
		})
		if err != nil {
			break
		}
		if i == 99 {
			stop() // in place of a signal
		}
	}

	// Not ctx, which has ended; and less than the platform waits before it kills.
	patience, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	check(producer.Close(patience)) // a *CloseError counts what was given up
	fmt.Println("stored", stored.Load())
	// Output:
	// stored 100
}

// Encode and Decode are the place for compression. It pays for records of some hundred bytes and more, each of
// which is compressed by itself; small ones that are alike gain more from being put together by the program.
func ExampleProducerConfig_encode() {
	server := exampleServer()
	defer server.Close()
	ctx := context.Background()
	producer, err := kin.NewProducer(server.Client(), kin.ProducerConfig{Stream: "orders", Encode: compress})
	check(err)
	apples := bytes.Repeat([]byte("two apples, "), 1000)
	for _, data := range [][]byte{apples, []byte("a pear")} {
		_, err := producer.Put(ctx, kin.UserRecord{PartitionKey: "customer-17", Data: data})
		check(err)
	}
	check(producer.Close(ctx))

	reader, err := kin.NewReader(server.Client(), kin.ReaderConfig{Stream: "orders", Until: kin.AtTip(), Decode: decompress})
	check(err)
	stored := server.Records("orders")
	for rec, err := range reader.Records(ctx) {
		check(err)
		fmt.Println(len(rec.Data), "bytes, smaller in the stream:", len(stored[0].Data) < len(rec.Data))
		stored = stored[1:]
	}
	// Output:
	// 12000 bytes, smaller in the stream: true
	// 6 bytes, smaller in the stream: false
}

// gzipMagic is how compressed data begins. Data that begins so by itself is compressed too, so that it tells.
var gzipMagic = []byte{0x1f, 0x8b}

// gzipWriters are used again, since making one costs more than compressing a record.
var gzipWriters = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func compress(rec kin.UserRecord) (kin.UserRecord, error) {
	if len(rec.Data) < 200 && !bytes.HasPrefix(rec.Data, gzipMagic) {
		return rec, nil
	}
	w, _ := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(w)
	var packed bytes.Buffer // one for each record: the producer does not copy it
	w.Reset(&packed)
	if _, err := w.Write(rec.Data); err != nil {
		return rec, err
	}
	if err := w.Close(); err != nil {
		return rec, err
	}
	rec.Data = packed.Bytes()
	return rec, nil
}

func decompress(rec *kin.Record) error {
	if !bytes.HasPrefix(rec.Data, gzipMagic) {
		return nil // it was put as it is
	}
	r, err := gzip.NewReader(bytes.NewReader(rec.Data))
	if err != nil {
		return err
	}
	rec.Data, err = io.ReadAll(r)
	return err
}
