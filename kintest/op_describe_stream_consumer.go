package kintest

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func describeStreamConsumer(s *Server, c *call, in *kinesis.DescribeStreamConsumerInput) (*kinesis.DescribeStreamConsumerOutput, error) {
	st, _, con, err := s.findConsumer(c, in.ConsumerARN, in.StreamARN, in.ConsumerName)
	if err != nil {
		return nil, err
	}
	d := con.describe(c.now)
	return &kinesis.DescribeStreamConsumerOutput{ConsumerDescription: &types.ConsumerDescription{
		ConsumerName:              d.ConsumerName,
		ConsumerARN:               d.ConsumerARN,
		ConsumerStatus:            d.ConsumerStatus,
		ConsumerCreationTimestamp: d.ConsumerCreationTimestamp,
		StreamARN:                 new(st.key.arn()),
	}}, nil
}
