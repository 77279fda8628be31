// Follow prints the records of a stream from the oldest on, and goes on where it
// was when it is started again.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	aws, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	cfg := kin.ReaderConfig{Stream: "orders"}
	if kept, err := os.ReadFile("orders.json"); err == nil {
		if err := json.Unmarshal(kept, &cfg.Positions); err != nil {
			log.Fatal(err)
		}
	}
	reader, err := kin.NewReader(kinesis.NewFromConfig(aws), cfg)
	if err != nil {
		log.Fatal(err)
	}
	for rec, err := range reader.Records(ctx) {
		if err != nil {
			log.Println(err) // also when Ctrl-C ended it
			break
		}
		fmt.Println(rec.ShardID, rec.PartitionKey, string(rec.Data))
	}
	kept, err := json.Marshal(reader.Positions())
	if err == nil {
		err = os.WriteFile("orders.json", kept, 0o600)
	}
	if err != nil {
		log.Fatal(err)
	}
}
