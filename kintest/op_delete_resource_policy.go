package kintest

import "github.com/aws/aws-sdk-go-v2/service/kinesis"

func deleteResourcePolicy(s *Server, c *call, in *kinesis.DeleteResourcePolicyInput) error {
	if _, err := s.policy(c, in.ResourceARN); err != nil {
		return err
	}
	return s.setPolicy(c, in.ResourceARN, "")
}
