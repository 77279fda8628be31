package wire

import (
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/jsonscan"
)

// The functions of this file read one shape each, as those of decode_cbor.go do
// from CBOR. They accept what the SDK's own decoder accepts and yield what it
// yields; only JSON that is malformed in ways that the SDK overlooks is refused.

// jsonMembers calls member with each key of an object whose value is not null.
// member reads the value.
func jsonMembers(s *jsonscan.Scanner, member func(key []byte) error) error {
	if err := s.Object(); err != nil {
		return err
	}
	for first := true; ; first = false {
		key, more, err := s.Key(first)
		if err != nil || !more {
			return err
		}
		if s.Null() {
			continue
		}
		if err := member(key); err != nil {
			return err
		}
	}
}

// jsonElements calls element for each element of an array. element reads it.
func jsonElements(s *jsonscan.Scanner, element func() error) error {
	if err := s.Array(); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.Next(first)
		if err != nil || !more {
			return err
		}
		if err := element(); err != nil {
			return err
		}
	}
}

// jsonList reads an array into a slice that is not nil. Null elements are zero
// values.
func jsonList[T any](s *jsonscan.Scanner, element func(*jsonscan.Scanner, *T) error) ([]T, error) {
	list := make([]T, 0)
	err := jsonElements(s, func() error {
		var v T
		if !s.Null() {
			if err := element(s, &v); err != nil {
				return err
			}
		}
		list = append(list, v)
		return nil
	})
	return list, err
}

func jsonString(s *jsonscan.Scanner, v **string) error {
	b, err := s.String()
	if err == nil {
		*v = new(alias(b))
	}
	return err
}

func jsonEncryptionType(s *jsonscan.Scanner, v *types.EncryptionType) error {
	b, err := s.String()
	*v = encryptionType(b)
	return err
}

// maxEpochSeconds is the last second that the SDK can make a time of (the year
// 2262). Beyond it the SDK yields some other time.
const maxEpochSeconds = math.MaxInt64 / 1_000_000_000

// jsonTime reads seconds since 1970. Fractions of a millisecond are cut off.
func jsonTime(s *jsonscan.Scanner) (time.Time, error) {
	f, err := s.Float()
	if err == nil && math.Abs(f) > maxEpochSeconds {
		err = jsonscan.ErrRange
	}
	return time.UnixMilli(int64(f * 1000)).UTC(), err
}

func jsonGetRecords(s *jsonscan.Scanner, out *kinesis.GetRecordsOutput) error {
	return jsonMembers(s, func(key []byte) (err error) {
		switch string(key) {
		case "Records":
			out.Records, err = jsonRecords(s)
		case "NextShardIterator":
			err = jsonString(s, &out.NextShardIterator)
		case "MillisBehindLatest":
			var n int64
			n, err = s.Int()
			out.MillisBehindLatest = &n
		case "ChildShards":
			out.ChildShards, err = jsonList(s, jsonChildShard)
		default:
			err = s.Skip()
		}
		return err
	})
}

func jsonRecords(s *jsonscan.Scanner) ([]types.Record, error) {
	if err := s.Array(); err != nil {
		return nil, err
	}
	list := newSlab[types.Record, recordTargets](0, s.Len())
	for first := true; ; first = false {
		more, err := s.Next(first)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		start := s.Offset()
		rec, at := list.add()
		if !s.Null() {
			if err := jsonRecord(s, rec, at); err != nil {
				return nil, err
			}
		}
		if first { // of an unknown number: the rest is about as large
			list.reserve(s.Len() / max(s.Offset()-start, minElementSize))
		}
	}
	return list.elements, nil
}

