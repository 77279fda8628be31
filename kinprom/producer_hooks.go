package kinprom

import (
	"errors"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinstream/kin"
)

// producerCounts is what hooks are counted in: what [kin.Producer.Stats] does not have.
type producerCounts struct {
	calls    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	failures *prometheus.CounterVec
	changes  *prometheus.CounterVec
}

func newProducerCounts(f family) producerCounts {
	return producerCounts{
		calls:    f.counters("calls_total", "PutRecords calls.", labelStream, "outcome"),
		took:     f.seconds("call_seconds", "How long PutRecords calls took.", labelStream),
		failures: f.counters("failures_total", "User records answered with an error.", labelStream, "reason", "ambiguous"),
		changes:  f.counters("shard_map_changes_total", "Times that the open shards were found to be others.", labelStream),
	}
}

func (c *producerCounts) all() []prometheus.Collector {
	return []prometheus.Collector{c.calls, c.took, c.failures, c.changes}
}

// Hooks returns hooks for the producer's configuration, which count and then call those of next.
func (m *ProducerCollector) Hooks(next kin.ProducerHooks) kin.ProducerHooks {
	c := &m.counts
	return kin.ProducerHooks{
		Called: c.called,
		Failed: func(e *kin.PutError) {
			c.failures.WithLabelValues(e.Stream, putReason(e), strconv.FormatBool(e.Ambiguous)).Inc()
		},
		MapChanged: func(i kin.MapInfo) { c.changes.WithLabelValues(i.Stream).Inc() },
	}.Then(next)
}

func (c *producerCounts) called(i kin.PutCallInfo) {
	outcome := "ok"
	switch {
	case i.Err != nil:
		outcome = "failed"
	case i.Retrying+i.Failed > 0:
		outcome = "partial"
	}
	c.calls.WithLabelValues(i.Stream, outcome).Inc()
	c.took.WithLabelValues(i.Stream).Observe(i.Took.Seconds())
}

// putReason says in a word why a record was not put.
func putReason(err error) string {
	switch {
	case errors.Is(err, kin.ErrExpired):
		return "expired"
	case errors.Is(err, kin.ErrClosed):
		return "closed"
	case errors.Is(err, kin.ErrInvalidRecord):
		return "invalid"
	case errors.Is(err, kin.ErrUnordered):
		return "unordered"
	}
	return "refused"
}
