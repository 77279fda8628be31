package kintest

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func updateStreamMode(s *Server, c *call, in *kinesis.UpdateStreamModeInput) error {
	st, state, err := s.find(c, nil, in.StreamARN)
	if err != nil {
		return err
	}
	mode := in.StreamModeDetails.StreamMode
	if in.WarmThroughputMiBps != nil {
		if mode != types.StreamModeOnDemand {
			return warmOnDemandOnly(st.key)
		}
		if err := s.checkWarm(c, st.key, *in.WarmThroughputMiBps); err != nil {
			return err
		}
	}
	if mode == types.StreamModeOnDemand && state.mode != mode {
		if err := s.onDemandQuota(c); err != nil {
			return err
		}
	}
	return st.update(c.now, s.config.StateDelay, func(next *streamState) (reshape, error) {
		if err := s.daily(c, &st.remode, remodesPerDay, c.op, st.key); err != nil {
			return reshape{}, err
		}
		next.mode = mode
		if mode == types.StreamModeProvisioned {
			next.distribution = types.RecordDistributionStrategyUserPartitionKey
			next.warm = 0
		}
		if in.WarmThroughputMiBps != nil {
			next.warm = *in.WarmThroughputMiBps
		}
		return next.warmUp(), nil
	})
}
