package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/sim/history"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

// service is what a stream does. Records have no content: a shard knows how many it got when.
type service struct {
	arn    string
	record func(history.Event)
	loop   *loop
	rand   *rand.Rand
	shards []*shard
	open   []*shard
	wake   func(*shard) // called when there is something new to read
}

type shard struct {
	key      lease.Key
	parents  []string
	keys     hashkey.Range
	opened   time.Duration
	closedAt time.Duration // -1 while it is open
	gone     bool
	count    int64
	trimmed  int64
	puts     []put
}

// put says how many records there were before a time.
type put struct {
	at    time.Duration
	count int64
}

func (s *shard) closed() bool { return s.closedAt >= 0 }

func newService(w *world, arn string, shards int) *service {
	s := &service{arn: arn, record: w.record, loop: &w.loop, rand: w.rand, wake: w.wakeReaders}
	for _, keys := range hashkey.Even(shards) {
		s.add(keys).opened = -time.Hour
	}
	return s
}

// add opens a shard.
func (s *service) add(keys hashkey.Range, parents ...*shard) *shard {
	sh := &shard{
		key:      lease.Key{Stream: s.arn, Shard: fmt.Sprintf("shardId-%012d", len(s.shards))},
		keys:     keys,
		opened:   s.loop.now,
		closedAt: -1,
	}
	for _, p := range parents {
		sh.parents = append(sh.parents, p.key.Shard)
	}
	s.shards = append(s.shards, sh)
	s.open = append(s.open, sh)
	s.record(history.Event{Kind: history.Opened, Key: sh.key, Names: sh.parents})
	return sh
}

func (s *service) close(sh *shard) {
	sh.closedAt = s.loop.now
	s.open = slices.DeleteFunc(s.open, func(o *shard) bool { return o == sh })
	s.record(history.Event{Kind: history.Closed, Key: sh.key})
}

// put adds records to a shard.
func (s *service) put(sh *shard, n int64) {
	sh.puts = append(sh.puts, put{s.loop.now, sh.count})
	sh.count += n
	s.record(history.Event{Kind: history.Put, Key: sh.key, From: sh.count - n, To: sh.count})
	s.wake(sh)
}

func (s *service) split(pick int) {
	sh := s.open[pick%len(s.open)]
	middle, ok := sh.keys.Middle()
	if !ok {
		return
	}
	low, high, _ := sh.keys.Split(middle)
	s.close(sh)
	s.add(low, sh)
	s.add(high, sh)
	s.wake(sh)
}

func (s *service) merge(pick int) {
	for i := range s.open {
		a := s.open[(pick+i)%len(s.open)]
		for _, b := range s.open {
			if keys, ok := a.keys.Merge(b.keys); ok && a != b {
				s.close(a)
				s.close(b)
				s.add(keys, a, b)
				s.wake(a)
				s.wake(b)
				return
			}
		}
	}
}

// trim deletes the oldest records of a shard.
func (s *service) trim(pick int) {
	sh := s.shards[pick%len(s.shards)]
	if sh.gone || sh.count == sh.trimmed {
		return
	}
	sh.trimmed += 1 + s.rand.Int64N(sh.count-sh.trimmed)
	s.record(history.Event{Kind: history.Trimmed, Key: sh.key, To: sh.trimmed})
}

// expire deletes the shard that was closed first, as the stream's retention does.
func (s *service) expire() {
	var oldest *shard
	for _, sh := range s.shards {
		if sh.closed() && !sh.gone && (oldest == nil || sh.closedAt < oldest.closedAt) {
			oldest = sh
		}
	}
	if oldest == nil {
		return
	}
	oldest.trimmed, oldest.gone = oldest.count, true
	s.record(history.Event{Kind: history.Trimmed, Key: oldest.key, To: oldest.trimmed})
	s.record(history.Event{Kind: history.Gone, Key: oldest.key})
	s.wake(oldest)
}

// settledAfter is the age from which on listings have a shard for certain.
const settledAfter = 30 * time.Second

// list returns the shards as they were at a time, and lacks each of the new ones with a
// probability.
func (s *service) list(at time.Duration, lacks float64) []topology.Shard {
	var list []topology.Shard
	for _, sh := range s.shards {
		young := s.loop.now-sh.opened < settledAfter
		if sh.gone || sh.opened > at || young && lacks > 0 && s.rand.Float64() < lacks {
			continue
		}
		list = append(list, sh.listed(at))
	}
	return list
}

func (s *shard) listed(at time.Duration) topology.Shard {
	return topology.Shard{ID: s.key.Shard, Parents: s.parents, Range: s.keys, Closed: s.closed() && s.closedAt <= at}
}

// children returns the shards that a shard was made into.
func (s *service) children(sh *shard) []topology.Shard {
	var list []topology.Shard
	for _, c := range s.shards {
		if !c.gone && slices.Contains(c.parents, sh.key.Shard) {
			list = append(list, c.listed(s.loop.now))
		}
	}
	return list
}

// before returns the shards that had ended before a time.
func (s *service) before(at time.Duration) map[string]bool {
	ids := map[string]bool{}
	for _, sh := range s.shards {
		if sh.closed() && sh.closedAt < at {
			ids[sh.key.Shard] = true
		}
	}
	return ids
}

// since returns how many records of a shard came before a time.
func (s *shard) since(at time.Duration) int64 {
	i := sort.Search(len(s.puts), func(i int) bool { return s.puts[i].at >= at })
	if i == len(s.puts) {
		return s.count
	}
	return s.puts[i].count
}

// shard returns the shard of a key, or nil.
func (s *service) shard(id string) *shard {
	for _, sh := range s.shards {
		if sh.key.Shard == id {
			return sh
		}
	}
	return nil
}
