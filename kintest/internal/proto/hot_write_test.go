package proto_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/kinstream/kin/kintest/internal/proto"
	"github.com/kinstream/kin/kintest/internal/seqnum"
	"github.com/kinstream/kin/kintest/internal/shardlog"
)

// randomPage returns an answer to GetRecords.
func randomPage(r *rand.Rand, records int) *proto.GetRecordsReply {
	page := &proto.GetRecordsReply{NextShardIterator: "AAAA+/=", MillisBehindLatest: 12345}
	for i := range records {
		rec := shardlog.Record{
			Seq:     seqnum.Make(seqnum.Parts{Created: 1_700_000_000, Shard: 3, Counter: uint64(i), Time: 1_700_000_001}),
			Arrival: 1_700_000_000_000 + 125*r.Int64N(1_000_000),
			Data:    make([]byte, r.IntN(1000)),
			KMS:     r.IntN(4) == 0,
		}
		for i := range rec.Data {
			rec.Data[i] = byte(r.Uint32())
		}
		if r.IntN(5) > 0 {
			rec.Key = []byte(text(r))
		}
		page.Records = append(page.Records, rec)
	}
	return page
}

func TestAppendGetRecords(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 4))
		page := randomPage(r, r.IntN(50))
		if seed%3 == 0 {
			page.NextShardIterator = ""
			page.ChildShards = []types.ChildShard{{
				ShardId: new("shardId-000000000009"), ParentShards: []string{"shardId-000000000003"},
				HashKeyRange: &types.HashKeyRange{StartingHashKey: new("0"), EndingHashKey: new("9")},
			}}
		}
		var got kinesis.GetRecordsOutput
		sdkAnswer(t, proto.JSON.AppendGetRecords(nil, page), &got)
		checkPage(t, &got, page)

		var own kinesis.GetRecordsOutput
		body := proto.CBOR.AppendGetRecords(nil, page)
		if err := proto.CBOR.Unmarshal(body, &own); err != nil {
			t.Fatal(err)
		}
		checkPage(t, &own, page)
		checkPageCBOR(t, body, page)
	}
}

func checkPage(t *testing.T, got *kinesis.GetRecordsOutput, want *proto.GetRecordsReply) {
	t.Helper()
	if *got.MillisBehindLatest != want.MillisBehindLatest || len(got.ChildShards) != len(want.ChildShards) ||
		len(got.Records) != len(want.Records) || (got.NextShardIterator == nil) != (want.NextShardIterator == "") {
		t.Fatalf("read %+v, want %+v", got, want)
	}
	for i, g := range got.Records {
		w := want.Records[i]
		if !bytes.Equal(g.Data, w.Data) || *g.SequenceNumber != w.Seq.String() || g.ApproximateArrivalTimestamp.UnixMilli() != w.Arrival ||
			(g.PartitionKey == nil) != (w.Key == nil) || g.PartitionKey != nil && *g.PartitionKey != string(w.Key) ||
			(g.EncryptionType == types.EncryptionTypeKms) != w.KMS {
			t.Errorf("record %d = %+v, want %+v", i, g, w)
		}
	}
}

// checkPageCBOR reads the page with the SDK's own CBOR.
func checkPageCBOR(t *testing.T, body []byte, want *proto.GetRecordsReply) {
	t.Helper()
	v, err := cbor.Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	records := v.(cbor.Map)["Records"].(cbor.List)
	if len(records) != len(want.Records) {
		t.Fatalf("the SDK read %d records, want %d", len(records), len(want.Records))
	}
	for i, v := range records {
		m, w := v.(cbor.Map), want.Records[i]
		at := m["ApproximateArrivalTimestamp"].(*cbor.Tag)
		if !bytes.Equal(m["Data"].(cbor.Slice), w.Data) || m["SequenceNumber"] != cbor.String(w.Seq.String()) ||
			at.ID != 1 || at.Value != cbor.Uint(w.Arrival) {
			t.Errorf("record %d = %v, want %+v", i, m, w)
		}
		if key, ok := m["PartitionKey"]; ok != (w.Key != nil) || ok && key != cbor.String(w.Key) {
			t.Errorf("record %d has key %v, want %q", i, key, w.Key)
		}
	}
}

