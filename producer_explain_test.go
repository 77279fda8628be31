package kin_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin"
)

// tenSeconds are the figures of a producer that was made ten seconds ago, with four shards that
// spent them with the times of lanes.
func tenSeconds(lanes ...kin.LaneTime) kin.ProducerStats {
	s := kin.StreamStats{Stream: "orders", Mapped: true}
	for i, t := range lanes {
		shard := kin.ShardPutStats{ShardID: kin.ShardID(rune('a' + i)), Factor: 1, LaneTime: t}
		shard.Entries, shard.EntryBytes = 9_000, 10<<20
		s.Shards = append(s.Shards, shard)
		s.LaneTime.Idle += t.Idle
		s.LaneTime.Gathering += t.Gathering
		s.LaneTime.Ready += t.Ready
		s.LaneTime.Limited += t.Limited
		s.LaneTime.Paused += t.Paused
		s.LaneTime.Held += t.Held
	}
	return kin.ProducerStats{
		Uptime: 10 * time.Second, MaxInFlight: 8, MaxBufferedBytes: 64 << 20, ShardBytesPerSecond: 1 << 20, ShardRecordsPerSecond: 1000,
		Streams: []kin.StreamStats{s},
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	const all = 10 // seconds
	idle, limited := kin.LaneTime{Idle: all}, kin.LaneTime{Limited: all}
	for name, tt := range map[string]struct {
		stats  kin.ProducerStats
		change func(*kin.ProducerStats)
		want   kin.Limit
		shards string // IDs, one after the other
		text   string // in the text
	}{
		"callers, if nothing waits":             {tenSeconds(idle, idle, idle, idle), nil, kin.LimitCallers, "", "PutAsync"},
		"callers, if records wait for others":   {tenSeconds(kin.LaneTime{Gathering: all}, idle, idle, idle), nil, kin.LimitCallers, "", ""},
		"shards, if all are at their limits":    {tenSeconds(limited, limited, limited, limited), nil, kin.LimitShards, "", "4 of 4"},
		"shards, if half are":                   {tenSeconds(limited, limited, idle, idle), nil, kin.LimitShards, "ab", "2 of 4"},
		"partition keys, if few shards are":     {tenSeconds(idle, idle, limited, idle), nil, kin.LimitPartitionKeys, "c", "1 of 4"},
		"order, if shards wait for their calls": {tenSeconds(kin.LaneTime{Held: all}, idle, idle, idle), nil, kin.LimitOrder, "", "aggregate by shard"},
		"records, if they are small": {tenSeconds(limited, limited, limited, limited), func(s *kin.ProducerStats) {
			for i := range s.Streams[0].Shards {
				s.Streams[0].Shards[i].EntryBytes = 1 << 20
			}
		}, kin.LimitRecords, "", "set Aggregation"},
		"shards, if small records are aggregated already": {tenSeconds(limited, limited, limited, limited), func(s *kin.ProducerStats) {
			s.Streams[0].Aggregation = kin.AggregateByShard
			for i := range s.Streams[0].Shards {
				s.Streams[0].Shards[i].EntryBytes = 1 << 20
			}
		}, kin.LimitShards, "", "add shards"},
		"others, if shards refuse below their limits": {tenSeconds(limited, limited, limited, limited), func(s *kin.ProducerStats) {
			for i := range s.Streams[0].Shards {
				shard := &s.Streams[0].Shards[i]
				shard.Factor, shard.Entries, shard.EntryBytes = 0.4, 4_000, 4<<20
			}
		}, kin.LimitOthers, "", "40 %"},
		"connections, if all calls are out": {tenSeconds(kin.LaneTime{Ready: all}, idle, idle, idle), func(s *kin.ProducerStats) {
			s.FullTime = 9 * time.Second
		}, kin.LimitConnections, "", "MaxInFlight"},
		"the processor, if calls could be made": {tenSeconds(kin.LaneTime{Ready: all}, idle, idle, idle), nil, kin.LimitCPU, "", "processor"},
		"the endpoint, if calls fail": {tenSeconds(limited, limited, limited, limited), func(s *kin.ProducerStats) {
			s.Streams[0].StoppedTime = 5 * time.Second
		}, kin.LimitEndpoint, "", "PutCallInfo.Err"},
		"the buffer, if only that is full": {tenSeconds(idle, idle, idle, idle), func(s *kin.ProducerStats) { s.Waiting = 3 }, kin.LimitBuffer, "", "MaxBufferedBytes"},
		"shards, if they refuse and are not known": {tenSeconds(kin.LaneTime{Paused: all}), func(s *kin.ProducerStats) {
			at := &s.Streams[0]
			at.Mapped, at.Shards, at.ViewErr, at.Throttled = false, nil, errors.New("no access"), 17
		}, kin.LimitShards, "", "no access"},
		"nothing, if no time has passed": {kin.ProducerStats{}, nil, kin.LimitUnknown, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.change != nil {
				tt.change(&tt.stats)
			}
			got := tt.stats.Explain(kin.ProducerStats{})
			var shards strings.Builder
			for _, id := range got.Shards {
				shards.WriteString(string(id))
			}
			if got.Limit != tt.want || shards.String() != tt.shards || !strings.Contains(got.Text, tt.text) {
				t.Errorf("explanation = %v of shards %q, want %v of %q with %q: %s", got.Limit, shards.String(), tt.want, tt.shards, tt.text, got.Text)
			}
			// What was before the first reading does not count.
			if after := tt.stats; after.Uptime > 0 {
				later := after
				later.Uptime += 10 * time.Second
				if got := later.Explain(after); got.Limit != kin.LimitCallers && got.Limit != kin.LimitBuffer {
					t.Errorf("explanation of ten quiet seconds = %v, want callers: %s", got.Limit, got.Text)
				}
			}
		})
	}
}

