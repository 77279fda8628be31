package wire

import (
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/cbor"
)

// The functions of this file read one shape each. As in the SDK's own decoder,
// members that are not known are skipped, a null member is as good as absent, and of a
// member that comes twice the last one counts.

// cborMembers calls member with each key of a map whose value is not null. member
// reads the value.
func cborMembers(r *cbor.Reader, member func(key []byte) error) error {
	n, err := r.Map()
	if err != nil {
		return err
	}
	for r.Next(&n) {
		key, err := r.Text()
		if err != nil {
			return err
		}
		if r.Null() {
			continue
		}
		if err := member(key); err != nil {
			return err
		}
	}
	return nil
}

// cborList reads an array into a slice that is not nil. Null elements are zero
// values.
func cborList[T any](r *cbor.Reader, element func(*cbor.Reader, *T) error) ([]T, error) {
	n, err := r.Array()
	if err != nil {
		return nil, err
	}
	list := make([]T, 0, min(max(n, 0), r.Len()/minElementSize+1))
	for r.Next(&n) {
		var v T
		if !r.Null() {
			if err := element(r, &v); err != nil {
				return nil, err
			}
		}
		list = append(list, v)
	}
	return list, nil
}

func cborString(r *cbor.Reader, v **string) error {
	b, err := r.Text()
	if err == nil {
		*v = new(alias(b))
	}
	return err
}

func cborEncryptionType(r *cbor.Reader, v *types.EncryptionType) error {
	b, err := r.Text()
	*v = encryptionType(b)
	return err
}

// cborInt reads an integer, also one that came as a float, which is how servers
// write it that know only one kind of number.
func cborInt(r *cbor.Reader, least, most int64) (int64, error) {
	if r.Kind() != cbor.KindFloat {
		n, err := r.Int()
		if err == nil && (n < least || n > most) {
			err = cbor.ErrRange
		}
		return n, err
	}
	f, err := r.Float()
	if err != nil {
		return 0, err
	}
	// The largest int64 is no float64: the conversion rounds it up, out of range.
	if f != math.Trunc(f) || f < float64(least) || f > float64(most) || f >= math.MaxInt64 {
		return 0, cbor.ErrRange
	}
	return int64(f), nil
}

func cborGetRecords(r *cbor.Reader, out *kinesis.GetRecordsOutput) error {
	return cborMembers(r, func(key []byte) (err error) {
		switch string(key) {
		case "Records":
			out.Records, err = cborRecords(r)
		case "NextShardIterator":
			err = cborString(r, &out.NextShardIterator)
		case "MillisBehindLatest":
			var n int64
			n, err = cborInt(r, math.MinInt64, math.MaxInt64)
			out.MillisBehindLatest = &n
		case "ChildShards":
			out.ChildShards, err = cborList(r, cborChildShard)
		default:
			err = r.Skip()
		}
		return err
	})
}

func cborRecords(r *cbor.Reader) ([]types.Record, error) {
	n, err := r.Array()
	if err != nil {
		return nil, err
	}
	list := newSlab[types.Record, recordTargets](max(n, 0), r.Len())
	for first := n < 0; r.Next(&n); first = false {
		start := r.Offset()
		rec, at := list.add()
		if !r.Null() {
			if err := cborRecord(r, rec, at); err != nil {
				return nil, err
			}
		}
		if first { // of an unknown number: the rest is about as large
			list.reserve(r.Len() / max(r.Offset()-start, minElementSize))
		}
	}
	return list.elements, nil
}

