package kintest_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/kintest/internal/proto"
	"github.com/kinstream/kin/kintest/internal/seqnum"
	"github.com/kinstream/kin/kintest/internal/shardlog"
)

// engine runs operations without HTTP.
type engine struct {
	t testing.TB
	*kintest.Server
}

// bubble runs a test of a server in a bubble, where time passes by itself.
func bubble(t *testing.T, config kintest.Config, test func(e engine)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := kintest.NewServer(config)
		if err != nil {
			t.Fatal(err)
		}
		test(engine{t, s})
	})
}

// run runs a cold operation that has to succeed.
func run[Out any](e engine, op string, in any) *Out {
	e.t.Helper()
	out, err := e.Run(op, in)
	if err != nil {
		e.t.Fatalf("%s: %v", op, err)
	}
	return out.(*Out)
}

// do runs a cold operation without output that has to succeed.
func (e engine) do(op string, in any) {
	e.t.Helper()
	if out, err := e.Run(op, in); err != nil || out != nil {
		e.t.Fatalf("%s = %v, %v; want no output and no error", op, out, err)
	}
}

// fails runs a cold operation that has to fail with a code and a text in its message.
func (e engine) fails(op string, in any, code, message string) {
	e.t.Helper()
	_, err := e.Run(op, in)
	e.wantError(op, err, code, message)
}

// wantError checks an error of an operation.
func (e engine) wantError(op string, err error, code, message string) {
	e.t.Helper()
	got, ok := errors.AsType[*kintest.APIError](err)
	if !ok || got.Code != code || !strings.Contains(got.Message, message) || got.Status != 400 {
		e.t.Errorf("%s: error %v, want %s with %q and status 400", op, err, code, message)
	}
}

// create makes a stream by the operation and waits until it is ACTIVE.
func (e engine) create(name string, shards int32) {
	e.t.Helper()
	e.do("CreateStream", &kinesis.CreateStreamInput{StreamName: &name, ShardCount: &shards})
	e.settle(name)
}

// settle waits until a stream is ACTIVE.
func (e engine) settle(name string) {
	e.t.Helper()
	for e.summary(name).StreamStatus != types.StreamStatusActive {
		e.pass(100 * time.Millisecond)
	}
}

func (e engine) summary(name string) *types.StreamDescriptionSummary {
	e.t.Helper()
	return run[kinesis.DescribeStreamSummaryOutput](e, "DescribeStreamSummary",
		&kinesis.DescribeStreamSummaryInput{StreamName: &name}).StreamDescriptionSummary
}

// pass lets time pass. Tests of the engine that call it run in a bubble.
func (e engine) pass(d time.Duration) {
	e.t.Helper()
	time.Sleep(d)
}

// put puts one record.
func (e engine) put(name, key, data string) proto.PutRecordReply {
	e.t.Helper()
	var out proto.PutRecordReply
	if err := e.PutRecord(record(name, key, data), &out); err != nil {
		e.t.Fatalf("put %q: %v", data, err)
	}
	return out
}

func record(name, key, data string) *proto.PutRecordRequest {
	return &proto.PutRecordRequest{StreamName: &name, PutEntry: entry(key, data)}
}

func entry(key, data string) proto.PutEntry {
	return proto.PutEntry{Data: []byte(data), HasData: true, PartitionKey: key, HasPartitionKey: true}
}

// iterator gets an iterator.
func (e engine) iterator(in kinesis.GetShardIteratorInput) string {
	e.t.Helper()
	return *run[kinesis.GetShardIteratorOutput](e, "GetShardIterator", &in).ShardIterator
}

// from gets an iterator of a kind that needs nothing else.
func (e engine) from(name, shard string, kind types.ShardIteratorType) string {
	e.t.Helper()
	return e.iterator(kinesis.GetShardIteratorInput{StreamName: &name, ShardId: &shard, ShardIteratorType: kind})
}

// get reads with an iterator.
func (e engine) get(iterator string) proto.GetRecordsReply {
	e.t.Helper()
	var out proto.GetRecordsReply
	if err := e.GetRecords(&proto.GetRecordsRequest{ShardIterator: &iterator}, &out); err != nil {
		e.t.Fatalf("GetRecords: %v", err)
	}
	return out
}

// getFails reads with an iterator that has to be refused.
func (e engine) getFails(iterator, code, message string) {
	e.t.Helper()
	var out proto.GetRecordsReply
	err := e.GetRecords(&proto.GetRecordsRequest{ShardIterator: &iterator}, &out)
	e.wantError("GetRecords", err, code, message)
}

// texts is the data of records, for comparison.
func texts(records []shardlog.Record) string {
	all := make([]string, len(records))
	for i, r := range records {
		all[i] = string(r.Data)
	}
	return strings.Join(all, " ")
}

// wantTexts checks the data of records.
func (e engine) wantTexts(what string, records []shardlog.Record, want string) {
	e.t.Helper()
	if got := texts(records); got != want {
		e.t.Errorf("%s = %q, want %q", what, got, want)
	}
}

// shards lists the shards of a stream that pass a filter.
func (e engine) shards(name string, filter *types.ShardFilter) []types.Shard {
	e.t.Helper()
	return run[kinesis.ListShardsOutput](e, "ListShards", &kinesis.ListShardsInput{StreamName: &name, ShardFilter: filter}).Shards
}

// names is the IDs of shards, shortened to their numbers.
func names(shards []types.Shard) string {
	var all []string
	for _, sh := range shards {
		all = append(all, number(*sh.ShardId))
	}
	return strings.Join(all, " ")
}

// number is the number in a shard's ID.
func number(id string) string {
	var n int
	_, _ = fmt.Sscanf(id, "shardId-%d", &n)
	return strconv.Itoa(n)
}

func idOf(n int) string { return fmt.Sprintf("shardId-%012d", n) }

// sequence parses a sequence number.
func (e engine) sequence(text *string) seqnum.Number {
	e.t.Helper()
	if text == nil {
		e.t.Fatal("there is no sequence number")
	}
	n, ok := seqnum.Parse(*text)
	if !ok {
		e.t.Fatalf("%q is not a sequence number", *text)
	}
	return n
}

const orders = "orders"