// TestExplainAcrossAReshard has a shard split between two readings: the later ones have other places then.
func TestExplainAcrossAReshard(t *testing.T) {
	t.Parallel()
	const all = 10 // seconds
	idle, limited := kin.LaneTime{Idle: all}, kin.LaneTime{Limited: all}
	before := tenSeconds(limited, limited, limited, limited)
	after := tenSeconds(idle, idle, limited, limited, limited)
	for i, id := range []kin.ShardID{"new", "newer", "b", "c", "d"} {
		after.Streams[0].Shards[i].ShardID = id
	}
	after.Uptime += all * time.Second
	if got := after.Explain(before); got.Limit != kin.LimitCallers {
		t.Errorf("limit of shards that were limited only before = %v, want callers: %s", got.Limit, got.Text)
	}
	after.Streams[0].Shards[1].LaneTime = limited
	after.Streams[0].LaneTime.Limited = before.Streams[0].LaneTime.Limited + all // it has all that ever were
	if got := after.Explain(before); got.Limit != kin.LimitPartitionKeys || len(got.Shards) != 1 || got.Shards[0] != "newer" {
		t.Errorf("explanation = %v of %v, want partition keys of the shard that is newer: %s", got.Limit, got.Shards, got.Text)
	}
}

// TestExplainAfterYears has readings of a producer that many have kept busy for years: their times add up to more than
// a time.Duration holds, and what they differ by is still seen.
func TestExplainAfterYears(t *testing.T) {
	t.Parallel()
	const years, all = kin.Seconds(3e12), kin.Seconds(10) // 100,000 years
	for want, now := range map[kin.Limit]struct{ ready, held, blocked kin.Seconds }{
		kin.LimitCPU: {ready: all}, kin.LimitOrder: {held: all}, kin.LimitBuffer: {blocked: all}, kin.LimitCallers: {},
	} {
		before, after := tenSeconds(kin.LaneTime{}), tenSeconds(kin.LaneTime{Ready: now.ready, Held: now.held})
		after.Uptime += before.Uptime
		for _, s := range []*kin.ProducerStats{&before, &after} {
			s.BlockedTime += years
			of := &s.Streams[0].LaneTime
			of.Ready, of.Held, of.Idle = of.Ready+years, of.Held+years, of.Idle+years
		}
		after.BlockedTime += now.blocked
		if got := after.Explain(before); got.Limit != want {
			t.Errorf("limit = %v, want %v: %s", got.Limit, want, got.Text)
		}
	}
}

// BenchmarkExplain compares two readings of as many shards as a stream may have, as each scrape of metrics does.
func BenchmarkExplain(b *testing.B) {
	before := tenSeconds(make([]kin.LaneTime, 10_000)...)
	for i := range before.Streams[0].Shards {
		before.Streams[0].Shards[i].ShardID = kin.ShardID(fmt.Sprintf("shardId-%012d", i))
	}
	after := before
	after.Uptime *= 2
	b.ReportAllocs()
	for b.Loop() {
		after.Explain(before)
	}
}
