package kintest

import "strings"

// findResource returns the stream, and the consumer if the ARN is one's, that an
// operation on resources means.
func (s *Server) findResource(c *call, arn *string) (*stream, *streamState, *consumer, error) {
	if strings.Contains(*arn, "/consumer/") {
		return s.findConsumer(c, arn, nil, nil)
	}
	if parsed, ok := parseARN(*arn); !ok || parsed.consumer != "" {
		return nil, nil, nil, fail(codeInvalidArgument, "ResourceARN %s is not the ARN of a stream or a consumer.", *arn)
	}
	st, state, err := s.find(c, nil, arn)
	return st, state, nil, err
}
