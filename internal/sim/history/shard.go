package history

import (
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/kinstream/kin/lease"
)

// shard is what is known of a shard.
type shard struct {
	key      lease.Key
	parents  []string
	children []string
	opened   time.Duration
	closed   bool
	gone     bool // the service lists it no longer
	trimmed  int64
	count    int64
	puts     []put
	done     ranges // acknowledged once, or excused from it
	row      bool   // it has a lease
	hadRow   bool
	revoked  int64 // the epoch of the last lease that an operator took away
	sessions []*session
	last     *session // the one that ended last, apart from those of former owners
	open     []*delivery
	unread   time.Duration // since when nobody reads it
	calm     bool          // the group has been calm since then
	readAt   time.Duration // when it was seen to be read
}

// put is a number of records that arrived at a time.
type put struct {
	at    time.Duration
	count int64 // how many there were before them
}

// session is a worker's reading of a shard, from StartShard to its end.
type session struct {
	worker  string
	epoch   int64
	next    int64  // the first record that was not delivered yet
	done    ranges // acknowledged in this session
	revoked bool   // an operator took the lease away, or deleted the worker's row
}

// session returns what a worker reads of the shard, or nil.
func (s *shard) session(worker string) *session {
	for _, x := range s.sessions {
		if x.worker == worker {
			return x
		}
	}
	return nil
}

// excuse says that the first n records need not be handled (any more).
func (s *shard) excuse(n int64) {
	if n > 0 {
		s.done.add(0, n)
	}
}

// complete says whether there is nothing left to do in the shard.
func (s *shard) complete() bool { return s.gone || s.closed && s.done.prefix >= s.count }

func (c *Checker) atService(e Event) {
	if e.Kind == Opened {
		s := &shard{key: e.Key, parents: e.Names, opened: e.At, unread: e.At}
		c.shards[e.Key] = s
		for _, id := range e.Names {
			if p := c.shards[lease.Key{Stream: e.Key.Stream, Shard: id}]; p != nil {
				p.children = append(p.children, e.Key.Shard)
			}
		}
		return
	}
	s := c.shards[e.Key]
	switch e.Kind {
	case Put:
		s.puts = append(s.puts, put{at: e.At, count: s.count})
		s.count = e.To
		c.figures.Records += e.To - e.From
	case Closed:
		s.closed = true
	case Trimmed:
		c.figures.Expired += e.To - s.trimmed - s.done.within(s.trimmed, e.To)
		s.trimmed = e.To
		s.excuse(e.To)
	default: // Gone
		s.gone = true
	}
}

// position returns how many records a checkpoint is past. At the end of a shard it is one
// more than there are, so that it compares as the highest.
func (c *Checker) position(s *shard, cp lease.Checkpoint) (int64, bool) {
	switch kind, arg, _ := strings.Cut(string(cp), ":"); kind {
	case string(lease.TrimHorizon):
		return 0, true
	case string(lease.ShardEnd):
		return s.count + 1, true
	case "AT_TIMESTAMP":
		at, err := time.Parse(time.RFC3339Nano, arg)
		since := at.Sub(c.cfg.Wall)
		i := sort.Search(len(s.puts), func(i int) bool { return s.puts[i].at >= since })
		if i == len(s.puts) {
			return s.count, err == nil
		}
		return s.puts[i].count, err == nil
	case "AFTER_SEQUENCE_NUMBER":
		if c.cfg.Index != nil {
			return c.cfg.Index(s.key, arg)
		}
		n, err := strconv.ParseInt(arg, 10, 64)
		return n + 1, err == nil
	}
	return 0, false
}

// ranges is a set of numbers: all below prefix, and those in rest, which are in order and neither
// touch each other nor the prefix.
type ranges struct {
	prefix int64
	rest   []span
}

type span struct{ from, to int64 }

// add adds the numbers in [from, to).
func (r *ranges) add(from, to int64) {
	if from >= to || to <= r.prefix {
		return
	}
	if from > r.prefix {
		i := sort.Search(len(r.rest), func(i int) bool { return r.rest[i].to >= from })
		j := i
		for ; j < len(r.rest) && r.rest[j].from <= to; j++ {
			from, to = min(from, r.rest[j].from), max(to, r.rest[j].to)
		}
		r.rest = slices.Replace(r.rest, i, j, span{from, to})
		return
	}
	r.prefix = to
	for len(r.rest) > 0 && r.rest[0].from <= r.prefix {
		r.prefix = max(r.prefix, r.rest[0].to)
		r.rest = r.rest[1:]
	}
}

// cut takes out the numbers from n on that are not in the prefix.
func (r *ranges) cut(n int64) {
	i := sort.Search(len(r.rest), func(i int) bool { return r.rest[i].to > n })
	if i < len(r.rest) && r.rest[i].from < n {
		r.rest[i].to = n
		i++
	}
	r.rest = r.rest[:i]
}

// within is how many numbers of [from, to) are in the set.
func (r *ranges) within(from, to int64) int64 {
	n := max(0, min(to, r.prefix)-from)
	for _, s := range r.rest {
		n += max(0, min(to, s.to)-max(from, s.from))
	}
	return n
}
