package kintest

import "github.com/aws/aws-sdk-go-v2/service/kinesis"

func addTagsToStream(s *Server, c *call, in *kinesis.AddTagsToStreamInput) error {
	st, _, err := s.find(c, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	return st.addTags(c, in.Tags)
}

func (st *stream) addTags(c *call, more map[string]string) error {
	return st.change(c.now, func(next *streamState) error {
		if err := checkTags(st.key, next.tags, more); err != nil {
			return err
		}
		next.tags = withTags(next.tags, more)
		return nil
	})
}
