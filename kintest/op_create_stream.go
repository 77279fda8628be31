package kintest

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// onDemandShards is how many shards an on-demand stream begins with: 4 MiB/s.
const onDemandShards = 4

// defaultMaxRecord is how large a record may be in a stream that was not told otherwise.
const defaultMaxRecord = 1 << 20

// maxShardCount is the most shards that a stream may be given.
const maxShardCount = 10_000

func createStream(s *Server, c *call, in *kinesis.CreateStreamInput) error {
	if err := s.admit(c, *in.StreamName); err != nil {
		return err
	}
	spec := streamSpec{
		key:          streamKey{c.account, c.region, *in.StreamName},
		mode:         types.StreamModeProvisioned,
		maxRecord:    defaultMaxRecord,
		distribution: types.RecordDistributionStrategyUserPartitionKey,
		tags:         in.Tags,
	}
	if in.StreamModeDetails != nil {
		spec.mode = in.StreamModeDetails.StreamMode
	}
	if in.MaxRecordSizeInKiB != nil {
		spec.maxRecord = int(*in.MaxRecordSizeInKiB) << 10
	}
	if in.RecordDistributionStrategy != "" {
		spec.distribution = in.RecordDistributionStrategy
	}
	if err := checkTags(spec.key, nil, in.Tags); err != nil {
		return err
	}
	if err := s.sizeStream(c, &spec, in); err != nil {
		return err
	}
	if err := s.tooManyCreating(c); err != nil {
		return err
	}
	return s.create(spec, c.now, s.config.StateDelay)
}

// sizeStream decides how many shards a new stream has, and whether that is allowed.
func (s *Server) sizeStream(c *call, spec *streamSpec, in *kinesis.CreateStreamInput) error {
	if spec.mode == types.StreamModeOnDemand {
		if in.ShardCount != nil {
			return fail(codeValidation, "ShardCount must not be provided for a stream in %s mode.", spec.mode)
		}
		spec.shards = onDemandShards
		if in.WarmThroughputMiBps != nil {
			spec.warm = *in.WarmThroughputMiBps
			if err := s.checkWarm(c, spec.key, spec.warm); err != nil {
				return err
			}
			spec.shards = max(spec.shards, int(spec.warm))
		}
		return s.onDemandQuota(c)
	}
	switch {
	case in.ShardCount == nil:
		return fail(codeValidation, "ShardCount is required for a stream in %s mode.", spec.mode)
	case *in.ShardCount > maxShardCount:
		return fail(codeLimitExceeded, "The request would exceed the maximum of %d shards for a stream. Requested: %d.", maxShardCount, *in.ShardCount)
	case in.WarmThroughputMiBps != nil:
		return fail(codeInvalidArgument, "WarmThroughputMiBps is supported for streams in %s mode only.", types.StreamModeOnDemand)
	case spec.distribution == types.RecordDistributionStrategyAuto:
		return fail(codeInvalidArgument, "Record distribution strategy %s is supported for streams in %s mode only.", spec.distribution, types.StreamModeOnDemand)
	}
	spec.shards = int(*in.ShardCount)
	return s.shardQuota(c, spec.shards)
}

// onDemandQuota refuses one on-demand stream too many.
func (s *Server) onDemandQuota(c *call) error {
	most := s.config.Limits.OnDemandStreams
	if most == 0 || c.protocol == direct {
		return nil
	}
	if _, have := s.count(c); have >= most {
		return fail(codeLimitExceeded, "This request would exceed the on-demand stream limit for the account %s in %s. "+
			"Current on-demand stream count for the account: %d. Limit: %d.", c.account, c.region, have, most)
	}
	return nil
}

// maxCreating is how many streams of an account may be CREATING at the same time.
const maxCreating = 5

func (s *Server) tooManyCreating(c *call) error {
	if !s.config.Limits.ControlCalls || c.protocol == direct {
		return nil
	}
	creating := 0
	for _, state := range s.own(c) {
		if state.phase == types.StreamStatusCreating {
			creating++
		}
	}
	if creating < maxCreating {
		return nil
	}
	return fail(codeLimitExceeded, "Account %s has %d streams in state %s, which is the limit.", c.account, creating, types.StreamStatusCreating)
}
