package kintest

import "github.com/aws/aws-sdk-go-v2/service/kinesis"

func mergeShards(s *Server, c *call, in *kinesis.MergeShardsInput) error {
	st, _, err := s.find(c, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	return st.update(c.now, s.config.StateDelay, func(next *streamState) (reshape, error) {
		return next.planMerge(st.key, *in.ShardToMerge, *in.AdjacentShardToMerge, c)
	})
}

// planMerge is the change that merges two shards, if they can be merged.
func (s *streamState) planMerge(key streamKey, shardID, adjacentID string, c *call) (reshape, error) {
	sh, err := s.openShard(key, shardID, c)
	if err != nil {
		return reshape{}, err
	}
	adjacent, err := s.openShard(key, adjacentID, c)
	if err != nil {
		return reshape{}, err
	}
	if !sh.keys.Adjacent(adjacent.keys) {
		return reshape{}, fail(codeInvalidArgument, "Shards %s and %s in stream %s under account %s are not an adjacent pair of shards "+
			"eligible for merging", sh.id, adjacent.id, key.name, key.account)
	}
	return reshape{merge: true, shard: sh.index, adjacent: adjacent.index}, nil
}
