package kintest

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// allMetrics is what ALL stands for.
func allMetrics() []types.MetricsName {
	return slices.DeleteFunc(types.MetricsName("").Values(), func(m types.MetricsName) bool { return m == types.MetricsNameAll })
}

// expandMetrics replaces ALL by all metrics.
func expandMetrics(names []types.MetricsName) []types.MetricsName {
	if slices.Contains(names, types.MetricsNameAll) {
		return allMetrics()
	}
	return names
}

func enableEnhancedMonitoring(s *Server, c *call, in *kinesis.EnableEnhancedMonitoringInput) (*kinesis.EnableEnhancedMonitoringOutput, error) {
	m, err := s.setMetrics(c, in.StreamName, in.StreamARN, func(have []types.MetricsName) []types.MetricsName {
		return slices.Concat(have, expandMetrics(in.ShardLevelMetrics))
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.EnableEnhancedMonitoringOutput{
		StreamName: new(m.key.name), StreamARN: new(m.key.arn()),
		CurrentShardLevelMetrics: m.current, DesiredShardLevelMetrics: m.desired,
	}, nil
}

// metricsChange is what a change of enhanced monitoring answers.
type metricsChange struct {
	key              streamKey
	current, desired []types.MetricsName
}

// setMetrics changes the shard metrics of a stream.
func (s *Server) setMetrics(c *call, name, arn *string, fn func(have []types.MetricsName) []types.MetricsName) (m metricsChange, err error) {
	st, _, err := s.find(c, name, arn)
	if err != nil {
		return m, err
	}
	m.key = st.key
	err = st.update(c.now, s.config.StateDelay, func(next *streamState) (reshape, error) {
		m.current = append([]types.MetricsName{}, next.metrics...)
		m.desired = slices.Clone(fn(m.current))
		slices.Sort(m.desired)
		m.desired = slices.Compact(m.desired)
		next.metrics = m.desired
		return reshape{}, nil
	})
	return m, err
}
