package kintest

import (
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// maxPolicy is how long a resource policy may be.
const maxPolicy = 20 << 10

// putResourcePolicy keeps a policy. Nothing is ever refused because of one.
func putResourcePolicy(s *Server, c *call, in *kinesis.PutResourcePolicyInput) error {
	var policy map[string]any
	if err := json.Unmarshal([]byte(*in.Policy), &policy); err != nil || len(*in.Policy) > maxPolicy {
		return fail(codeInvalidArgument, "The resource policy is not valid JSON, or too long.")
	}
	return s.setPolicy(c, in.ResourceARN, *in.Policy)
}

// setPolicy sets the policy of a stream or consumer; empty for none.
func (s *Server) setPolicy(c *call, arn *string, policy string) error {
	st, _, con, err := s.findResource(c, arn)
	if err != nil {
		return err
	}
	if con == nil {
		return st.change(c.now, func(next *streamState) error {
			next.policy = policy
			return nil
		})
	}
	return st.changeConsumer(c.now, con, func(next *consumer) error {
		next.policy = policy
		return nil
	})
}
