package wire_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/kinstream/kin/wire"
)

// output is what the outputs of the SDK are to these tests.
type output interface {
	smithy.Serializable
	smithy.Deserializable
}

// chance makes random answers.
type chance struct{ *rand.Rand }

func newChance(seed uint64) chance { return chance{rand.New(rand.NewPCG(seed, 7))} }

// text returns a string that is absent at times, and hard to write at times.
func (c chance) text() *string {
	switch c.IntN(8) {
	case 0:
		return nil
	case 1:
		return new("")
	case 2:
		return new("\"\\/\b\n\x7f\u2028é😀" + strings.Repeat("x", c.IntN(40)))
	}
	b := make([]byte, c.IntN(70))
	for i := range b {
		b[i] = byte('0' + c.IntN(75))
	}
	return new(string(b))
}

func (c chance) blob() []byte {
	if c.IntN(8) == 0 {
		return nil
	}
	b := make([]byte, c.IntN(300))
	for i := range b {
		b[i] = byte(c.Uint32())
	}
	return b
}

func (c chance) record() types.Record {
	r := types.Record{Data: c.blob(), PartitionKey: c.text(), SequenceNumber: c.text()}
	if c.IntN(8) > 0 {
		r.ApproximateArrivalTimestamp = new(time.UnixMilli(1_300_000_000_000 + c.Int64N(800_000_000_000)).UTC())
	}
	r.EncryptionType = []types.EncryptionType{"", types.EncryptionTypeKms, types.EncryptionTypeNone, "FUTURE"}[c.IntN(4)]
	return r
}

func (c chance) getRecords() *kinesis.GetRecordsOutput {
	out := &kinesis.GetRecordsOutput{NextShardIterator: c.text()}
	if c.IntN(8) > 0 {
		out.Records = make([]types.Record, c.IntN(40))
		for i := range out.Records {
			out.Records[i] = c.record()
		}
	}
	if c.IntN(4) > 0 {
		out.MillisBehindLatest = new(c.Int64() >> c.IntN(63))
	}
	if c.IntN(3) == 0 {
		out.ChildShards = make([]types.ChildShard, c.IntN(3))
		for i := range out.ChildShards {
			out.ChildShards[i] = types.ChildShard{ShardId: c.text()}
			if c.IntN(3) > 0 {
				out.ChildShards[i].HashKeyRange = &types.HashKeyRange{StartingHashKey: c.text(), EndingHashKey: c.text()}
				out.ChildShards[i].ParentShards = []string{"shardId-000000000000", ""}[:c.IntN(3)]
			}
		}
	}
	return out
}

func (c chance) putRecords() *kinesis.PutRecordsOutput {
	out := &kinesis.PutRecordsOutput{EncryptionType: types.EncryptionTypeKms, FailedRecordCount: new(int32(c.Uint32()))}
	out.Records = make([]types.PutRecordsResultEntry, c.IntN(30))
	for i := range out.Records {
		out.Records[i] = types.PutRecordsResultEntry{
			SequenceNumber: c.text(), ShardId: c.text(), ErrorCode: c.text(), ErrorMessage: c.text(),
		}
	}
	return out
}

// answer returns a random answer of any hot operation, and an empty one of the same type.
func (c chance) answer() (full, empty output) {
	switch c.IntN(4) {
	case 0:
		return c.putRecords(), &kinesis.PutRecordsOutput{}
	case 1:
		return &kinesis.PutRecordOutput{SequenceNumber: c.text(), ShardId: c.text(), EncryptionType: "KMS"}, &kinesis.PutRecordOutput{}
	}
	return c.getRecords(), &kinesis.GetRecordsOutput{}
}

func TestJSONAnswersAreDecodedAsTheSDKDecodesThem(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		in, got := newChance(seed).answer()
		_, want := newChance(seed).answer()
		body := encodeJSON(in)
		if err := decodeBySDK(body, want); err != nil {
			t.Fatal(err)
		}
		if err := wire.DecodeJSON(bytes.Clone(body), got); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, body)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: got %s\nwant %s\nof %s", seed, dump(got), dump(want), body)
		}
	}
}

// The same answer is written by the SDK as JSON and by smithy-go as CBOR, in its own form
// and in every other that CBOR allows. What is read must not differ.
func TestCBORAnswersAreDecodedAsTheSDKDecodesTheSameInJSON(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		in, got := newChance(seed).answer()
		_, want := newChance(seed).answer()
		if err := decodeBySDK(encodeJSON(in), want); err != nil {
			t.Fatal(err)
		}
		style := cborStyle{}
		if seed%3 > 0 {
			style.rand = newChance(seed).Rand
		}
		body := encodeCBOR(in, style)
		before := bytes.Clone(body)
		if err := wire.DecodeCBOR(body, got); err != nil {
			t.Fatalf("seed %d: %v\n%x", seed, err, body)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: got %s\nwant %s\nof %x", seed, dump(got), dump(want), body)
		}
		if !bytes.Equal(body, before) {
			t.Fatalf("seed %d: decoding changed the input", seed)
		}
	}
}

