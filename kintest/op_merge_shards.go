package kintest

import "github.com/aws/aws-sdk-go-v2/service/kinesis"

func mergeShards(s *Server, c *call, in *kinesis.MergeShardsInput) error {
	st, _, err := s.find(c, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	return st.update(c.now, s.config.StateDelay, func(next *streamState) (reshape, error) {
		sh, err := next.openShard(st.key, *in.ShardToMerge, c)
		if err != nil {
			return reshape{}, err
		}
		adjacent, err := next.openShard(st.key, *in.AdjacentShardToMerge, c)
		if err != nil {
			return reshape{}, err
		}
		if !sh.keys.Adjacent(adjacent.keys) {
			return reshape{}, fail(codeInvalidArgument, "Shards %s and %s in stream %s under account %s are not an adjacent pair of shards "+
				"eligible for merging", sh.id, adjacent.id, st.key.name, st.key.account)
		}
		return reshape{merge: true, shard: sh.index, adjacent: adjacent.index}, nil
	})
}
