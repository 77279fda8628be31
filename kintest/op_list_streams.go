package kintest

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const (
	defaultListStreams = 100
	listStreamsToken   = "ListStreams"
)

func listStreams(s *Server, c *call, in *kinesis.ListStreamsInput) (*kinesis.ListStreamsOutput, error) {
	if err := s.admit(c, ""); err != nil {
		return nil, err
	}
	after := ""
	if in.ExclusiveStartStreamName != nil {
		after = *in.ExclusiveStartStreamName
	}
	if in.NextToken != nil {
		text, made, ok := s.unseal(listStreamsToken, *in.NextToken)
		if !ok {
			return nil, fail(codeInvalidArgument, "Invalid NextToken.")
		}
		if age(c.now, made) > s.config.NextTokenTTL {
			return nil, expiredToken(s, c, made)
		}
		after = text
	}
	most := defaultListStreams
	if in.Limit != nil {
		most = int(*in.Limit)
	}
	out := &kinesis.ListStreamsOutput{StreamNames: []string{}, StreamSummaries: []types.StreamSummary{}, HasMoreStreams: new(false)}
	for st, state := range s.ownAfter(c, after) {
		if len(out.StreamNames) == most {
			out.HasMoreStreams = new(true)
			out.NextToken = new(s.seal(listStreamsToken, out.StreamNames[most-1], c.now))
			break
		}
		out.StreamNames = append(out.StreamNames, st.key.name)
		out.StreamSummaries = append(out.StreamSummaries, types.StreamSummary{
			StreamName:              new(st.key.name),
			StreamARN:               new(st.key.arn()),
			StreamStatus:            state.phase,
			StreamModeDetails:       &types.StreamModeDetails{StreamMode: state.mode},
			StreamCreationTimestamp: new(inSeconds(st.born)),
		})
	}
	return out, nil
}