func dump(v any) string { return strings.ReplaceAll(fmt.Sprintf("%+v", v), "0x", "") }

func TestRecordsAliasTheAnswer(t *testing.T) {
	t.Parallel()
	in := &kinesis.GetRecordsOutput{Records: []types.Record{{
		Data: []byte("payload"), PartitionKey: new("the key"), SequenceNumber: new("495"),
	}}}
	body := encodeCBOR(in, cborStyle{})
	var out kinesis.GetRecordsOutput
	if err := wire.DecodeCBOR(body, &out); err != nil {
		t.Fatal(err)
	}
	data := out.Records[0].Data
	at := bytes.Index(body, []byte("payload"))
	if &data[0] != &body[at] {
		t.Error("Data is a copy, want an alias of the answer")
	}
	if cap(data) != len(data) {
		t.Errorf("cap(Data) = %d, want %d: appending would overwrite the answer", cap(data), len(data))
	}
}

// Not parallel: it counts allocations.
func TestAllocationsDoNotGrowWithRecords(t *testing.T) {
	in := &kinesis.GetRecordsOutput{Records: make([]types.Record, 1000)}
	for i := range in.Records {
		in.Records[i] = types.Record{
			Data: []byte("payload"), PartitionKey: new("key"), SequenceNumber: new("495"),
			ApproximateArrivalTimestamp: new(time.Unix(1_700_000_000, 0)),
		}
	}
	bodies := map[string][]byte{"CBOR": encodeCBOR(in, cborStyle{}), "JSON": encodeJSON(in)}
	for name, decode := range map[string]func([]byte, smithy.Deserializable) error{"CBOR": wire.DecodeCBOR, "JSON": wire.DecodeJSON} {
		scratch := bytes.Clone(bodies[name])
		allocs := testing.AllocsPerRun(10, func() {
			copy(scratch, bodies[name])
			var out kinesis.GetRecordsOutput
			if err := decode(scratch, &out); err != nil || len(out.Records) != 1000 {
				t.Fatal(len(out.Records), err)
			}
		})
		if allocs > 12 {
			t.Errorf("%s: %v allocations for 1000 records, want at most 12", name, allocs)
		}
	}
}

