package kintest

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest/internal/proto"
)

const (
	maxPutRecords = 500
	maxPutBytes   = 10 << 20
)

// putRecords is PutRecords. Records are placed one after the other; one that is
// refused does not keep those after it from being stored.
func (s *Server) putRecords(c *call, in *proto.PutRecordsRequest, out *proto.PutRecordsReply) error {
	if err := validatePutRecords(in); err != nil {
		return err
	}
	st, state, err := s.findForPut(c, in.StreamName, in.StreamARN)
	if err != nil {
		return err
	}
	total := 0
	for i := range in.Records {
		e := &in.Records[i]
		if err := checkEntry(e, state, func() string { return recordPath(i) }); err != nil {
			return err
		}
		total += len(e.Data) + len(e.PartitionKey)
	}
	if total > maxPutBytes {
		return fail(codeInvalidArgument, "Records size exceeds 10 MB limit")
	}
	if in.DryRun {
		return dryRun()
	}
	p := placing{server: s, call: c, stream: st, state: state}
	for i := range in.Records {
		var result proto.PutResult
		if in.Refuse != nil {
			auto := state.distribution == types.RecordDistributionStrategyAuto
			result.ErrorCode, result.ErrorMessage = in.Refuse(i, p.shard(&in.Records[i], auto).id)
		}
		if result.ErrorCode == "" {
			result = p.place(&in.Records[i])
		}
		if result.ErrorCode != "" {
			out.Failed++
		}
		out.Records = append(out.Records, result)
	}
	out.EncryptionType = replyEncryption(state)
	return p.done()
}

// replyEncryption is how results name a stream's encryption: not at all if it has none.
func replyEncryption(state *streamState) types.EncryptionType {
	if state.encryption == types.EncryptionTypeKms {
		return types.EncryptionTypeKms
	}
	return ""
}
