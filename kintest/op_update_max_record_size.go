package kintest

import "github.com/aws/aws-sdk-go-v2/service/kinesis"

func updateMaxRecordSize(s *Server, c *call, in *kinesis.UpdateMaxRecordSizeInput) error {
	st, _, err := s.find(c, nil, in.StreamARN)
	if err != nil {
		return err
	}
	return st.update(c.now, s.config.StateDelay, func(next *streamState) (reshape, error) {
		next.maxRecord = int(*in.MaxRecordSizeInKiB) << 10
		return reshape{}, nil
	})
}
