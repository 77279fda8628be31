package kinprom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinstream/kin"
)

// wholeFigures are those of a producer with all its streams.
func wholeFigures(f family) []figure[kin.ProducerStats] {
	type stats = kin.ProducerStats
	of := func(kind prometheus.ValueType, name, help string, value func(*stats) float64) figure[stats] {
		return figure[stats]{f.desc(name, help), kind, value}
	}
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	return []figure[stats]{
		of(gauge, "buffered_bytes", "What the buffer holds, as MaxBufferedBytes counts.", func(s *stats) float64 { return float64(s.BufferedBytes) }),
		of(gauge, "max_buffered_bytes", "MaxBufferedBytes, as configured.", func(s *stats) float64 { return float64(s.MaxBufferedBytes) }),
		of(gauge, "unanswered_records", "User records accepted and not answered.", func(s *stats) float64 { return float64(s.Unanswered) }),
		of(gauge, "max_inflight_calls", "MaxInFlight, as configured.", func(s *stats) float64 { return float64(s.MaxInFlight) }),
		of(counter, "full_seconds_total", "Time in which MaxInFlight calls were out.", func(s *stats) float64 { return s.FullTime.Seconds() }),
		of(gauge, "waiting_puts", "Puts that wait for room in the buffer.", func(s *stats) float64 { return float64(s.Waiting) }),
		of(counter, "blocked_puts_total", "Puts that had to wait for room in the buffer.", func(s *stats) float64 { return float64(s.Blocked) }),
		of(counter, "blocked_seconds_total", "How long they have waited, those that are done waiting.", func(s *stats) float64 { return s.BlockedTime.Seconds() }),
	}
}

// streamFigures are those of one stream.
func streamFigures(f family) []figure[kin.StreamStats] {
	type stats = kin.StreamStats
	of := func(kind prometheus.ValueType, name, help string, value func(*stats) float64) figure[stats] {
		return figure[stats]{f.desc(name, help, labelStream), kind, value}
	}
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	figures := []figure[stats]{
		of(gauge, "buffered_records", "User records that wait for a call.", func(s *stats) float64 { return float64(s.Buffered) }),
		of(gauge, "inflight_calls", "PutRecords calls that are out.", func(s *stats) float64 { return float64(s.InFlight) }),
		of(gauge, "landed_kinesis_records", "Kinesis records in unexpected shards that are to be judged.", func(s *stats) float64 { return float64(s.Landed) }),
		of(gauge, "oldest_seconds", "How long the oldest record has waited for a call.", func(s *stats) float64 { return s.Oldest.Seconds() }),
		of(gauge, "open_shards", "Open shards, 0 if they are not known.", func(s *stats) float64 { return float64(len(s.Shards)) }),
		of(gauge, "shards_known", "1 if the shards are known, else 0.", func(s *stats) float64 { return truth(s.Mapped) }),
		of(gauge, "service_distributes", "1 if the service chooses the shards of records, else 0.", func(s *stats) float64 { return truth(s.Auto) }),
		of(gauge, "aggregating", "1 if records are aggregated, else 0.", func(s *stats) float64 { return truth(s.Aggregation != kin.NoAggregation) }),
		of(gauge, "stopped", "1 while the stream stands still because calls fail, else 0.", func(s *stats) float64 { return truth(s.Stopped) }),
		of(counter, "stopped_seconds_total", "Time in which the stream stood still because calls failed.", func(s *stats) float64 { return s.StoppedTime.Seconds() }),
	}
	for _, c := range putCounts {
		figures = append(figures, of(counter, c.name, c.help, func(s *stats) float64 { return c.value(&s.PutCounts) }))
	}
	return figures
}

// shardFigures are those of one shard.
func shardFigures(f family) []figure[kin.ShardPutStats] {
	type stats = kin.ShardPutStats
	of := func(kind prometheus.ValueType, name, help string, value func(*stats) float64) figure[stats] {
		return figure[stats]{f.desc("shard_"+name, help, labelStream, labelShard), kind, value}
	}
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	figures := []figure[stats]{
		of(gauge, "buffered_records", "User records that wait for a call.", func(s *stats) float64 { return float64(s.Buffered) }),
		of(gauge, "buffered_bytes", "What these hold of the buffer.", func(s *stats) float64 { return float64(s.BufferedBytes) }),
		of(gauge, "inflight_kinesis_records", "Kinesis records in calls, or to be judged.", func(s *stats) float64 { return float64(s.InFlight) }),
		of(gauge, "oldest_seconds", "How long the oldest record has waited for a call.", func(s *stats) float64 { return s.Oldest.Seconds() }),
		of(gauge, "pace_ratio", "To how much of the shard's limits the producer keeps: below 1 after refusals.", func(s *stats) float64 { return s.Factor }),
	}
	for _, c := range putCounts {
		figures = append(figures, of(counter, c.name, c.help, func(s *stats) float64 { return c.value(&s.PutCounts) }))
	}
	return figures
}

// putCounts are counted for streams and for shards.
var putCounts = []struct {
	name, help string
	value      func(*kin.PutCounts) float64
}{
	{"accepted_records_total", "User records accepted.", func(c *kin.PutCounts) float64 { return float64(c.Accepted) }},
	{"accepted_bytes_total", "Data and keys of user records accepted.", func(c *kin.PutCounts) float64 { return float64(c.AcceptedBytes) }},
	{"stored_records_total", "User records stored.", func(c *kin.PutCounts) float64 { return float64(c.Stored) }},
	{"stored_bytes_total", "Data and keys of user records stored.", func(c *kin.PutCounts) float64 { return float64(c.StoredBytes) }},
	{"recovered_records_total", "User records stored after failed attempts.", func(c *kin.PutCounts) float64 { return float64(c.Recovered) }},
	{"retried_records_total", "Times that a user record was to be put again.", func(c *kin.PutCounts) float64 { return float64(c.Retried) }},
	{"failed_records_total", "User records answered with an error.", func(c *kin.PutCounts) float64 { return float64(c.Failed) }},
	{"kinesis_records_total", "Kinesis records stored.", func(c *kin.PutCounts) float64 { return float64(c.Entries) }},
	{"kinesis_bytes_total", "Data and keys of Kinesis records stored.", func(c *kin.PutCounts) float64 { return float64(c.EntryBytes) }},
	{"throttled_kinesis_records_total", "Kinesis records refused because of a throughput limit.", func(c *kin.PutCounts) float64 { return float64(c.Throttled) }},
	{"strayed_kinesis_records_total", "Kinesis records stored in another shard than expected.", func(c *kin.PutCounts) float64 { return float64(c.Strayed) }},
	{"repeated_records_total", "User records put again because their aggregate was stored in another shard.", func(c *kin.PutCounts) float64 { return float64(c.Repeated) }},
}
