package kintest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/kintest/internal/proto"
)

func tagText(tags []types.Tag) string {
	var all []string
	for _, tag := range tags {
		all = append(all, *tag.Key+"="+*tag.Value)
	}
	return strings.Join(all, " ")
}

func TestTagsOfStreamsAndConsumers(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.do("CreateStream", &kinesis.CreateStreamInput{StreamName: new(orders), ShardCount: new(int32(1)), Tags: map[string]string{"team": "a"}})
		stream, consumer := e.summary(orders).StreamARN, e.registerAt("billing")
		e.do("AddTagsToStream", &kinesis.AddTagsToStreamInput{StreamName: new(orders), Tags: map[string]string{"env": "test", "team": "b"}})
		e.do("TagResource", &kinesis.TagResourceInput{ResourceARN: stream, Tags: map[string]string{"zone": "1"}})
		e.do("TagResource", &kinesis.TagResourceInput{ResourceARN: consumer, Tags: map[string]string{"owner": "x", "env": "prod"}})
		e.do("UntagResource", &kinesis.UntagResourceInput{ResourceARN: consumer, TagKeys: []string{"env", "unknown"}})
		want := func(arn *string, want string) {
			e.t.Helper()
			out := run[kinesis.ListTagsForResourceOutput](e, "ListTagsForResource", &kinesis.ListTagsForResourceInput{ResourceARN: arn})
			if got := tagText(out.Tags); got != want {
				e.t.Errorf("tags of %s = %q, want %q", *arn, got, want)
			}
		}
		want(stream, "env=test team=b zone=1")
		want(consumer, "owner=x")
		page := run[kinesis.ListTagsForStreamOutput](e, "ListTagsForStream", &kinesis.ListTagsForStreamInput{StreamName: new(orders), ExclusiveStartTagKey: new("env"), Limit: new(int32(1))})
		if got := tagText(page.Tags); got != "team=b" || !*page.HasMoreTags {
			e.t.Errorf("page after env = %q, more %v; want team=b and more", got, *page.HasMoreTags)
		}
		e.do("RemoveTagsFromStream", &kinesis.RemoveTagsFromStreamInput{StreamName: new(orders), TagKeys: []string{"team"}})
		want(stream, "env=test zone=1")

		many := map[string]string{}
		for i := range 49 {
			many[fmt.Sprint("k", i)] = ""
		}
		add := func(tags map[string]string) *kinesis.AddTagsToStreamInput {
			return &kinesis.AddTagsToStreamInput{StreamName: new(orders), Tags: tags}
		}
		e.fails("AddTagsToStream", add(many), "InvalidArgumentException", "cannot have more than 50 tags associated with it")
		e.fails("AddTagsToStream", add(map[string]string{"a;b": ""}), "InvalidArgumentException", "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @.")
		e.fails("AddTagsToStream", add(map[string]string{strings.Repeat("k", 129): ""}), "ValidationException", "at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: "+
			"[Member must have length less than or equal to 128, Member must have length greater than or equal to 1]")
		e.fails("AddTagsToStream", add(map[string]string{"k": strings.Repeat("v", 257)}), "ValidationException", "Map value must satisfy constraint")
		e.fails("UntagResource", &kinesis.UntagResourceInput{ResourceARN: stream, TagKeys: []string{""}}, "ValidationException", "Value '[]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member must have length")
		e.fails("TagResource", &kinesis.TagResourceInput{ResourceARN: new("arn:aws:kinesis:us-east-1:000000000000:channel/x"), Tags: map[string]string{"a": "b"}}, "InvalidArgumentException", "is not the ARN of a stream or a consumer")
	})
}

func TestEnhancedMonitoring(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		on := run[kinesis.EnableEnhancedMonitoringOutput](e, "EnableEnhancedMonitoring",
			&kinesis.EnableEnhancedMonitoringInput{StreamName: new(orders), ShardLevelMetrics: []types.MetricsName{"OutgoingBytes", "IncomingBytes"}})
		wantList(e.t, "metrics before", on.CurrentShardLevelMetrics)
		wantList(e.t, "metrics after", on.DesiredShardLevelMetrics, "IncomingBytes", "OutgoingBytes")
		off := run[kinesis.DisableEnhancedMonitoringOutput](e, "DisableEnhancedMonitoring",
			&kinesis.DisableEnhancedMonitoringInput{StreamName: new(orders), ShardLevelMetrics: []types.MetricsName{"IncomingBytes"}})
		wantList(e.t, "metrics left", off.DesiredShardLevelMetrics, "OutgoingBytes")
		run[kinesis.EnableEnhancedMonitoringOutput](e, "EnableEnhancedMonitoring",
			&kinesis.EnableEnhancedMonitoringInput{StreamName: new(orders), ShardLevelMetrics: []types.MetricsName{"ALL"}})
		if got := len(e.summary(orders).EnhancedMonitoring[0].ShardLevelMetrics); got != 7 {
			e.t.Errorf("ALL gives %d metrics, want 7", got)
		}
		e.fails("EnableEnhancedMonitoring", &kinesis.EnableEnhancedMonitoringInput{StreamName: new(orders), ShardLevelMetrics: []types.MetricsName{"Luck"}},
			"ValidationException", "Value '[Luck]' at 'shardLevelMetrics' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [IncomingBytes,")
	})
}

