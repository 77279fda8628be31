// Consume is one worker of a group: start it several times, and the processes share the shards
// of the stream.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	_ "modernc.org/sqlite"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/sqlstore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	aws, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:groups.db?_pragma=journal_mode(WAL)")
	if err != nil {
		log.Fatal(err)
	}
	store, err := sqlstore.New(db, sqlstore.Config{Dialect: sqlstore.SQLite})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.CreateTables(ctx); err != nil {
		log.Fatal(err)
	}
	handler := func(_ context.Context, b *kin.Batch) error {
		for _, rec := range b.Records {
			fmt.Println(b.Shard, rec.PartitionKey, string(rec.Data))
		}
		return nil // the batch is done; an error would deliver it again
	}
	consumer, err := kin.NewConsumer(kinesis.NewFromConfig(aws), kin.ConsumerConfig{
		Stream: "orders",
		Group:  "billing",
		Store:  store,
	}, kin.HandlerFunc(handler))
	if err != nil {
		log.Fatal(err)
	}
	if err := consumer.Run(ctx); err != nil { // until Ctrl-C: then it hands its shards over
		log.Fatal(err)
	}
}
