package kintest

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest/internal/proto"
	"github.com/kinstream/kin/kintest/internal/seqnum"
)

// putRecord is PutRecord.
func (s *Server) putRecord(c *call, in *proto.PutRecordRequest, out *proto.PutRecordReply) error {
	if err := validatePutRecord(in); err != nil {
		return err
	}
	st, state, err := s.findForPut(c, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	if err := checkEntry(&in.PutEntry, state, func() string { return "" }); err != nil {
		return err
	}
	if in.SequenceNumberForOrdering != nil {
		if err := checkOrdering(*in.SequenceNumberForOrdering, st, state); err != nil {
			return err
		}
	}
	if in.DryRun {
		return dryRun()
	}
	p := placing{server: s, call: c, stream: st, state: state}
	result := p.place(&in.PutEntry)
	if result.ErrorCode == putRecordsInternal {
		return &apiError{Code: codeInternalFailure, Message: result.ErrorMessage, Status: http.StatusInternalServerError}
	}
	if result.ErrorCode != "" {
		return fail(result.ErrorCode, "%s", result.ErrorMessage)
	}
	out.ShardID, out.Seq, out.EncryptionType = result.ShardID, result.Seq, replyEncryption(state)
	return p.done()
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
