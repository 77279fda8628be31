package kintest

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest/internal/proto"
	"github.com/kinstream/kin/kintest/internal/seqnum"
)

// putRecord is PutRecord.
func (s *Server) putRecord(c *call, in *proto.PutRecordRequest, out *proto.PutRecordReply) error {
	p, result, err := s.placeOne(c, in)
	if err != nil {
		return err
	}
	out.ShardID, out.Seq, out.EncryptionType = result.ShardID, result.Seq, replyEncryption(p.state)
	return nil
}

// placeOne checks a record and stores it.
func (s *Server) placeOne(c *call, in *proto.PutRecordRequest) (placing, proto.PutResult, error) {
	p := placing{server: s, call: c}
	var none proto.PutResult
	err := validatePutRecord(in)
	if err != nil {
		return p, none, err
	}
	if p.stream, p.state, err = s.findForPut(c, in.StreamName, in.StreamARN); err != nil {
		return p, none, err
	}
	if err := checkEntry(&in.PutEntry, p.state, func() string { return "" }); err != nil {
		return p, none, err
	}
	if in.SequenceNumberForOrdering != nil {
		if err := checkOrdering(*in.SequenceNumberForOrdering, p.stream, p.state); err != nil {
			return p, none, err
		}
	}
	if in.DryRun {
		return p, none, dryRun()
	}
	result := p.place(&in.PutEntry)
	if result.ErrorCode != "" {
		return p, none, fail(result.ErrorCode, "%s", result.ErrorMessage)
	}
	return p, result, p.done()
}

// checkOrdering checks SequenceNumberForOrdering. Records of a shard are numbered
// upwards in any case, so there is nothing else to do with it.
func checkOrdering(text string, st *stream, state *streamState) error {
	if state.distribution == types.RecordDistributionStrategyAuto {
		return fail(codeInvalidArgument, "SequenceNumberForOrdering is not supported for stream %s under account %s "+
			"because its record distribution strategy is AUTO.", st.key.name, st.key.account)
	}
	invalid := func() error {
		return fail(codeInvalidArgument, "ExclusiveMinimumSequenceNumber %s used in PutRecord on stream %s under account %s is invalid.",
			text, st.key.name, st.key.account)
	}
	n, ok := seqnum.Parse(text)
	if !ok {
		return invalid()
	}
	parts, ok := n.Parts()
	if !ok || int(parts.Shard) >= len(state.shards) || state.shards[parts.Shard].log.Identity().Created != parts.Created {
		return invalid()
	}
	return nil
}
