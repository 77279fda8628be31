package kintest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const defaultDescribeShards = 100

func describeStream(s *Server, c *call, in *kinesis.DescribeStreamInput) (*kinesis.DescribeStreamOutput, error) {
	st, state, err := s.find(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	from := 0
	if in.ExclusiveStartShardId != nil {
		index, ok := shardIndex(*in.ExclusiveStartShardId)
		if !ok {
			return nil, shardNotFound(st.key, *in.ExclusiveStartShardId)
		}
		from = int(index) + 1
	}
	most := defaultDescribeShards
	if in.Limit != nil {
		most = int(*in.Limit)
	}
	d := &types.StreamDescription{
		StreamName:              new(st.key.name),
		StreamARN:               new(st.key.arn()),
		StreamStatus:            state.phase,
		StreamModeDetails:       &types.StreamModeDetails{StreamMode: state.mode},
		RetentionPeriodHours:    new(state.hours()),
		StreamCreationTimestamp: new(inSeconds(st.born)),
		EnhancedMonitoring:      state.monitoring(),
		EncryptionType:          state.encryption,
		Shards:                  []types.Shard{},
		HasMoreShards:           new(false),
	}
	if state.keyID != "" {
		d.KeyId = new(state.keyID)
	}
	if state.phase != types.StreamStatusCreating {
		for sh := range state.list(c.now, from) {
			if len(d.Shards) == most {
				d.HasMoreShards = new(true)
				break
			}
			d.Shards = append(d.Shards, sh.describe())
		}
	}
	return &kinesis.DescribeStreamOutput{StreamDescription: d}, nil
}

// hours is the retention in hours.
func (s *streamState) hours() int32 { return int32(s.retention / time.Hour) }

// inSeconds cuts a time to whole seconds, which is what the service gives out as a
// creation timestamp.
func inSeconds(t time.Time) time.Time { return t.Truncate(time.Second) }

// monitoring is the enhanced metrics as the service describes them.
func (s *streamState) monitoring() []types.EnhancedMetrics {
	metrics := s.metrics
	if metrics == nil {
		metrics = []types.MetricsName{}
	}
	return []types.EnhancedMetrics{{ShardLevelMetrics: metrics}}
}
