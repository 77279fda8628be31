package kintest

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/kintest/internal/seqnum"
	"github.com/kinstream/kin/kintest/internal/shardlog"
)

// shard is one shard of a stream, as one state of the stream has it. It is
// immutable but for what log and limits point to, which all states share: when the
// shard is split or merged, the next state has a copy with an end.
type shard struct {
	index     uint32
	id        string
	parents   []string // none, the one that was split, or the two that were merged
	keys      hashkey.Range
	createdAt time.Time
	log       *shardlog.Log
	limits    *shardLimits  // nil if none is enforced
	reads     *atomic.Int64 // calls of GetRecords that were served
	end       *shardEnd     // nil while the shard is open
}

// shardEnd is what is known of a closed shard.
type shardEnd struct {
	at       time.Time
	children []*shard
}

// shardSpec is what makes a shard; the rest follows.
type shardSpec struct {
	index     uint32
	parents   []string
	keys      hashkey.Range
	created   int64 // second that its sequence numbers begin with
	createdAt time.Time
}

// newShard makes an open shard without records.
func (s *Server) newShard(spec shardSpec) *shard {
	return &shard{
		index:     spec.index,
		id:        shardName(spec.index),
		parents:   spec.parents,
		keys:      spec.keys,
		createdAt: spec.createdAt,
		log:       shardlog.New(shardlog.Identity{Created: spec.created, Shard: spec.index}, s.budget),
		limits:    newShardLimits(s.config.Limits),
		reads:     new(atomic.Int64),
	}
}

// shardName is the ID of the shard with an index.
func shardName(index uint32) string { return fmt.Sprintf("shardId-%012d", index) }

// shardIndex is the index in an ID. The service takes the digits alone, too.
func shardIndex(id string) (uint32, bool) {
	digits := strings.TrimPrefix(id, "shardId-")
	index, err := strconv.ParseUint(digits, 10, 31)
	return uint32(index), err == nil && digits[0] != '+'
}

// start is the number below all records of the shard.
func (sh *shard) start() seqnum.Number {
	id := sh.log.Identity()
	return seqnum.Make(seqnum.Parts{Created: id.Created, Shard: id.Shard, Time: id.Created})
}

// last is the number above all records of the shard, which is closed.
func (sh *shard) last() seqnum.Number {
	id := sh.log.Identity()
	return seqnum.Make(seqnum.Parts{Created: id.Created, Shard: id.Shard, Counter: seqnum.MaxCounter, Time: sh.end.at.Unix()})
}

// expired says whether the shard was closed before the horizon, so that nothing of
// it can be left.
func (sh *shard) expired(horizon time.Time) bool {
	return sh.end != nil && sh.end.at.Before(horizon)
}

// openAtOrFirst says whether the shard took records at a time; if the stream did not
// exist yet, whether it is one of those that the stream began with.
func (sh *shard) openAtOrFirst(t time.Time) bool {
	return (sh.end == nil || sh.end.at.After(t)) && (len(sh.parents) == 0 || !sh.createdAt.After(t))
}

// describe returns the shard as the service describes it.
func (sh *shard) describe() types.Shard {
	out := types.Shard{
		ShardId:      new(sh.id),
		HashKeyRange: sh.hashKeyRange(),
		SequenceNumberRange: &types.SequenceNumberRange{
			StartingSequenceNumber: new(sh.start().String()),
		},
	}
	if len(sh.parents) > 0 {
		out.ParentShardId = new(sh.parents[0])
	}
	if len(sh.parents) > 1 {
		out.AdjacentParentShardId = new(sh.parents[1])
	}
	if sh.end != nil {
		out.SequenceNumberRange.EndingSequenceNumber = new(sh.last().String())
	}
	return out
}

func (sh *shard) hashKeyRange() *types.HashKeyRange {
	return &types.HashKeyRange{
		StartingHashKey: new(sh.keys.Start.String()),
		EndingHashKey:   new(sh.keys.End.String()),
	}
}

// children returns what a reader that came to the end of the shard is told, or nil
// if the shard is open or nil.
func (sh *shard) children() []types.ChildShard {
	if sh == nil || sh.end == nil {
		return nil
	}
	out := make([]types.ChildShard, len(sh.end.children))
	for i, child := range sh.end.children {
		out[i] = types.ChildShard{
			ShardId:      new(child.id),
			ParentShards: child.parents,
			HashKeyRange: child.hashKeyRange(),
		}
	}
	return out
}