// cborRecord is the loop that decides how fast a consumer is. It is written out
// instead of using cborMembers.
func cborRecord(r *cbor.Reader, rec *types.Record, at *recordTargets) error {
	n, err := r.Map()
	if err != nil {
		return err
	}
	for r.Next(&n) {
		key, err := r.Text()
		if err != nil {
			return err
		}
		if r.Null() {
			continue
		}
		switch string(key) {
		case "Data":
			rec.Data, err = r.Bytes()
		case memberSequenceNumber:
			var b []byte
			b, err = r.Text()
			at.sequence = alias(b)
			rec.SequenceNumber = &at.sequence
		case "PartitionKey":
			var b []byte
			b, err = r.Text()
			at.key = alias(b)
			rec.PartitionKey = &at.key
		case "ApproximateArrivalTimestamp":
			var millis int64
			millis, err = r.Time()
			at.arrival = time.UnixMilli(millis).UTC()
			rec.ApproximateArrivalTimestamp = &at.arrival
		case memberEncryptionType:
			err = cborEncryptionType(r, &rec.EncryptionType)
		default:
			err = r.Skip()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func cborChildShard(r *cbor.Reader, v *types.ChildShard) error {
	return cborMembers(r, func(key []byte) (err error) {
		switch string(key) {
		case memberShardID:
			err = cborString(r, &v.ShardId)
		case "ParentShards":
			v.ParentShards, err = cborList(r, func(r *cbor.Reader, v *string) error {
				b, err := r.Text()
				*v = alias(b)
				return err
			})
		case "HashKeyRange":
			v.HashKeyRange = new(types.HashKeyRange)
			err = cborHashKeyRange(r, v.HashKeyRange)
		default:
			err = r.Skip()
		}
		return err
	})
}

func cborHashKeyRange(r *cbor.Reader, v *types.HashKeyRange) error {
	return cborMembers(r, func(key []byte) error {
		switch string(key) {
		case "StartingHashKey":
			return cborString(r, &v.StartingHashKey)
		case "EndingHashKey":
			return cborString(r, &v.EndingHashKey)
		}
		return r.Skip()
	})
}

func cborPutRecords(r *cbor.Reader, out *kinesis.PutRecordsOutput) error {
	return cborMembers(r, func(key []byte) (err error) {
		switch string(key) {
		case "Records":
			out.Records, err = cborResults(r)
		case "FailedRecordCount":
			var n int64
			n, err = cborInt(r, math.MinInt32, math.MaxInt32)
			out.FailedRecordCount = new(int32(n))
		case memberEncryptionType:
			err = cborEncryptionType(r, &out.EncryptionType)
		default:
			err = r.Skip()
		}
		return err
	})
}

func cborResults(r *cbor.Reader) ([]types.PutRecordsResultEntry, error) {
	n, err := r.Array()
	if err != nil {
		return nil, err
	}
	list := newSlab[types.PutRecordsResultEntry, resultTargets](max(n, 0), r.Len())
	for first := n < 0; r.Next(&n); first = false {
		start := r.Offset()
		v, at := list.add()
		if !r.Null() {
			if err := cborResult(r, v, at); err != nil {
				return nil, err
			}
		}
		if first {
			list.reserve(r.Len() / max(r.Offset()-start, minElementSize))
		}
	}
	return list.elements, nil
}

func cborResult(r *cbor.Reader, v *types.PutRecordsResultEntry, at *resultTargets) error {
	return cborMembers(r, func(key []byte) error {
		var member **string
		var target *string
		switch string(key) {
		case memberSequenceNumber:
			member, target = &v.SequenceNumber, &at.sequence
		case memberShardID:
			member, target = &v.ShardId, &at.shard
		case "ErrorCode":
			member, target = &v.ErrorCode, &at.code
		case "ErrorMessage":
			member, target = &v.ErrorMessage, &at.message
		default:
			return r.Skip()
		}
		b, err := r.Text()
		*member, *target = target, alias(b)
		return err
	})
}

func cborPutRecord(r *cbor.Reader, out *kinesis.PutRecordOutput) error {
	return cborMembers(r, func(key []byte) error {
		switch string(key) {
		case memberSequenceNumber:
			return cborString(r, &out.SequenceNumber)
		case memberShardID:
			return cborString(r, &out.ShardId)
		case memberEncryptionType:
			return cborEncryptionType(r, &out.EncryptionType)
		}
		return r.Skip()
	})
}
