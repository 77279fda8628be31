package kintest

import "github.com/aws/aws-sdk-go-v2/service/kinesis"

func getResourcePolicy(s *Server, c *call, in *kinesis.GetResourcePolicyInput) (*kinesis.GetResourcePolicyOutput, error) {
	policy, err := s.policy(c, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return &kinesis.GetResourcePolicyOutput{Policy: new(policy)}, nil
}

// policy returns the policy of a stream or consumer. Having none is an error.
func (s *Server) policy(c *call, arn *string) (string, error) {
	_, state, con, err := s.findResource(c, arn)
	if err != nil {
		return "", err
	}
	policy := state.policy
	if con != nil {
		policy = con.policy
	}
	if policy == "" {
		return "", fail(codeResourceNotFound, "No policy found for the specified resource %s.", *arn)
	}
	return policy, nil
}
