package kintest

import (
	"cmp"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/kintest/internal/limit"
)

// streamKey names a stream. Streams are ordered by it.
type streamKey struct{ account, region, name string }

func (k streamKey) compare(l streamKey) int {
	return cmp.Or(cmp.Compare(k.account, l.account), cmp.Compare(k.region, l.region), cmp.Compare(k.name, l.name))
}

// arn is the stream's ARN.
func (k streamKey) arn() string {
	return "arn:" + partition(k.region) + ":kinesis:" + k.region + ":" + k.account + ":stream/" + k.name
}

// stream is one stream, from its creation to its deletion. A stream of the same
// name that is created later is another one.
type stream struct {
	server *Server
	key    streamKey
	id     string // StreamId
	nonce  uint64 // what its iterators carry, so that they are not taken for another's
	born   time.Time

	state      atomic.Pointer[streamState]
	generation atomic.Uint32 // of its iterators; those of an earlier one are expired
	kept       atomic.Uint64 // version of the state that the journal has
	spread     atomic.Uint64 // where an AUTO stream puts the next record

	mu      sync.Mutex   // held to change the state; guards what follows
	rescale limit.Window // calls of UpdateShardCount
	remode  limit.Window // calls of UpdateStreamMode
	encrypt limit.Window // calls of Start- and StopStreamEncryption
}

// streamState is all that can change about a stream. It is immutable: a change
// makes a copy, with copies of the slices and maps that it touches, and publishes it.
//
// What takes time has its end in until, and happens when the stream is first
// looked at after it: no timer runs.
type streamState struct {
	version uint64             // one more with each change
	phase   types.StreamStatus // ACTIVE, or another until the time in until
	until   time.Time
	pending reshape // takes effect at until, if phase is UPDATING
	gone    bool    // DELETING is over

	shards []*shard // by index
	open   []*shard // by hash key: together they cover all keys

	mode         types.StreamMode
	retention    time.Duration
	maxRecord    int // bytes
	distribution types.RecordDistributionStrategy
	encryption   types.EncryptionType
	keyID        string
	warm         int32 // MiB/s
	metrics      []types.MetricsName
	tags         map[string]string
	policy       string
	consumers    []*consumer // by name
}

// route returns the open shard that owns a hash key.
func (s *streamState) route(k hashkey.Key) *shard {
	i := sort.Search(len(s.open), func(i int) bool { return s.open[i].keys.Start.Compare(k) > 0 })
	return s.open[i-1]
}

// horizon is the time before which records are trimmed.
func (s *streamState) horizon(now time.Time) time.Time { return now.Add(-s.retention) }

// shard returns the shard with an ID, unless all of it was trimmed.
func (s *streamState) shard(id string, now time.Time) *shard {
	index, ok := shardIndex(id)
	if !ok || int(index) >= len(s.shards) || s.shards[index].expired(s.horizon(now)) {
		return nil
	}
	return s.shards[index]
}

// at returns the state at a time, after what was due by then has happened. It is
// nil once the stream is deleted.
func (st *stream) at(now time.Time) *streamState {
	s := st.state.Load()
	if s.phase != types.StreamStatusActive && !now.Before(s.until) {
		s = st.settle(now)
	}
	if s.gone {
		return nil
	}
	return s
}

// settle lets happen what is due.
func (st *stream) settle(now time.Time) *streamState {
	st.mu.Lock()
	s, changed := st.settled(now)
	st.mu.Unlock()
	if changed {
		st.server.changed(st, s)
	}
	return s
}

// settled is settle with the lock held. It reports whether the state changed; the
// caller then tells the server, without the lock.
func (st *stream) settled(now time.Time) (s *streamState, changed bool) {
	s = st.state.Load()
	if s.phase == types.StreamStatusActive || s.gone || now.Before(s.until) {
		return s, false
	}
	next := s.next()
	if s.phase == types.StreamStatusDeleting {
		next.gone = true
	} else {
		next.phase = types.StreamStatusActive
		next.pending = reshape{}
		next.reshape(st.server, s.pending, s.until)
	}
	st.state.Store(next)
	return next, true
}

// next returns a copy to change.
func (s *streamState) next() *streamState {
	next := *s
	next.version++
	return &next
}

// change makes one change to the stream, unless fn returns an error. fn works on a
// copy of the state, with the stream's lock held: it must not block.
func (st *stream) change(now time.Time, fn func(next *streamState) error) error {
	st.mu.Lock()
	cur, changed := st.settled(now)
	var err error
	if cur.gone {
		err = notFound(st.key)
	} else {
		next := cur.next()
		if err = fn(next); err == nil {
			st.state.Store(next)
			cur, changed = next, true
		}
	}
	st.mu.Unlock()
	if changed {
		st.server.changed(st, cur)
	}
	return err
}

// update is change for what needs an ACTIVE stream and leaves it in a phase for
// the configured delay, after which plan takes effect.
func (st *stream) update(now time.Time, delay time.Duration, fn func(next *streamState) (plan reshape, err error)) error {
	return st.change(now, func(next *streamState) error {
		if next.phase != types.StreamStatusActive {
			return notActive(st.key, next.phase)
		}
		plan, err := fn(next)
		if err != nil {
			return err
		}
		if delay == 0 {
			next.reshape(st.server, plan, now)
			return nil
		}
		next.phase = types.StreamStatusUpdating
		next.until = now.Add(delay)
		next.pending = plan
		return nil
	})
}

// wait blocks until a change that is being made is published.
func (st *stream) wait() {
	st.mu.Lock()
	defer st.mu.Unlock()
}