// jsonRecord is the loop that decides how fast a consumer is. It is written out
// instead of using jsonMembers.
func jsonRecord(s *jsonscan.Scanner, rec *types.Record, at *recordTargets) error {
	if err := s.Object(); err != nil {
		return err
	}
	for first := true; ; first = false {
		key, more, err := s.Key(first)
		if err != nil || !more {
			return err
		}
		if s.Null() {
			continue
		}
		switch string(key) {
		case "Data":
			rec.Data, err = s.Base64()
		case memberSequenceNumber:
			var b []byte
			b, err = s.String()
			at.sequence = alias(b)
			rec.SequenceNumber = &at.sequence
		case "PartitionKey":
			var b []byte
			b, err = s.String()
			at.key = alias(b)
			rec.PartitionKey = &at.key
		case "ApproximateArrivalTimestamp":
			at.arrival, err = jsonTime(s)
			rec.ApproximateArrivalTimestamp = &at.arrival
		case memberEncryptionType:
			err = jsonEncryptionType(s, &rec.EncryptionType)
		default:
			err = s.Skip()
		}
		if err != nil {
			return err
		}
	}
}

func jsonChildShard(s *jsonscan.Scanner, v *types.ChildShard) error {
	return jsonMembers(s, func(key []byte) (err error) {
		switch string(key) {
		case memberShardID:
			err = jsonString(s, &v.ShardId)
		case "ParentShards":
			v.ParentShards, err = jsonList(s, func(s *jsonscan.Scanner, v *string) error {
				b, err := s.String()
				*v = alias(b)
				return err
			})
		case "HashKeyRange":
			v.HashKeyRange = new(types.HashKeyRange)
			err = jsonHashKeyRange(s, v.HashKeyRange)
		default:
			err = s.Skip()
		}
		return err
	})
}

func jsonHashKeyRange(s *jsonscan.Scanner, v *types.HashKeyRange) error {
	return jsonMembers(s, func(key []byte) error {
		switch string(key) {
		case "StartingHashKey":
			return jsonString(s, &v.StartingHashKey)
		case "EndingHashKey":
			return jsonString(s, &v.EndingHashKey)
		}
		return s.Skip()
	})
}

func jsonPutRecords(s *jsonscan.Scanner, out *kinesis.PutRecordsOutput) error {
	return jsonMembers(s, func(key []byte) (err error) {
		switch string(key) {
		case "Records":
			out.Records, err = jsonResults(s)
		case "FailedRecordCount":
			var n int64
			n, err = s.Int()
			if err == nil && n != int64(int32(n)) {
				err = jsonscan.ErrRange
			}
			out.FailedRecordCount = new(int32(n))
		case memberEncryptionType:
			err = jsonEncryptionType(s, &out.EncryptionType)
		default:
			err = s.Skip()
		}
		return err
	})
}

func jsonResults(s *jsonscan.Scanner) ([]types.PutRecordsResultEntry, error) {
	list := newSlab[types.PutRecordsResultEntry, resultTargets](0, s.Len())
	first := true
	err := jsonElements(s, func() error {
		start := s.Offset()
		v, at := list.add()
		if !s.Null() {
			if err := jsonResult(s, v, at); err != nil {
				return err
			}
		}
		if first {
			first = false
			list.reserve(s.Len() / max(s.Offset()-start, minElementSize))
		}
		return nil
	})
	return list.elements, err
}

func jsonResult(s *jsonscan.Scanner, v *types.PutRecordsResultEntry, at *resultTargets) error {
	return jsonMembers(s, func(key []byte) error {
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
			return s.Skip()
		}
		b, err := s.String()
		*member, *target = target, alias(b)
		return err
	})
}

func jsonPutRecord(s *jsonscan.Scanner, out *kinesis.PutRecordOutput) error {
	return jsonMembers(s, func(key []byte) error {
		switch string(key) {
		case memberSequenceNumber:
			return jsonString(s, &out.SequenceNumber)
		case memberShardID:
			return jsonString(s, &out.ShardId)
		case memberEncryptionType:
			return jsonEncryptionType(s, &out.EncryptionType)
		}
		return s.Skip()
	})
}
