package kintest

import "github.com/aws/aws-sdk-go-v2/service/kinesis"

func removeTagsFromStream(s *Server, c *call, in *kinesis.RemoveTagsFromStreamInput) error {
	st, _, err := s.find(c, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	return st.removeTags(c, in.TagKeys)
}

func (st *stream) removeTags(c *call, keys []string) error {
	return st.change(c.now, func(next *streamState) error {
		next.tags = withoutTags(next.tags, keys)
		return nil
	})
}
