package kintest

import "github.com/aws/aws-sdk-go-v2/service/kinesis"

func untagResource(s *Server, c *call, in *kinesis.UntagResourceInput) error {
	st, _, con, err := s.findResource(c, in.ResourceARN)
	if err != nil {
		return err
	}
	if con == nil {
		return st.removeTags(c, in.TagKeys)
	}
	return st.changeConsumer(c.now, con, func(next *consumer) error {
		next.tags = withoutTags(next.tags, in.TagKeys)
		return nil
	})
}
