package kintest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

const (
	minRetentionHours = 24
	maxRetentionHours = 8760
)

func increaseStreamRetentionPeriod(s *Server, c *call, in *kinesis.IncreaseStreamRetentionPeriodInput) error {
	hours := *in.RetentionPeriodHours
	if hours > maxRetentionHours {
		return fail(codeInvalidArgument, "Maximum allowed retention period is %d hours. Requested retention period (%d hours) is too long.",
			maxRetentionHours, hours)
	}
	_, err := s.setRetention(c, in.StreamName, in.StreamARN, hours, func(key streamKey, have int32) error {
		if hours >= have {
			return nil
		}
		return fail(codeInvalidArgument, "Requested retention period (%d hours) for stream %s can not be shorter than existing retention period (%d hours)."+
			" Use DecreaseRetentionPeriod API.", hours, key.name, have)
	})
	return err
}

// setRetention changes the retention of a stream to a number of hours that check
// allows.
func (s *Server) setRetention(c *call, name, arn *string, hours int32, check func(key streamKey, have int32) error) (*stream, error) {
	if hours < minRetentionHours {
		return nil, fail(codeInvalidArgument, "Minimum allowed retention period is %d hours. Requested retention period (%d hours) is too short.",
			minRetentionHours, hours)
	}
	st, _, err := s.find(c, name, arn)
	if err != nil {
		return nil, err
	}
	return st, st.update(c.now, s.config.StateDelay, func(next *streamState) (reshape, error) {
		if err := check(st.key, next.hours()); err != nil {
			return reshape{}, err
		}
		next.retention = time.Duration(hours) * time.Hour
		return reshape{}, nil
	})
}
