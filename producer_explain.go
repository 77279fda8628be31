package kin

import (
	"fmt"
	"iter"
	"sync"
	"time"
)

// Limit is what limits the throughput of a [Producer].
type Limit int

// The limits that there are. What to do about them is in Explanation.Text.
const (
	LimitUnknown       Limit = iota // too little happened to say
	LimitCallers                    // nothing waits: whoever puts could put more
	LimitShards                     // the limits of the shards, all of them
	LimitRecords                    // the shards' limit on records a second, with small records
	LimitPartitionKeys              // the limits of a few shards, which get most of the records
	LimitOthers                     // shards refuse records below their limits: others put too
	LimitOrder                      // with Ordered, the round trips
	LimitConnections                // MaxInFlight
	LimitCPU                        // this process makes calls too slowly
	LimitEndpoint                   // calls fail
	LimitBuffer                     // MaxBufferedBytes
)

var limitNames = [...]string{
	"unknown", "callers", "shards", "records", "partition keys", "others", "order", "connections", "cpu", "endpoint", "buffer",
}

// Limits returns all limits that there are, beginning with LimitUnknown.
func Limits() iter.Seq[Limit] {
	return func(yield func(Limit) bool) {
		for i := range limitNames {
			if !yield(Limit(i)) {
				return
			}
		}
	}
}

// String returns the limit in a word or two.
func (l Limit) String() string {
	if l < 0 || int(l) >= len(limitNames) {
		return fmt.Sprintf("Limit(%d)", int(l))
	}
	return limitNames[l]
}

// Explanation says what limited the throughput of a [Producer].
type Explanation struct {
	Limit  Limit
	Stream string    // the one that is limited; empty if all are
	Shards []ShardID // those that are limited, if not all are
	Text   string    // what was seen, and what to do about it, in a sentence or two
}

// Explain returns what has limited the throughput since the last call of Explain, or since the
// producer was made. Callers that would get into each other's way use Stats and
// [ProducerStats.Explain].
func (p *Producer) Explain() Explanation {
	stats := p.Stats()
	p.mu.Lock()
	before := p.explained
	p.explained = stats
	p.mu.Unlock()
	return stats.Explain(before)
}

// Explainer says what limits a producer to whoever asks again and again, in turns that may be short, as several
// scrapers of metrics do. The zero value waits for the first reading of a producer. It is for one producer, and safe for
// concurrent use.
type Explainer struct {
	mu     sync.Mutex    // guards the fields below
	before ProducerStats // the reading from which on the next answer counts
	answer Explanation
}

// explainFor is how far apart two readings must be at least for an Explainer to compare them.
const explainFor = time.Second

// Explain returns what limited the producer between an earlier reading and this one. What was found is
// kept for a second: until then it is returned again.
func (e *Explainer) Explain(now ProducerStats) Explanation {
	e.mu.Lock()
	defer e.mu.Unlock()
	if now.Uptime-e.before.Uptime >= explainFor {
		e.answer = now.Explain(e.before)
		e.before = now
	}
	return e.answer
}

// Shares of a time from which on something is worth a word.
const (
	someTime = 0.2
	mostTime = 0.5
)

// Explain returns what limited the throughput between two readings of a producer's Stats. before may
// be zero: since it was made. A second or more between them makes it sound.
func (s ProducerStats) Explain(before ProducerStats) Explanation {
	span := span{length: s.Uptime - before.Uptime, after: &s, before: &before}
	if span.length <= 0 {
		return Explanation{Limit: LimitUnknown, Text: "no time has passed"}
	}
	var busiest readings
	var most Seconds
	for i := range s.Streams {
		stream := readingsOf(&s.Streams[i], before.stream(i, s.Streams[i].Stream))
		if span.fails(&stream) {
			return Explanation{
				Limit: LimitEndpoint, Stream: stream.now.Stream,
				Text: "Calls fail as a whole or hang, and all wait between attempts: the errors are in the log and in PutCallInfo.Err.",
			}
		}
		if held := stream.held(); held > most {
			busiest, most = stream, held
		}
	}
	if share(most, span.length) > someTime {
		return span.explain(&busiest)
	}
	if s.Waiting > 0 || share(s.BlockedTime-before.BlockedTime, span.length) > someTime {
		return Explanation{
			Limit: LimitBuffer,
			Text: fmt.Sprintf("Puts wait for room, although shards and calls have some: raise MaxBufferedBytes (%d), or see what callbacks wait for.",
				s.MaxBufferedBytes),
		}
	}
	return Explanation{Limit: LimitCallers, Text: "Nothing waits but for Linger: more can be put, from more goroutines or with PutAsync."}
}

