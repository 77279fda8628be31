package kintest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/kintest/internal/proto"
)

// session runs a server with a directory and closes it.
func session(t testing.TB, config kintest.Config, test func(e engine)) {
	t.Helper()
	s, err := kintest.NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	test(engine{t, s})
}

// describe writes all that the API says about a server's streams as text.
func describe(e engine) string {
	e.t.Helper()
	var b strings.Builder
	show := func(what string, v any) {
		text, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			e.t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s\n", what, text)
	}
	list := run[kinesis.ListStreamsOutput](e, "ListStreams", &kinesis.ListStreamsInput{})
	show("streams", list.StreamSummaries)
	for _, name := range list.StreamNames {
		summary := e.summary(name)
		show("summary", summary)
		if summary.StreamStatus == types.StreamStatusCreating {
			continue
		}
		arn := summary.StreamARN
		show("shards", e.shards(name, nil))
		show("tags", run[kinesis.ListTagsForStreamOutput](e, "ListTagsForStream", &kinesis.ListTagsForStreamInput{StreamName: &name}).Tags)
		policy, _ := e.Run("GetResourcePolicy", &kinesis.GetResourcePolicyInput{ResourceARN: arn}) // an error if there is none
		show("policy", policy)
		consumers := run[kinesis.ListStreamConsumersOutput](e, "ListStreamConsumers", &kinesis.ListStreamConsumersInput{StreamARN: arn}).Consumers
		show("consumers", consumers)
		for _, con := range consumers {
			show("tags", run[kinesis.ListTagsForResourceOutput](e, "ListTagsForResource", &kinesis.ListTagsForResourceInput{ResourceARN: con.ConsumerARN}).Tags)
		}
		for _, r := range e.Records(name) {
			show("record", r)
		}
	}
	show("account", run[kinesis.DescribeAccountSettingsOutput](e, "DescribeAccountSettings", &kinesis.DescribeAccountSettingsInput{}))
	return b.String()
}

// furnish makes streams that have a bit of everything.
func furnish(e engine) {
	name, policy := "a", `{"Version":"2012-10-17","Statement":[]}`
	e.do("CreateStream", &kinesis.CreateStreamInput{StreamName: &name, ShardCount: new(int32(3)), Tags: map[string]string{"team": "red"}})
	e.settle(name)
	arn := e.summary(name).StreamARN
	e.put(name, "k1", "one")
	e.do("SplitShard", &kinesis.SplitShardInput{StreamName: &name, ShardToSplit: new(idOf(1)), NewStartingHashKey: new("170141183460469231731687303715884105728")})
	e.settle(name)
	e.do("MergeShards", &kinesis.MergeShardsInput{StreamName: &name, ShardToMerge: new(idOf(0)), AdjacentShardToMerge: new(idOf(3))})
	e.settle(name)
	e.do("IncreaseStreamRetentionPeriod", &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: &name, RetentionPeriodHours: new(int32(48))})
	e.settle(name)
	e.do("StartStreamEncryption", &kinesis.StartStreamEncryptionInput{StreamName: &name, EncryptionType: types.EncryptionTypeKms, KeyId: new("alias/key")})
	e.settle(name)
	e.do("PutResourcePolicy", &kinesis.PutResourcePolicyInput{ResourceARN: arn, Policy: &policy})
	run[kinesis.EnableEnhancedMonitoringOutput](e, "EnableEnhancedMonitoring", &kinesis.EnableEnhancedMonitoringInput{
		StreamName: &name, ShardLevelMetrics: []types.MetricsName{types.MetricsNameIncomingBytes},
	})
	e.settle(name)
	for i, consumer := range []string{"reader", "writer"} {
		run[kinesis.RegisterStreamConsumerOutput](e, "RegisterStreamConsumer", &kinesis.RegisterStreamConsumerInput{
			StreamARN: arn, ConsumerName: &consumer, Tags: map[string]string{"n": fmt.Sprint(i)},
		})
	}
	in := record(name, "k2", "two")
	in.ExplicitHashKey, in.HasHashKey = "7", true
	if err := e.PutRecord(in, &proto.PutRecordReply{}); err != nil {
		e.t.Fatal(err)
	}
	e.put(name, strings.Repeat("ü", 256), "")

	run[kinesis.UpdateAccountSettingsOutput](e, "UpdateAccountSettings", &kinesis.UpdateAccountSettingsInput{
		MinimumThroughputBillingCommitment: &types.MinimumThroughputBillingCommitmentInput{
			Status: types.MinimumThroughputBillingCommitmentInputStatusEnabled,
		},
	})
	auto := "auto"
	e.do("CreateStream", &kinesis.CreateStreamInput{
		StreamName: &auto, StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand},
		MaxRecordSizeInKiB: new(int32(10240)), RecordDistributionStrategy: types.RecordDistributionStrategyAuto,
		WarmThroughputMiBps: new(int32(6)),
	})
	e.settle(auto)
	none := record(auto, "", "no key")
	none.HasPartitionKey = false
	if err := e.PutRecord(none, &proto.PutRecordReply{}); err != nil {
		e.t.Fatal(err)
	}
}

