package kinotel_test

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/semconv/v1.43.0/messagingconv"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kinotel"
	"github.com/kinstream/kin/kinotel/histogram"
	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/memstore"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// measured runs a producer and a consumer, lets during look at what is measured of them, and returns what is in the end.
func measured(t *testing.T, r *rig, times *histogram.Source, cfg kinotel.ProducerConfig, during func(*kintest.Server)) map[string]metricdata.Metrics {
	t.Helper()
	server := kintest.New(t)
	check(t, server.CreateStream("orders", 2))
	puts, err := kinotel.NewProducerMetrics(r.provider, cfg)
	check(t, err)
	group, err := kinotel.NewConsumerMetrics(r.provider, kinotel.ConsumerConfig{Group: "billing"})
	check(t, err)
	p, err := kin.NewProducer(server.Client(), kin.ProducerConfig{
		Stream: "orders", Aggregation: kin.AggregateByShard, RecordTTL: 20 * time.Second, Hooks: puts.Hooks(kin.ProducerHooks{}),
	})
	check(t, err)
	puts.Watch(p)
	times.Watch(p)
	ok := func(context.Context, *kin.Batch) error { return nil }
	c, err := kin.NewConsumer(server.Client(), kin.ConsumerConfig{
		Stream: "orders", Group: "billing", Store: memstore.New(), Hooks: group.Hooks(kin.ConsumerHooks{ShardStopping: func(kin.LeaseInfo) {}}),
	}, kin.HandlerFunc(ok))
	check(t, err)
	group.Watch(c)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	time.Sleep(time.Minute)
	for range 2 {
		for i := range 50 {
			check(t, p.PutAsync(ctx, kin.UserRecord{PartitionKey: fmt.Sprint(i), Data: []byte("two apples")}, func(kin.PutResult, error) {}))
		}
		time.Sleep(time.Minute)
	}
	remove := server.Inject(kintest.Fault{Operation: "PutRecords", Error: "LimitExceededException"})
	check(t, p.PutAsync(ctx, kin.UserRecord{PartitionKey: "a", Data: []byte("late")}, func(kin.PutResult, error) {}))
	time.Sleep(time.Minute)
	remove()
	during(server)
	stop()
	check(t, <-ended)
	check(t, p.Close(t.Context()))
	got := r.collect()
	check(t, puts.Close())
	check(t, group.Close())
	return got
}

func TestMetrics(t *testing.T) {
	t.Parallel()

	t.Run("show what a producer and a consumer do", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			times := histogram.NewSource(histogram.Config{})
			r := setup(t, sdkmetric.WithProducer(times))
			const stream = "messaging.destination.name=orders"
			measured(t, r, times, kinotel.ProducerConfig{}, func(*kintest.Server) {
				r.want("at work", map[string]string{
					"kin.producer.accepted.records{" + stream + "}": "101", "kin.producer.stored.records{" + stream + "}": "100",
					"kin.producer.failed.records{" + stream + "}": "1", "kin.producer.open_shards{" + stream + "}": "2",
					"kin.producer.aggregating{" + stream + "}": "1", "kin.producer.buffer.usage{}": "0", "kin.producer.inflight.limit{}": "8",
					"messaging.client.sent.messages{messaging.destination.name=orders,messaging.operation.name=PutRecords}":                   "100",
					"messaging.client.sent.messages{error.type=_OTHER,messaging.destination.name=orders,messaging.operation.name=PutRecords}": "1",
					"kin.producer.delay{" + stream + "}": "101", "kin.producer.buffer.duration{" + stream + "}": "101",
					"kin.producer.shard.pace{" + stream + ",messaging.destination.partition.id=shardId-000000000001}":            "1",
					"kin.consumer.owned_shards{" + stream + "}":                                                                  "2",
					"kin.consumer.group.events{kin.event=store_failed}":                                                          "0",
					"kin.consumer.skipped.records{" + stream + "}":                                                               "0",
					"messaging.client.consumed.messages{" + stream + ",messaging.operation.name=handle}":                         "100",
					"kin.consumer.shard.unacked.records{" + stream + ",messaging.destination.partition.id=shardId-000000000001}": "0",
				})
				failed := 0
				for name := range series(r.collect()) {
					if strings.HasPrefix(name, "messaging.client.operation.duration{error.type=LimitExceededException,") {
						failed++
					}
				}
				if failed != 1 {
					t.Errorf("series of calls that failed = %d, want 1, with the service's code", failed)
				}
			})
			r.want("when nothing is watched", map[string]string{"kin.producer.buffer.usage{}": "", "kin.consumer.owned_shards{" + stream + "}": ""})
		})
	})

	t.Run("show as many shards as are wanted, with attributes of their own", func(t *testing.T) {
		t.Parallel()
		for most, want := range map[int]int{-1: 0, 0: 2, 1: 1} {
			synctest.Test(t, func(t *testing.T) {
				r := setup(t)
				cfg := kinotel.ProducerConfig{MaxShards: most, Attributes: []attribute.KeyValue{attribute.String("name", "first")}}
				shown := 0
				for name := range series(measured(t, r, histogram.NewSource(histogram.Config{}), cfg, func(*kintest.Server) {})) {
					if strings.HasPrefix(name, "kin.producer.shard.pace{") {
						shown++
					}
					if strings.HasPrefix(name, "kin.producer.") && !strings.Contains(name, "name=first") {
						t.Errorf("%s has no name", name)
					}
				}
				if shown != want {
					t.Errorf("shards with MaxShards %d = %d, want %d", most, shown, want)
				}
			})
		}
	})
}

