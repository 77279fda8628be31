package proto

import (
	"github.com/kinstream/kin/internal/cbor"
	"github.com/kinstream/kin/kintest/internal/seqnum"
)

func appendPutRecordsCBOR(dst []byte, out *PutRecordsReply) []byte {
	members := 2
	if out.EncryptionType != "" {
		members++
	}
	dst = cbor.AppendMap(dst, members)
	dst = cbor.AppendText(dst, "FailedRecordCount")
	dst = cbor.AppendInt(dst, int64(out.Failed))
	if out.EncryptionType != "" {
		dst = cbor.AppendText(dst, "EncryptionType")
		dst = cbor.AppendText(dst, out.EncryptionType)
	}
	dst = cbor.AppendText(dst, "Records")
	dst = cbor.AppendArray(dst, len(out.Records))
	for i := range out.Records {
		r := &out.Records[i]
		dst = cbor.AppendMap(dst, 2)
		if r.ErrorCode != "" {
			dst = cbor.AppendText(dst, "ErrorCode")
			dst = cbor.AppendText(dst, r.ErrorCode)
			dst = cbor.AppendText(dst, "ErrorMessage")
			dst = cbor.AppendText(dst, r.ErrorMessage)
			continue
		}
		dst = appendSequenceCBOR(dst, r.Seq)
		dst = cbor.AppendText(dst, "ShardId")
		dst = cbor.AppendText(dst, r.ShardID)
	}
	return dst
}

func appendPutRecordCBOR(dst []byte, out *PutRecordReply) []byte {
	members := 2
	if out.EncryptionType != "" {
		members++
	}
	dst = cbor.AppendMap(dst, members)
	dst = appendSequenceCBOR(dst, out.Seq)
	dst = cbor.AppendText(dst, "ShardId")
	dst = cbor.AppendText(dst, out.ShardID)
	if out.EncryptionType != "" {
		dst = cbor.AppendText(dst, "EncryptionType")
		dst = cbor.AppendText(dst, out.EncryptionType)
	}
	return dst
}

func appendGetRecordsCBOR(dst []byte, out *GetRecordsReply) []byte {
	members := 2
	if out.ChildShards != nil {
		members++
	}
	if out.NextShardIterator != "" {
		members++
	}
	dst = cbor.AppendMap(dst, members)
	if out.ChildShards != nil {
		dst = cbor.AppendText(dst, "ChildShards")
		dst = cbor.AppendArray(dst, len(out.ChildShards))
		for i := range out.ChildShards {
			w := cborWriter{buf: dst}
			out.ChildShards[i].Serialize(&w)
			dst = w.buf
		}
	}
	dst = cbor.AppendText(dst, "MillisBehindLatest")
	dst = cbor.AppendInt(dst, out.MillisBehindLatest)
	if out.NextShardIterator != "" {
		dst = cbor.AppendText(dst, "NextShardIterator")
		dst = cbor.AppendText(dst, out.NextShardIterator)
	}
	return appendRecordsCBOR(dst, out)
}

func appendRecordsCBOR(dst []byte, out *GetRecordsReply) []byte {
	dst = cbor.AppendText(dst, "Records")
	dst = cbor.AppendArray(dst, len(out.Records))
	for i := range out.Records {
		r := &out.Records[i]
		members := 3
		if r.KMS {
			members++
		}
		if r.Key != nil {
			members++
		}
		dst = cbor.AppendMap(dst, members)
		dst = cbor.AppendText(dst, "ApproximateArrivalTimestamp")
		dst = cbor.AppendTime(dst, r.Arrival)
		dst = cbor.AppendText(dst, "Data")
		dst = cbor.AppendBytes(dst, r.Data)
		if r.KMS {
			dst = cbor.AppendText(dst, "EncryptionType")
			dst = cbor.AppendText(dst, "KMS")
		}
		if r.Key != nil {
			dst = cbor.AppendText(dst, "PartitionKey")
			dst = cbor.AppendText(dst, r.Key)
		}
		dst = appendSequenceCBOR(dst, r.Seq)
	}
	return dst
}

func appendSequenceCBOR(dst []byte, n seqnum.Number) []byte {
	var text [58]byte
	dst = cbor.AppendText(dst, "SequenceNumber")
	return cbor.AppendText(dst, n.AppendDecimal(text[:0]))
}
