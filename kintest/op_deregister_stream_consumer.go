package kintest

import "github.com/aws/aws-sdk-go-v2/service/kinesis"

func deregisterStreamConsumer(s *Server, c *call, in *kinesis.DeregisterStreamConsumerInput) error {
	st, _, con, err := s.findConsumer(c, in.ConsumerARN, in.StreamARN, in.ConsumerName)
	if err != nil {
		return err
	}
	err = st.changeConsumer(c.now, con, func(next *consumer) error {
		if next.leaving {
			return fail(codeResourceInUse, "Consumer %s under stream %s, account %s is not in ACTIVE status.", con.name, st.key.name, st.key.account)
		}
		next.leaving = true
		next.goneAt = c.now.Add(s.config.StateDelay)
		return nil
	})
	if err != nil {
		return err
	}
	con.endAll(consumerNotFound(st.key, con.suffix()), retired)
	return nil
}
