package kintest

import "github.com/aws/aws-sdk-go-v2/service/kinesis"

func listTagsForStream(s *Server, c *call, in *kinesis.ListTagsForStreamInput) (*kinesis.ListTagsForStreamOutput, error) {
	_, state, err := s.find(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	after := ""
	if in.ExclusiveStartTagKey != nil {
		after = *in.ExclusiveStartTagKey
	}
	most := maxTags
	if in.Limit != nil {
		most = int(*in.Limit)
	}
	tags := listTags(state.tags, after)
	more := len(tags) > most
	if more {
		tags = tags[:most]
	}
	return &kinesis.ListTagsForStreamOutput{Tags: tags, HasMoreTags: new(more)}, nil
}
