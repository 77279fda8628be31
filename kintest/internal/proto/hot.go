package proto

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest/internal/seqnum"
	"github.com/kinstream/kin/kintest/internal/shardlog"
)

// The requests and replies of the three hot operations. The codecs read and write
// them directly; all other operations go through the SDK's own structs.
//
// Requests and replies may be pooled: whoever decodes into one resets it first
// (Reset keeps the slices' memory). Bytes and strings of a request may alias the
// request's buffer until the operation returns; the engine copies what it keeps.

// PutEntry is one record of a PutRecordsRequest.
type PutEntry struct {
	Data            []byte
	PartitionKey    string
	ExplicitHashKey string
	HasData         bool // the member was there and was not null
	HasPartitionKey bool
	HasHashKey      bool
}

// PutRecordsRequest is the input of PutRecords.
type PutRecordsRequest struct {
	StreamName, StreamARN, StreamID *string
	DryRun                          bool
	HasRecords                      bool
	Records                         []PutEntry

	// Refuse, if set, is asked for each valid record, with the shard that it belongs
	// to, before it is stored: a code other than "" makes it fail with that error
	// instead. It is how a script of faults reaches single records.
	Refuse func(i int, shardID string) (code, message string)
}

// Reset empties the request and keeps its memory.
func (r *PutRecordsRequest) Reset() {
	clear(r.Records)
	*r = PutRecordsRequest{Records: r.Records[:0]}
}

// PutResult is the result of one record of a PutRecordsRequest: either ShardID
// and Seq or ErrorCode and ErrorMessage.
type PutResult struct {
	ShardID                 string
	Seq                     seqnum.Number
	ErrorCode, ErrorMessage string
}

// PutRecordsReply is the output of PutRecords.
type PutRecordsReply struct {
	Failed         int
	EncryptionType types.EncryptionType // empty: left out
	Records        []PutResult
}

// Reset empties the reply and keeps its memory.
func (r *PutRecordsReply) Reset() {
	clear(r.Records)
	*r = PutRecordsReply{Records: r.Records[:0]}
}

// PutRecordRequest is the input of PutRecord.
type PutRecordRequest struct {
	StreamName, StreamARN, StreamID *string
	SequenceNumberForOrdering       *string
	DryRun                          bool
	PutEntry
}

// Reset empties the request.
func (r *PutRecordRequest) Reset() { *r = PutRecordRequest{} }

// PutRecordReply is the output of PutRecord.
type PutRecordReply struct {
	ShardID        string
	Seq            seqnum.Number
	EncryptionType types.EncryptionType
}

// GetRecordsRequest is the input of GetRecords.
type GetRecordsRequest struct {
	ShardIterator       *string
	Limit               *int32
	StreamARN, StreamID *string
	DryRun              bool
}

// Reset empties the request.
func (r *GetRecordsRequest) Reset() { *r = GetRecordsRequest{} }

// GetRecordsReply is the output of GetRecords.
type GetRecordsReply struct {
	Records            []shardlog.Record
	NextShardIterator  string // empty: the shard has been read to its end
	MillisBehindLatest int64
	ChildShards        []types.ChildShard // nil: left out
}

// Reset empties the reply and keeps its memory.
func (r *GetRecordsReply) Reset() {
	clear(r.Records)
	*r = GetRecordsReply{Records: r.Records[:0]}
}
