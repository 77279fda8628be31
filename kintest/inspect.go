package kintest

import (
	"slices"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/kintest/internal/shardlog"
)

// ShardInfo is a shard as [Server.Shards] sees it.
type ShardInfo struct {
	ID              string
	Parents         []string // none, the one that was split, or the two that were merged
	StartingHashKey string   // decimal, inclusive
	EndingHashKey   string   // decimal, inclusive
	Created         time.Time
	Closed          time.Time // zero while the shard is open
	Open            bool
	Records         int64    // held now
	Bytes           int64    // held now, keys included
	Reads           int64    // calls of GetRecords that were served
	Readers         []string // names of the consumers that are subscribed now, sorted
}

// Shards returns the shards of a stream in the order of their IDs, open and closed,
// also those that have expired. It returns nil if there is no such stream.
func (s *Server) Shards(stream string) []ShardInfo {
	now := time.Now()
	st, state := s.stream(s.key(stream), now)
	if st == nil {
		return nil
	}
	out := make([]ShardInfo, len(state.shards))
	for i, sh := range state.shards {
		sh.log.Trim(state.horizon(now).UnixMilli())
		info := sh.log.Info()
		out[i] = ShardInfo{
			ID:              sh.id,
			Parents:         slices.Clone(sh.parents),
			StartingHashKey: sh.keys.Start.String(),
			EndingHashKey:   sh.keys.End.String(),
			Created:         sh.createdAt,
			Open:            sh.end == nil,
			Records:         info.Records,
			Bytes:           info.Bytes,
			Reads:           sh.reads.Load(),
			Readers:         state.readers(sh),
		}
		if sh.end != nil {
			out[i].Closed = sh.end.at
		}
	}
	return out
}

// readers returns the names of the consumers that are subscribed to a shard.
func (s *streamState) readers(sh *shard) (names []string) {
	for _, con := range s.consumers {
		con.seats.mu.Lock()
		if at := con.seats.taken[sh.index]; at != nil && at.by != nil {
			names = append(names, con.name)
		}
		con.seats.mu.Unlock()
	}
	return names
}

// ShardFor returns the ID of the open shard that owns a partition key now, or ""
// if there is no such stream.
func (s *Server) ShardFor(stream, partitionKey string) string {
	st, state := s.stream(s.key(stream), time.Now())
	if st == nil {
		return ""
	}
	return state.route(hashkey.Of(partitionKey)).id
}

// Records returns all records that a stream holds, shard by shard in the order of
// the shards' IDs, and within a shard in the order of their sequence numbers. The
// data is not copied: do not change it.
func (s *Server) Records(stream string) []Placed {
	now := time.Now()
	st, state := s.stream(s.key(stream), now)
	if st == nil {
		return nil
	}
	var out []Placed
	var page shardlog.Page
	for _, sh := range state.shards {
		sh.log.Trim(state.horizon(now).UnixMilli())
		tip := sh.log.Tip()
		for page.Next = 0; page.Next < tip; {
			page = sh.log.Read(page.Next, page.Records[:0], maxGetRecords, maxGetBytes)
			for i := range page.Records {
				out = append(out, placedAt(sh, &page.Records[i]))
			}
		}
	}
	return out
}

func placedAt(sh *shard, r *shardlog.Record) Placed {
	return Placed{
		ShardID:         sh.id,
		SequenceNumber:  r.Seq.String(),
		PartitionKey:    string(r.Key),
		ExplicitHashKey: string(r.HashKey),
		Data:            r.Data,
		ArrivalTime:     time.UnixMilli(r.Arrival),
	}
}

// ExpireIterators makes every iterator of a stream that was given out so far an
// expired one.
func (s *Server) ExpireIterators(stream string) {
	if st, _ := s.stream(s.key(stream), time.Now()); st != nil {
		st.generation.Add(1)
	}
}

// EndSubscriptions ends every subscription to the shards of a stream, as the service
// does after 5 minutes: without an error. It may be subscribed to again at once.
func (s *Server) EndSubscriptions(stream string) {
	st, state := s.stream(s.key(stream), time.Now())
	if st == nil {
		return
	}
	for _, con := range state.consumers {
		con.endAll(nil, false)
		con.freeSeats()
	}
}

// freeSeats makes all shards free for the consumer's next subscription.
func (con *consumer) freeSeats() {
	con.seats.mu.Lock()
	defer con.seats.mu.Unlock()
	for _, at := range con.seats.taken {
		at.since = time.Time{}
	}
}

// Stats is what a server holds.
type Stats struct {
	Streams        int
	OpenShards     int
	Shards         int   // open and closed
	Records        int64 // held now
	Bytes          int64 // held now: data, partition keys and explicit hash keys
	DroppedRecords int64 // by Config.MaxBytes, since the start
	DroppedBytes   int64
	Subscriptions  int // open now
}

// Stats counts what the server holds, in all accounts and regions. It looks at every
// shard.
func (s *Server) Stats() Stats {
	now := time.Now()
	var out Stats
	for _, st := range s.streams() {
		state := st.at(now)
		if state == nil {
			continue
		}
		out.Streams++
		out.OpenShards += len(state.open)
		out.Shards += len(state.shards)
		for _, sh := range state.shards {
			info := sh.log.Info()
			out.Records += info.Records
			out.Bytes += info.Bytes
		}
		for _, con := range state.consumers {
			out.Subscriptions += con.seats.count()
		}
	}
	if s.budget != nil {
		out.DroppedRecords, out.DroppedBytes = s.budget.Dropped()
	}
	return out
}

// count is how many subscriptions sit.
func (s *seats) count() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.taken {
		if at.by != nil {
			n++
		}
	}
	return n
}
