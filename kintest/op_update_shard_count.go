package kintest

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func updateShardCount(s *Server, c *call, in *kinesis.UpdateShardCountInput) (*kinesis.UpdateShardCountOutput, error) {
	st, state, err := s.find(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	target, current := int(*in.TargetShardCount), len(state.open)
	if err := s.shardQuota(c, target-current); err != nil {
		return nil, err
	}
	err = st.update(c.now, s.config.StateDelay, func(next *streamState) (reshape, error) {
		if next.mode == types.StreamModeOnDemand {
			return reshape{}, fail(codeValidation, "UpdateShardCount is not supported for stream %s under account %s because it is in %s mode.",
				st.key.name, st.key.account, next.mode)
		}
		if current = len(next.open); !scales(current, target) {
			return reshape{}, fail(codeInvalidArgument, "UpdateShardCount cannot scale the stream %s under account %s from %d to %d shards: "+
				"the target must be between half and double the current open shard count, and at most %d.",
				st.key.name, st.key.account, current, target, maxShardCount)
		}
		if err := s.daily(c, &st.rescale, rescalesPerDay, "UpdateShardCount", st.key); err != nil {
			return reshape{}, err
		}
		return reshape{evenInto: target}, nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.UpdateShardCountOutput{
		StreamName:        new(st.key.name),
		StreamARN:         new(st.key.arn()),
		CurrentShardCount: new(int32(current)),
		TargetShardCount:  new(int32(target)),
	}, nil
}

// scales says whether a stream may be scaled at once from one count of shards to
// another.
func scales(from, to int) bool {
	return to <= 2*from && 2*to >= from && to <= maxShardCount
}
