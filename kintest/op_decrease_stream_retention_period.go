package kintest

import "github.com/aws/aws-sdk-go-v2/service/kinesis"

func decreaseStreamRetentionPeriod(s *Server, c *call, in *kinesis.DecreaseStreamRetentionPeriodInput) error {
	hours := *in.RetentionPeriodHours
	err := s.setRetention(c, in.StreamName, in.StreamARN, hours, func(key streamKey, have int32) error {
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
	if st, state, err := s.find(&call{account: c.account, region: c.region, now: c.now, protocol: direct}, in.StreamName, in.StreamARN); err == nil {
		st.trim(state, c)
	}
	return nil
}

// trim drops what is older than the retention.
func (st *stream) trim(state *streamState, c *call) {
	horizon := state.horizon(c.now).UnixMilli()
	for _, sh := range state.shards {
		sh.log.Trim(horizon)
	}
}
