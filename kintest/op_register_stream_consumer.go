package kintest

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// maxConsumersCreating is how many consumers of a stream may be CREATING at the
// same time.
const maxConsumersCreating = 5

func registerStreamConsumer(s *Server, c *call, in *kinesis.RegisterStreamConsumerInput) (*kinesis.RegisterStreamConsumerOutput, error) {
	st, _, err := s.find(c, nil, in.StreamARN)
	if err != nil {
		return nil, err
	}
	con := &consumer{
		stream: st.key,
		name:   *in.ConsumerName,
		born:   c.now,
		ready:  c.now.Add(s.config.StateDelay),
		tags:   withTags(nil, in.Tags),
		seats:  &seats{taken: make(map[uint32]*seat)},
	}
	if err := checkTags(st.key, nil, in.Tags); err != nil {
		return nil, err
	}
	most := s.consumerLimit(c)
	err = st.change(c.now, func(next *streamState) error {
		if next.phase == types.StreamStatusCreating || next.phase == types.StreamStatusDeleting {
			return notActive(st.key, next.phase)
		}
		if next.consumer(con.name, c.now) != nil {
			return fail(codeResourceInUse, "Consumer %s under stream %s already exists for account %s.", con.name, st.key.name, st.key.account)
		}
		live := next.liveConsumers(c.now)
		if most > 0 && len(live) >= most {
			return fail(codeLimitExceeded, "Stream %s under account %s already has %d registered consumers, which is the limit.",
				st.key.name, st.key.account, len(live))
		}
		if s.config.Limits.ControlCalls && creating(live, c) >= maxConsumersCreating {
			return fail(codeLimitExceeded, "Stream %s under account %s already has %d consumers in state %s, which is the limit.",
				st.key.name, st.key.account, maxConsumersCreating, types.ConsumerStatusCreating)
		}
		next.putConsumer(con, c.now)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := con.describe(c.now)
	out.ConsumerStatus = types.ConsumerStatusCreating // also if it does not last
	return &kinesis.RegisterStreamConsumerOutput{Consumer: &out}, nil
}

func creating(consumers []*consumer, c *call) (n int) {
	for _, con := range consumers {
		if con.status(c.now) == types.ConsumerStatusCreating {
			n++
		}
	}
	return n
}

// consumerLimit is how many consumers a stream may have. A commitment raises it.
func (s *Server) consumerLimit(c *call) int {
	most := s.config.Limits.Consumers
	if most == 20 && s.accountOf(c).active(c.now) {
		most = 50
	}
	return most
}
