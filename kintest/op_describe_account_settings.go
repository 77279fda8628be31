package kintest

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func describeAccountSettings(s *Server, c *call, _ *kinesis.DescribeAccountSettingsInput) (*kinesis.DescribeAccountSettingsOutput, error) {
	if err := s.admit(c, ""); err != nil {
		return nil, err
	}
	return &kinesis.DescribeAccountSettingsOutput{MinimumThroughputBillingCommitment: s.accountOf(c).describe(c)}, nil
}

// describe returns the commitment as the service describes it.
func (a accountState) describe(c *call) *types.MinimumThroughputBillingCommitmentOutput {
	out := &types.MinimumThroughputBillingCommitmentOutput{Status: types.MinimumThroughputBillingCommitmentOutputStatusDisabled}
	if !a.committed {
		return out
	}
	out.StartedAt = new(a.started)
	switch {
	case a.ends.IsZero():
		out.Status = types.MinimumThroughputBillingCommitmentOutputStatusEnabled
		out.EarliestAllowedEndAt = new(a.started.Add(commitment))
	case a.active(c.now):
		out.Status = types.MinimumThroughputBillingCommitmentOutputStatusEnabledUntilEarliestAllowedEnd
		out.EarliestAllowedEndAt = new(a.ends)
	default:
		out.EndedAt = new(a.ends)
	}
	return out
}
