package kinprom_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kinprom"
	"github.com/kinstream/kin/kintest"
)

// putRig is a producer whose metrics are scraped.
type putRig struct {
	t        *testing.T
	server   *kintest.Server
	registry *prometheus.Registry
	metrics  *kinprom.ProducerCollector
	producer *kin.Producer
}

func setupPuts(t *testing.T, shards int, of kinprom.ProducerConfig, cfg kin.ProducerConfig) *putRig {
	t.Helper()
	r := &putRig{t: t, server: kintest.New(t), registry: prometheus.NewPedanticRegistry(), metrics: kinprom.NewProducerCollector(of)}
	if err := r.server.CreateStream("orders", shards); err != nil {
		t.Fatal(err)
	}
	r.registry.MustRegister(r.metrics)
	cfg.Stream, cfg.Hooks = "orders", r.metrics.Hooks(cfg.Hooks)
	p, err := kin.NewProducer(r.server.Client(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.producer = p
	return r
}

func (r *putRig) put(n, size int) {
	r.t.Helper()
	for i := range n {
		rec := kin.UserRecord{PartitionKey: fmt.Sprint(i), Data: make([]byte, size)}
		if err := r.producer.PutAsync(r.t.Context(), rec, func(kin.PutResult, error) {}); err != nil {
			r.t.Fatal(err)
		}
	}
}

// scrape returns the values of a scrape over HTTP by name and labels.
func (r *putRig) scrape() map[string]string {
	r.t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	series := map[string]string{}
	for line := range strings.Lines(w.Body.String()) {
		if at := strings.LastIndexByte(line, ' '); at > 0 && !strings.HasPrefix(line, "#") {
			series[strings.TrimPrefix(line[:at], "kin_producer_")] = strings.TrimSpace(line[at:])
		}
	}
	return series
}

func (r *putRig) want(when string, want map[string]string) {
	r.t.Helper()
	got := r.scrape()
	for name, value := range want {
		if got[name] != value {
			r.t.Errorf("%s: %s = %q, want %q", when, name, got[name], value)
		}
	}
}

func (r *putRig) close() {
	r.t.Helper()
	if err := r.producer.Close(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func TestProducerCollector(t *testing.T) {
	t.Parallel()

	t.Run("shows what a producer does", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := setupPuts(t, 2, kinprom.ProducerConfig{}, kin.ProducerConfig{Aggregation: kin.AggregateByShard, Linger: 2 * time.Second})
			r.want("before there is a producer", map[string]string{"buffered_bytes": "", `limit{limit="callers"}`: ""})
			r.metrics.Watch(r.producer)
			r.put(1, 10) // the first one finds out about the shards
			time.Sleep(time.Minute)
			r.put(100, 10)
			time.Sleep(time.Second)
			r.want("while records wait for others", map[string]string{
				"unanswered_records": "100", `buffered_records{stream="orders"}`: "100", `oldest_seconds{stream="orders"}`: "1",
				"max_inflight_calls": "8", "waiting_puts": "0", "shard_max_bytes_per_second": "1.048576e+06",
				`shards_known{stream="orders"}`: "1", `open_shards{stream="orders"}`: "2", `aggregating{stream="orders"}`: "1",
				`service_distributes{stream="orders"}`: "0", `shard_pace_ratio{shard="shardId-000000000001",stream="orders"}`: "1",
			})
			time.Sleep(time.Minute)
			r.want("when they are stored", map[string]string{
				"unanswered_records": "0", "buffered_bytes": "0", `limit{limit="callers"}`: "1", `limit{limit="shards"}`: "0",
				`accepted_records_total{stream="orders"}`: "101", `stored_records_total{stream="orders"}`: "101",
				`kinesis_records_total{stream="orders"}`: "3", `failed_records_total{stream="orders"}`: "0",
				`calls_total{outcome="ok",stream="orders"}`: "2", `call_seconds_count{stream="orders"}`: "2",
				`delay_seconds_count{stream="orders"}`: "101", `delay_seconds_bucket{stream="orders",le="1.024"}`: "0",
				`delay_seconds_bucket{stream="orders",le="2.048"}`: "101", `delay_seconds_bucket{stream="orders",le="+Inf"}`: "101",
				`buffer_seconds_count{stream="orders"}`: "101", `shard_map_changes_total{stream="orders"}`: "1",
			})
			r.want("for another scraper, at the same time", map[string]string{`limit{limit="callers"}`: "1", `limit{limit="unknown"}`: "0"})
			got := r.scrape()
			if v := got[`lane_seconds_total{state="gathering",stream="orders"}`]; v == "" || v == "0" {
				t.Errorf("seconds of gathering = %q, want more than 0", v)
			}
			r.close()
		})
	})

	t.Run("shows what fails, and why", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := setupPuts(t, 1, kinprom.ProducerConfig{}, kin.ProducerConfig{RecordTTL: 5 * time.Second})
			r.metrics.Watch(r.producer)
			remove := r.server.Inject(throttled("shardId-000000000000", 0))
			r.put(3, 10)
			time.Sleep(time.Minute)
			remove()
			r.want("when records expired", map[string]string{
				`failures_total{ambiguous="false",reason="expired",stream="orders"}`: "3",
				`failed_records_total{stream="orders"}`:                              "3", `stored_records_total{stream="orders"}`: "0",
			})
			got := r.scrape()
			if v := got[`throttled_kinesis_records_total{stream="orders"}`]; v == "" || v == "0" {
				t.Errorf("refused records = %q, want some", v)
			}
			r.close()
		})
	})

	t.Run("shows the shards that were given the most, if there are many", func(t *testing.T) {
		t.Parallel()
		for most, want := range map[int]int{0: 6, -1: 0, 2: 2, 6: 6} {
			synctest.Test(t, func(t *testing.T) {
				r := setupPuts(t, 6, kinprom.ProducerConfig{MaxShards: most}, kin.ProducerConfig{})
				r.metrics.Watch(r.producer)
				r.put(1, 10)
				time.Sleep(time.Minute)
				r.put(1, 5000) // its shard is the hottest by far
				result, err := r.producer.Put(t.Context(), kin.UserRecord{PartitionKey: "0", Data: make([]byte, 5000)})
				if err != nil {
					t.Fatal(err)
				}
				shown := 0
				for name := range r.scrape() {
					if strings.HasPrefix(name, "shard_pace_ratio{") {
						shown++
					}
				}
				if shown != want {
					t.Errorf("shards shown with MaxShards %d = %d, want %d", most, shown, want)
				}
				hottest := fmt.Sprintf(`shard_pace_ratio{shard=%q,stream="orders"}`, result.ShardID)
				if _, found := r.scrape()[hottest]; found != (want > 0) {
					t.Errorf("hottest shard shown with MaxShards %d = %v, want %v", most, found, want > 0)
				}
				r.close()
			})
		}
	})

	t.Run("counts series as it says", func(t *testing.T) {
		t.Parallel()
		got := map[string]int{}
		byHooks := regexp.MustCompile(`^kin_producer_(call|calls|failures|shard_map)_`)
		for line := range strings.Lines(everything(t)) {
			switch {
			case !strings.HasPrefix(line, "kin_producer_") || byHooks.MatchString(line) || !strings.Contains(line, `stream="`):
			case strings.Contains(line, `shard="shardId-000000000002"`):
				got["shard"]++
			case strings.HasPrefix(line, "kin_producer_delay_") || strings.HasPrefix(line, "kin_producer_buffer_"):
				got["histograms"]++
			case !strings.Contains(line, `shard="`):
				got["stream"]++
			}
		}
		if want := map[string]int{"shard": 27, "stream": 28, "histograms": 40}; !maps.Equal(got, want) {
			t.Errorf("series = %v, want %v", got, want)
		}
	})

	t.Run("shows sums and counts of each shard, or histograms", func(t *testing.T) {
		t.Parallel()
		for _, histograms := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				r := setupPuts(t, 1, kinprom.ProducerConfig{ShardHistograms: histograms}, kin.ProducerConfig{Linger: time.Second})
				r.metrics.Watch(r.producer)
				r.put(3, 10)
				time.Sleep(time.Minute)
				const labels = `{shard="shardId-000000000000",stream="orders"}`
				bucket := map[bool]string{true: "3"}[histograms]
				r.want(fmt.Sprint("histograms ", histograms), map[string]string{
					"shard_delay_seconds_count" + labels: "3", "shard_delay_seconds_sum" + labels: "3", "shard_buffer_seconds_sum" + labels: "3",
					`shard_delay_seconds_bucket{shard="shardId-000000000000",stream="orders",le="1.024"}`: bucket,
				})
				r.close()
			})
		}
	})

	t.Run("calls the hooks that were there", func(t *testing.T) {
		t.Parallel()
		var called []string
		hooks := kinprom.NewProducerCollector(kinprom.ProducerConfig{}).Hooks(kin.ProducerHooks{
			Called:     func(kin.PutCallInfo) { called = append(called, "Called") },
			Failed:     func(*kin.PutError) { called = append(called, "Failed") },
			Blocked:    func(kin.BufferInfo) { called = append(called, "Blocked") },
			MapChanged: func(kin.MapInfo) { called = append(called, "MapChanged") },
		})
		hooks.Called(kin.PutCallInfo{Stream: "orders", Err: errors.New("no luck")})
		hooks.Failed(&kin.PutError{Stream: "orders", Err: kin.ErrClosed})
		hooks.Blocked(kin.BufferInfo{})
		hooks.MapChanged(kin.MapInfo{Stream: "orders"})
		if got, want := fmt.Sprint(called), "[Called Failed Blocked MapChanged]"; got != want {
			t.Errorf("called = %s, want %s", got, want)
		}
	})
}
