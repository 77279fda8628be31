// Package billing shows how a handler of one's own is tested from end to end with kintest.
package billing_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/memstore"
)

// bills is a handler. It must not be used by two shards at the same time without a lock.
type bills struct{ sent map[string]int }

func (b *bills) Handle(_ context.Context, batch *kin.Batch) error {
	if batch.Attempt == 1 {
		return errors.New("the mail server is down")
	}
	for _, rec := range batch.Records {
		b.sent[string(rec.Data)]++
	}
	return nil
}

// Every order is billed once, although the first attempt fails and the worker is stopped and
// started again: the second one goes on where the first one was.
func TestEveryOrderIsBilled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, store := kintest.New(t), memstore.New()
		if err := server.CreateStream("orders", 1); err != nil {
			t.Fatal(err)
		}
		handler := &bills{sent: map[string]int{}}
		for _, order := range []string{"order-1", "order-2"} {
			if _, err := server.Put("orders", "customer-7", []byte(order)); err != nil {
				t.Fatal(err)
			}
			consumer, err := kin.NewConsumer(server.Client(), kin.ConsumerConfig{
				Stream: "orders", Group: "billing", Store: store,
			}, handler)
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithTimeout(t.Context(), time.Minute) // of the bubble: it passes at once
			if err := consumer.Run(ctx); err != nil {
				t.Fatal(err)
			}
			stop()
		}
		for _, order := range []string{"order-1", "order-2"} {
			if got := handler.sent[order]; got != 1 {
				t.Errorf("%s was billed %d times, want once", order, got)
			}
		}
	})
}
