package kintest

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const (
	defaultListConsumers = 100
	listConsumersToken   = "ListStreamConsumers"
)

func listStreamConsumers(s *Server, c *call, in *kinesis.ListStreamConsumersInput) (*kinesis.ListStreamConsumersOutput, error) {
	st, state, err := s.find(c, nil, in.StreamARN)
	if err != nil {
		return nil, err
	}
	if in.StreamCreationTimestamp != nil && !inSeconds(*in.StreamCreationTimestamp).Equal(inSeconds(st.born)) {
		return nil, notFound(st.key)
	}
	after := ""
	if in.NextToken != nil {
		text, made, ok := s.unseal(listConsumersToken+st.id, *in.NextToken)
		if !ok {
			return nil, fail(codeInvalidArgument, "Invalid NextToken.")
		}
		if age(c.now, made) > s.config.NextTokenTTL {
			return nil, expiredToken(s, c, made)
		}
		after = text
	}
	most := defaultListConsumers
	if in.MaxResults != nil {
		most = int(*in.MaxResults)
	}
	out := &kinesis.ListStreamConsumersOutput{Consumers: []types.Consumer{}}
	for _, con := range state.liveConsumers(c.now) {
		if con.name <= after {
			continue
		}
		if len(out.Consumers) == most {
			out.NextToken = new(s.seal(listConsumersToken+st.id, *out.Consumers[most-1].ConsumerName, c.now))
			break
		}
		out.Consumers = append(out.Consumers, con.describe(c.now))
	}
	return out, nil
}