func TestResourcePolicies(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		for _, arn := range []*string{e.summary(orders).StreamARN, e.registerAt("billing")} {
			get := &kinesis.GetResourcePolicyInput{ResourceARN: arn}
			e.fails("GetResourcePolicy", get, "ResourceNotFoundException", "No policy found")
			e.do("PutResourcePolicy", &kinesis.PutResourcePolicyInput{ResourceARN: arn, Policy: new(`{"Version":"2012-10-17"}`)})
			if got := *run[kinesis.GetResourcePolicyOutput](e, "GetResourcePolicy", get).Policy; got != `{"Version":"2012-10-17"}` {
				e.t.Errorf("policy = %s", got)
			}
			e.fails("PutResourcePolicy", &kinesis.PutResourcePolicyInput{ResourceARN: arn, Policy: new("allow")}, "InvalidArgumentException", "not valid JSON")
			e.do("DeleteResourcePolicy", &kinesis.DeleteResourcePolicyInput{ResourceARN: arn})
			e.fails("DeleteResourcePolicy", &kinesis.DeleteResourcePolicyInput{ResourceARN: arn}, "ResourceNotFoundException", "No policy found")
		}
	})
}

func TestModesAndWarmThroughput(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		onDemand := &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}
		e.do("CreateStream", &kinesis.CreateStreamInput{StreamName: new(orders), StreamModeDetails: onDemand})
		if d := e.summary(orders); *d.OpenShardCount != 4 || d.StreamModeDetails.StreamMode != types.StreamModeOnDemand || d.WarmThroughput != nil {
			e.t.Errorf("on-demand stream = %d shards, %s", *d.OpenShardCount, d.StreamModeDetails.StreamMode)
		}
		arn := e.summary(orders).StreamARN
		limits := run[kinesis.DescribeLimitsOutput](e, "DescribeLimits", &kinesis.DescribeLimitsInput{})
		if *limits.OnDemandStreamCount != 1 || *limits.OpenShardCount != 0 {
			e.t.Errorf("limits count %d on-demand streams and %d shards, want 1 and 0", *limits.OnDemandStreamCount, *limits.OpenShardCount)
		}
		warm := func(n int32) *kinesis.UpdateStreamWarmThroughputInput {
			return &kinesis.UpdateStreamWarmThroughputInput{StreamARN: arn, WarmThroughputMiBps: &n}
		}
		e.fails("UpdateStreamWarmThroughput", warm(10), "InvalidArgumentException", "MinimumThroughputBillingCommitment")
		run[kinesis.UpdateAccountSettingsOutput](e, "UpdateAccountSettings", &kinesis.UpdateAccountSettingsInput{
			MinimumThroughputBillingCommitment: &types.MinimumThroughputBillingCommitmentInput{Status: "ENABLED"},
		})
		run[kinesis.UpdateStreamWarmThroughputOutput](e, "UpdateStreamWarmThroughput", warm(10))
		if d := e.summary(orders); *d.OpenShardCount != 10 || *d.WarmThroughput.TargetMiBps != 10 || *d.WarmThroughput.CurrentMiBps != 10 {
			e.t.Errorf("warmed up to 10 MiB/s = %d shards", *d.OpenShardCount)
		}
		e.fails("UpdateStreamWarmThroughput", warm(20000), "LimitExceededException", "exceeds the limit of 10240 MiBps")
		e.fails("UpdateShardCount", &kinesis.UpdateShardCountInput{StreamName: new(orders), TargetShardCount: new(int32(12)), ScalingType: "UNIFORM_SCALING"},
			"ValidationException", "ON_DEMAND mode")
		e.do("UpdateStreamMode", &kinesis.UpdateStreamModeInput{StreamARN: arn, StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeProvisioned}})
		e.fails("UpdateStreamWarmThroughput", warm(10), "InvalidArgumentException", "ON_DEMAND mode only")
		for _, c := range []struct {
			in            kinesis.CreateStreamInput
			code, message string
		}{
			{kinesis.CreateStreamInput{}, "ValidationException", "ShardCount is required"},
			{kinesis.CreateStreamInput{ShardCount: new(int32(1)), StreamModeDetails: onDemand}, "ValidationException", "ShardCount must not be provided"},
			{kinesis.CreateStreamInput{ShardCount: new(int32(10001))}, "LimitExceededException", "10000 shards"},
			{kinesis.CreateStreamInput{ShardCount: new(int32(1)), MaxRecordSizeInKiB: new(int32(99))}, "ValidationException", "Value '99' at 'maxRecordSizeInKiB' failed to satisfy constraint: Member must have value greater than or equal to 1024"},
			{kinesis.CreateStreamInput{ShardCount: new(int32(1)), RecordDistributionStrategy: "AUTO"}, "InvalidArgumentException", "ON_DEMAND mode only"},
		} {
			c.in.StreamName = new("refused")
			e.fails("CreateStream", &c.in, c.code, c.message)
		}
	})
}

