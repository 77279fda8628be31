// Put puts a thousand records and says where the last one is.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
)

func main() {
	ctx := context.Background()
	aws, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	producer, err := kin.NewProducer(kinesis.NewFromConfig(aws), kin.ProducerConfig{Stream: "orders"})
	if err != nil {
		log.Fatal(err)
	}
	for i := range 999 {
		rec := kin.UserRecord{PartitionKey: fmt.Sprint("customer-", i%100), Data: fmt.Append(nil, "order ", i)}
		err := producer.PutAsync(ctx, rec, func(_ kin.PutResult, err error) {
			if err != nil {
				log.Println(err) // names the record, and says whether it may be stored
			}
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	result, err := producer.Put(ctx, kin.UserRecord{PartitionKey: "customer-99", Data: []byte("order 999")})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the last one is in", result.ShardID, "after", result.Attempts, "attempt")
	if err := producer.Close(ctx); err != nil { // puts what is still buffered
		log.Fatal(err)
	}
}