// A megabyte that announces a million records must not cost more than a few.
//
// Not parallel: it counts what is allocated.
func TestCountsAreBoundedByWhatHasArrived(t *testing.T) {
	body := append([]byte("\xa1\x67Records\x9a\x00\x0f\x00\x00"), make([]byte, 1<<20)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := wire.DecodeCBOR(body, &kinesis.GetRecordsOutput{}); err == nil {
		t.Fatal("zeros were accepted as records")
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
		t.Errorf("%d bytes were allocated for 1 MiB, want at most 8 MiB", got)
	}
}

func TestWhatIsOddButLegalIsDecoded(t *testing.T) {
	t.Parallel()
	ms := time.UnixMilli(1_700_000_000_123).UTC()
	for _, c := range []struct {
		name, json, cbor string
		want             kinesis.GetRecordsOutput
	}{
		{"nothing", `{}`, "a0", kinesis.GetRecordsOutput{}},
		{"an empty answer", ``, "", kinesis.GetRecordsOutput{}},
		{"an empty list", `{"Records":[]}`, "a1 67 5265636f726473 80", kinesis.GetRecordsOutput{Records: []types.Record{}}},
		{"a null list", `{"Records":null}`, "a1 67 5265636f726473 f6", kinesis.GetRecordsOutput{}},
		{"null and empty records", `{"Records":[null,{}]}`, "a1 67 5265636f726473 82 f6 a0", kinesis.GetRecordsOutput{Records: make([]types.Record, 2)}},
		{
			"null members", `{"Records":[{"Data":null,"PartitionKey":null,"ApproximateArrivalTimestamp":null,"EncryptionType":null}]}`,
			"a1 67 5265636f726473 81 a2 64 44617461 f6 6c 506172746974696f6e4b6579 f7",
			kinesis.GetRecordsOutput{Records: make([]types.Record, 1)},
		},
		{
			"empty data", `{"Records":[{"Data":""}]}`, "a1 67 5265636f726473 81 a1 64 44617461 40",
			kinesis.GetRecordsOutput{Records: []types.Record{{Data: []byte{}}}},
		},
		{
			"the last of two counts, null does not", `{"MillisBehindLatest":1,"MillisBehindLatest":2,"MillisBehindLatest":null}`,
			"a3 72 4d696c6c69734265686e644c6174657374 01",
			kinesis.GetRecordsOutput{MillisBehindLatest: new(int64(2))},
		},
		{"a value and then something else", `{} , x`, "a0 ff ff", kinesis.GetRecordsOutput{}},
		{"self-described", ` {}`, "d9d9f7 a0", kinesis.GetRecordsOutput{}},
		{
			"a time as a whole number", `{"Records":[{"ApproximateArrivalTimestamp":1700000000.123}]}`,
			"a1 67 5265636f726473 81 a1 78 1b 417070726f78696d6174654172726976616c54696d657374616d70 1b 0000018bcfe5687b",
			kinesis.GetRecordsOutput{Records: []types.Record{{ApproximateArrivalTimestamp: &ms}}},
		},
	} {
		if c.name == "the last of two counts, null does not" {
			key := "72 4d696c6c6973426568696e644c6174657374"
			c.cbor = "a3" + key + "01" + key + "02" + key + "f6"
		}
		body, err := hex.DecodeString(strings.ReplaceAll(c.cbor, " ", ""))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var fromCBOR, fromJSON, fromSDK kinesis.GetRecordsOutput
		if err := wire.DecodeCBOR(body, &fromCBOR); err != nil || !reflect.DeepEqual(fromCBOR, c.want) {
			t.Errorf("%s: CBOR gives %s, %v, want %s", c.name, dump(fromCBOR), err, dump(c.want))
		}
		if err := wire.DecodeJSON([]byte(c.json), &fromJSON); err != nil || !reflect.DeepEqual(fromJSON, c.want) {
			t.Errorf("%s: JSON gives %s, %v, want %s", c.name, dump(fromJSON), err, dump(c.want))
		}
		if err := decodeBySDK([]byte(c.json), &fromSDK); err != nil || !reflect.DeepEqual(fromSDK, c.want) {
			t.Errorf("%s: the SDK gives %s, %v, want %s", c.name, dump(fromSDK), err, dump(c.want))
		}
	}
}

func TestWhatIsNotAnAnswerIsADeserializationError(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"80", "f6", "01", "ff", "a1", "bf", "a1 67 5265636f726473 01", "a1 67 5265636f726473 81 01",
		"a1 67 5265636f726473 9b 00000000ffffffff",
		"a1 67 5265636f726473 81 a1 64 44617461 a2 64 74797065 66 427566666572 64 64617461 81 01", // kinesalite
		"a1 67 5265636f726473 81 a1 64 44617461 63 616263",                                        // text for Data
		"a1 72 4d696c6c6973426568696e644c6174657374 f97e00",
		"a1 72 4d696c6c6973426568696e644c6174657374 1bffffffffffffffff",
	} {
		body, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		err = wire.DecodeCBOR(body, &kinesis.GetRecordsOutput{})
		if _, ok := errors.AsType[*smithy.DeserializationError](err); !ok {
			t.Errorf("CBOR %s: %v, want a DeserializationError", s, err)
		}
	}
	for _, number := range []string{"\x1a\x80\x00\x00\x00", "\x3a\x80\x00\x00\x00", "\xfa\x4f\x00\x00\x00"} { // 2^31, -2^31-1, 2^31 as a float
		err := wire.DecodeCBOR([]byte("\xa1\x71FailedRecordCount"+number), &kinesis.PutRecordsOutput{})
		if _, ok := errors.AsType[*smithy.DeserializationError](err); !ok {
			t.Errorf("CBOR count %x: %v, want a DeserializationError", number, err)
		}
	}
	for _, s := range []string{
		"[]", "null", "1", "{", `{"Records":1}`, `{"Records":[1]}`, `{"Records":[{"Data":1}]}`, `{"Records":[{"Data":"?"}]}`,
		`{"MillisBehindLatest":1.5}`, `{"MillisBehindLatest":"1"}`, `{"Records":[{"ApproximateArrivalTimestamp":"x"}]}`, "<html>",
	} {
		err := wire.DecodeJSON([]byte(s), &kinesis.GetRecordsOutput{})
		if _, ok := errors.AsType[*smithy.DeserializationError](err); !ok {
			t.Errorf("JSON %s: %v, want a DeserializationError", s, err)
		}
		if err := decodeBySDK([]byte(s), &kinesis.GetRecordsOutput{}); err == nil {
			t.Errorf("JSON %s: the SDK accepts it", s)
		}
	}
}
