package kinprom_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kinprom"
)

// callAll calls each hook once with info that is about orders.
func callAll(h kin.ConsumerHooks) {
	start := kin.LeaseInfo{Stream: "orders", Shard: "shardId-000000000000"}
	h.Retrying(kin.RetryInfo{Stream: "orders", Op: "GetRecords", Throttled: true})
	h.Retrying(kin.RetryInfo{Stream: "orders", Op: "ListShards", Err: errors.New("no luck")})
	h.Fetched(kin.FetchInfo{Stream: "orders", Records: 3, Bytes: 300})
	h.BadRecord(kin.BadRecordInfo{Stream: "orders"})
	h.OutOfRange(kin.OutOfRangeInfo{Stream: "orders"})
	h.Handled(kin.HandledInfo{Stream: "orders", Records: 2, Took: 30 * time.Second, Err: errors.New("no luck")})
	h.Handled(kin.HandledInfo{Stream: "orders", Records: 5, Took: time.Millisecond, Cancelled: true, Err: errors.New("stopped")})
	h.BatchSkipped(kin.SkipInfo{Stream: "orders", Records: make([]kin.Record, 7)})
	h.ShardStarted(start)
	h.ShardStopping(start)
	start.Reason = kin.StoppedByLoss
	h.ShardStopped(start)
	h.ShardGone(start)
	h.Group(kin.GroupInfo{Event: kin.StoreFailed})
}

func TestHooks(t *testing.T) {
	t.Parallel()

	t.Run("are counted", func(t *testing.T) {
		t.Parallel()
		r := &rig{t: t, registry: prometheus.NewPedanticRegistry(), metrics: kinprom.NewConsumerCollector("billing")}
		r.registry.MustRegister(r.metrics)
		hooks := r.metrics.Hooks(kin.ConsumerHooks{ShardStopping: func(kin.LeaseInfo) {}})
		callAll(hooks)
		r.want("after one of each", map[string]string{
			of("retries_total", -1, `op="GetRecords"`, `reason="throttled"`): "1",
			of("retries_total", -1, `op="ListShards"`, `reason="failed"`):    "1",
			of("fetches_total", -1):                                 "1",
			of("fetched_records_total", -1):                         "3",
			of("fetched_bytes_total", -1):                           "300",
			of("bad_records_total", -1):                             "1",
			of("out_of_range_records_total", -1):                    "1",
			of("handler_calls_total", -1, `outcome="failed"`):       "1",
			of("handler_calls_total", -1, `outcome="cancelled"`):    "1",
			of("handler_calls_total", -1, `outcome="ok"`):           "",
			of("handler_records_total", -1):                         "7",
			of("handler_seconds_sum", -1):                           "30.001",
			of("skipped_records_total", -1):                         "7",
			of("shard_starts_total", -1):                            "1",
			of("shard_stops_total", -1, `reason="lease_lost"`):      "1",
			of("shards_gone_total", -1):                             "1",
			`kin_consumer_group_events_total{event="store_failed"}`: "1",
		})
	})

	t.Run("call those that were there", func(t *testing.T) {
		t.Parallel()
		called := 0
		// Each field is a function of one argument that returns nothing.
		next := reflect.New(reflect.TypeFor[kin.ConsumerHooks]()).Elem()
		for _, field := range next.Fields() {
			field.Set(reflect.MakeFunc(field.Type(), func([]reflect.Value) []reflect.Value {
				called++
				return nil
			}))
		}
		hooks, _ := next.Interface().(kin.ConsumerHooks)
		callAll(kinprom.NewConsumerCollector("billing").Hooks(hooks))
		if want := next.NumField() + 2; called != want { // two are called twice
			t.Errorf("hooks called = %d, want %d", called, want)
		}
	})
}
