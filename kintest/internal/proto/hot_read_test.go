package proto_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest/internal/proto"
)

// randomBatch returns a PutRecords input with everything that entries can have.
func randomBatch(r *rand.Rand, n int) *kinesis.PutRecordsInput {
	in := &kinesis.PutRecordsInput{StreamName: new(text(r)), Records: []types.PutRecordsRequestEntry{}}
	for range n {
		data := make([]byte, r.IntN(2000))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		e := types.PutRecordsRequestEntry{Data: data, PartitionKey: new(text(r))}
		if r.IntN(3) == 0 {
			e.ExplicitHashKey = new("12345678901234567890")
		}
		in.Records = append(in.Records, e)
	}
	return in
}

func TestReadPutRecords(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 3))
		want := randomBatch(r, r.IntN(60))
		bodies := map[proto.Encoding][]byte{
			proto.JSON: sdkRequest(t, "PutRecords", want),
			proto.CBOR: proto.CBOR.Append(nil, want),
		}
		for e, body := range bodies {
			var got proto.PutRecordsRequest
			if err := e.ReadPutRecords(body, &got); err != nil {
				t.Fatalf("%s, seed %d: %v", e, seed, err)
			}
			if *got.StreamName != *want.StreamName || !got.HasRecords || len(got.Records) != len(want.Records) {
				t.Fatalf("%s, seed %d: read stream %q and %d records, want %q and %d", e, seed,
					*got.StreamName, len(got.Records), *want.StreamName, len(want.Records))
			}
			for i, w := range want.Records {
				checkEntry(t, &got.Records[i], &w)
			}
		}
	}
}

func checkEntry(t *testing.T, got *proto.PutEntry, want *types.PutRecordsRequestEntry) {
	t.Helper()
	if !bytes.Equal(got.Data, want.Data) || !got.HasData {
		t.Errorf("data = %x, want %x", got.Data, want.Data)
	}
	if got.PartitionKey != *want.PartitionKey || !got.HasPartitionKey {
		t.Errorf("partition key = %q, want %q", got.PartitionKey, *want.PartitionKey)
	}
	if got.HasHashKey != (want.ExplicitHashKey != nil) || got.HasHashKey && got.ExplicitHashKey != *want.ExplicitHashKey {
		t.Errorf("hash key = %q, want %v", got.ExplicitHashKey, want.ExplicitHashKey)
	}
}

func TestReadPutRecord(t *testing.T) {
	t.Parallel()
	want := &kinesis.PutRecordInput{
		StreamName: new("orders"), StreamARN: new("arn"), Data: []byte{0, 1, 2}, PartitionKey: new("k\n"),
		ExplicitHashKey: new("7"), SequenceNumberForOrdering: new("49"), DryRun: new(true),
	}
	for e, body := range map[proto.Encoding][]byte{
		proto.JSON: sdkRequest(t, "PutRecord", want),
		proto.CBOR: proto.CBOR.Append(nil, want),
	} {
		got := proto.PutRecordRequest{StreamID: new("of an earlier call")}
		if err := e.ReadPutRecord(body, &got); err != nil {
			t.Fatalf("%s: %v", e, err)
		}
		checkEntry(t, &got.PutEntry, &types.PutRecordsRequestEntry{Data: want.Data, PartitionKey: want.PartitionKey, ExplicitHashKey: want.ExplicitHashKey})
		if *got.StreamName != "orders" || *got.StreamARN != "arn" || *got.SequenceNumberForOrdering != "49" || !got.DryRun || got.StreamID != nil {
			t.Errorf("%s: read %+v", e, got)
		}
	}
}

func TestReadGetRecords(t *testing.T) {
	t.Parallel()
	want := &kinesis.GetRecordsInput{ShardIterator: new("AAA="), Limit: new(int32(77)), StreamARN: new("arn")}
	for e, body := range map[proto.Encoding][]byte{
		proto.JSON: sdkRequest(t, "GetRecords", want),
		proto.CBOR: proto.CBOR.Append(nil, want),
	} {
		var got proto.GetRecordsRequest
		if err := e.ReadGetRecords(body, &got); err != nil {
			t.Fatalf("%s: %v", e, err)
		}
		if *got.ShardIterator != "AAA=" || *got.Limit != 77 || *got.StreamARN != "arn" || got.DryRun {
			t.Errorf("%s: read %+v", e, got)
		}
	}
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		body    string
		message string // part of it
	}{
		"no_body":                        {``, "malformed"},
		"not_JSON":                       {`hello`, "malformed"},
		"half_an_object":                 {`{"Records":[{"Data":"QQ==`, "malformed"},
		"an_array":                       {`[]`, "Start of list found where not expected"},
		"something_after_the_object":     {`{} {}`, "malformed"},
		"a_number_as_data":               {`{"Records":[{"Data":5}]}`, "NUMBER_VALUE cannot be converted to Blob"},
		"data_that_is_not_base64":        {`{"Records":[{"Data":"*"}]}`, "cannot be converted to Blob"},
		"an_object_as_key":               {`{"Records":[{"PartitionKey":{}}]}`, "Start of structure or map found where not expected"},
		"a_boolean_as_key":               {`{"Records":[{"PartitionKey":true}]}`, "TRUE_VALUE cannot be converted to String"},
		"a_string_as_list":               {`{"Records":"x"}`, "STRING_VALUE cannot be converted to list"},
		"a_string_as_record":             {`{"Records":["x"]}`, "STRING_VALUE cannot be converted to structure"},
		"a_list_as_name":                 {`{"StreamName":["x"]}`, "Start of list found where not expected"},
		"a_string_as_flag":               {`{"DryRun":"true"}`, "STRING_VALUE cannot be converted to Boolean"},
		"malformed_inside_of_a_stranger": {`{"More":[1,}`, "malformed"},
	}
	for name, c := range cases {
		t.Run(name+"_is_refused_with_the_reason", func(t *testing.T) {
			t.Parallel()
			checkRefused(t, proto.JSON.ReadPutRecords([]byte(c.body), new(proto.PutRecordsRequest)), c.message)
			checkRefused(t, proto.JSON.Unmarshal([]byte(c.body), new(kinesis.PutRecordsInput)), c.message)
		})
	}
}

