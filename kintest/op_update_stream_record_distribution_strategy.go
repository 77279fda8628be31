package kintest

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// updateStreamRecordDistributionStrategy takes effect at once, as with the service.
func updateStreamRecordDistributionStrategy(s *Server, c *call, in *kinesis.UpdateStreamRecordDistributionStrategyInput) error {
	st, _, err := s.find(c, nil, in.StreamARN)
	if err != nil {
		return err
	}
	return st.update(c.now, 0, func(next *streamState) (reshape, error) {
		if next.mode != types.StreamModeOnDemand {
			return reshape{}, fail(codeInvalidArgument, "Record distribution strategy %s is supported for streams in %s mode only. "+
				"Stream %s under account %s is in %s mode.", in.RecordDistributionStrategy, types.StreamModeOnDemand, st.key.name, st.key.account, next.mode)
		}
		next.distribution = in.RecordDistributionStrategy
		return reshape{}, nil
	})
}
