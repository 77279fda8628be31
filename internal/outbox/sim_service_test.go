package outbox_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/outbox"
)

// service is a stream as the service keeps it: open shards with true token buckets, and
// everything that was ever stored, in order.
type service struct {
	random *rand.Rand
	shards []*simShard // open and closed, in the order of their making
	auto   bool        // shares records out as it likes
	log    []storedEntry

	throttle  float64 // share of entries that is refused for no reason
	attempts  int     // entries that came
	refused   int     // and were refused because of a limit, or for no reason
	forgetful bool    // keeps no log
}

type simShard struct {
	id             string
	keys           hashkey.Range
	closed         bool
	bytes, records float64
	at             time.Duration
	stored         int  // bytes
	dead           bool // takes nothing
}

type storedEntry struct {
	shard *simShard
	seq   string
	items []int // owners
	good  bool  // consumers that check hash keys read it
}

func newService(random *rand.Rand, shards int) *service {
	s := &service{random: random}
	for _, r := range hashkey.Even(shards) {
		s.open(r, 0)
	}
	return s
}

func (s *service) open(r hashkey.Range, now time.Duration) {
	s.shards = append(s.shards, &simShard{
		id: fmt.Sprintf("shardId-%012d", len(s.shards)), keys: r, bytes: 1 << 20, records: 1000, at: now,
	})
}

// take spends tokens of the shard: its limits are per second.
func (h *simShard) take(size int, now time.Duration) bool {
	passed := (now - h.at).Seconds()
	h.at = now
	h.bytes = min(h.bytes+passed*(1<<20), max(1<<20, float64(size)))
	h.records = min(h.records+passed*1000, 1000)
	if h.bytes < float64(size) || h.records < 1 {
		return false
	}
	h.bytes -= float64(size)
	h.records--
	h.stored += size
	return true
}

func (s *service) shardOf(k hashkey.Key) *simShard {
	if s.auto {
		open := slices.DeleteFunc(slices.Clone(s.shards), func(h *simShard) bool { return h.closed })
		return open[s.random.IntN(len(open))]
	}
	i := slices.IndexFunc(s.shards, func(h *simShard) bool { return !h.closed && h.keys.Contains(k) })
	return s.shards[i]
}

// split and merge change open shards.
func (s *service) split(now time.Duration) {
	h := s.shards[s.random.IntN(len(s.shards))]
	middle, ok := h.keys.Middle()
	if h.closed || !ok {
		return
	}
	low, high, _ := h.keys.Split(middle)
	h.closed = true
	s.open(low, now)
	s.open(high, now)
}

func (s *service) merge(now time.Duration) {
	for _, a := range s.shards {
		for _, b := range s.shards {
			if merged, ok := a.keys.Merge(b.keys); ok && !a.closed && !b.closed {
				a.closed, b.closed = true, true
				s.open(merged, now)
				return
			}
		}
	}
}

// listing returns the shards, all but some if it is not consistent yet.
func (s *service) listing(torn bool) []outbox.Shard {
	var list []outbox.Shard
	for i, h := range s.shards {
		if torn && i == len(s.shards)-1 {
			continue
		}
		list = append(list, outbox.Shard{ID: h.id, Range: h.keys, Closed: h.closed})
	}
	return list
}

// put stores entry i of the call, or returns why not. lost says that it is stored, but
// the answer says otherwise.
func (s *service) put(c *outbox.Call[int], i int, now time.Duration, lost bool) (outbox.Place, *outbox.Failure) {
	items := c.Range(i)
	s.attempts++
	h := s.shardOf(items[0].Hash)
	if s.random.Float64() < s.throttle || h.dead || !h.take(c.Entries[i].Packed, now) {
		s.refused++
		return outbox.Place{}, &outbox.Failure{Err: errThrottled, Retryable: true, Throttled: true}
	}
	if s.forgetful {
		return outbox.Place{Shard: h.id, Sequence: "1"}, nil
	}
	at := storedEntry{shard: h, seq: fmt.Sprint(len(s.log)), good: true}
	for j := range items {
		at.items = append(at.items, items[j].Owner)
		at.good = at.good && (len(items) == 1 || h.keys.Contains(items[j].Hash))
	}
	s.log = append(s.log, at)
	if lost {
		return outbox.Place{}, errInternal
	}
	return outbox.Place{Shard: h.id, Sequence: at.seq}, nil
}

// storedBytes returns what all shards have taken.
func (s *service) storedBytes() int {
	sum := 0
	for _, h := range s.shards {
		sum += h.stored
	}
	return sum
}

// entrySize is what the items of an entry count: exactly, by the format's own package.
func entrySize(items []outbox.Item[int]) int {
	return packedSize(items) + len(items[0].PartitionKey)
}
