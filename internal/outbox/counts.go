package outbox

import "time"

// Counts is what happened so far.
type Counts struct {
	Accepted, AcceptedBytes uint64 // user records
	Stored, StoredBytes     uint64 // user records
	Recovered               uint64 // of the stored, those with failed attempts before
	Retried                 uint64 // times that a user record was put back after an attempt
	Failed                  uint64 // user records answered with an error

	Entries, EntryBytes uint64 // Kinesis records stored; data and partition keys
	Throttled           uint64 // Kinesis records refused because of a throughput limit
	Strayed             uint64 // Kinesis records stored in another shard than predicted
	Repeated            uint64 // user records put again for that
}

func (c *Counts) add(o *Counts) {
	c.Accepted += o.Accepted
	c.AcceptedBytes += o.AcceptedBytes
	c.Stored += o.Stored
	c.StoredBytes += o.StoredBytes
	c.Recovered += o.Recovered
	c.Retried += o.Retried
	c.Failed += o.Failed
	c.Entries += o.Entries
	c.EntryBytes += o.EntryBytes
	c.Throttled += o.Throttled
	c.Strayed += o.Strayed
	c.Repeated += o.Repeated
}

// spentByAll is the time that many lanes have spent in each state, in microseconds: nanoseconds of ten thousand lanes
// would overflow within days, and a float would fall when lanes retire, as the order of what it adds up changes then.
type spentByAll [states]int64

func (s *spentByAll) add(lane *[states]time.Duration) {
	for state, spent := range lane {
		s[state] += spent.Microseconds()
	}
}

// LaneStats is one lane: an open shard, or a part of the hash keys of a stream whose
// shards are not known.
type LaneStats struct {
	Shard Shard // ID is empty if it is not known
	Counts

	Queued, QueuedBytes int           // user records that wait, and what they cost
	Unsettled           int           // Kinesis records in flight, or landed elsewhere
	Factor              float64       // of the full rate, from adapting to refusals
	State               State         // now
	Oldest              time.Duration // how long the oldest record has waited
	Spent               [states]time.Duration

	times *times
}

// Times returns how long items of the lane took, as of now. The caller needs not have the lock, and should not: there
// may be thousands of lanes.
func (l *LaneStats) Times() Times { return l.times.read() }

// Stats is an Outbox seen from outside.
type Stats struct {
	Counts            // of all lanes, those that are retired included
	Mapped       bool // the shards are known
	Aggregation  Aggregation
	Distribution Distribution
	Queued       int
	Calls        int
	Landed       int           // Kinesis records that wait for their judgement
	StoppedUntil time.Duration // the stream stands still until then, since calls fail
	Stopped      time.Duration // how long it has stood still, in sum
	Spent        spentByAll    // by all lanes, those that are retired included
	Times                      // of all items
	Lanes        []LaneStats   // by hash key
}

// Stats returns figures. It looks at every lane.
func (o *Outbox[T]) Stats(now time.Duration) Stats {
	now = o.space.tick(now)
	s := Stats{
		Counts: o.past, Mapped: !o.table.virtual, Aggregation: o.packing, Distribution: o.view.Distribution,
		Queued: o.queued, Calls: o.calls, Landed: len(o.landed),
		StoppedUntil: o.stoppedUntil, Stopped: o.stopped, Spent: o.pastSpent, Times: o.times.read(),
		Lanes: make([]LaneStats, len(o.lanes)),
	}
	for i, l := range o.lanes {
		s.add(&l.counts)
		at := LaneStats{
			Shard: l.shard, Counts: l.counts, Queued: l.queue.n, QueuedBytes: l.cost, Unsettled: l.inflight,
			Factor: l.pace.factor, State: l.state, Spent: l.spent, times: &l.times,
		}
		at.Spent[l.state] += now - l.since
		s.Spent.add(&at.Spent)
		if l.queue.n > 0 {
			at.Oldest = now - l.queue.oldest().accepted
		}
		s.Lanes[i] = at
	}
	return s
}
