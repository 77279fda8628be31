package kinprom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinstream/kin"
)

// consumerCounts is what hooks are counted in.
type consumerCounts struct {
	starts, stops, gone            *prometheus.CounterVec
	fetches, fetched, fetchedBytes *prometheus.CounterVec
	retries                        *prometheus.CounterVec
	calls, handled                 *prometheus.CounterVec
	took                           *prometheus.HistogramVec
	skipped, bad, outOfRange       *prometheus.CounterVec
	events                         *prometheus.CounterVec
}

func newConsumerCounts(f family) consumerCounts {
	c := consumerCounts{
		starts:       f.counters("shard_starts_total", "Shards that this worker began to read.", labelStream),
		stops:        f.counters("shard_stops_total", "Shards that this worker ceased to read.", labelStream, "reason"),
		gone:         f.counters("shards_gone_total", "Shards that were trimmed before they were read to their end.", labelStream),
		fetches:      f.counters("fetches_total", "Answers of GetRecords, also empty ones.", labelStream),
		fetched:      f.counters("fetched_records_total", "Records in answers of GetRecords.", labelStream),
		fetchedBytes: f.counters("fetched_bytes_total", "Bytes of records in answers of GetRecords.", labelStream),
		retries:      f.counters("retries_total", "Calls of Kinesis that failed and were made again.", labelStream, "op", "reason"),
		calls:        f.counters("handler_calls_total", "Calls of the handler.", labelStream, "outcome"),
		handled:      f.counters("handler_records_total", "User records given to the handler, again with each attempt.", labelStream),
		took:         f.seconds("handler_seconds", "How long calls of the handler took.", labelStream),
		skipped:      f.counters("skipped_records_total", "User records passed over because the handler failed.", labelStream),
		bad:          f.counters("bad_records_total", "Records that could not be unpacked.", labelStream),
		outOfRange:   f.counters("out_of_range_records_total", "User records that belong to another shard.", labelStream),
		events:       f.counters("group_events_total", "What happened in the group.", "event"),
	}
	for e := kin.WorkerJoined; e <= kin.ReadingWorks; e++ {
		c.events.WithLabelValues(labelValue(e.String())) // 0, so that the first time is an increase
	}
	return c
}

func (c *consumerCounts) all() []prometheus.Collector {
	return []prometheus.Collector{
		c.starts, c.stops, c.gone, c.fetches, c.fetched, c.fetchedBytes, c.retries,
		c.calls, c.handled, c.took, c.skipped, c.bad, c.outOfRange, c.events,
	}
}

// Hooks returns hooks for the consumer's configuration, which count and then call those of next.
func (m *ConsumerCollector) Hooks(next kin.ConsumerHooks) kin.ConsumerHooks {
	c := &m.counts
	return kin.ConsumerHooks{
		Retrying:   c.retrying,
		Fetched:    c.fetch,
		BadRecord:  func(i kin.BadRecordInfo) { c.bad.WithLabelValues(i.Stream).Inc() },
		OutOfRange: func(i kin.OutOfRangeInfo) { c.outOfRange.WithLabelValues(i.Stream).Inc() },
		Handled:    c.handle,
		BatchSkipped: func(i kin.SkipInfo) {
			c.skipped.WithLabelValues(i.Stream).Add(float64(len(i.Records)))
		},
		ShardStarted: c.started,
		ShardStopped: func(i kin.LeaseInfo) { c.stops.WithLabelValues(i.Stream, labelValue(i.Reason.String())).Inc() },
		ShardGone:    func(i kin.LeaseInfo) { c.gone.WithLabelValues(i.Stream).Inc() },
		Group:        func(i kin.GroupInfo) { c.events.WithLabelValues(labelValue(i.Event.String())).Inc() },
	}.Then(next)
}

// started counts a shard, and shows what should never happen as 0: Prometheus sees an increase only between two values.
func (c *consumerCounts) started(i kin.LeaseInfo) {
	c.starts.WithLabelValues(i.Stream).Inc()
	for _, never := range []*prometheus.CounterVec{c.gone, c.skipped, c.bad, c.outOfRange} {
		never.WithLabelValues(i.Stream)
	}
}

func (c *consumerCounts) retrying(i kin.RetryInfo) {
	reason := "failed"
	if i.Throttled {
		reason = "throttled"
	}
	c.retries.WithLabelValues(i.Stream, i.Op, reason).Inc()
}

func (c *consumerCounts) fetch(i kin.FetchInfo) {
	c.fetches.WithLabelValues(i.Stream).Inc()
	c.fetched.WithLabelValues(i.Stream).Add(float64(i.Records))
	c.fetchedBytes.WithLabelValues(i.Stream).Add(float64(i.Bytes))
}

func (c *consumerCounts) handle(i kin.HandledInfo) {
	outcome := "ok"
	switch {
	case i.Cancelled:
		outcome = "cancelled"
	case i.Err != nil:
		outcome = "failed"
	}
	c.calls.WithLabelValues(i.Stream, outcome).Inc()
	c.handled.WithLabelValues(i.Stream).Add(float64(i.Records))
	c.took.WithLabelValues(i.Stream).Observe(i.Took.Seconds())
}
