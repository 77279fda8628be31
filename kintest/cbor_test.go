package kintest_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/kintest/internal/proto"
)

// callCBOR makes a call as the Java SDK does it. It returns the error's code, or "".
func callCBOR(t *testing.T, s *kintest.Server, operation string, in smithy.Serializable, out any) string {
	t.Helper()
	body := bytes.NewReader(proto.CBOR.Append(nil, in))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL(), body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "Kinesis_20131202."+operation)
	req.Header.Set("Content-Type", "application/x-amz-cbor-1.1")
	resp, answer := do(t, s.HTTPClient(), req)
	if got := resp.Header.Get("Content-Type"); got != "application/x-amz-cbor-1.1" {
		t.Errorf("%s was answered in %s", operation, got)
	}
	if out != nil && resp.StatusCode == http.StatusOK {
		if err := proto.CBOR.Unmarshal([]byte(answer), out); err != nil {
			t.Fatalf("%s: %v", operation, err)
		}
	}
	return resp.Header.Get("X-Amzn-Errortype")
}

func TestCallsInCBOR(t *testing.T) {
	t.Parallel()
	s := kintest.New(t)
	must := func(operation string, in smithy.Serializable, out any) {
		t.Helper()
		if code := callCBOR(t, s, operation, in, out); code != "" {
			t.Fatalf("%s: %s", operation, code)
		}
	}
	must("CreateStream", &kinesis.CreateStreamInput{StreamName: new("orders"), ShardCount: new(int32(1))}, nil)
	var batched kinesis.PutRecordsOutput
	must("PutRecords", batch(3, 10), &batched)
	var single kinesis.PutRecordOutput
	must("PutRecord", &kinesis.PutRecordInput{StreamName: new("orders"), Data: []byte{0, 255}, PartitionKey: new("k")}, &single)
	var at kinesis.GetShardIteratorOutput
	must("GetShardIterator", &kinesis.GetShardIteratorInput{
		StreamName: new("orders"), ShardId: batched.Records[0].ShardId, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	}, &at)
	var page kinesis.GetRecordsOutput
	must("GetRecords", &kinesis.GetRecordsInput{ShardIterator: at.ShardIterator}, &page)
	if len(page.Records) != 4 || !bytes.Equal(page.Records[3].Data, []byte{0, 255}) ||
		*page.Records[3].SequenceNumber != *single.SequenceNumber || page.Records[3].ApproximateArrivalTimestamp == nil {
		t.Errorf("page = %+v, want the four records", page.Records)
	}
	var again kinesis.GetShardIteratorOutput
	must("GetShardIterator", &kinesis.GetShardIteratorInput{
		StreamName: new("orders"), ShardId: batched.Records[0].ShardId,
		ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: page.Records[0].ApproximateArrivalTimestamp,
	}, &again)
	if code := callCBOR(t, s, "DescribeStream", &kinesis.DescribeStreamInput{StreamName: new("none")}, nil); code != "ResourceNotFoundException" {
		t.Errorf("error = %q, want ResourceNotFoundException", code)
	}
	if got := s.Calls()[0].Protocol; got != "cbor" {
		t.Errorf("calls were logged as %s, want cbor", got)
	}
}
