package kintest_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/kintest/internal/proto"
)

var realLimits = kintest.Config{Limits: kintest.ServiceLimits()}

const shardRate = "Rate exceeded for shard shardId-000000000000 in stream orders under account 000000000000."

// burst puts n records of a size at once and returns how many were refused.
func (e engine) burst(n, size int) (refused int) {
	e.t.Helper()
	for n > 0 {
		in := proto.PutRecordsRequest{StreamName: new(orders), HasRecords: true}
		for range min(n, 500, 10<<20/size) {
			in.Records = append(in.Records, entry("k", strings.Repeat("x", size-1)))
		}
		n -= len(in.Records)
		var out proto.PutRecordsReply
		if err := e.PutRecords(&in, &out); err != nil {
			e.t.Fatal(err)
		}
		failed := 0
		for _, r := range out.Records {
			if r.ErrorCode != "" {
				failed++
				if r.ErrorCode != "ProvisionedThroughputExceededException" || r.ErrorMessage != shardRate {
					e.t.Fatalf("refused with %s: %s", r.ErrorCode, r.ErrorMessage)
				}
			}
		}
		if failed != out.Failed {
			e.t.Errorf("FailedRecordCount %d, but %d failed", out.Failed, failed)
		}
		refused += failed
	}
	return refused
}

func TestDirectPutsAreNotLimited(t *testing.T) {
	t.Parallel()
	bubble(t, realLimits, func(e engine) {
		if err := e.CreateStream(orders, 1); err != nil {
			e.t.Fatal(err)
		}
		for range 3 {
			if _, err := e.Put(orders, "k", make([]byte, 1<<20-1)); err != nil {
				e.t.Fatal(err)
			}
		}
	})
}

func TestShardTakesOneMiBAndAThousandRecordsPerSecond(t *testing.T) {
	t.Parallel()
	bubble(t, realLimits, func(e engine) {
		if err := e.CreateStream(orders, 1); err != nil {
			e.t.Fatal(err)
		}
		if got := e.burst(1300, 10); got != 300 {
			e.t.Errorf("%d of 1,300 small records refused, want 300", got)
		}
		e.wantError("PutRecord", e.PutRecord(record(orders, "k", "x"), &proto.PutRecordReply{}), "ProvisionedThroughputExceededException", shardRate)
		e.pass(100 * time.Millisecond)
		if got := e.burst(200, 10); got != 100 {
			e.t.Errorf("%d of 200 refused after 0.1 s, want 100", got)
		}
		e.pass(2 * time.Second)
		if got := e.burst(30, 100<<10); got != 20 {
			e.t.Errorf("%d of 30 records of 100 KiB refused, want 20", got)
		}
		if got := len(e.Records(orders)); got != 1000+100+10 {
			e.t.Errorf("%d records stored, want 1,110", got)
		}
		if _, err := e.Put(orders, "k", []byte("x")); err != nil {
			e.t.Errorf("the direct API is limited: %v", err)
		}
	})
}

func TestLargeRecordNeedsAFullBucketAndOverdrawsIt(t *testing.T) {
	t.Parallel()
	bubble(t, realLimits, func(e engine) {
		e.create(orders, 1)
		e.do("UpdateMaxRecordSize", &kinesis.UpdateMaxRecordSizeInput{StreamARN: e.summary(orders).StreamARN, MaxRecordSizeInKiB: new(int32(10240))})
		if got := e.burst(2, 5<<20); got != 1 {
			e.t.Errorf("%d of 2 records of 5 MiB refused, want 1", got)
		}
		e.pass(3900 * time.Millisecond)
		if got := e.burst(1, 1000); got != 1 {
			e.t.Error("3.9 s after 5 MiB the shard takes records again, want that after 4 s")
		}
		e.pass(200 * time.Millisecond)
		if got := e.burst(1, 1000); got != 0 {
			e.t.Error("4.1 s after 5 MiB the shard takes no records")
		}
	})
}

func TestShardIsReadFiveTimesPerSecond(t *testing.T) {
	t.Parallel()
	bubble(t, realLimits, func(e engine) {
		e.create(orders, 1)
		it := e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)
		for range 5 {
			e.get(it)
		}
		e.getFails(it, "ProvisionedThroughputExceededException", shardRate)
		e.pass(200 * time.Millisecond)
		e.get(it)
		e.getFails(it, "ProvisionedThroughputExceededException", shardRate)
	})
}

func TestTenMiBPauseTheShardForFiveSeconds(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{Limits: kintest.Limits{ReadBytesPerSecond: 2 << 20}}, func(e engine) {
		e.create(orders, 1)
		e.burst(20, 1<<20)
		it := e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)
		if got := len(e.get(it).Records); got != 10 {
			e.t.Fatalf("%d records of 1 MiB in a page, want 10", got)
		}
		e.pass(4990 * time.Millisecond)
		e.getFails(it, "ProvisionedThroughputExceededException", shardRate)
		e.pass(20 * time.Millisecond)
		e.get(it)
	})
}

func TestIteratorsAndSubscriptionsAreLimited(t *testing.T) {
	t.Parallel()
	config := realLimits
	config.TakeoverAfter = -1
	bubble(t, config, func(e engine) {
		e.create(orders, 1)
		for range 5 {
			e.from(orders, idOf(0), types.ShardIteratorTypeLatest)
		}
		e.fails("GetShardIterator", &kinesis.GetShardIteratorInput{StreamName: new(orders), ShardId: new(idOf(0)), ShardIteratorType: "LATEST"},
			"ProvisionedThroughputExceededException", shardRate)
		arn := e.registerAt("billing")
		e.subscribed(subscribeTo(arn, 0, horizon))
		_, err := e.Subscribe(subscribeTo(arn, 0, horizon))
		e.wantError("second subscription within a second", err, "LimitExceededException", shardRate)
		e.pass(time.Second)
		e.subscribed(subscribeTo(arn, 0, horizon))
	})
}

