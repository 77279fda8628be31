package kintest

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func describeStreamSummary(s *Server, c *call, in *kinesis.DescribeStreamSummaryInput) (*kinesis.DescribeStreamSummaryOutput, error) {
	st, state, err := s.find(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	d := &types.StreamDescriptionSummary{
		StreamName:                 new(st.key.name),
		StreamARN:                  new(st.key.arn()),
		StreamId:                   new(st.id),
		StreamStatus:               state.phase,
		StreamModeDetails:          &types.StreamModeDetails{StreamMode: state.mode},
		RetentionPeriodHours:       new(state.hours()),
		StreamCreationTimestamp:    new(inSeconds(st.born)),
		EnhancedMonitoring:         state.monitoring(),
		EncryptionType:             state.encryption,
		OpenShardCount:             new(int32(len(state.open))),
		ConsumerCount:              new(int32(len(state.liveConsumers(c.now)))),
		ChannelCount:               new(int32(0)),
		MaxRecordSizeInKiB:         new(int32(state.maxRecord >> 10)),
		RecordDistributionStrategy: state.distribution,
	}
	if state.phase == types.StreamStatusCreating {
		d.OpenShardCount = new(int32(0))
	}
	if state.keyID != "" {
		d.KeyId = new(state.keyID)
	}
	if state.mode == types.StreamModeOnDemand && s.accountOf(c).active(c.now) {
		d.WarmThroughput = state.warmThroughput()
	}
	return &kinesis.DescribeStreamSummaryOutput{StreamDescriptionSummary: d}, nil
}
