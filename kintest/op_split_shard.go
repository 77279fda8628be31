package kintest

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/internal/hashkey"
)

func splitShard(s *Server, c *call, in *kinesis.SplitShardInput) error {
	st, _, err := s.find(c, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	if err := s.shardQuota(c, 1); err != nil {
		return err
	}
	return st.update(c.now, s.config.StateDelay, func(next *streamState) (reshape, error) {
		sh, err := next.openShard(st.key, *in.ShardToSplit, c)
		if err != nil {
			return reshape{}, err
		}
		key, err := hashkey.Parse(*in.NewStartingHashKey)
		if err != nil || !splits(sh.keys, key) {
			return reshape{}, fail(codeInvalidArgument, "NewStartingHashKey %s used in SplitShard() on shard %s in stream %s under account %s "+
				"is not both greater than one plus the shard's StartingHashKey %s and less than the shard's EndingHashKey %s.",
				*in.NewStartingHashKey, sh.id, st.key.name, st.key.account, sh.keys.Start, sh.keys.End)
		}
		return reshape{split: true, shard: sh.index, key: key}, nil
	})
}

// splits says whether the service lets a shard be split at a key: both children
// get at least two keys.
func splits(keys hashkey.Range, at hashkey.Key) bool {
	return at.Compare(keys.Start) > 0 && at.Prev().Compare(keys.Start) > 0 && at.Compare(keys.End) < 0
}

// openShard returns a shard that can be split or merged.
func (s *streamState) openShard(key streamKey, id string, c *call) (*shard, error) {
	sh := s.shard(id, c.now)
	if sh == nil {
		return nil, shardNotFound(key, id)
	}
	if sh.end != nil {
		return nil, fail(codeInvalidArgument, "Shard %s in stream %s under account %s has already been merged or split, "+
			"and thus is not eligible for merging or splitting.", sh.id, key.name, key.account)
	}
	return sh, nil
}
