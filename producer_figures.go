package kin

import (
	"iter"
	"math"
)

// Figure is one number of a reading of type T, with what exporters of metrics want to know about it. The
// functions that return figures are for whoever shows all of them: the modules kinprom and kinotel are made of them.
type Figure[T any] struct {
	Name    string // words, with dots where names are built of parts, as in "retried.records"
	Unit    string // by UCUM, as OpenTelemetry wants it: "s", "By", "1", or what is counted, as "{record}"
	Counter bool   // it only grows, but for streams and shards that are seen anew; else it is what is true now
	Help    string // a sentence

	// Value returns the number, or NaN if it is not known, or does not apply.
	Value func(*T) float64
}

// Units of figures.
const (
	unitSeconds = "s"
	unitBytes   = "By"
	unitRatio   = "1" // also of what is 0 or 1
	unitRecords = "{record}"
	unitCalls   = "{call}"
	unitPuts    = "{put}"
	unitShards  = "{shard}"
)

func gauge[T any](name, unit, help string, value func(*T) float64) Figure[T] {
	return Figure[T]{Name: name, Unit: unit, Help: help, Value: value}
}

func counter[T any](name, unit, help string, value func(*T) float64) Figure[T] {
	return Figure[T]{Name: name, Unit: unit, Counter: true, Help: help, Value: value}
}

// ProducerFigures returns the figures of a producer as a whole: those that are not about one stream.
func ProducerFigures() []Figure[ProducerStats] {
	type s = ProducerStats
	limit := func(n int) float64 {
		if n < 0 {
			return math.NaN()
		}
		return float64(n)
	}
	return []Figure[ProducerStats]{
		gauge("buffer.usage", unitBytes, "What the buffer holds, as MaxBufferedBytes counts.",
			func(s *s) float64 { return float64(s.BufferedBytes) }),
		gauge("buffer.limit", unitBytes, "MaxBufferedBytes, as configured.", func(s *s) float64 { return float64(s.MaxBufferedBytes) }),
		gauge("unanswered.records", unitRecords, "User records accepted and not answered.", func(s *s) float64 { return float64(s.Unanswered) }),
		gauge("inflight.limit", unitCalls, "MaxInFlight, as configured.", func(s *s) float64 { return float64(s.MaxInFlight) }),
		counter("inflight.full.time", unitSeconds, "Time in which MaxInFlight calls were out.",
			func(s *s) float64 { return s.FullTime.Seconds() }),
		gauge("waiting.puts", unitPuts, "Puts that wait for room in the buffer.", func(s *s) float64 { return float64(s.Waiting) }),
		counter("blocked.puts", unitPuts, "Puts that had to wait for room in the buffer.", func(s *s) float64 { return float64(s.Blocked) }),
		counter("blocked.time", unitSeconds, "How long they have waited, those that are done waiting.",
			func(s *s) float64 { return float64(s.BlockedTime) }),
		gauge("shard.limit.bytes", "By/s", "What the producer gives one shard at most, as configured.",
			func(s *s) float64 { return limit(s.ShardBytesPerSecond) }),
		gauge("shard.limit.records", "{record}/s", "What the producer gives one shard at most, as configured.",
			func(s *s) float64 { return limit(s.ShardRecordsPerSecond) }),
	}
}

// StreamFigures returns the figures of a stream that a producer puts into, but for histograms, LaneTime and Shards.
func StreamFigures() []Figure[StreamStats] {
	type s = StreamStats
	figures := []Figure[StreamStats]{
		gauge("buffered.records", unitRecords, "User records that wait for a call.", func(s *s) float64 { return float64(s.Buffered) }),
		gauge("inflight.calls", unitCalls, "PutRecords calls that are out.", func(s *s) float64 { return float64(s.InFlight) }),
		gauge("landed.kinesis_records", unitRecords, "Kinesis records in unexpected shards that are to be judged.",
			func(s *s) float64 { return float64(s.Landed) }),
		gauge("oldest", unitSeconds, "How long the oldest record has waited for a call.", func(s *s) float64 { return s.Oldest.Seconds() }),
		gauge("open_shards", unitShards, "Open shards, 0 if they are not known.", func(s *s) float64 { return float64(len(s.Shards)) }),
		gauge("shards_known", unitRatio, "1 if the shards are known, else 0.", func(s *s) float64 { return truth(s.Mapped) }),
		gauge("service_distributes", unitRatio, "1 if the service chooses the shards of records, else 0.",
			func(s *s) float64 { return truth(s.Auto) }),
		gauge("aggregating", unitRatio, "1 if records are aggregated, else 0.",
			func(s *s) float64 { return truth(s.Aggregation != NoAggregation) }),
		gauge("stopped", unitRatio, "1 while the stream stands still because calls fail, else 0.",
			func(s *s) float64 { return truth(s.Stopped) }),
		counter("stopped.time", unitSeconds, "Time in which the stream stood still because calls failed.",
			func(s *s) float64 { return s.StoppedTime.Seconds() }),
	}
	return append(figures, countFigures(func(s *s) *PutCounts { return &s.PutCounts })...)
}

