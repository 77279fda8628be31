package kinprom_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kinprom"
	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/memstore"
)

// throttled is a fault that refuses records of a shard.
func throttled(shard string, times int) kintest.Fault {
	return kintest.Fault{Operation: "PutRecords", Shard: shard, Times: times, Error: "ProvisionedThroughputExceededException"}
}

// everything runs a producer and a consumer through some trouble, and returns what a scrape over HTTP shows of them,
// in the text format.
func everything(t *testing.T) (scraped string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := kintest.New(t)
		if err := server.CreateStream("orders", 2); err != nil {
			t.Fatal(err)
		}
		registry := prometheus.NewPedanticRegistry()
		puts, group := kinprom.NewProducerCollector(kinprom.ProducerConfig{}), kinprom.NewConsumerCollector("billing")
		registry.MustRegister(puts, group)

		p, err := kin.NewProducer(server.Client(), kin.ProducerConfig{
			Stream: "orders", Aggregation: kin.AggregateByShard, Hooks: puts.Hooks(kin.ProducerHooks{}),
		})
		if err != nil {
			t.Fatal(err)
		}
		puts.Watch(p)
		var calls atomic.Int64
		handle := func(context.Context, *kin.Batch) error {
			if calls.Add(1)%2 == 0 {
				return errors.New("no luck")
			}
			return nil
		}
		c, err := kin.NewConsumer(server.Client(), kin.ConsumerConfig{
			Stream: "orders", Group: "billing", Store: memstore.New(), Hooks: group.Hooks(kin.ConsumerHooks{}),
		}, kin.HandlerFunc(handle))
		if err != nil {
			t.Fatal(err)
		}
		group.Watch(c)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()

		server.Inject(kintest.Fault{Operation: "GetRecords", Times: 3, Error: "ProvisionedThroughputExceededException"})
		time.Sleep(time.Minute)
		for round := range 6 {
			switch round {
			case 2: // for longer than records wait
				defer server.Inject(throttled("shardId-000000000000", 0))()
			case 4:
				if err := server.Reshard("orders", 3); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 100 {
				rec := kin.UserRecord{PartitionKey: fmt.Sprint(i), Data: []byte("two apples")}
				if err := p.PutAsync(ctx, rec, func(kin.PutResult, error) {}); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Minute)
		}
		w := httptest.NewRecorder()
		promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
		if w.Code != http.StatusOK {
			t.Fatalf("scrape = %d: %s", w.Code, w.Body)
		}
		scraped = w.Body.String()
		stop()
		if err := errors.Join(<-ended, p.Close(t.Context())); err != nil {
			t.Fatal(err)
		}
	})
	return scraped
}

// family is a metric as a scrape shows it.
type family struct {
	kind   string
	labels map[string]bool
	series int
}

// families reads the text format.
func families(scraped string) map[string]*family {
	all := map[string]*family{}
	for line := range strings.Lines(scraped) {
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(strings.TrimSpace(rest), " ")
			all[name] = &family{kind: kind, labels: map[string]bool{}}
			continue
		}
		name, labels, ok := strings.Cut(line, "{")
		if strings.HasPrefix(line, "#") {
			continue
		}
		if !ok {
			name, labels, _ = strings.Cut(line, " ")
		}
		f := all[base(name, all)]
		f.series++
		for _, m := range labelName.FindAllStringSubmatch(labels, -1) {
			f.labels[m[1]] = true
		}
	}
	return all
}

// base returns the name of the family of a series: those of histograms have endings.
func base(name string, all map[string]*family) string {
	for _, end := range []string{"_bucket", "_sum", "_count"} {
		if of, ok := strings.CutSuffix(name, end); ok && all[of] != nil && (all[of].kind == "histogram" || all[of].kind == "summary") {
			return of
		}
	}
	return name
}
