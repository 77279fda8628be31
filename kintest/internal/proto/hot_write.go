package proto

import (
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest/internal/seqnum"
	"github.com/kinstream/kin/kintest/internal/shardlog"
)

// AppendPutRecords appends the body of an answer to PutRecords.
func (e Encoding) AppendPutRecords(dst []byte, out *PutRecordsReply) []byte {
	if e == CBOR {
		return appendPutRecordsCBOR(dst, out)
	}
	return appendPutRecordsJSON(dst, out)
}

// AppendPutRecord appends the body of an answer to PutRecord.
func (e Encoding) AppendPutRecord(dst []byte, out *PutRecordReply) []byte {
	if e == CBOR {
		return appendPutRecordCBOR(dst, out)
	}
	return appendPutRecordJSON(dst, out)
}

// AppendGetRecords appends the body of an answer to GetRecords, straight from the memory that the records lie in.
func (e Encoding) AppendGetRecords(dst []byte, out *GetRecordsReply) []byte {
	if e == CBOR {
		return appendGetRecordsCBOR(dst, out)
	}
	return appendGetRecordsJSON(dst, out)
}

// GetRecordsSize is about how long the body of an answer to GetRecords is, and rarely less than that: names and numbers of a
// record take less than recordOverhead, and only keys that need escapes take more than their length.
func (e Encoding) GetRecordsSize(out *GetRecordsReply) int {
	size := 1024
	for i := range out.Records {
		size += e.RecordSize(&out.Records[i])
	}
	return size
}

// recordOverhead is what a record takes beside its data and key: member names, sequence number, time.
const recordOverhead = 200

// RecordSize is about how long a record is in the encoding.
func (e Encoding) RecordSize(r *shardlog.Record) int {
	data := len(r.Data)
	if e == JSON {
		data = (data + 2) / 3 * 4
	}
	return recordOverhead + data + len(r.Key)
}

// Event is what one event of SubscribeToShard says.
type Event struct {
	Records            []shardlog.Record
	Continuation       seqnum.Number // zero at the end of the shard, and then left out
	MillisBehindLatest int64
	ChildShards        []types.ChildShard // nil: left out
}

// AppendEvent appends the payload of an event: always JSON, whatever the request was in.
func AppendEvent(dst []byte, event *Event) []byte {
	dst = append(dst, '{')
	if event.ChildShards != nil {
		dst = append(appendChildShardsJSON(dst, event.ChildShards), ',')
	}
	if !event.Continuation.IsZero() {
		dst = append(dst, `"ContinuationSequenceNumber":"`...)
		dst = event.Continuation.AppendDecimal(dst)
		dst = append(dst, '"', ',')
	}
	dst = appendMillisJSON(dst, event.MillisBehindLatest)
	dst = append(dst, ',')
	dst = appendRecordsJSON(dst, event.Records)
	return append(dst, '}')
}