// ShardFigures returns the figures of a shard that a producer puts into, but for histograms and LaneTime.
func ShardFigures() []Figure[ShardPutStats] {
	type s = ShardPutStats
	figures := []Figure[ShardPutStats]{
		gauge("buffered.records", unitRecords, "User records that wait for a call.", func(s *s) float64 { return float64(s.Buffered) }),
		gauge("buffered.bytes", unitBytes, "What these hold of the buffer.", func(s *s) float64 { return float64(s.BufferedBytes) }),
		gauge("inflight.kinesis_records", unitRecords, "Kinesis records in calls, or to be judged.",
			func(s *s) float64 { return float64(s.InFlight) }),
		gauge("oldest", unitSeconds, "How long the oldest record has waited for a call.", func(s *s) float64 { return s.Oldest.Seconds() }),
		gauge("pace", unitRatio, "To how much of the shard's limits the producer keeps: below 1 after refusals.",
			func(s *s) float64 { return s.Factor }),
	}
	return append(figures, countFigures(func(s *s) *PutCounts { return &s.PutCounts })...)
}

// countFigures are those of PutCounts, which streams and shards have.
func countFigures[T any](of func(*T) *PutCounts) []Figure[T] {
	count := func(name, unit, help string, value func(*PutCounts) uint64) Figure[T] {
		return counter(name, unit, help, func(s *T) float64 { return float64(value(of(s))) })
	}
	return []Figure[T]{
		count("accepted.records", unitRecords, "User records accepted.", func(c *PutCounts) uint64 { return c.Accepted }),
		count("accepted.bytes", unitBytes, "Data and keys of user records accepted.", func(c *PutCounts) uint64 { return c.AcceptedBytes }),
		count("stored.records", unitRecords, "User records stored.", func(c *PutCounts) uint64 { return c.Stored }),
		count("stored.bytes", unitBytes, "Data and keys of user records stored.", func(c *PutCounts) uint64 { return c.StoredBytes }),
		count("recovered.records", unitRecords, "User records stored after failed attempts.", func(c *PutCounts) uint64 { return c.Recovered }),
		count("retried.records", unitRecords, "Times that a user record was to be put again.", func(c *PutCounts) uint64 { return c.Retried }),
		count("failed.records", unitRecords, "User records answered with an error.", func(c *PutCounts) uint64 { return c.Failed }),
		count("kinesis.records", unitRecords, "Kinesis records stored.", func(c *PutCounts) uint64 { return c.Entries }),
		count("kinesis.bytes", unitBytes, "Data and keys of Kinesis records stored.", func(c *PutCounts) uint64 { return c.EntryBytes }),
		count("throttled.kinesis_records", unitRecords, "Kinesis records refused because of a throughput limit.",
			func(c *PutCounts) uint64 { return c.Throttled }),
		count("strayed.kinesis_records", unitRecords, "Kinesis records stored in another shard than expected.",
			func(c *PutCounts) uint64 { return c.Strayed }),
		count("repeated.records", unitRecords, "User records put again because their aggregate was stored in another shard.",
			func(c *PutCounts) uint64 { return c.Repeated }),
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// All returns the states by name, "idle", "gathering", "ready", "limited", "paused" and "held", with the time
// spent in each.
func (t LaneTime) All() iter.Seq2[string, Seconds] {
	return func(yield func(string, Seconds) bool) {
		_ = yield("idle", t.Idle) && yield("gathering", t.Gathering) && yield("ready", t.Ready) &&
			yield("limited", t.Limited) && yield("paused", t.Paused) && yield("held", t.Held)
	}
}
