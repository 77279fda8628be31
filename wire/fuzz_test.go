package wire_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/kinstream/kin/wire"
)

// FuzzDecodeJSON proves that no input makes the JSON decoder panic, and that what
// is JSON is accepted when the SDK accepts it and read as the SDK reads it.
func FuzzDecodeJSON(f *testing.F) {
	for seed := range uint64(30) {
		f.Add(encodeJSON(newChance(seed).smallAnswer()))
	}
	f.Add([]byte(`{"Records":[null,{"Data":"\/\/8=","PartitionKey":"\ud83d\ude00\ud83d","ApproximateArrivalTimestamp":1.5e9}],"x":[{}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		if lower := bytes.ToLower(in); bytes.Contains(lower, []byte("nan")) || bytes.Contains(lower, []byte("infinity")) {
			return // the SDK panics when a time is not a number, and makes some time of infinity
		}
		for _, pair := range [][2]output{
			{&kinesis.GetRecordsOutput{}, &kinesis.GetRecordsOutput{}},
			{&kinesis.PutRecordsOutput{}, &kinesis.PutRecordsOutput{}},
			{&kinesis.PutRecordOutput{}, &kinesis.PutRecordOutput{}},
		} {
			got, want := pair[0], pair[1]
			err := wire.DecodeJSON(bytes.Clone(in), got)
			if !json.Valid(in) {
				continue
			}
			wantErr := decodeBySDK(bytes.Clone(in), want)
			if (err == nil) != (wantErr == nil) && !stricter(err) {
				t.Fatalf("%T of %q: %v, the SDK says %v", got, in, err, wantErr)
			}
			if err == nil && !reflect.DeepEqual(got, want) {
				t.Fatalf("%T of %q:\ngot  %s\nwant %s", got, in, dump(got), dump(want))
			}
		}
	})
}

// smallAnswer returns a random answer that leaves the fuzzer fast.
func (c chance) smallAnswer() output {
	full, _ := c.answer()
	switch out := full.(type) {
	case *kinesis.GetRecordsOutput:
		out.Records = out.Records[:min(len(out.Records), 2)]
		for i := range out.Records {
			out.Records[i].Data = out.Records[i].Data[:min(len(out.Records[i].Data), 9)]
		}
	case *kinesis.PutRecordsOutput:
		out.Records = out.Records[:min(len(out.Records), 2)]
	}
	return full
}

// stricter reports whether an error is one that only this package makes: for
// times that the SDK turns into others, and for values nested very deep.
func stricter(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "out of range") || strings.Contains(err.Error(), "nested too deeply"))
}

// FuzzDecodeCBOR proves that no input makes the CBOR decoder panic or change it,
// and that what smithy-go's decoder reads as the shape is read alike.
func FuzzDecodeCBOR(f *testing.F) {
	for seed := range uint64(30) {
		in := newChance(seed).smallAnswer()
		f.Add(encodeCBOR(in, cborStyle{rand: newChance(seed).Rand}))
		f.Add(encodeCBOR(in, cborStyle{}))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		var got kinesis.GetRecordsOutput
		err := wire.DecodeCBOR(in, &got)
		_ = wire.DecodeCBOR(in, &kinesis.PutRecordsOutput{})
		_ = wire.DecodeCBOR(in, &kinesis.PutRecordOutput{})
		if !bytes.Equal(in, before) {
			t.Fatalf("decoding changed %x to %x", before, in)
		}
		if len(in) == 0 || in[0] < 0xa0 || in[0] > 0xbf {
			return
		}
		v, treeErr := cbor.Decode(in)
		if treeErr != nil || twice(in) {
			return
		}
		want, wantErr := getRecordsOf(v)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%x: %v, read from the tree: %v", in, err, wantErr)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%x:\ngot  %s\nwant %s", in, dump(got), dump(want))
		}
	})
}

// twice reports whether a member may come twice: a tree can't tell null from absent then.
func twice(in []byte) bool {
	for _, name := range []string{
		"Records", "ChildShards", "NextShardIterator", "MillisBehindLatest", "HashKeyRange", "ParentShards", "ShardId",
		"StartingHashKey", "EndingHashKey", "Data", "SequenceNumber", "PartitionKey", "ApproximateArrivalTimestamp", "EncryptionType",
	} {
		if bytes.Count(in, []byte(name)) > 1 {
			return true
		}
	}
	return false
}

// The functions below read the shape from a tree, the plain way.

func refuse(why string) {
	panic(why)
}

func getRecordsOf(v cbor.Value) (out kinesis.GetRecordsOutput, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("not the shape: %v", p)
		}
	}()
	m := v.(cbor.Map)
	out.NextShardIterator = textOf(m["NextShardIterator"])
	if present(m["MillisBehindLatest"]) {
		out.MillisBehindLatest = new(intOf(m["MillisBehindLatest"]))
	}
	out.Records = listOf(m["Records"], func(m cbor.Map) (r types.Record) {
		if present(m["Data"]) {
			r.Data = append([]byte{}, m["Data"].(cbor.Slice)...)
		}
		r.PartitionKey, r.SequenceNumber = textOf(m["PartitionKey"]), textOf(m["SequenceNumber"])
		if present(m["ApproximateArrivalTimestamp"]) {
			r.ApproximateArrivalTimestamp = new(timeOf(m["ApproximateArrivalTimestamp"]))
		}
		if s := textOf(m["EncryptionType"]); s != nil {
			r.EncryptionType = types.EncryptionType(*s)
		}
		return r
	})
	out.ChildShards = listOf(m["ChildShards"], func(m cbor.Map) (s types.ChildShard) {
		s.ShardId = textOf(m["ShardId"])
		if present(m["HashKeyRange"]) {
			r := m["HashKeyRange"].(cbor.Map)
			s.HashKeyRange = &types.HashKeyRange{StartingHashKey: textOf(r["StartingHashKey"]), EndingHashKey: textOf(r["EndingHashKey"])}
		}
		if present(m["ParentShards"]) {
			s.ParentShards = []string{}
			for _, e := range m["ParentShards"].(cbor.List) {
				name := ""
				if present(e) {
					name = string(e.(cbor.String))
				}
				s.ParentShards = append(s.ParentShards, name)
			}
		}
		return s
	})
	return out, nil
}

func present(v cbor.Value) bool {
	switch v.(type) {
	case nil, *cbor.Nil, *cbor.Undefined:
		return false
	}
	return true
}

func listOf[T any](v cbor.Value, element func(cbor.Map) T) []T {
	if !present(v) {
		return nil
	}
	list := []T{}
	for _, e := range v.(cbor.List) {
		var t T
		if present(e) {
			t = element(e.(cbor.Map))
		}
		list = append(list, t)
	}
	return list
}

func textOf(v cbor.Value) *string {
	if !present(v) {
		return nil
	}
	return new(string(v.(cbor.String)))
}

func intOf(v cbor.Value) int64 {
	switch v := v.(type) {
	case cbor.Uint:
		if v > math.MaxInt64 {
			refuse("too large")
		}
		return int64(v)
	case cbor.NegInt:
		if v == 0 || v > 1<<63 {
			refuse("too small")
		}
		return int64(-v)
	}
	f := floatOf(v)
	if f != math.Trunc(f) || f < math.MinInt64 || f >= math.MaxInt64 {
		refuse("not an integer")
	}
	return int64(f)
}

func floatOf(v cbor.Value) float64 {
	if f, ok := v.(cbor.Float32); ok {
		return float64(f)
	}
	return float64(v.(cbor.Float64))
}

func timeOf(v cbor.Value) time.Time {
	if tag, ok := v.(*cbor.Tag); ok {
		if tag.ID != 1 {
			refuse("not a time")
		}
		v = tag.Value
	}
	var millis int64
	switch v.(type) {
	case cbor.Uint, cbor.NegInt:
		if millis = intOf(v); millis > -1e11 && millis < 1e11 {
			millis *= 1000
		}
	default:
		f := floatOf(v)
		if math.Abs(f) < 1e11 {
			f *= 1000
		}
		if !(math.Abs(f) <= math.MaxInt64/1_000_000) {
			refuse("no time")
		}
		millis = int64(f)
	}
	if millis < -math.MaxInt64/1_000_000 || millis > math.MaxInt64/1_000_000 {
		refuse("no time")
	}
	return time.UnixMilli(millis).UTC()
}
