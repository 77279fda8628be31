package kin

import (
	"cmp"
	"slices"
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

// ProducerStats is how a [Producer] is doing: figures that only grow, since it was made, and what is
// true now.
type ProducerStats struct {
	// Uptime is the age of the producer. Figures of two readings, less each other, belong to
	// the difference of their Uptimes.
	Uptime time.Duration

	BufferedBytes    int // now, as MaxBufferedBytes counts
	MaxBufferedBytes int
	Unanswered       int // user records now, accepted and not answered
	InFlight         int // PutRecords calls now
	MaxInFlight      int
	Waiting          int // Puts now that wait for room

	Blocked     uint64        // Puts that had to wait for room, or still do
	BlockedTime Seconds       // how long those that are over have waited, in sum
	FullTime    time.Duration // how long MaxInFlight calls were out

	// What one shard takes, as configured. -1 means no limit.
	ShardBytesPerSecond, ShardRecordsPerSecond int

	Streams []StreamStats // ProducerConfig.Stream, and then others in the order of their first records
}

// StreamStats is how a [Producer] is doing with one stream. PutCounts, LaneTime and the histograms only grow, through
// reshards too; what is marked as now may fall. Figures of shards begin at 0 when a shard opens, and again when the stream comes to
// be known anew, after a time in which its shards were not; what was counted for a shard that closed stays in those of the stream.
type StreamStats struct {
	Stream string
	PutCounts

	// Mapped says that the shards are known. If not, ViewErr may say why.
	Mapped bool

	// Auto says that the service chooses the shards: there is no order, and nothing is aggregated.
	Auto bool

	// Aggregation is what is aggregated now: ProducerConfig.Aggregation, or NoAggregation while that
	// is not possible.
	Aggregation Aggregation

	// ViewErr is why the shards, or how the stream chooses them, can't be found out, or could not the last
	// time: then what was known before still counts. Nil if they can, or if that was not tried yet.
	ViewErr error

	Buffered int // user records now that wait for a call
	InFlight int // PutRecords calls now
	Landed   int // Kinesis records now that lie in an unexpected shard and are to be judged

	// StoppedTime is how long the stream stood still because calls failed as a whole. Stopped
	// says that it does now.
	StoppedTime time.Duration
	Stopped     bool

	// LaneTime is the time that all shards together, or parts of a stream whose shards are not
	// known, have spent in each state, those that are closed by now included.
	LaneTime LaneTime

	Oldest time.Duration // how long the oldest record has waited for a call

	// TimeInBuffer is from the acceptance of a record to its first call, Delay from its acceptance to
	// its answer, which is what a Put sees of a record that found room at once.
	TimeInBuffer, Delay Histogram

	// Shards are those that are open, by hash key. Nil if they are not known.
	Shards []ShardPutStats
}

// PutCounts is what became of records.
type PutCounts struct {
	Accepted, AcceptedBytes uint64 // user records
	Stored, StoredBytes     uint64 // user records
	Recovered               uint64 // of the stored, those with failed attempts before
	Retried                 uint64 // times that a user record was to be put again
	Failed                  uint64 // user records answered with an error

	Entries, EntryBytes uint64 // Kinesis records stored, by which the service counts
	Throttled           uint64 // Kinesis records refused because of a throughput limit
	Strayed             uint64 // Kinesis records stored in another shard than expected
	Repeated            uint64 // user records put again for that
}

// ShardPutStats is how a [Producer] is doing with one open shard.
type ShardPutStats struct {
	ShardID ShardID
	PutCounts

	Buffered, BufferedBytes int           // user records now that wait for a call
	InFlight                int           // Kinesis records now, in calls or to be judged
	Factor                  float64       // of the shard's limits, to which the producer keeps now: below 1 after refusals
	Oldest                  time.Duration // how long the oldest record has waited
	LaneTime                LaneTime      // in each state

	// TimeInBuffer and Delay are those of StreamStats, for the records of this shard. Delay has all that were
	// answered: Stored and Failed.
	TimeInBuffer, Delay Histogram
}

// LaneTime is time by what held up the records of a shard while it had some: Idle is when it had none.
type LaneTime struct {
	Idle      Seconds
	Gathering Seconds // more records, until Linger was over
	Ready     Seconds // a call
	Limited   Seconds // the shard's limits
	Paused    Seconds // the pause after failures
	Held      Seconds // with Ordered: the end of what was in flight
}

// Fill returns how many user records a Kinesis record had, on average. 0 if none was stored.
func (c *PutCounts) Fill() float64 {
	if c.Entries == 0 {
		return 0
	}
	return float64(c.Stored) / float64(c.Entries)
}

// Busiest returns the shards that were given the most bytes, at most so many, the busiest first. They are those
// of s.Shards, not copies.
func (s *StreamStats) Busiest(most int) []*ShardPutStats {
	shards := make([]*ShardPutStats, len(s.Shards))
	for i := range s.Shards {
		shards[i] = &s.Shards[i]
	}
	slices.SortStableFunc(shards, func(a, b *ShardPutStats) int { return cmp.Compare(b.AcceptedBytes, a.AcceptedBytes) })
	return shards[:max(0, min(most, len(shards)))]
}

// Stats returns how the producer is doing. It looks at every shard, with the lock held that each Put
// needs: not for each record.
func (p *Producer) Stats() ProducerStats {
	now := p.now()
	p.mu.Lock()
	g := p.space.Gauges()
	stats := ProducerStats{
		Uptime: now, BufferedBytes: g.Bytes, MaxBufferedBytes: p.cfg.MaxBufferedBytes, Unanswered: g.Unanswered,
		InFlight: g.Calls, MaxInFlight: p.cfg.MaxInFlight, Waiting: g.Waiting,
		ShardBytesPerSecond: p.cfg.ShardBytesPerSecond, ShardRecordsPerSecond: p.cfg.ShardRecordsPerSecond,
		Blocked: p.use.blocked, BlockedTime: p.use.blockedTime, FullTime: p.use.fullTime(now),
	}
	streams := p.order
	engines := make([]outbox.Stats, len(streams))
	views := make([]streamView, len(streams))
	for i, s := range streams {
		engines[i], views[i] = s.box.Stats(now), s.seen
	}
	p.mu.Unlock()
	for i, s := range streams {
		stats.Streams = append(stats.Streams, s.stats(&engines[i], &views[i], now))
	}
	return stats
}

func (s *putStream) stats(e *outbox.Stats, view *streamView, now time.Duration) StreamStats {
	stats := StreamStats{
		Stream: s.name, PutCounts: PutCounts(e.Counts),
		Mapped: e.Mapped, Auto: e.Distribution == outbox.Auto, Aggregation: Aggregation(e.Aggregation), ViewErr: view.err(),
		Buffered: e.Queued, InFlight: e.Calls, Landed: e.Landed, StoppedTime: e.Stopped, Stopped: e.StoppedUntil > now,
		LaneTime: laneTime(e.Spent[:], time.Microsecond), TimeInBuffer: histogramOf(&e.Buffer), Delay: histogramOf(&e.Delay),
	}
	if stats.Stopped {
		stats.StoppedTime -= e.StoppedUntil - now
	}
	if e.Mapped {
		stats.Shards = make([]ShardPutStats, 0, len(e.Lanes))
	}
	for i := range e.Lanes {
		l := &e.Lanes[i]
		stats.Oldest = max(stats.Oldest, l.Oldest)
		if !e.Mapped {
			continue
		}
		times := l.Times()
		stats.Shards = append(stats.Shards, ShardPutStats{
			ShardID: ShardID(l.Shard.ID), PutCounts: PutCounts(l.Counts), Buffered: l.Queued, BufferedBytes: l.QueuedBytes,
			InFlight: l.Unsettled, Factor: l.Factor, Oldest: l.Oldest, LaneTime: laneTime(l.Spent[:], time.Nanosecond),
			TimeInBuffer: histogramOf(&times.Buffer), Delay: histogramOf(&times.Delay),
		})
	}
	return stats
}

// err returns why less is known of a stream than could be.
func (v *streamView) err() error {
	return cmp.Or(v.failing, v.listing, v.describing)
}

// laneTime returns what was spent in each state, counted in a unit.
func laneTime[T ~int64](spent []T, unit time.Duration) LaneTime {
	in := func(state outbox.State) Seconds { return Seconds(float64(spent[state]) / float64(time.Second/unit)) }
	return LaneTime{
		Idle: in(outbox.Idle), Gathering: in(outbox.Gathering), Ready: in(outbox.Ready),
		Limited: in(outbox.Limited), Paused: in(outbox.Paused), Held: in(outbox.Held),
	}
}

// since returns what came since an earlier reading, and never less than nothing.
func (t LaneTime) since(o LaneTime) LaneTime {
	return LaneTime{
		Idle: max(0, t.Idle-o.Idle), Gathering: max(0, t.Gathering-o.Gathering), Ready: max(0, t.Ready-o.Ready),
		Limited: max(0, t.Limited-o.Limited), Paused: max(0, t.Paused-o.Paused), Held: max(0, t.Held-o.Held),
	}
}

// busy is the time with records to send, whatever held them up.
func (t *LaneTime) busy() Seconds { return t.Gathering + t.Ready + t.Limited + t.Paused + t.Held }
