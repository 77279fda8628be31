package kinotel

import "github.com/kinstream/kin"

// wholeFigures are those of a producer with all its streams.
func wholeFigures(mk *maker) []figure[kin.ProducerStats] {
	type stats = kin.ProducerStats
	of := func(k kind, name, unit, help string, value func(*stats) float64) figure[stats] {
		return figure[stats]{mk.observed(k, "kin.producer."+name, unit, help), value}
	}
	return []figure[stats]{
		of(gauge, "buffer.usage", unitBytes, "What the buffer holds, as MaxBufferedBytes counts.", func(s *stats) float64 { return float64(s.BufferedBytes) }),
		of(gauge, "buffer.limit", unitBytes, "MaxBufferedBytes, as configured.", func(s *stats) float64 { return float64(s.MaxBufferedBytes) }),
		of(gauge, "unanswered.records", unitRecords, "User records accepted and not answered.", func(s *stats) float64 { return float64(s.Unanswered) }),
		of(gauge, "inflight.limit", unitCalls, "MaxInFlight, as configured.", func(s *stats) float64 { return float64(s.MaxInFlight) }),
		of(counter, "inflight.full.time", unitSeconds, "Time in which MaxInFlight calls were out.", func(s *stats) float64 { return s.FullTime.Seconds() }),
		of(gauge, "waiting.puts", unitPuts, "Puts that wait for room in the buffer.", func(s *stats) float64 { return float64(s.Waiting) }),
		of(counter, "blocked.puts", unitPuts, "Puts that had to wait for room in the buffer.", func(s *stats) float64 { return float64(s.Blocked) }),
		of(counter, "blocked.time", unitSeconds, "How long they have waited, those that are done waiting.", func(s *stats) float64 { return s.BlockedTime.Seconds() }),
	}
}

// streamFigures are those of one stream.
func streamFigures(mk *maker) []figure[kin.StreamStats] {
	type stats = kin.StreamStats
	of := func(k kind, name, unit, help string, value func(*stats) float64) figure[stats] {
		return figure[stats]{mk.observed(k, "kin.producer."+name, unit, help), value}
	}
	figures := []figure[stats]{
		of(gauge, "buffered.records", unitRecords, "User records that wait for a call.", func(s *stats) float64 { return float64(s.Buffered) }),
		of(gauge, "inflight.calls", unitCalls, "PutRecords calls that are out.", func(s *stats) float64 { return float64(s.InFlight) }),
		of(gauge, "landed.kinesis_records", unitRecords, "Kinesis records in unexpected shards that are to be judged.", func(s *stats) float64 { return float64(s.Landed) }),
		of(gauge, "oldest", unitSeconds, "How long the oldest record has waited for a call.", func(s *stats) float64 { return s.Oldest.Seconds() }),
		of(gauge, "open_shards", unitShards, "Open shards, 0 if they are not known.", func(s *stats) float64 { return float64(len(s.Shards)) }),
		of(gauge, "shards_known", unitRatio, "1 if the shards are known, else 0.", func(s *stats) float64 { return truth(s.Mapped) }),
		of(gauge, "service_distributes", unitRatio, "1 if the service chooses the shards of records, else 0.", func(s *stats) float64 { return truth(s.Auto) }),
		of(gauge, "aggregating", unitRatio, "1 if records are aggregated, else 0.", func(s *stats) float64 { return truth(s.Aggregation != kin.NoAggregation) }),
		of(gauge, "stopped", unitRatio, "1 while the stream stands still because calls fail, else 0.", func(s *stats) float64 { return truth(s.Stopped) }),
		of(counter, "stopped.time", unitSeconds, "Time in which the stream stood still because calls failed.", func(s *stats) float64 { return s.StoppedTime.Seconds() }),
	}
	for _, c := range putCounts {
		figures = append(figures, of(counter, c.name, c.unit, c.help, func(s *stats) float64 { return c.value(&s.PutCounts) }))
	}
	return figures
}

// shardFigures are those of one shard.
func shardFigures(mk *maker) []figure[kin.ShardPutStats] {
	type stats = kin.ShardPutStats
	of := func(k kind, name, unit, help string, value func(*stats) float64) figure[stats] {
		return figure[stats]{mk.observed(k, "kin.producer.shard."+name, unit, help), value}
	}
	figures := []figure[stats]{
		of(gauge, "buffered.records", unitRecords, "User records that wait for a call.", func(s *stats) float64 { return float64(s.Buffered) }),
		of(gauge, "buffered.bytes", unitBytes, "What these hold of the buffer.", func(s *stats) float64 { return float64(s.BufferedBytes) }),
		of(gauge, "inflight.kinesis_records", unitRecords, "Kinesis records in calls, or to be judged.", func(s *stats) float64 { return float64(s.InFlight) }),
		of(gauge, "oldest", unitSeconds, "How long the oldest record has waited for a call.", func(s *stats) float64 { return s.Oldest.Seconds() }),
		of(gauge, "pace", unitRatio, "To how much of the shard's limits the producer keeps: below 1 after refusals.", func(s *stats) float64 { return s.Factor }),
	}
	for _, c := range putCounts {
		figures = append(figures, of(counter, c.name, c.unit, c.help, func(s *stats) float64 { return c.value(&s.PutCounts) }))
	}
	return figures
}

// putCounts are counted for streams and for shards.
var putCounts = []struct {
	name, unit, help string
	value            func(*kin.PutCounts) float64
}{
	{"accepted.records", unitRecords, "User records accepted.", func(c *kin.PutCounts) float64 { return float64(c.Accepted) }},
	{"accepted.bytes", unitBytes, "Data and keys of user records accepted.", func(c *kin.PutCounts) float64 { return float64(c.AcceptedBytes) }},
	{"stored.records", unitRecords, "User records stored.", func(c *kin.PutCounts) float64 { return float64(c.Stored) }},
	{"stored.bytes", unitBytes, "Data and keys of user records stored.", func(c *kin.PutCounts) float64 { return float64(c.StoredBytes) }},
	{"recovered.records", unitRecords, "User records stored after failed attempts.", func(c *kin.PutCounts) float64 { return float64(c.Recovered) }},
	{"retried.records", unitRecords, "Times that a user record was to be put again.", func(c *kin.PutCounts) float64 { return float64(c.Retried) }},
	{"failed.records", unitRecords, "User records answered with an error.", func(c *kin.PutCounts) float64 { return float64(c.Failed) }},
	{"kinesis.records", unitRecords, "Kinesis records stored.", func(c *kin.PutCounts) float64 { return float64(c.Entries) }},
	{"kinesis.bytes", unitBytes, "Data and keys of Kinesis records stored.", func(c *kin.PutCounts) float64 { return float64(c.EntryBytes) }},
	{"throttled.kinesis_records", unitRecords, "Kinesis records refused because of a throughput limit.", func(c *kin.PutCounts) float64 { return float64(c.Throttled) }},
	{"strayed.kinesis_records", unitRecords, "Kinesis records stored in another shard than expected.", func(c *kin.PutCounts) float64 { return float64(c.Strayed) }},
	{"repeated.records", unitRecords, "User records put again because their aggregate was stored in another shard.", func(c *kin.PutCounts) float64 { return float64(c.Repeated) }},
}
