package kintest

import "github.com/aws/aws-sdk-go-v2/service/kinesis"

func tagResource(s *Server, c *call, in *kinesis.TagResourceInput) error {
	st, _, con, err := s.findResource(c, in.ResourceARN)
	if err != nil {
		return err
	}
	if con == nil {
		return st.addTags(c, in.Tags)
	}
	return st.changeConsumer(c.now, con, func(next *consumer) error {
		if err := checkTags(st.key, next.tags, in.Tags); err != nil {
			return err
		}
		next.tags = withTags(next.tags, in.Tags)
		return nil
	})
}
