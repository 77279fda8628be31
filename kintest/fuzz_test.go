package kintest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
)

// fuzzTarget is a server with something in it for each operation to find.
func fuzzTarget(tb testing.TB) (s *kintest.Server, replace *strings.Replacer) {
	s, err := kintest.NewServer(kintest.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	e := engine{tb, s}
	if err := s.CreateStream(orders, 2); err != nil {
		tb.Fatal(err)
	}
	placed, err := s.Put(orders, "k", []byte("x"))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := s.SplitShard(orders, idOf(1)); err != nil {
		tb.Fatal(err)
	}
	return s, strings.NewReplacer(
		"{arn}", *e.summary(orders).StreamARN,
		"{consumer}", *e.registerAt("billing"),
		"{iterator}", e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon),
		"{sequence}", placed.SequenceNumber,
	)
}

// send sends a body to an operation and returns the status and the body of the answer.
func send(s *kintest.Server, op, contentType, body string) (status int, answer string) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "Kinesis_20131202."+op)
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20000101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// FuzzOperations sends anything to any operation: it is the client's fault, whatever
// it is.
func FuzzOperations(f *testing.F) {
	ops := append(kintest.Operations(), "PutRecord", "PutRecords", "GetRecords")
	slices.Sort(ops)
	add := func(op, body string) {
		i, found := slices.BinarySearch(ops, op)
		if !found {
			f.Fatalf("no operation %s", op)
		}
		f.Add(uint8(i), false, body)
	}
	for i := range ops {
		f.Add(uint8(i), false, `{"StreamName":"orders","StreamARN":"{arn}"}`)
		f.Add(uint8(i), true, "\xa1\x6aStreamName\x66orders")
	}
	add("PutRecords", `{"StreamName":"orders","Records":[{"Data":"eA==","PartitionKey":"k","ExplicitHashKey":"7"},{"Data":null},{}]}`)
	add("PutRecord", `{"StreamARN":"{arn}","Data":"eA==","PartitionKey":"k","SequenceNumberForOrdering":"{sequence}"}`)
	add("GetRecords", `{"ShardIterator":"{iterator}","Limit":3}`)
	add("GetShardIterator", `{"StreamName":"orders","ShardId":"shardId-000000000000","ShardIteratorType":"AFTER_SEQUENCE_NUMBER","StartingSequenceNumber":"{sequence}"}`)
	add("GetShardIterator", `{"StreamName":"orders","ShardId":"0","ShardIteratorType":"AT_TIMESTAMP","Timestamp":-1e18}`)
	add("ListShards", `{"StreamName":"orders","MaxResults":1,"ShardFilter":{"Type":"AT_TIMESTAMP","Timestamp":1.5}}`)
	add("SplitShard", `{"StreamName":"orders","ShardToSplit":"shardId-000000000000","NewStartingHashKey":"340282366920938463463374607431768211455"}`)
	add("MergeShards", `{"StreamName":"orders","ShardToMerge":"shardId-000000000000","AdjacentShardToMerge":"shardId-000000000002"}`)
	add("UpdateShardCount", `{"StreamName":"orders","TargetShardCount":4,"ScalingType":"UNIFORM_SCALING"}`)
	add("DescribeStream", `{"StreamName":"orders","ExclusiveStartShardId":"shardId-002147483647","Limit":1}`)
	add("CreateStream", `{"StreamName":"n","ShardCount":2,"Tags":{"a":"b"},"StreamModeDetails":{"StreamMode":"PROVISIONED"}}`)
	add("TagResource", `{"ResourceARN":"{consumer}","Tags":{"a":"b"}}`)
	add("DeregisterStreamConsumer", `{"ConsumerARN":"{consumer}"}`)
	add("DescribeStreamConsumer", `{"ConsumerARN":"arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/billing:0"}`)
	add("ListStreams", `{"Limit":1,"NextToken":"AAAA"}`)
	f.Fuzz(func(t *testing.T, op uint8, cbor bool, body string) {
		s, replace := fuzzTarget(t)
		contentType := "application/x-amz-json-1.1"
		if cbor {
			contentType = "application/x-amz-cbor-1.1"
		} else {
			body = replace.Replace(body)
		}
		name := ops[int(op)%len(ops)]
		status, answer := send(s, name, contentType, body)
		if status != 200 && status != 400 {
			t.Errorf("%s %q: status %d %s", name, body, status, answer)
		}
		if !cbor && answer != "" && !json.Valid([]byte(answer)) {
			t.Errorf("%s %q: answer %q is not JSON", name, body, answer)
		}
	})
}
