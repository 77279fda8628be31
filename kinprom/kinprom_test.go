package kinprom_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
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

// rig is a consumer whose metrics are scraped.
type rig struct {
	t        *testing.T
	server   *kintest.Server
	registry *prometheus.Registry
	metrics  *kinprom.ConsumerCollector
}

func setup(t *testing.T, shards int) *rig {
	t.Helper()
	r := &rig{t: t, server: kintest.New(t), registry: prometheus.NewPedanticRegistry(), metrics: kinprom.NewConsumerCollector("billing")}
	if err := r.server.CreateStream("orders", shards); err != nil {
		t.Fatal(err)
	}
	r.registry.MustRegister(r.metrics)
	return r
}

func (r *rig) put(data ...string) {
	r.t.Helper()
	for _, d := range data {
		if _, err := r.server.Put("orders", d, []byte(d)); err != nil {
			r.t.Fatal(err)
		}
	}
}

// run runs a consumer while do looks at it, and returns when it has ended.
func (r *rig) run(cfg kin.ConsumerConfig, handle kin.HandlerFunc, do func()) {
	r.t.Helper()
	cfg.Stream, cfg.Group, cfg.Store = "orders", "billing", memstore.New()
	cfg.Hooks = r.metrics.Hooks(cfg.Hooks)
	c, err := kin.NewConsumer(r.server.Client(), cfg, handle)
	if err != nil {
		r.t.Fatal(err)
	}
	r.metrics.Watch(c)
	ctx, stop := context.WithCancel(r.t.Context())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	do()
	stop()
	if err := <-ended; err != nil {
		r.t.Errorf("Run = %v, want nil", err)
	}
}

// scrape returns what a scrape over HTTP shows: values by name and labels, without those of group.
func (r *rig) scrape() map[string]string {
	r.t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	if w.Code != http.StatusOK {
		r.t.Fatalf("scrape = %d: %s", w.Code, w.Body)
	}
	series := map[string]string{}
	for line := range strings.Lines(w.Body.String()) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "} "); ok && !strings.HasPrefix(line, "#") {
			if !strings.Contains(name, `group="billing"`) {
				r.t.Errorf("%s has no label group", name)
			}
			series[strings.NewReplacer(`,group="billing"`, "", `group="billing",`, "").Replace(name)+"}"] = value
		}
	}
	return series
}

// want wants these values in a scrape. An empty value stands for no series.
func (r *rig) want(when string, want map[string]string) {
	r.t.Helper()
	got := r.scrape()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			r.t.Errorf("%s: %s = %q, want %q", when, name, got[name], want[name])
		}
	}
	if r.t.Failed() {
		for _, name := range slices.Sorted(maps.Keys(got)) {
			r.t.Log(name, got[name])
		}
	}
}

// of returns the name of a series of the stream, and of its shard if it is not negative.
func of(name string, shard int, more ...string) string {
	var labels []string
	if shard >= 0 {
		labels = append(labels, fmt.Sprintf("shard=%q", fmt.Sprintf("shardId-%012d", shard)))
	}
	labels = append(append(labels, more...), `stream="orders"`)
	slices.Sort(labels)
	return "kin_consumer_" + name + "{" + strings.Join(labels, ",") + "}"
}

func TestConsumerCollector(t *testing.T) {
	t.Parallel()

	t.Run("shows what a consumer does", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := setup(t, 2)
			r.put("a", "b", "c", "d", "e", "f", "g", "h")
			ok := func(context.Context, *kin.Batch) error { return nil }
			r.run(kin.ConsumerConfig{}, ok, func() {
				time.Sleep(time.Minute)
				got := r.scrape()
				if a, b := got[of("shard_records_total", 0)], got[of("shard_records_total", 1)]; len(a) != 1 || len(b) != 1 || a[0]+b[0] != '0'+'8' {
					t.Errorf("records of the shards = %q and %q, want 8 together", a, b)
				}
				r.want("at work", map[string]string{
					of("owned_shards", -1): "2", of("shard_starts_total", -1): "2",
					of("shard_lag_seconds", 0): "0", of("shard_unacked_records", 1): "0",
					of("shard_failures", 0): "0", of("shard_stuck_seconds", 1): "0", of("shard_stopping", 0): "0",
					of("fetched_records_total", -1): "8", of("handler_records_total", -1): "8",
					of("handler_seconds_count", -1):                         got[of("handler_calls_total", -1, `outcome="ok"`)],
					of("handler_calls_total", -1, `outcome="failed"`):       "",
					`kin_consumer_group_events_total{event="lease_taken"}`:  "2",
					`kin_consumer_group_events_total{event="store_failed"}`: "0",
					of("shards_gone_total", -1):                             "0", of("skipped_records_total", -1): "0",
				})
			})
			r.want("after its end", map[string]string{
				of("owned_shards", -1): "0", of("shard_lag_seconds", 0): "", of("shard_records_total", 1): "",
				of("shard_stops_total", -1, `reason="leaving"`): "2", of("handler_records_total", -1): "8",
			})
		})
	})

	t.Run("shows what is stuck, and why", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := setup(t, 1)
			r.put("a", "b", "c")
			failing := func(context.Context, *kin.Batch) error { return errors.New("no luck") }
			r.run(kin.ConsumerConfig{}, failing, func() {
				time.Sleep(10 * time.Minute)
				got := r.scrape()
				for _, name := range []string{of("shard_stuck_seconds", 0), of("shard_handler_failures", 0), of("handler_calls_total", -1, `outcome="failed"`)} {
					if v := got[name]; v == "" || v == "0" {
						t.Errorf("%s = %q, want more than 0", name, v)
					}
				}
				r.want("while the handler fails", map[string]string{
					of("shard_unacked_records", 0): "3", of("shard_records_total", 0): "0", of("shard_bytes_total", 0): "0",
				})
			})
		})
	})
}
