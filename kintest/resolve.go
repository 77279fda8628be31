package kintest

import (
	"strings"
	"time"
)

// parsedARN is the ARN of a stream or of one of its consumers.
type parsedARN struct {
	stream   streamKey
	consumer string // name:creation, if it is a consumer's
}

// parseARN takes an ARN apart. Validation has seen that it looks like one.
func parseARN(arn string) (parsedARN, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "kinesis" {
		return parsedARN{}, false
	}
	name, isStream := strings.CutPrefix(parts[5], "stream/")
	name, consumer, _ := strings.Cut(name, "/consumer/")
	if !isStream || name == "" {
		return parsedARN{}, false
	}
	return parsedARN{streamKey{account: parts[4], region: parts[3], name: name}, consumer}, true
}

// keyOf says which stream a call means by name, ARN, or both.
func (s *Server) keyOf(c *call, name, arn *string) (streamKey, error) {
	key := streamKey{account: c.account, region: c.region}
	switch {
	case arn != nil:
		parsed, ok := parseARN(*arn)
		if !ok || parsed.consumer != "" {
			return key, fail(codeInvalidArgument, "StreamARN %s is not the ARN of a stream.", *arn)
		}
		if name != nil && *name != parsed.stream.name {
			return key, fail(codeInvalidArgument, "StreamName %s and StreamARN %s do not refer to the same stream.", *name, *arn)
		}
		return parsed.stream, nil
	case name != nil:
		key.name = *name
		return key, nil
	default:
		return key, fail(codeInvalidArgument, "Either StreamARN or StreamName should be provided.")
	}
}

// find returns the stream that a call means. Control calls that come too fast are
// refused here.
func (s *Server) find(c *call, name, arn *string) (*stream, *streamState, error) {
	key, err := s.keyOf(c, name, arn)
	if err != nil {
		return nil, nil, err
	}
	if err := s.admit(c, key.name); err != nil {
		return nil, nil, err
	}
	st, state := s.stream(key, c.now)
	if st == nil {
		return nil, nil, notFound(key)
	}
	return st, state, nil
}

// age is how old something is, never negative.
func age(now, since time.Time) time.Duration { return max(0, now.Sub(since)) }
