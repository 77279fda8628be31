package kintest

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// maxWarm is the most MiB/s that a stream can be warmed up for.
const maxWarm = 10 << 10

func updateStreamWarmThroughput(s *Server, c *call, in *kinesis.UpdateStreamWarmThroughputInput) (*kinesis.UpdateStreamWarmThroughputOutput, error) {
	st, _, err := s.find(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	if err := s.checkWarm(c, st.key, *in.WarmThroughputMiBps); err != nil {
		return nil, err
	}
	out := &kinesis.UpdateStreamWarmThroughputOutput{StreamName: new(st.key.name), StreamARN: new(st.key.arn())}
	err = st.update(c.now, s.config.StateDelay, func(next *streamState) (reshape, error) {
		if next.mode != types.StreamModeOnDemand {
			return reshape{}, warmOnDemandOnly(st.key)
		}
		next.warm = *in.WarmThroughputMiBps
		out.WarmThroughput = next.warmThroughput()
		return next.warmUp(), nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// checkWarm says whether an account may warm up a stream.
func (s *Server) checkWarm(c *call, key streamKey, warm int32) error {
	if warm > maxWarm {
		return fail(codeLimitExceeded, "Warm throughput of %d MiBps for stream %s under account %s exceeds the limit of %d MiBps.",
			warm, key.name, key.account, maxWarm)
	}
	if warm > 0 && !s.accountOf(c).active(c.now) {
		return fail(codeInvalidArgument, "Warm throughput requires that MinimumThroughputBillingCommitment is enabled for account %s.", c.account)
	}
	return nil
}

func warmOnDemandOnly(key streamKey) error {
	return fail(codeInvalidArgument, "Warm throughput is supported for streams in %s mode only. Stream %s under account %s is not.",
		types.StreamModeOnDemand, key.name, key.account)
}

// warmUp is the change that gives the stream shards enough for its warm throughput,
// at 1 MiB/s each. It never takes shards away.
func (s *streamState) warmUp() reshape {
	if want := min(int(s.warm), maxShardCount); want > len(s.open) {
		return reshape{evenInto: want}
	}
	return reshape{}
}

// warmThroughput describes the warm throughput; what the stream is ready for is one
// MiB/s per shard.
func (s *streamState) warmThroughput() *types.WarmThroughputObject {
	return &types.WarmThroughputObject{TargetMiBps: new(s.warm), CurrentMiBps: new(int32(len(s.open)))}
}