func TestBadCBOR(t *testing.T) {
	t.Parallel()
	record := func(member string) string { return "\xa1\x67Records\x81\xa1" + member }
	cases := map[string]struct {
		body    string
		message string // part of it
	}{
		"no_body":                 {"", "malformed"},
		"half_a_map":              {"\xa1\x67Rec", "malformed"},
		"a_number_as_key_of_map":  {"\xa1\x01\x02", "malformed"},
		"something_after":         {"\xa0\xa0", "malformed"},
		"an_array":                {"\x80", "Start of list found where not expected"},
		"text_as_data":            {record("\x64Data\x61x"), "STRING_VALUE cannot be converted to Blob"},
		"bytes_as_key":            {record("\x6cPartitionKey\x41x"), "BYTES_VALUE cannot be converted to String"},
		"a_number_as_key":         {record("\x6cPartitionKey\x05"), "NUMBER_VALUE cannot be converted to String"},
		"true_as_key":             {record("\x6cPartitionKey\xf5"), "TRUE_VALUE cannot be converted to String"},
		"false_as_key":            {record("\x6cPartitionKey\xf4"), "FALSE_VALUE cannot be converted to String"},
		"a_map_as_key":            {record("\x6cPartitionKey\xa0"), "Start of structure or map found where not expected"},
		"a_length_beyond_the_end": {record("\x64Data\x5a\xff\xff\xff\xff"), "malformed"},
	}
	for name, c := range cases {
		t.Run(name+"_is_refused_with_the_reason", func(t *testing.T) {
			t.Parallel()
			checkRefused(t, proto.CBOR.ReadPutRecords([]byte(c.body), new(proto.PutRecordsRequest)), c.message)
			checkRefused(t, proto.CBOR.Unmarshal([]byte(c.body), new(kinesis.PutRecordsInput)), c.message)
		})
	}
}

func TestNumbersOfAllForms(t *testing.T) {
	t.Parallel()
	read := func(e proto.Encoding, body string) (*int32, error) {
		var fast proto.GetRecordsRequest
		err := e.ReadGetRecords([]byte(body), &fast)
		var general kinesis.GetRecordsInput
		if err2 := e.Unmarshal([]byte(body), &general); (err == nil) != (err2 == nil) {
			t.Errorf("%q: fast reader says %v, general one %v", body, err, err2)
		}
		if err == nil && *fast.Limit != *general.Limit {
			t.Errorf("%q: fast reader says %d, general one %d", body, *fast.Limit, *general.Limit)
		}
		return fast.Limit, err
	}
	for _, body := range []string{`{"Limit":100}`, `{"Limit":100.0}`, `{"Limit":1e2}`, `{"Limit":1.0E+2}`} {
		if n, err := read(proto.JSON, body); err != nil || *n != 100 {
			t.Errorf("%s = %v, %v; want 100", body, n, err)
		}
	}
	for _, number := range []string{"\x18\x64", "\x1b\x00\x00\x00\x00\x00\x00\x00\x64", "\xfb\x40\x59\x00\x00\x00\x00\x00\x00"} {
		if n, err := read(proto.CBOR, "\xa1\x65Limit"+number); err != nil || *n != 100 {
			t.Errorf("%q = %v, %v; want 100", number, n, err)
		}
	}
	for _, body := range []string{`{"Limit":1.5}`, `{"Limit":3000000000}`, `{"Limit":1e300}`, `{"Limit":99999999999999999999}`} {
		_, err := read(proto.JSON, body)
		checkRefused(t, err, "NUMBER_VALUE cannot be converted to Integer")
	}
	_, err := read(proto.CBOR, "\xa1\x65Limit\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00")
	checkRefused(t, err, "NUMBER_VALUE cannot be converted to Integer")
}

func checkRefused(t *testing.T, err error, part string) {
	t.Helper()
	if e, ok := errors.AsType[*proto.Error](err); !ok || !strings.Contains(e.Message, part) {
		t.Errorf("error = %v, want one with %q", err, part)
	}
}

func TestReadKeepsNoMoreRecordsThanCanBeValid(t *testing.T) {
	t.Parallel()
	body := `{"Records":[{}` + strings.Repeat(",{}", 5000) + `]}`
	var in proto.PutRecordsRequest
	if err := proto.JSON.ReadPutRecords([]byte(body), &in); err != nil || len(in.Records) != 501 {
		t.Errorf("kept %d records, %v; want 501", len(in.Records), err)
	}
}
