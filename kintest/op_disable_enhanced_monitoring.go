package kintest

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func disableEnhancedMonitoring(s *Server, c *call, in *kinesis.DisableEnhancedMonitoringInput) (*kinesis.DisableEnhancedMonitoringOutput, error) {
	off := expandMetrics(in.ShardLevelMetrics)
	m, err := s.setMetrics(c, in.StreamName, in.StreamARN, func(have []types.MetricsName) []types.MetricsName {
		left := append([]types.MetricsName{}, have...)
		return slices.DeleteFunc(left, func(m types.MetricsName) bool { return slices.Contains(off, m) })
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.DisableEnhancedMonitoringOutput{
		StreamName: new(m.key.name), StreamARN: new(m.key.arn()),
		CurrentShardLevelMetrics: m.current, DesiredShardLevelMetrics: m.desired,
	}, nil
}
