package kintest

import (
	"slices"
	"sort"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
)

// reshape is a change of a stream's shards, which are given by index. The zero
// value changes nothing; of split, merge and evenInto at most one is set.
type reshape struct {
	split    bool // shard into two, the second of which begins at key
	merge    bool // shard and adjacent into one
	evenInto int  // so many shards of equal width
	shard    uint32
	adjacent uint32
	key      hashkey.Key
}

// reshape makes a change that takes effect at a time. s is a state that is not
// published yet; the shards that end take no more records when it returns.
func (s *streamState) reshape(server *Server, r reshape, at time.Time) {
	if r == (reshape{}) {
		return
	}
	s.shards = slices.Clone(s.shards)
	b := resharding{server: server, state: s, at: at}
	switch {
	case r.split:
		sh := s.shards[r.shard]
		low, high := b.split(sh, r.key)
		s.replaceOpen(sh.keys.Start, 1, low, high)
	case r.merge:
		sh := b.merge(s.shards[r.shard], s.shards[r.adjacent])
		s.replaceOpen(sh.keys.Start, 2, sh)
	case r.evenInto > 0:
		b.even(r.evenInto)
	}
}

// replaceOpen puts shards in the place of n open ones, the first of which begins
// at a key.
func (s *streamState) replaceOpen(at hashkey.Key, n int, by ...*shard) {
	i := sort.Search(len(s.open), func(i int) bool { return s.open[i].keys.Start.Compare(at) >= 0 })
	s.open = slices.Concat(s.open[:i], by, s.open[i+n:])
}

// resharding adds shards to a state.
type resharding struct {
	server *Server
	state  *streamState
	at     time.Time
}

// child makes an open shard out of parents. Its numbers begin in a later second
// than theirs, so that they are larger; that second may be in the future.
func (b *resharding) child(keys hashkey.Range, parents ...*shard) *shard {
	spec := shardSpec{index: uint32(len(b.state.shards)), keys: keys, created: b.at.Unix(), createdAt: b.at}
	for _, p := range parents {
		spec.parents = append(spec.parents, p.id)
		spec.created = max(spec.created, p.log.Identity().Created+1)
	}
	sh := b.server.newShard(spec)
	b.state.shards = append(b.state.shards, sh)
	return sh
}

// close ends a shard. Between the end of its log and the publication of the state,
// who meets a closed log waits for the stream's lock (see stream.wait).
func (b *resharding) close(sh *shard, children ...*shard) {
	sh.log.Close()
	closed := *sh
	closed.end = &shardEnd{at: b.at, children: children}
	b.state.shards[sh.index] = &closed
}

// split replaces a shard by two.
func (b *resharding) split(sh *shard, key hashkey.Key) (low, high *shard) {
	lowKeys, highKeys, ok := sh.keys.Split(key)
	if !ok {
		panic("kintest: BUG: split of " + sh.keys.String() + " at " + key.String())
	}
	low, high = b.child(lowKeys, sh), b.child(highKeys, sh)
	b.close(sh, low, high)
	return low, high
}

// merge replaces two adjacent shards by one.
func (b *resharding) merge(sh, adjacent *shard) *shard {
	keys, ok := sh.keys.Merge(adjacent.keys)
	if !ok {
		panic("kintest: BUG: merge of " + sh.keys.String() + " and " + adjacent.keys.String())
	}
	child := b.child(keys, sh, adjacent)
	b.close(sh, child)
	b.close(adjacent, child)
	return child
}

// even makes n shards of equal width out of the open ones: it cuts each at the
// borders to come that lie within it, and merges what is in one piece afterwards.
// Shards that have the right width stay. As with the service, shards appear that
// are closed from the start.
func (b *resharding) even(n int) {
	var pieces []*shard
	targets := hashkey.Even(n)
	t := 0
	for _, sh := range b.state.open {
		for {
			for targets[t].End.Compare(sh.keys.Start) < 0 {
				t++
			}
			if sh.keys.End.Compare(targets[t].End) <= 0 {
				pieces = append(pieces, sh)
				break
			}
			var low *shard
			low, sh = b.split(sh, targets[t].End.Next())
			pieces = append(pieces, low)
		}
	}
	open := make([]*shard, 0, n)
	for _, target := range targets {
		sh := pieces[0]
		pieces = pieces[1:]
		for sh.keys.End != target.End {
			sh = b.merge(sh, pieces[0])
			pieces = pieces[1:]
		}
		open = append(open, sh)
	}
	b.state.open = open
}