// stream returns the figures of a stream, or none. It has place i in a later reading, and had it before as a rule.
func (s *ProducerStats) stream(i int, name string) *StreamStats {
	if i < len(s.Streams) && s.Streams[i].Stream == name {
		return &s.Streams[i]
	}
	for i := range s.Streams {
		if s.Streams[i].Stream == name {
			return &s.Streams[i]
		}
	}
	return &StreamStats{}
}

func share(part Seconds, whole time.Duration) float64 { return float64(part) / whole.Seconds() }

// span is the time between two readings.
type span struct {
	length        time.Duration
	after, before *ProducerStats
}

// readings are two readings of one stream.
type readings struct {
	now, was *StreamStats
	shards   []*ShardPutStats // the reading before of each of now.Shards; of new ones it is zero
}

// readingsOf takes one look at each shard: streams may have ten thousand.
func readingsOf(now, was *StreamStats) readings {
	r := readings{now: now, was: was, shards: make([]*ShardPutStats, len(now.Shards))}
	var known map[ShardID]*ShardPutStats // made if shards have been split or merged in between
	for i := range now.Shards {
		id := now.Shards[i].ShardID
		if i < len(was.Shards) && was.Shards[i].ShardID == id {
			r.shards[i] = &was.Shards[i]
			continue
		}
		if known == nil {
			known = make(map[ShardID]*ShardPutStats, len(was.Shards))
			for j := range was.Shards {
				known[was.Shards[j].ShardID] = &was.Shards[j]
			}
		}
		if r.shards[i] = known[id]; r.shards[i] == nil {
			r.shards[i] = &ShardPutStats{}
		}
	}
	return r
}

// shard returns what shard i spent its time with.
func (r *readings) shard(i int) LaneTime { return r.now.Shards[i].LaneTime.since(r.shards[i].LaneTime) }

// held is the most that a shard of the stream was held up, by anything but Linger.
func (r *readings) held() (most Seconds) {
	if !r.now.Mapped {
		t := r.now.LaneTime.since(r.was.LaneTime)
		return t.busy() - t.Gathering // of many parts together
	}
	for i := range r.now.Shards {
		t := r.shard(i)
		most = max(most, t.busy()-t.Gathering)
	}
	return most
}

// fails says whether it is the endpoint that holds up a stream. One that refuses a call now and then does not, if
// the shards get most of what they take.
func (p *span) fails(r *readings) bool {
	now, was := r.now, r.was
	stopped := share(Seconds((now.StoppedTime - was.StoppedTime).Seconds()), p.length)
	if now.Entries == was.Entries {
		hangs := now.Throttled == was.Throttled && now.InFlight > 0 && share(r.held(), p.length) > someTime
		return now.Stopped || stopped > someTime || hangs
	}
	var bytes, records float64
	for i := range now.Shards {
		old := r.shards[i]
		bytes += p.used(now.Shards[i].EntryBytes-old.EntryBytes, p.after.ShardBytesPerSecond)
		records += p.used(now.Shards[i].Entries-old.Entries, p.after.ShardRecordsPerSecond)
	}
	return stopped >= mostTime || stopped > someTime && max(bytes, records) < 0.8*float64(len(now.Shards))
}

