package kintest

import (
	"crypto/rand"
	"encoding/binary"
	"iter"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/hashkey"
)

// streams returns all streams in the order of their keys. The slice is never
// changed.
func (s *Server) streams() []*stream {
	if p := s.index.Load(); p != nil {
		return *p
	}
	return nil
}

// search is the place of a key in a slice of streams, and whether it is there.
func search(streams []*stream, key streamKey) (int, bool) {
	return sort.Find(len(streams), func(i int) int { return key.compare(streams[i].key) })
}

// stream returns a stream and its state at a time, or nil.
func (s *Server) stream(key streamKey, now time.Time) (*stream, *streamState) {
	streams := s.streams()
	i, ok := search(streams, key)
	if !ok {
		return nil, nil
	}
	if state := streams[i].at(now); state != nil {
		return streams[i], state
	}
	return nil, nil
}

// add makes a stream known. It is false if there is one of that name.
func (s *Server) add(st *stream) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	streams := s.streams()
	i, found := search(streams, st.key)
	if found {
		return false
	}
	next := slices.Concat(streams[:i], []*stream{st}, streams[i:])
	s.index.Store(&next)
	return true
}

// remove forgets a stream and drops its records.
func (s *Server) remove(st *stream) {
	s.mu.Lock()
	streams := s.streams()
	if i, found := search(streams, st.key); found && streams[i] == st {
		next := slices.Concat(streams[:i], streams[i+1:])
		s.index.Store(&next)
	}
	s.mu.Unlock()
	for _, sh := range st.state.Load().shards {
		sh.log.Discard()
	}
}

// changed is called after each change of a stream, without locks, and before the
// call that made the change is answered. Calls for one stream may come out of
// order: the version of the state tells.
func (s *Server) changed(st *stream, state *streamState) {
	if state.gone {
		s.remove(st)
	}
	if s.journal != nil {
		s.journal.state(st, state)
	}
}

// streamSpec says how to create a stream.
type streamSpec struct {
	key          streamKey
	shards       int
	mode         types.StreamMode
	maxRecord    int
	distribution types.RecordDistributionStrategy
	warm         int32
	tags         map[string]string
}

// defaultRetention is what a stream has from the start, and the least it can have.
const defaultRetention = 24 * time.Hour

// create makes a stream, which is CREATING for the delay.
func (s *Server) create(spec streamSpec, now time.Time, delay time.Duration) error {
	st := &stream{server: s, key: spec.key, born: now}
	st.nonce, st.id = newStreamID()
	state := &streamState{
		version:      1,
		phase:        types.StreamStatusActive,
		mode:         spec.mode,
		retention:    defaultRetention,
		maxRecord:    spec.maxRecord,
		distribution: spec.distribution,
		encryption:   types.EncryptionTypeNone,
		warm:         spec.warm,
		tags:         maps.Clone(spec.tags),
	}
	if delay > 0 {
		state.phase = types.StreamStatusCreating
		state.until = now.Add(delay)
	}
	for i, keys := range hashkey.Even(spec.shards) {
		state.shards = append(state.shards, s.newShard(shardSpec{
			index: uint32(i), keys: keys, created: now.Unix(), createdAt: now,
		}))
	}
	state.open = slices.Clone(state.shards)
	st.state.Store(state)
	for !s.add(st) {
		if other, _ := s.stream(spec.key, now); other != nil {
			return fail(codeResourceInUse, "Stream %s under account %s already exists.", spec.key.name, spec.key.account)
		}
	}
	s.changed(st, state)
	return nil
}

// newStreamID makes a number that no other stream has, and the ID that says it.
func newStreamID() (nonce uint64, id string) {
	var b [8]byte
	rand.Read(b[:])
	text := strings.ToLower(rand.Text())
	return binary.BigEndian.Uint64(b[:]), text[:20] + "-" + text[20:23]
}

// partition is the AWS partition that a region is in.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// own ranges over the streams of the account and region of a call.
func (s *Server) own(c *call) iter.Seq2[*stream, *streamState] {
	return s.ownAfter(c, "")
}

// ownAfter is own for the streams whose names come after one.
func (s *Server) ownAfter(c *call, name string) iter.Seq2[*stream, *streamState] {
	return func(yield func(*stream, *streamState) bool) {
		streams := s.streams()
		i, found := search(streams, streamKey{c.account, c.region, name})
		if found {
			i++
		}
		for _, st := range streams[i:] {
			if st.key.account != c.account || st.key.region != c.region {
				return
			}
			if state := st.at(c.now); state != nil && !yield(st, state) {
				return
			}
		}
	}
}
