package kintest_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/kintest/internal/proto"
)

func TestStreamTakesItsTime(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{StateDelay: 500 * time.Millisecond}, func(e engine) {
		name := orders
		status := func(want types.StreamStatus) {
			e.t.Helper()
			if got := e.summary(name).StreamStatus; got != want {
				e.t.Errorf("status = %s, want %s", got, want)
			}
		}
		e.do("CreateStream", &kinesis.CreateStreamInput{StreamName: &name, ShardCount: new(int32(1))})
		status(types.StreamStatusCreating)
		e.fails("CreateStream", &kinesis.CreateStreamInput{StreamName: &name, ShardCount: new(int32(1))},
			"ResourceInUseException", "Stream orders under account 000000000000 already exists.")
		e.wantError("PutRecord", e.PutRecord(record(name, "k", "x"), &proto.PutRecordReply{}),
			"ResourceNotFoundException", "Stream orders under account 000000000000 not found.")
		e.fails("ListShards", &kinesis.ListShardsInput{StreamName: &name}, "ResourceInUseException", "not ACTIVE, instead in state CREATING")
		e.pass(500 * time.Millisecond)
		status(types.StreamStatusActive)

		e.do("SplitShard", &kinesis.SplitShardInput{StreamName: &name, ShardToSplit: new(idOf(0)), NewStartingHashKey: new("1000")})
		status(types.StreamStatusUpdating)
		if got := e.put(name, "k", "during").ShardID; got != idOf(0) {
			e.t.Errorf("while UPDATING a record went to %s, want the shard that is still open", got)
		}
		e.fails("MergeShards", &kinesis.MergeShardsInput{StreamName: &name, ShardToMerge: new(idOf(0)), AdjacentShardToMerge: new(idOf(1))},
			"ResourceInUseException", "Stream orders under account 000000000000 not ACTIVE, instead in state UPDATING")
		due := time.Now().Add(500 * time.Millisecond)
		e.pass(time.Hour)
		if got := e.put(name, "k", "after").ShardID; got == idOf(0) {
			e.t.Error("after the split a record went to the closed shard")
		}
		if shards := e.Shards(name); !shards[0].Closed.Equal(due) || !shards[1].Created.Equal(due) {
			e.t.Errorf("the split happened when it was looked at, %s, want when it was due, %s", shards[0].Closed, due)
		}
		status(types.StreamStatusActive)

		e.do("DeleteStream", &kinesis.DeleteStreamInput{StreamName: &name})
		status(types.StreamStatusDeleting)
		e.pass(500 * time.Millisecond)
		e.fails("DescribeStreamSummary", &kinesis.DescribeStreamSummaryInput{StreamName: &name},
			"ResourceNotFoundException", "Stream orders under account 000000000000 not found.")
		if stats := e.Stats(); stats.Streams != 0 || stats.Bytes != 0 {
			e.t.Errorf("stats after the deletion = %+v, want nothing", stats)
		}
	})
}

func TestStreamIsFoundByNameAndByARN(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{Region: "eu-west-1", Account: "123456789012"}, func(e engine) {
		e.create(orders, 1)
		arn := *e.summary(orders).StreamARN
		if want := "arn:aws:kinesis:eu-west-1:123456789012:stream/orders"; arn != want {
			e.t.Fatalf("ARN = %s, want %s", arn, want)
		}
		for _, in := range []kinesis.DescribeStreamInput{{StreamName: new(orders)}, {StreamARN: &arn}, {StreamName: new(orders), StreamARN: &arn}} {
			d := run[kinesis.DescribeStreamOutput](e, "DescribeStream", &in).StreamDescription
			if *d.StreamName != orders || *d.StreamARN != arn {
				e.t.Errorf("%s %s described, want %s %s", *d.StreamName, *d.StreamARN, orders, arn)
			}
		}
		e.fails("DescribeStream", &kinesis.DescribeStreamInput{}, "InvalidArgumentException", "Either StreamARN or StreamName should be provided.")
		e.fails("DescribeStream", &kinesis.DescribeStreamInput{StreamName: new("other"), StreamARN: &arn}, "InvalidArgumentException", "do not refer to the same stream")
		e.fails("DescribeStream", &kinesis.DescribeStreamInput{StreamARN: new("arn:aws:kinesis:eu-west-1:999999999999:stream/orders")},
			"ResourceNotFoundException", "Stream orders under account 999999999999 not found.")
	})
}