// explain says what holds up a stream of which something is held up.
func (p *span) explain(r *readings) Explanation {
	now, was := r.now, r.was
	t := now.LaneTime.since(was.LaneTime)
	e := Explanation{Stream: now.Stream}
	switch most := max(t.Ready, t.Limited+t.Paused, t.Held); {
	case most == t.Held:
		e.Limit = LimitOrder
		e.Text = "Records wait for others of their key or shard, as Ordered wants it: aggregate by shard, " +
			"which keeps order at the price of one call at a time for each shard, or add shards."
		if now.Aggregation == AggregateByShard {
			e.Text = "Each shard has one call at a time, as Ordered wants it: add shards, or be nearer to the endpoint."
		}
	case most == t.Ready && share(Seconds((p.after.FullTime-p.before.FullTime).Seconds()), p.length) > mostTime:
		e.Limit = LimitConnections
		e.Text = fmt.Sprintf("All %d calls are out most of the time: raise MaxInFlight, and the connections of the HTTP client with it "+
			"(MaxIdleConnsPerHost).", p.after.MaxInFlight)
	case most == t.Ready:
		e.Limit = LimitCPU
		e.Text = "Calls could be made that are not: this process has too little processor time, or its callbacks take it."
	case !now.Mapped:
		e.Limit = LimitShards
		e.Text = fmt.Sprintf("Shards refuse records, %d in this time, and it is not known which: add shards, or spread the partition keys.",
			now.Throttled-was.Throttled)
		if now.ViewErr != nil {
			e.Text += " Why shards are not known: " + now.ViewErr.Error() + "."
		}
	default:
		p.explainShards(&e, r)
	}
	return e
}

// explainShards says why the shards of a stream take no more.
func (p *span) explainShards(e *Explanation, r *readings) {
	now := r.now
	var limited, factors, fullBytes, fullRecords float64
	for i := range now.Shards {
		shard, t := &now.Shards[i], r.shard(i)
		if share(t.Limited+t.Paused, p.length) < mostTime {
			continue
		}
		old := r.shards[i]
		e.Shards = append(e.Shards, shard.ShardID)
		limited++
		factors += shard.Factor
		fullBytes += p.used(shard.EntryBytes-old.EntryBytes, p.after.ShardBytesPerSecond)
		fullRecords += p.used(shard.Entries-old.Entries, p.after.ShardRecordsPerSecond)
	}
	all := len(now.Shards)
	switch {
	case limited == 0:
		e.Limit, e.Text = LimitShards, "Shards pause after refusals, by turns: several producers put, or records are of very different sizes."
	case factors/limited < 0.8 && max(fullBytes, fullRecords)/limited < 0.8:
		e.Limit = LimitOthers
		e.Text = fmt.Sprintf("Shards refuse records while this producer uses %.0f %% of their limits: others put too. Add shards.",
			100*max(fullBytes, fullRecords)/limited)
	case all >= 4 && int(limited) <= all/4:
		e.Limit = LimitPartitionKeys
		e.Text = fmt.Sprintf("%.0f of %d shards are at their limits and the others are not: spread the partition keys, or split those shards.",
			limited, all)
	case fullRecords > fullBytes && fullBytes/limited < mostTime && now.Aggregation == NoAggregation:
		e.Limit = LimitRecords
		e.Text = fmt.Sprintf("Shards are at their limit of %d records a second, with %.0f %% of their bytes: set Aggregation, if consumers can unpack.",
			p.after.ShardRecordsPerSecond, 100*fullBytes/limited)
	default:
		e.Limit = LimitShards
		e.Text = fmt.Sprintf("%.0f of %d shards are at their limits: add shards.", limited, all)
	}
	if int(limited) == all {
		e.Shards = nil
	}
}

// used returns which part of a limit per second was used.
func (p *span) used(n uint64, limit int) float64 {
	if limit <= 0 {
		return 0
	}
	return float64(n) / (float64(limit) * p.length.Seconds())
}
