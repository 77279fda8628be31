// Package orders shows how a program that reads and puts is tested with kintest.
package orders_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// Every record arrives, in order, although the server refuses puts at first and the
// stream is resharded in between. Time is the bubble's: half an hour passes at once.
func TestOrdersArrive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := kintest.New(t)
		if err := server.CreateStream("orders", 1); err != nil {
			t.Fatal(err)
		}
		server.Inject(kintest.Fault{Operation: "PutRecords", Times: 2, Error: "ProvisionedThroughputExceededException"})

		producer, err := kin.NewProducer(server.Client(), kin.ProducerConfig{Stream: "orders"})
		if err != nil {
			t.Fatal(err)
		}
		for _, order := range []string{"created", "paid", "shipped"} {
			if _, err := producer.Put(t.Context(), kin.UserRecord{PartitionKey: "order-7", Data: []byte(order)}); err != nil {
				t.Fatal(err)
			}
			if err := server.Reshard("orders", len(server.Shards("orders"))+1); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Minute)
		}
		if err := producer.Close(t.Context()); err != nil {
			t.Fatal(err)
		}

		reader, err := kin.NewReader(server.Client(), kin.ReaderConfig{Stream: "orders", Until: kin.AtTip()})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for rec, err := range reader.Records(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(rec.Data))
		}
		if want := []string{"created", "paid", "shipped"}; !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}
