package histogram_test

import (
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kinotel/histogram"
	"github.com/kinstream/kin/kintest"
)

func TestSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := kintest.New(t)
		if err := server.CreateStream("orders", 1); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		p, err := kin.NewProducer(server.Client(), kin.ProducerConfig{Stream: "orders", Linger: 3 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		source := histogram.NewSource(histogram.Config{MaxShards: 1, Attributes: []attribute.KeyValue{attribute.String("name", "first")}})
		reader := sdkmetric.NewManualReader(sdkmetric.WithProducer(source))
		_ = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
		collect := func() (found []metricdata.Metrics) {
			var all metricdata.ResourceMetrics
			if err := reader.Collect(t.Context(), &all); err != nil {
				t.Fatal(err)
			}
			for _, scope := range all.ScopeMetrics {
				found = append(found, scope.Metrics...)
			}
			return found
		}
		if got := collect(); got != nil {
			t.Errorf("before Watch = %v, want nothing", got)
		}
		time.Sleep(time.Second)
		source.Watch(p)
		if got := collect()[1].Data.(metricdata.Histogram[float64]).DataPoints[0]; got.Count != 0 {
			t.Errorf("count before the first record = %d, want 0", got.Count)
		}
		for range 2 {
			if _, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "a"}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			got := collect()
			if len(got) != 4 || got[0].Name != "kin.producer.buffer.duration" || got[1].Name != "kin.producer.delay" || got[1].Unit != "s" {
				t.Fatalf("metrics = %+v", got)
			}
			point := got[1].Data.(metricdata.Histogram[float64]).DataPoints[0]
			if !point.StartTime.Equal(begun) || !point.Time.Equal(time.Now()) {
				t.Errorf("from %v to %v, want from %v to %v", point.StartTime, point.Time, begun, time.Now())
			}
			if want := attribute.NewSet(
				attribute.String("name", "first"), attribute.String("messaging.system", "aws.kinesis"), attribute.String("messaging.destination.name", "orders"),
			); point.Attributes != want {
				t.Errorf("attributes = %v, want %v", point.Attributes, want)
			}
		}
		point := collect()[1].Data.(metricdata.Histogram[float64]).DataPoints[0]
		if len(point.BucketCounts) != len(point.Bounds)+1 {
			t.Errorf("buckets = %d, bounds = %d, want one less", len(point.BucketCounts), len(point.Bounds))
		}
		for i, n := range point.BucketCounts {
			want := uint64(0)
			if i == 12 { // up to 4.096 seconds
				want = 2
			}
			if n != want {
				t.Errorf("bucket %d = %d, want %d; bounds are %v", i, n, want, point.Bounds)
			}
		}
		if point.Count != 2 || point.Sum < 6 || point.Sum > 6.1 {
			t.Errorf("count = %d, sum = %v, want 2 and about 6", point.Count, point.Sum)
		}
		shards := collect()[3]
		of := shards.Data.(metricdata.Histogram[float64]).DataPoints
		if id, _ := of[0].Attributes.Value("messaging.destination.partition.id"); len(of) != 1 || shards.Name != "kin.producer.shard.delay" ||
			id.AsString() != "shardId-000000000000" || of[0].Count != 2 || of[0].Sum != point.Sum {
			t.Errorf("%s = %+v, want what the stream has, of the first of two shards", shards.Name, of)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