func TestListStreamsPages(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		for _, name := range []string{"c", "a", "e", "b", "d"} {
			e.create(name, 1)
		}
		var got []string
		in := kinesis.ListStreamsInput{Limit: new(int32(2))}
		for {
			out := run[kinesis.ListStreamsOutput](e, "ListStreams", &in)
			got = append(got, out.StreamNames...)
			if len(out.StreamSummaries) != len(out.StreamNames) || (out.NextToken != nil) != *out.HasMoreStreams {
				e.t.Errorf("%d names, %d summaries, token %v, more %v", len(out.StreamNames), len(out.StreamSummaries), out.NextToken, *out.HasMoreStreams)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
		wantList(e.t, "names", got, "a", "b", "c", "d", "e")
		out := run[kinesis.ListStreamsOutput](e, "ListStreams", &kinesis.ListStreamsInput{ExclusiveStartStreamName: new("bb")})
		wantList(e.t, "names after bb", out.StreamNames, "c", "d", "e")
		e.fails("ListStreams", &kinesis.ListStreamsInput{NextToken: new("garbage")}, "InvalidArgumentException", "Invalid NextToken.")
	})
}

func TestRetentionTrims(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		old := e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)
		first := e.put(orders, "k", "first")
		e.pass(23 * time.Hour)
		e.put(orders, "k", "second")
		e.getFails(old, "ExpiredIteratorException", "Iterator expired.")
		e.wantTexts("after 23 h", e.get(e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)).Records, "first second")
		e.pass(time.Hour + time.Millisecond)
		e.wantTexts("after 24 h", e.get(e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)).Records, "second")
		trimmed := e.iterator(kinesis.GetShardIteratorInput{
			StreamName: new(orders), ShardId: new(idOf(0)),
			ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber, StartingSequenceNumber: new(first.Seq.String()),
		})
		e.wantTexts("at a record that was trimmed", e.get(trimmed).Records, "second")

		change := func(op string, hours int32) (string, any) {
			if op == "IncreaseStreamRetentionPeriod" {
				return op, &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: new(orders), RetentionPeriodHours: &hours}
			}
			return op, &kinesis.DecreaseStreamRetentionPeriodInput{StreamName: new(orders), RetentionPeriodHours: &hours}
		}
		e.do(change("IncreaseStreamRetentionPeriod", 48))
		e.pass(46 * time.Hour)
		e.wantTexts("after 47 h of 48 in which it was kept", e.get(e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)).Records, "second")
		e.do(change("DecreaseStreamRetentionPeriod", 24))
		e.do(change("IncreaseStreamRetentionPeriod", 8760))
		if got := e.Records(orders); len(got) != 0 {
			e.t.Errorf("%d records came back after a decrease, want none", len(got))
		}
		for _, c := range []struct {
			op    string
			hours int32
			text  string
		}{
			{"IncreaseStreamRetentionPeriod", 8761, "too long"},
			{"IncreaseStreamRetentionPeriod", 24, "can not be shorter than existing retention period (8760 hours)"},
			{"DecreaseStreamRetentionPeriod", 23, "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short."},
		} {
			op, in := change(c.op, c.hours)
			e.fails(op, in, "InvalidArgumentException", c.text)
		}
	})
}

func wantList[T comparable](tb testing.TB, what string, got []T, want ...T) {
	tb.Helper()
	same := len(got) == len(want)
	for i := range want {
		same = same && got[i] == want[i]
	}
	if !same {
		tb.Errorf("%s = %v, want %v", what, got, want)
	}
}