func TestCommitmentHoldsForADay(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		set := func(status types.MinimumThroughputBillingCommitmentInputStatus) {
			run[kinesis.UpdateAccountSettingsOutput](e, "UpdateAccountSettings", &kinesis.UpdateAccountSettingsInput{
				MinimumThroughputBillingCommitment: &types.MinimumThroughputBillingCommitmentInput{Status: status},
			})
		}
		want := func(status types.MinimumThroughputBillingCommitmentOutputStatus) {
			e.t.Helper()
			out := run[kinesis.DescribeAccountSettingsOutput](e, "DescribeAccountSettings", &kinesis.DescribeAccountSettingsInput{})
			if got := out.MinimumThroughputBillingCommitment.Status; got != status {
				e.t.Errorf("status = %s, want %s", got, status)
			}
		}
		want("DISABLED")
		set("ENABLED")
		want("ENABLED")
		e.pass(time.Hour)
		set("DISABLED")
		want("ENABLED_UNTIL_EARLIEST_ALLOWED_END")
		e.pass(23 * time.Hour)
		want("DISABLED")
		set("ENABLED")
		e.pass(48 * time.Hour)
		set("DISABLED")
		want("DISABLED")
	})
}

func TestAutoDistributionIgnoresKeys(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.do("CreateStream", &kinesis.CreateStreamInput{StreamName: new(orders), StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}, RecordDistributionStrategy: "AUTO"})
		shards := map[string]int{}
		for range 40 {
			in := record(orders, "same", "x")
			in.HasHashKey, in.ExplicitHashKey = true, "0"
			var out proto.PutRecordReply
			if err := e.PutRecord(in, &out); err != nil {
				e.t.Fatal(err)
			}
			shards[out.ShardID]++
		}
		if len(shards) != 4 || shards[idOf(0)] != 10 {
			e.t.Errorf("40 records with one key went to %v, want 10 to each of 4 shards", shards)
		}
		keyless := record(orders, "", "no key")
		keyless.HasPartitionKey = false
		var out proto.PutRecordReply
		if err := e.PutRecord(keyless, &out); err != nil {
			e.t.Errorf("without a key: %v", err)
		}
		records := e.get(e.from(orders, out.ShardID, types.ShardIteratorTypeTrimHorizon)).Records
		if last := records[len(records)-1]; last.Key != nil {
			e.t.Errorf("key of a record without one = %q", last.Key)
		}
		ordered := record(orders, "k", "x")
		ordered.SequenceNumberForOrdering = new(out.Seq.String())
		e.wantError("with an order", e.PutRecord(ordered, &out), "InvalidArgumentException", "SequenceNumberForOrdering is not supported")

		set := func(s types.RecordDistributionStrategy) *kinesis.UpdateStreamRecordDistributionStrategyInput {
			return &kinesis.UpdateStreamRecordDistributionStrategyInput{StreamARN: e.summary(orders).StreamARN, RecordDistributionStrategy: s}
		}
		e.do("UpdateStreamRecordDistributionStrategy", set("USER_PARTITION_KEY"))
		if a, b := e.put(orders, "same", "x").ShardID, e.put(orders, "same", "y").ShardID; a != b {
			e.t.Errorf("one key went to %s and %s", a, b)
		}
		e.wantError("without a key", e.PutRecord(keyless, &out), "ValidationException", "partitionKey")
		e.do("UpdateStreamMode", &kinesis.UpdateStreamModeInput{StreamARN: e.summary(orders).StreamARN, StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeProvisioned}})
		e.fails("UpdateStreamRecordDistributionStrategy", set("AUTO"), "InvalidArgumentException", "ON_DEMAND mode only")
	})
}

func TestMaxRecordSizeCountsDataAndKey(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		e.do("UpdateMaxRecordSize", &kinesis.UpdateMaxRecordSizeInput{StreamARN: e.summary(orders).StreamARN, MaxRecordSizeInKiB: new(int32(2048))})
		if got := *e.summary(orders).MaxRecordSizeInKiB; got != 2048 {
			e.t.Errorf("summary says %d KiB, want 2048", got)
		}
		var out proto.PutRecordReply
		if err := e.PutRecord(record(orders, "key", strings.Repeat("x", 2<<20-3)), &out); err != nil {
			e.t.Errorf("exactly 2 MiB: %v", err)
		}
		e.wantError("one byte more", e.PutRecord(record(orders, "key+", strings.Repeat("x", 2<<20-3)), &out), "InvalidArgumentException", "2048 KiB")
	})
}
