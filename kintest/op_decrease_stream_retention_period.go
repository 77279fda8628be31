package kintest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

func decreaseStreamRetentionPeriod(s *Server, c *call, in *kinesis.DecreaseStreamRetentionPeriodInput) error {
	hours := *in.RetentionPeriodHours
	st, err := s.setRetention(c, in.StreamName, in.StreamARN, hours, func(key streamKey, have int32) error {
		if hours <= have {
			return nil
		}
		return fail(codeInvalidArgument, "Requested retention period (%d hours) for stream %s can not be longer than existing retention period (%d hours)."+
			" Use IncreaseRetentionPeriod API.", hours, key.name, have)
	})
	if err != nil {
		return err
	}
	// What is older is gone for good, also if the retention is increased again.
	st.trim(c.now)
	return nil
}

// trim drops what is older than the retention.
func (st *stream) trim(now time.Time) {
	state := st.at(now)
	if state == nil {
		return
	}
	horizon := state.horizon(now).UnixMilli()
	for _, sh := range state.shards {
		sh.log.Trim(horizon)
	}
}