func TestSubscriptionIsPaced(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{Limits: kintest.Limits{PushBytesPerSecond: 2 << 20}}, func(e engine) {
		e.create(orders, 1)
		e.burst(12, 1<<20)
		b := e.subscribed(subscribeTo(e.registerAt("billing"), 0, horizon))
		start, got := time.Now(), 0
		for got < 12 {
			event := b.Next(100, 1<<20)
			if got += len(event.Records); len(event.Records) == 0 {
				if event.MillisBehindLatest == 0 && got < 12 {
					e.t.Error("a paced event says that nothing is behind")
				}
				e.pass(time.Until(event.Retry))
			}
		}
		if took := time.Since(start); took < 4*time.Second || took > 6*time.Second {
			e.t.Errorf("12 MiB took %s at 2 MiB/s after a burst of 2 MiB, want about 5 s", took)
		}
	})
}

func TestControlCallsAreLimited(t *testing.T) {
	t.Parallel()
	bubble(t, realLimits, func(e engine) {
		e.create(orders, 1)
		e.pass(time.Second)
		describe := &kinesis.DescribeStreamInput{StreamName: new(orders)}
		for range 10 {
			run[kinesis.DescribeStreamOutput](e, "DescribeStream", describe)
		}
		e.fails("DescribeStream", describe, "LimitExceededException", "Rate exceeded for stream orders under account 000000000000.")
		run[kinesis.DescribeLimitsOutput](e, "DescribeLimits", &kinesis.DescribeLimitsInput{})
		e.fails("DescribeLimits", &kinesis.DescribeLimitsInput{}, "LimitExceededException", "Rate exceeded for account 000000000000.")
		e.pass(100 * time.Millisecond)
		run[kinesis.DescribeStreamOutput](e, "DescribeStream", describe)

		update := func(n int32) *kinesis.UpdateShardCountInput {
			return &kinesis.UpdateShardCountInput{StreamName: new(orders), TargetShardCount: &n, ScalingType: "UNIFORM_SCALING"}
		}
		for i := range int32(10) {
			run[kinesis.UpdateShardCountOutput](e, "UpdateShardCount", update(1+(i+1)%2))
			e.pass(time.Hour)
		}
		e.fails("UpdateShardCount", update(2), "LimitExceededException", "more than 10 times in a rolling 24-hour period")
		e.pass(14*time.Hour + time.Second)
		run[kinesis.UpdateShardCountOutput](e, "UpdateShardCount", update(2))
	})
}

func TestQuotas(t *testing.T) {
	t.Parallel()
	limits := kintest.Limits{Shards: 5, OnDemandStreams: 1, Consumers: 2}
	bubble(t, kintest.Config{Limits: limits}, func(e engine) {
		e.create(orders, 3)
		const text = "This request would exceed the shard limit for the account 000000000000 in us-east-1. Current shard count for the account: 3. " +
			"Limit: 5. Number of additional shards that would have resulted from this request: 3."
		e.fails("CreateStream", &kinesis.CreateStreamInput{StreamName: new("other"), ShardCount: new(int32(3))}, "LimitExceededException", text)
		e.fails("UpdateShardCount", &kinesis.UpdateShardCountInput{StreamName: new(orders), TargetShardCount: new(int32(6)), ScalingType: "UNIFORM_SCALING"}, "LimitExceededException", text)
		e.create("other", 2)
		e.fails("SplitShard", &kinesis.SplitShardInput{StreamName: new(orders), ShardToSplit: new(idOf(0)), NewStartingHashKey: new("1000")},
			"LimitExceededException", "Current shard count for the account: 5. Limit: 5.")
		onDemand := &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}
		e.do("CreateStream", &kinesis.CreateStreamInput{StreamName: new("on-demand"), StreamModeDetails: onDemand})
		e.fails("CreateStream", &kinesis.CreateStreamInput{StreamName: new("another"), StreamModeDetails: onDemand}, "LimitExceededException", "on-demand stream limit")
		e.registerAt("a")
		e.registerAt("b")
		e.fails("RegisterStreamConsumer", &kinesis.RegisterStreamConsumerInput{StreamARN: e.summary(orders).StreamARN, ConsumerName: new("c")},
			"LimitExceededException", "already has 2 registered consumers, which is the limit")
		if err := e.CreateStream("direct", 10); err != nil {
			e.t.Errorf("the direct API is limited: %v", err)
		}
	})
}

func TestByteBudgetDropsVisibly(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{MaxBytes: 1 << 20}, func(e engine) {
		e.create(orders, 4)
		it := e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)
		for i := range 3000 {
			e.put(orders, strconv.Itoa(i), strings.Repeat("x", 1000))
		}
		stats := e.Stats()
		if stats.Bytes > 1<<20 || stats.Bytes < 800<<10 || stats.Records+stats.DroppedRecords != 3000 {
			e.t.Errorf("%d bytes held, %d records held and %d dropped; want nearly 1 MiB and 3,000 in all", stats.Bytes, stats.Records, stats.DroppedRecords)
		}
		if page := e.get(it); len(page.Records) == 0 {
			e.t.Error("an iterator of a record that was dropped does not go on with the oldest one")
		}
	})
}
