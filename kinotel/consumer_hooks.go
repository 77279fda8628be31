package kinotel

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/kinstream/kin"
)

// consumerCounts is what hooks are counted in.
type consumerCounts struct {
	with []attribute.KeyValue // of all series

	starts, stops, gone            metric.Int64Counter
	fetches, fetched, fetchedBytes metric.Int64Counter
	retries                        metric.Int64Counter
	delivered                      metric.Int64Counter
	took                           metric.Float64Histogram
	skipped, bad, outOfRange       metric.Int64Counter
	events                         metric.Int64Counter
}

func newConsumerCounts(mk *maker, with []attribute.KeyValue) consumerCounts {
	const prefix = "kin.consumer."
	c := consumerCounts{
		with:         with,
		starts:       mk.counter(prefix+"shard.starts", unitShards, "Shards that this worker began to read."),
		stops:        mk.counter(prefix+"shard.stops", unitShards, "Shards that this worker ceased to read."),
		gone:         mk.counter(prefix+"shards_gone", unitShards, "Shards that were trimmed before they were read to their end."),
		fetches:      mk.counter(prefix+"fetches", unitCalls, "Answers of GetRecords, also empty ones."),
		fetched:      mk.counter(prefix+"fetched.records", unitRecords, "Records in answers of GetRecords."),
		fetchedBytes: mk.counter(prefix+"fetched.bytes", unitBytes, "Bytes of records in answers of GetRecords."),
		retries:      mk.counter(prefix+"retries", unitCalls, "Calls of Kinesis that failed and were made again."),
		delivered:    mk.counter("messaging.client.consumed.messages", "{message}", "Number of messages that were delivered to the application."),
		took:         mk.durations("messaging.process.duration", "Duration of processing operation."),
		skipped:      mk.counter(prefix+"skipped.records", unitRecords, "User records passed over because the handler failed."),
		bad:          mk.counter(prefix+"bad.records", unitRecords, "Records that could not be unpacked."),
		outOfRange:   mk.counter(prefix+"out_of_range.records", unitRecords, "User records that belong to another shard."),
		events:       mk.counter(prefix+"group.events", "{event}", "What happened in the group."),
	}
	if mk.err == nil {
		for e := kin.WorkerJoined; e <= kin.ReadingWorks; e++ {
			c.add(c.events, 0, keyEvent.String(labelValue(e.String()))) // so that the first time is an increase
		}
	}
	return c
}

// options returns the attributes of a series.
func (c *consumerCounts) options(more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributes(slices.Concat(c.with, more)...)
}

func (c *consumerCounts) add(to metric.Int64Counter, n int, more ...attribute.KeyValue) {
	to.Add(context.Background(), int64(n), c.options(more...))
}

// Hooks returns hooks for the consumer's configuration, which measure and then call those of next.
func (m *ConsumerMetrics) Hooks(next kin.ConsumerHooks) kin.ConsumerHooks {
	c := &m.counts
	return kin.ConsumerHooks{
		Retrying:     c.retrying,
		Fetched:      c.fetch,
		BadRecord:    func(i kin.BadRecordInfo) { c.add(c.bad, 1, keyStream.String(i.Stream)) },
		OutOfRange:   func(i kin.OutOfRangeInfo) { c.add(c.outOfRange, 1, keyStream.String(i.Stream)) },
		Handled:      c.handle,
		BatchSkipped: func(i kin.SkipInfo) { c.add(c.skipped, len(i.Records), keyStream.String(i.Stream)) },
		ShardStarted: c.started,
		ShardStopped: func(i kin.LeaseInfo) {
			c.add(c.stops, 1, keyStream.String(i.Stream), keyReason.String(labelValue(i.Reason.String())))
		},
		ShardGone: func(i kin.LeaseInfo) { c.add(c.gone, 1, keyStream.String(i.Stream)) },
		Group:     func(i kin.GroupInfo) { c.add(c.events, 1, keyEvent.String(labelValue(i.Event.String()))) },
	}.Then(next)
}

// started counts a shard, and shows what should never happen as 0, so that the first time is an increase.
func (c *consumerCounts) started(i kin.LeaseInfo) {
	stream := keyStream.String(i.Stream)
	c.add(c.starts, 1, stream)
	for _, never := range []metric.Int64Counter{c.gone, c.skipped, c.bad, c.outOfRange} {
		c.add(never, 0, stream)
	}
}

func (c *consumerCounts) retrying(i kin.RetryInfo) {
	reason := "failed"
	if i.Throttled {
		reason = "throttled"
	}
	c.add(c.retries, 1, keyStream.String(i.Stream), keyOperation.String(i.Op), keyReason.String(reason))
}

func (c *consumerCounts) fetch(i kin.FetchInfo) {
	stream := keyStream.String(i.Stream)
	c.add(c.fetches, 1, stream)
	c.add(c.fetched, i.Records, stream)
	c.add(c.fetchedBytes, i.Bytes, stream)
}

func (c *consumerCounts) handle(i kin.HandledInfo) {
	with := []attribute.KeyValue{keyStream.String(i.Stream), keyOperation.String("handle")}
	switch {
	case i.Cancelled:
		with = append(with, keyError.String("cancelled"))
	case i.Err != nil:
		with = append(with, keyError.String(errorType(i.Err)))
	}
	c.add(c.delivered, i.Records, with...)
	c.took.Record(context.Background(), i.Took.Seconds(), c.options(append(with, keyType.String("process"))...))
}
