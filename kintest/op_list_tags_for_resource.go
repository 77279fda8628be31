package kintest

import "github.com/aws/aws-sdk-go-v2/service/kinesis"

func listTagsForResource(s *Server, c *call, in *kinesis.ListTagsForResourceInput) (*kinesis.ListTagsForResourceOutput, error) {
	_, state, con, err := s.findResource(c, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	tags := state.tags
	if con != nil {
		tags = con.tags
	}
	return &kinesis.ListTagsForResourceOutput{Tags: listTags(tags, "")}, nil
}
