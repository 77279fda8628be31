package kintest

import "github.com/aws/aws-sdk-go-v2/service/kinesis"

func describeLimits(s *Server, c *call, _ *kinesis.DescribeLimitsInput) (*kinesis.DescribeLimitsOutput, error) {
	if err := s.admit(c, ""); err != nil {
		return nil, err
	}
	shards, onDemand := s.count(c)
	service := ServiceLimits()
	return &kinesis.DescribeLimitsOutput{
		ShardLimit:               new(int32(orElse(s.config.Limits.Shards, service.Shards))),
		OpenShardCount:           new(int32(shards)),
		OnDemandStreamCount:      new(int32(onDemand)),
		OnDemandStreamCountLimit: new(int32(orElse(s.config.Limits.OnDemandStreams, service.OnDemandStreams))),
		ChannelCount:             new(int32(0)),
		ChannelCountLimit:        new(int32(0)),
	}, nil
}

// orElse is n, or other if n is 0: a limit that is not enforced is reported as the
// service's.
func orElse(n, other int) int {
	if n == 0 {
		return other
	}
	return n
}
