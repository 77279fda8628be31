package kin

import (
	"math/bits"
	"slices"
	"time"
)

// OwnedShard is how a shard is doing that this worker reads.
type OwnedShard struct {
	// LeaseInfo says what shard it is. Its Position is the one up to which all records are
	// acknowledged.
	LeaseInfo

	// Since is when this worker began to read the shard.
	Since time.Time

	// Lag is how far behind the tip of the shard the newest page was when it was fetched; -1 if
	// that is not known.
	Lag time.Duration

	// Records and Bytes were acknowledged: user records, and their data and partition keys.
	// Bytes counts a batch when all of it is acknowledged.
	Records, Bytes int64

	// Bad, OutOfRange and Skipped are how many user records could not be unpacked, how many
	// belong to another shard, and how many were passed over because the handler failed.
	Bad, OutOfRange, Skipped int64

	// Unacked is how many records are delivered, or wait in lanes, and are not acknowledged.
	Unacked int

	// Failures is how many calls of Kinesis have failed in a row, and Err why the last one did.
	Failures int
	Err      error

	// HandlerFailures is how often in a row the handler has failed, and HandlerErr why it did
	// the last time.
	HandlerFailures int
	HandlerErr      error

	// StuckSince is since when nothing has moved although something should: calls fail, or
	// there are records that are not acknowledged. It is zero if neither is the case.
	StuckSince time.Time

	// Stopping says that the shard is being given up, and waits for what is not acknowledged.
	Stopping bool
}

// shardStatus is what a shardRun notes for OwnedShard, guarded by its mu.
type shardStatus struct {
	since, movedAt           time.Time
	lag                      time.Duration
	records, bytes           int64
	bad, outOfRange, skipped int64

	failures int
	failing  time.Time // since when
	err      error

	handlerFailures int
	handlerErr      error

	fetched  int64 // bytes since measured
	measured time.Time
	load     int
}

// Shards returns how each shard that this worker reads is doing, in the order of streams and
// IDs. A shard whose StuckSince is long ago needs somebody to look at it. It returns nil before
// and after Run.
func (c *Consumer) Shards() []OwnedShard {
	run := c.run.Load()
	if run == nil {
		return nil
	}
	shards := run.all()
	slices.SortFunc(shards, func(a, b *shardRun) int { return a.lease.Compare(b.lease.Key) })
	owned := make([]OwnedShard, len(shards))
	for i, s := range shards {
		owned[i] = s.owned()
	}
	return owned
}

func (s *shardRun) owned() OwnedShard {
	info := s.info(NotStopped)
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.status
	o := OwnedShard{
		LeaseInfo: info, Since: st.since, Lag: st.lag, Records: st.records, Bytes: st.bytes,
		Bad: st.bad, OutOfRange: st.outOfRange, Skipped: st.skipped, Unacked: s.mark.Unacked(),
		Failures: st.failures, Err: st.err, HandlerFailures: st.handlerFailures, HandlerErr: st.handlerErr,
		Stopping: s.stopped,
	}
	if o.Unacked > 0 {
		o.StuckSince = st.movedAt
	}
	if st.failures > 0 && (o.StuckSince.IsZero() || st.failing.Before(o.StuckSince)) {
		o.StuckSince = st.failing
	}
	return o
}

// measure returns the load of the shard as [lease.Lease] counts it, from what came since the
// last time. It changes only if the rate is clearly another one, because others are told of
// each change.
func (s *shardStatus) measure(now time.Time) int {
	const enough = time.Minute
	if s.measured.IsZero() {
		s.measured = s.since
	}
	took := now.Sub(s.measured)
	if took < enough {
		return s.load
	}
	rate := float64(s.fetched) / 1024 / took.Seconds()
	low, high := bits.Len(uint(rate*0.75)), bits.Len(uint(rate*1.33))
	s.load = min(max(s.load, low), high)
	s.fetched, s.measured = 0, now
	return s.load
}
