package proto_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/kintest/internal/proto"
)

// FuzzReadPutRecordsJSON holds the reader against encoding/json.
func FuzzReadPutRecordsJSON(f *testing.F) {
	f.Add([]byte(`{"StreamName":"s","Records":[{"Data":"QUJD","PartitionKey":"k","ExplicitHashKey":"1"},{"Data":null}],"X":[{}]}`))
	f.Add([]byte(`{"Records":[{"Data":"QU\/+","PartitionKey":"\ud83d\ude00\u0000\"\\"}]}`))
	f.Add([]byte(`{"DryRun":true,"StreamARN":null}x`))
	f.Fuzz(func(t *testing.T, body []byte) {
		want, wantErr := referencePutRecords(body)
		var got proto.PutRecordsRequest
		err := proto.JSON.ReadPutRecords(bytes.Clone(body), &got)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("error = %v, the reference says %v", err, wantErr)
		}
		if _, ok := errors.AsType[*proto.Error](err); err != nil && !ok {
			t.Fatalf("error of type %T", err)
		}
		if err == nil && !reflect.DeepEqual(normal(got.Records), want) {
			t.Fatalf("read %+v, want %+v", got.Records, want)
		}
		_ = proto.JSON.ReadPutRecord(bytes.Clone(body), new(proto.PutRecordRequest))
		_ = proto.JSON.ReadGetRecords(bytes.Clone(body), new(proto.GetRecordsRequest))
	})
}

// normal makes entries comparable: strings without invalid UTF-8, nothing nil.
func normal(entries []proto.PutEntry) []proto.PutEntry {
	out := make([]proto.PutEntry, len(entries))
	for i, e := range entries {
		e.PartitionKey, e.ExplicitHashKey = string([]rune(e.PartitionKey)), string([]rune(e.ExplicitHashKey))
		e.Data = append([]byte{}, e.Data...)
		out[i] = e
	}
	return out
}

var errReference = errors.New("reference: not a request")

// referencePutRecords reads a request member by member with encoding/json.
func referencePutRecords(body []byte) ([]proto.PutEntry, error) {
	if !json.Valid(body) {
		return nil, errReference
	}
	entries := []proto.PutEntry{}
	err := eachMember(body, func(key string, value json.RawMessage) (err error) {
		switch key {
		case "StreamName", "StreamARN", "StreamId":
			err = json.Unmarshal(value, new(string))
		case "DryRun":
			err = json.Unmarshal(value, new(bool))
		case "Records":
			var list []json.RawMessage
			if err := json.Unmarshal(value, &list); err != nil {
				return err
			}
			entries = entries[:0]
			for _, item := range list {
				var e proto.PutEntry
				if string(item) != "null" {
					e, err = referenceEntry(item)
				}
				if err != nil {
					return err
				}
				entries = append(entries, e)
			}
			entries = entries[:min(len(entries), 501)]
		}
		return err
	})
	return normal(entries), err
}

func referenceEntry(body []byte) (e proto.PutEntry, err error) {
	err = eachMember(body, func(key string, value json.RawMessage) (err error) {
		var s string
		switch key {
		case "Data", "PartitionKey", "ExplicitHashKey":
			if err := json.Unmarshal(value, &s); err != nil {
				return err
			}
		}
		switch key {
		case "Data":
			e.Data, err = base64.StdEncoding.DecodeString(s)
			e.HasData = true
		case "PartitionKey":
			e.PartitionKey, e.HasPartitionKey = s, true
		case "ExplicitHashKey":
			e.ExplicitHashKey, e.HasHashKey = s, true
		}
		return err
	})
	return e, err
}

// eachMember calls do for each member of an object that is not null.
func eachMember(body []byte, do func(key string, value json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(body))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return errReference
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		if string(value) == "null" {
			continue
		}
		if err := do(key.(string), value); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errReference
	}
	return nil
}

// FuzzReadCBOR checks that nothing panics, and that what was read survives another round.
func FuzzReadCBOR(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	f.Add(proto.CBOR.Append(nil, randomBatch(r, 3)))
	f.Add([]byte("\xbf\x67Records\x9f\xbf\x64Data\x5f\x41a\x42bc\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var got proto.PutRecordsRequest
		err := proto.CBOR.ReadPutRecords(body, &got)
		if _, ok := errors.AsType[*proto.Error](err); err != nil && !ok {
			t.Fatalf("error of type %T", err)
		}
		_ = proto.CBOR.ReadPutRecord(body, new(proto.PutRecordRequest))
		_ = proto.CBOR.ReadGetRecords(body, new(proto.GetRecordsRequest))
		if err != nil {
			return
		}
		sdk := new(kinesis.PutRecordsInput)
		if err := proto.CBOR.Unmarshal(body, sdk); err != nil {
			t.Fatalf("the general reader refuses what the fast one takes: %v", err)
		}
		var again proto.PutRecordsRequest
		second := proto.CBOR.Append(nil, sdk)
		if len(second) == 0 {
			return
		}
		if err := proto.CBOR.ReadPutRecords(second, &again); err != nil {
			t.Fatalf("second round: %v", err)
		}
		if len(sdk.Records) <= 501 && len(again.Records) != len(got.Records) {
			t.Fatalf("second round has %d records, first %d", len(again.Records), len(got.Records))
		}
		for i := range again.Records {
			if a, b := again.Records[i], got.Records[i]; a.PartitionKey != b.PartitionKey || !bytes.Equal(a.Data, b.Data) {
				t.Fatalf("second round record %d = %+v, first %+v", i, a, b)
			}
		}
	})
}

// FuzzUnmarshal reads anything into every input.
func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`{"StreamName":"s","Timestamp":1.5e9,"Limit":1e3,"Tags":{"a":null},"ShardFilter":{"Type":"X"}}`), false)
	f.Add([]byte("\xa1\x69Timestamp\xc1\x1b\x00\x00\x01\x70\x00\x00\x00\x00"), true)
	f.Fuzz(func(t *testing.T, body []byte, cbor bool) {
		e := proto.JSON
		if cbor {
			e = proto.CBOR
		}
		for name, pair := range shapes() {
			err := e.Unmarshal(bytes.Clone(body), reflect.New(pair[0]).Interface())
			if _, ok := errors.AsType[*proto.Error](err); err != nil && !ok {
				t.Fatalf("%s: error of type %T", name, err)
			}
		}
	})
}