// TestDocumentedMetrics holds the tables of the package comment to the instruments that there are, and their names and
// units to the semantic conventions.
func TestDocumentedMetrics(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("doc.go")
	check(t, err)
	var documented []string
	short := strings.NewReplacer("S", "messaging.destination.name", "P", "messaging.destination.partition.id", "O", "messaging.operation.name", "T", "messaging.operation.type")
	for _, m := range regexp.MustCompile(`(?m)^//\t([a-z._]+) \{([\w.,]*)\} +([GCH])\b`).FindAllStringSubmatch(string(src), -1) {
		attributes := strings.Split(short.Replace(strings.TrimSuffix(strings.TrimSuffix(m[2], "E"), ",")), ",") // no error here
		slices.Sort(attributes)
		documented = append(documented, m[1]+" "+strings.Join(attributes, ",")+" "+m[3])
	}
	synctest.Test(t, func(t *testing.T) {
		r := setup(t)
		var found map[string]metricdata.Metrics
		measured(t, r, histogram.NewSource(histogram.Config{}), kinotel.ProducerConfig{}, func(*kintest.Server) {
			group, err := kinotel.NewConsumerMetrics(r.provider, kinotel.ConsumerConfig{Group: "billing"})
			check(t, err)
			callAll(group.Hooks(kin.ConsumerHooks{ShardStopping: func(kin.LeaseInfo) {}}))
			found = r.collect()
		})
		var there []string
		for name, m := range found {
			there = append(there, name+" "+keys(m)+" "+kindOf(m))
		}
		slices.Sort(documented)
		slices.Sort(there)
		if !slices.Equal(documented, there) {
			t.Errorf("documented:\n%s\nthere are:\n%s", strings.Join(documented, "\n"), strings.Join(there, "\n"))
		}
		for _, by := range []interface {
			Name() string
			Unit() string
			Description() string
		}{
			messagingconv.ClientSentMessagesObservable{},
			messagingconv.ClientOperationDuration{},
			messagingconv.ClientConsumedMessages{},
			messagingconv.ProcessDuration{},
		} {
			if m := found[by.Name()]; m.Unit != by.Unit() || m.Description != by.Description() {
				t.Errorf("%s has unit %q and description %q, want %q and %q", by.Name(), m.Unit, m.Description, by.Unit(), by.Description())
			}
		}
	})
}

// kindOf returns the letter of a metric in the tables.
func kindOf(m metricdata.Metrics) string {
	switch m.Data.(type) {
	case metricdata.Sum[int64], metricdata.Sum[float64]:
		return "C"
	case metricdata.Histogram[float64]:
		return "H"
	}
	return "G"
}

// keys returns the keys of the attributes of a metric, but for those of all, and for error.type.
func keys(m metricdata.Metrics) string {
	found := map[string]bool{}
	for name := range series(map[string]metricdata.Metrics{m.Name: m}) {
		for kv := range strings.SplitSeq(strings.Trim(strings.TrimPrefix(name, m.Name), "{}"), ",") {
			key, _, _ := strings.Cut(kv, "=")
			found[key] = true
		}
	}
	delete(found, "error.type")
	var sorted []string
	for key := range found {
		sorted = append(sorted, key)
	}
	slices.Sort(sorted)
	return strings.Join(sorted, ",")
}

func TestHooksCallThoseThatWereThere(t *testing.T) {
	t.Parallel()
	called := 0
	count := func(hooks any) {
		for _, field := range reflect.ValueOf(hooks).Elem().Fields() {
			field.Set(reflect.MakeFunc(field.Type(), func([]reflect.Value) []reflect.Value {
				called++
				return nil
			}))
		}
	}
	var consumer kin.ConsumerHooks
	var producer kin.ProducerHooks
	count(&consumer)
	count(&producer)
	group, err := kinotel.NewConsumerMetrics(noop.NewMeterProvider(), kinotel.ConsumerConfig{})
	check(t, err)
	callAll(group.Hooks(consumer))
	puts, err := kinotel.NewProducerMetrics(noop.NewMeterProvider(), kinotel.ProducerConfig{})
	check(t, err)
	hooks := puts.Hooks(producer)
	hooks.Called(kin.PutCallInfo{})
	hooks.Failed(&kin.PutError{})
	hooks.Blocked(kin.BufferInfo{})
	hooks.MapChanged(kin.MapInfo{})
	if want := reflect.TypeFor[kin.ConsumerHooks]().NumField() + reflect.TypeFor[kin.ProducerHooks]().NumField(); called != want {
		t.Errorf("hooks called = %d, want %d", called, want)
	}
}
