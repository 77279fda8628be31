package kinotel_test

import (
	"context"
	"fmt"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kinotel"
	"github.com/kinstream/kin/kinotel/histogram"
	"github.com/kinstream/kin/kintest"
)

// must ends an example. A program would return the error.
func must(err error) {
	if err != nil {
		panic("BUG: " + err.Error())
	}
}

// A producer that is measured. A program has an exporter's reader in place of the one that is collected by hand.
func ExampleProducerMetrics() {
	server, err := kintest.NewServer(kintest.Config{}) // in place of AWS
	must(err)
	defer server.Close()
	must(server.CreateStream("orders", 1))
	ctx := context.Background()

	times := histogram.NewSource(histogram.Config{})
	reader := sdkmetric.NewManualReader(sdkmetric.WithProducer(times))
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	metrics, err := kinotel.NewProducerMetrics(provider, kinotel.ProducerConfig{})
	must(err)
	producer, err := kin.NewProducer(server.Client(), kin.ProducerConfig{Stream: "orders", Hooks: metrics.Hooks(kin.ProducerHooks{})})
	must(err)
	metrics.Watch(producer)
	times.Watch(producer)
	_, err = producer.Put(ctx, kin.UserRecord{PartitionKey: "customer-17", Data: []byte("two apples")})
	must(err)

	var collected metricdata.ResourceMetrics
	must(reader.Collect(ctx, &collected))
	for _, scope := range collected.ScopeMetrics {
		for _, m := range scope.Metrics {
			if sum, ok := m.Data.(metricdata.Sum[int64]); ok && m.Name == "kin.producer.stored.records" {
				fmt.Println(m.Name, sum.DataPoints[0].Value)
			}
		}
	}
	must(producer.Close(ctx))
	must(metrics.Close())
	// Output:
	// kin.producer.stored.records 1
}
