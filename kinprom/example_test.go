package kinprom_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kinprom"
	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/memstore"
)

// check ends an example. A program would return the error.
func check(err error) {
	if err != nil {
		panic("BUG: " + err.Error())
	}
}

// A consumer whose metrics are served for scraping.
func ExampleConsumerCollector() {
	server, err := kintest.NewServer(kintest.Config{}) // in place of AWS
	check(err)
	defer server.Close()
	check(server.CreateStream("orders", 1))
	_, err = server.Put("orders", "customer-17", []byte("two apples"))
	check(err)

	registry := prometheus.NewRegistry()
	metrics := kinprom.NewConsumerCollector("billing")
	registry.MustRegister(metrics)
	endpoint := promhttp.HandlerFor(registry, promhttp.HandlerOpts{}) // http.Handle("/metrics", endpoint)

	ctx, stop := context.WithCancel(context.Background())
	handler := kin.HandlerFunc(func(context.Context, *kin.Batch) error { stop(); return nil })
	cfg := kin.ConsumerConfig{Stream: "orders", Group: "billing", Store: memstore.New()}
	cfg.Hooks = metrics.Hooks(cfg.Hooks)
	consumer, err := kin.NewConsumer(server.Client(), cfg, handler)
	check(err)
	metrics.Watch(consumer)
	check(consumer.Run(ctx))

	scrape := httptest.NewRecorder()
	endpoint.ServeHTTP(scrape, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	for line := range strings.Lines(scrape.Body.String()) {
		if strings.HasPrefix(line, "kin_consumer_handler_records_total") {
			fmt.Print(line)
		}
	}
	// Output:
	// kin_consumer_handler_records_total{group="billing",stream="orders"} 1
}

// A producer whose metrics are served for scraping.
func ExampleProducerCollector() {
	server, err := kintest.NewServer(kintest.Config{}) // in place of AWS
	check(err)
	defer server.Close()
	check(server.CreateStream("orders", 1))
	ctx := context.Background()

	registry := prometheus.NewRegistry()
	metrics := kinprom.NewProducerCollector(kinprom.ProducerConfig{})
	registry.MustRegister(metrics)
	endpoint := promhttp.HandlerFor(registry, promhttp.HandlerOpts{}) // http.Handle("/metrics", endpoint)

	producer, err := kin.NewProducer(server.Client(), kin.ProducerConfig{Stream: "orders", Hooks: metrics.Hooks(kin.ProducerHooks{})})
	check(err)
	metrics.Watch(producer)
	_, err = producer.Put(ctx, kin.UserRecord{PartitionKey: "customer-17", Data: []byte("two apples")})
	check(err)
	check(producer.Close(ctx))

	scrape := httptest.NewRecorder()
	endpoint.ServeHTTP(scrape, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	for line := range strings.Lines(scrape.Body.String()) {
		if strings.HasPrefix(line, "kin_producer_stored_records_total") {
			fmt.Print(line)
		}
	}
	// Output:
	// kin_producer_stored_records_total{stream="orders"} 1
}
