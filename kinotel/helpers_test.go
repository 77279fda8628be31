package kinotel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/kinstream/kin"
)

// rig is a reader that collects when it is asked, and the provider that it reads.
type rig struct {
	t        *testing.T
	reader   *sdkmetric.ManualReader
	provider *sdkmetric.MeterProvider
}

func setup(t *testing.T, options ...sdkmetric.ManualReaderOption) *rig {
	t.Helper()
	reader := sdkmetric.NewManualReader(options...)
	return &rig{t: t, reader: reader, provider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))}
}

// collect returns the metrics by name.
func (r *rig) collect() map[string]metricdata.Metrics {
	r.t.Helper()
	var all metricdata.ResourceMetrics
	if err := r.reader.Collect(r.t.Context(), &all); err != nil {
		r.t.Fatal(err)
	}
	found := map[string]metricdata.Metrics{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if _, twice := found[m.Name]; twice {
				r.t.Errorf("%s is there twice", m.Name)
			}
			found[m.Name] = m
		}
	}
	return found
}

// series returns the values of all series, with attributes other than messaging.system and the group, sorted, in
// brackets. Those of histograms are their counts.
func series(metrics map[string]metricdata.Metrics) map[string]string {
	all := map[string]string{}
	add := func(name string, set attribute.Set, value any) {
		var attributes []string
		for _, kv := range set.ToSlice() {
			if kv.Key != "messaging.system" && kv.Key != "messaging.consumer.group.name" {
				attributes = append(attributes, string(kv.Key)+"="+kv.Value.String())
			}
		}
		slices.Sort(attributes)
		all[name+"{"+strings.Join(attributes, ",")+"}"] = fmt.Sprint(value)
	}
	for name, m := range metrics {
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				add(name, p.Attributes, p.Value)
			}
		case metricdata.Sum[float64]:
			for _, p := range data.DataPoints {
				add(name, p.Attributes, p.Value)
			}
		case metricdata.Gauge[int64]:
			for _, p := range data.DataPoints {
				add(name, p.Attributes, p.Value)
			}
		case metricdata.Gauge[float64]:
			for _, p := range data.DataPoints {
				add(name, p.Attributes, p.Value)
			}
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				add(name, p.Attributes, p.Count)
			}
		}
	}
	return all
}

// want wants these values. An empty value stands for no series.
func (r *rig) want(when string, want map[string]string) {
	r.t.Helper()
	got := series(r.collect())
	for name, value := range want {
		if got[name] != value {
			r.t.Errorf("%s: %s = %q, want %q", when, name, got[name], value)
		}
	}
	if r.t.Failed() {
		for name, value := range got {
			r.t.Log(name, value)
		}
	}
}

var errNoLuck = errors.New("no luck")

// callAll calls each hook of a consumer once with info that is about orders.
func callAll(h kin.ConsumerHooks) {
	info := kin.LeaseInfo{Stream: "orders", Shard: "shardId-000000000000"}
	h.Retrying(kin.RetryInfo{Stream: "orders", Op: "GetRecords", Throttled: true, Err: context.DeadlineExceeded})
	h.Fetched(kin.FetchInfo{Stream: "orders", Records: 3, Bytes: 300})
	h.BadRecord(kin.BadRecordInfo{Stream: "orders"})
	h.OutOfRange(kin.OutOfRangeInfo{Stream: "orders"})
	h.Handled(kin.HandledInfo{Stream: "orders", Records: 2, Err: errNoLuck})
	h.BatchSkipped(kin.SkipInfo{Stream: "orders", Records: make([]kin.Record, 7)})
	h.ShardStarted(info)
	h.ShardStopping(info)
	info.Reason = kin.StoppedByLoss
	h.ShardStopped(info)
	h.ShardGone(info)
	h.Group(kin.GroupInfo{Event: kin.StoreFailed})
}
