package proto

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/jsonscan"
	"github.com/kinstream/kin/kintest/internal/shardlog"
)

func appendPutRecordsJSON(dst []byte, out *PutRecordsReply) []byte {
	dst = append(dst, `{"FailedRecordCount":`...)
	dst = strconv.AppendInt(dst, int64(out.Failed), 10)
	if out.EncryptionType != "" {
		dst = append(dst, `,"EncryptionType":`...)
		dst = jsonscan.AppendString(dst, string(out.EncryptionType))
	}
	dst = append(dst, `,"Records":[`...)
	for i := range out.Records {
		if i > 0 {
			dst = append(dst, ',')
		}
		r := &out.Records[i]
		if r.ErrorCode != "" {
			dst = append(dst, `{"ErrorCode":`...)
			dst = jsonscan.AppendString(dst, r.ErrorCode)
			dst = append(dst, `,"ErrorMessage":`...)
			dst = jsonscan.AppendString(dst, r.ErrorMessage)
			dst = append(dst, '}')
			continue
		}
		dst = append(dst, `{"SequenceNumber":"`...)
		dst = r.Seq.AppendDecimal(dst)
		dst = append(dst, `","ShardId":`...)
		dst = jsonscan.AppendString(dst, r.ShardID)
		dst = append(dst, '}')
	}
	return append(dst, ']', '}')
}

func appendPutRecordJSON(dst []byte, out *PutRecordReply) []byte {
	dst = append(dst, `{"SequenceNumber":"`...)
	dst = out.Seq.AppendDecimal(dst)
	dst = append(dst, `","ShardId":`...)
	dst = jsonscan.AppendString(dst, out.ShardID)
	if out.EncryptionType != "" {
		dst = append(dst, `,"EncryptionType":`...)
		dst = jsonscan.AppendString(dst, string(out.EncryptionType))
	}
	return append(dst, '}')
}

func appendGetRecordsJSON(dst []byte, out *GetRecordsReply) []byte {
	dst = append(dst, '{')
	if out.ChildShards != nil {
		dst = append(appendChildShardsJSON(dst, out.ChildShards), ',')
	}
	dst = appendMillisJSON(dst, out.MillisBehindLatest)
	if out.NextShardIterator != "" {
		dst = append(dst, `,"NextShardIterator":`...)
		dst = jsonscan.AppendString(dst, out.NextShardIterator)
	}
	dst = append(dst, ',')
	dst = appendRecordsJSON(dst, out.Records)
	return append(dst, '}')
}

func appendMillisJSON(dst []byte, millis int64) []byte {
	return strconv.AppendInt(append(dst, `"MillisBehindLatest":`...), millis, 10)
}

func appendRecordsJSON(dst []byte, records []shardlog.Record) []byte {
	dst = append(dst, `"Records":[`...)
	for i := range records {
		if i > 0 {
			dst = append(dst, ',')
		}
		r := &records[i]
		dst = append(dst, `{"ApproximateArrivalTimestamp":`...)
		dst = jsonscan.AppendTime(dst, r.Arrival)
		dst = append(dst, `,"Data":`...)
		dst = jsonscan.AppendBase64(dst, r.Data)
		if r.KMS {
			dst = append(dst, `,"EncryptionType":"KMS"`...)
		}
		if r.Key != nil {
			dst = append(dst, `,"PartitionKey":`...)
			dst = jsonscan.AppendString(dst, r.Key)
		}
		dst = append(dst, `,"SequenceNumber":"`...)
		dst = r.Seq.AppendDecimal(dst)
		dst = append(dst, '"', '}')
	}
	return append(dst, ']')
}

// appendChildShardsJSON appends the member ChildShards. There are at most a few, so that the SDK's own way is fast enough.
func appendChildShardsJSON(dst []byte, shards []types.ChildShard) []byte {
	dst = append(dst, `"ChildShards":[`...)
	for i := range shards {
		if i > 0 {
			dst = append(dst, ',')
		}
		w := jsonWriter{buf: dst}
		shards[i].Serialize(&w)
		dst = w.buf
	}
	return append(dst, ']')
}