func TestDirectoryKeepsEverything(t *testing.T) {
	t.Parallel()

	for name, segment := range map[string]int64{"in_one_file": 0, "in_many_files": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				config := kintest.Config{Dir: t.TempDir(), StateDelay: time.Second}.WithSegments(segment)
				var before string
				session(t, config, func(e engine) {
					furnish(e)
					before = describe(e)
				})
				for range 2 {
					session(t, config, func(e engine) {
						if after := describe(e); after != before {
							t.Errorf("after a restart\n%s\nbefore\n%s", after, before)
						}
					})
				}
			})
		})
	}

	t.Run("with_changes_that_take_time_going_on", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			config := kintest.Config{Dir: t.TempDir(), StateDelay: time.Minute}
			name, gone, fresh := orders, "gone", "fresh"
			session(t, config, func(e engine) {
				e.create(name, 2)
				arn := e.summary(name).StreamARN
				run[kinesis.RegisterStreamConsumerOutput](e, "RegisterStreamConsumer", &kinesis.RegisterStreamConsumerInput{
					StreamARN: arn, ConsumerName: new("leaver"),
				})
				e.create(gone, 1)
				time.Sleep(time.Minute)
				e.do("DeregisterStreamConsumer", &kinesis.DeregisterStreamConsumerInput{StreamARN: arn, ConsumerName: new("leaver")})
				e.do("DeleteStream", &kinesis.DeleteStreamInput{StreamName: &gone})
				run[kinesis.UpdateShardCountOutput](e, "UpdateShardCount", &kinesis.UpdateShardCountInput{
					StreamName: &name, TargetShardCount: new(int32(3)), ScalingType: types.ScalingTypeUniformScaling,
				})
				e.do("CreateStream", &kinesis.CreateStreamInput{StreamName: &fresh, ShardCount: new(int32(1))})
				run[kinesis.RegisterStreamConsumerOutput](e, "RegisterStreamConsumer", &kinesis.RegisterStreamConsumerInput{
					StreamARN: arn, ConsumerName: new("reader"),
				})
			})
			time.Sleep(30 * time.Second)
			session(t, config, func(e engine) {
				for name, want := range map[string]types.StreamStatus{
					name: types.StreamStatusUpdating, gone: types.StreamStatusDeleting, fresh: types.StreamStatusCreating,
				} {
					if got := e.summary(name).StreamStatus; got != want {
						t.Errorf("%s is %s, want %s", name, got, want)
					}
				}
				got := describe(e)
				for _, status := range []string{"CREATING", "DELETING"} {
					if !strings.Contains(got, `"ConsumerStatus": "`+status+`"`) {
						t.Errorf("no consumer is %s in\n%s", status, got)
					}
				}
			})
			time.Sleep(30 * time.Second)
			var before string
			for round := range 3 {
				session(t, config, func(e engine) {
					if got := names(e.shards(name, &types.ShardFilter{Type: types.ShardFilterTypeAtLatest})); strings.Count(got, " ") != 2 {
						t.Errorf("open shards %s, want 3", got)
					}
					e.fails("DescribeStreamSummary", &kinesis.DescribeStreamSummaryInput{StreamName: &gone}, "ResourceNotFoundException", "not found")
					if got := e.summary(fresh).StreamStatus; got != types.StreamStatusActive {
						t.Errorf("%s is %s, want ACTIVE", fresh, got)
					}
					if round == 1 {
						e.put(name, "k", "x")
						before = describe(e)
					}
					if round == 2 && describe(e) != before {
						t.Errorf("got\n%s\nwant\n%s", describe(e), before)
					}
				})
			}
		})
	})
}

// TestKeptTypesAreComplete fails when a field is added that persist_state.go does not
// know: decide whether it has to be kept, then add it here.
func TestKeptTypesAreComplete(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"stream":       "server key id nonce born state generation kept spread mu rescale remode encrypt",
		"streamState":  "version phase until pending gone shards open mode retention maxRecord distribution encryption keyID warm metrics tags policy consumers",
		"shard":        "index id parents keys createdAt log limits reads end",
		"shardEnd":     "at children",
		"reshape":      "split merge evenInto shard adjacent key",
		"consumer":     "stream name born ready leaving goneAt tags policy seats",
		"accountState": "committed started ends",
	}
	for name, fields := range kintest.Fields() {
		if got := strings.Join(fields, " "); got != want[name] {
			t.Errorf("%s has the fields %s, want %s", name, got, want[name])
		}
	}
}