func TestAppendPutRecords(t *testing.T) {
	t.Parallel()
	seq := seqnum.Make(seqnum.Parts{Created: 1, Counter: 2, Time: 3})
	reply := &proto.PutRecordsReply{Failed: 1, EncryptionType: types.EncryptionTypeKms, Records: []proto.PutResult{
		{ShardID: "shardId-000000000000", Seq: seq},
		{ErrorCode: "InternalFailure", ErrorMessage: "x \"y\""},
	}}
	check := func(name string, got *kinesis.PutRecordsOutput) {
		t.Helper()
		if *got.FailedRecordCount != 1 || got.EncryptionType != types.EncryptionTypeKms || len(got.Records) != 2 ||
			*got.Records[0].SequenceNumber != seq.String() || *got.Records[0].ShardId != "shardId-000000000000" ||
			got.Records[0].ErrorCode != nil || *got.Records[1].ErrorCode != "InternalFailure" ||
			*got.Records[1].ErrorMessage != "x \"y\"" || got.Records[1].ShardId != nil {
			t.Errorf("%s: read %+v", name, got)
		}
	}
	var viaJSON, viaCBOR kinesis.PutRecordsOutput
	sdkAnswer(t, proto.JSON.AppendPutRecords(nil, reply), &viaJSON)
	check("JSON", &viaJSON)
	if err := proto.CBOR.Unmarshal(proto.CBOR.AppendPutRecords(nil, reply), &viaCBOR); err != nil {
		t.Fatal(err)
	}
	check("CBOR", &viaCBOR)
}

func TestAppendPutRecord(t *testing.T) {
	t.Parallel()
	reply := &proto.PutRecordReply{ShardID: "shardId-000000000001", Seq: seqnum.Make(seqnum.Parts{Counter: 2}), EncryptionType: types.EncryptionTypeKms}
	var viaJSON, viaCBOR kinesis.PutRecordOutput
	sdkAnswer(t, proto.JSON.AppendPutRecord(nil, reply), &viaJSON)
	if err := proto.CBOR.Unmarshal(proto.CBOR.AppendPutRecord(nil, reply), &viaCBOR); err != nil {
		t.Fatal(err)
	}
	for _, got := range []kinesis.PutRecordOutput{viaJSON, viaCBOR} {
		if *got.ShardId != reply.ShardID || *got.SequenceNumber != reply.Seq.String() || got.EncryptionType != types.EncryptionTypeKms {
			t.Errorf("read %+v", got)
		}
	}
}

func TestSizesAreEnough(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 5))
	page := randomPage(r, 200)
	for i := range page.Records {
		page.Records[i].Key = []byte("plain-key")
	}
	for _, e := range []proto.Encoding{proto.JSON, proto.CBOR} {
		if n, size := len(e.AppendGetRecords(nil, page)), e.GetRecordsSize(page); n > size {
			t.Errorf("%s: page has %d bytes, GetRecordsSize said %d", e, n, size)
		}
	}
}

func TestErrorsInBothEncodings(t *testing.T) {
	t.Parallel()
	want := `{"__type":"ResourceNotFoundException","message":"no \"x\""}`
	if got := proto.JSON.AppendError(nil, "ResourceNotFoundException", `no "x"`); string(got) != want {
		t.Errorf("JSON error = %s, want %s", got, want)
	}
	v, err := cbor.Decode(proto.CBOR.AppendError(nil, "ResourceNotFoundException", `no "x"`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(v), fmt.Sprint(cbor.Map{"__type": cbor.String("ResourceNotFoundException"), "message": cbor.String(`no "x"`)}); got != want {
		t.Errorf("CBOR error = %s, want %s", got, want)
	}
}

func TestEncodingOf(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]string{
		"application/x-amz-json-1.1": "json", "application/x-amz-json-1.0": "json", "application/json": "json",
		"Application/X-Amz-Json-1.1; charset=UTF-8": "json", "application/x-amz-cbor-1.1": "cbor",
		"application/x-amz-cbor-1.1 ; a=b": "cbor", "text/plain": "", "": "", "application/cbor": "",
	} {
		e, ok := proto.EncodingOf(contentType)
		if ok != (want != "") || ok && e.String() != want {
			t.Errorf("%q is %s, %v; want %q", contentType, e, ok, want)
		}
	}
}

func BenchmarkHot(b *testing.B) {
	r := rand.New(rand.NewPCG(6, 6))
	in := &kinesis.PutRecordsInput{StreamName: new("orders")}
	for range 500 {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: make([]byte, 1024), PartitionKey: new("key-123456")})
	}
	page := randomPage(r, 0)
	for range 10_000 {
		page.Records = append(page.Records, shardlog.Record{Seq: seqnum.Make(seqnum.Parts{Created: 1_700_000_000, Counter: 5}), Data: make([]byte, 1000), Key: []byte("key-123456")})
	}
	for _, e := range []proto.Encoding{proto.JSON, proto.CBOR} {
		body := e.Append(nil, in)
		b.Run("read_500_x_1KiB/"+e.String(), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(500 << 10)
			var req proto.PutRecordsRequest
			buf := make([]byte, len(body))
			for b.Loop() {
				copy(buf, body)
				if err := e.ReadPutRecords(buf, &req); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("append_10000_x_1000B/"+e.String(), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(10_000 * 1000)
			buf := make([]byte, 0, e.GetRecordsSize(page))
			for b.Loop() {
				buf = e.AppendGetRecords(buf[:0], page)
			}
		})
	}
}
