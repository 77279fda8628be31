package conformance

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func settingChecks() []Check {
	return []Check{
		{"tags are added, listed and removed", func(p *probe) {
			stream := p.stream(1)
			_, err := p.AddTagsToStream(p.ctx, &kinesis.AddTagsToStreamInput{
				StreamName: &stream, Tags: map[string]string{"team": "billing", "stage": "test"},
			})
			p.must(err, "add tags")
			p.equal("tags", p.tags(stream), map[string]string{"stage": "test", "team": "billing"})
			_, err = p.RemoveTagsFromStream(p.ctx, &kinesis.RemoveTagsFromStreamInput{StreamName: &stream, TagKeys: []string{"team"}})
			p.must(err, "remove tags")
			p.equal("tags", p.tags(stream), map[string]string{"stage": "test"})
		}},
		{"a stream is created with tags", func(p *probe) {
			name := p.name()
			_, err := p.CreateStream(p.ctx, &kinesis.CreateStreamInput{
				StreamName: &name, ShardCount: aws.Int32(1), Tags: map[string]string{"team": "billing"},
			})
			p.must(err, "create stream")
			p.deleteAfter(name)
			p.active(name)
			p.equal("tags", p.tags(name), map[string]string{"team": "billing"})
		}},
		{"TagResource tags a stream by its ARN", func(p *probe) {
			stream := p.stream(1)
			arn := p.active(stream).StreamARN
			_, err := p.TagResource(p.ctx, &kinesis.TagResourceInput{ResourceARN: arn, Tags: map[string]string{"a": "b"}})
			p.must(err, "tag resource")
			out, err := p.ListTagsForResource(p.ctx, &kinesis.ListTagsForResourceInput{ResourceARN: arn})
			p.must(err, "list tags for resource")
			p.equal("tags", len(out.Tags), 1)
			_, err = p.UntagResource(p.ctx, &kinesis.UntagResourceInput{ResourceARN: arn, TagKeys: []string{"a"}})
			p.must(err, "untag resource")
			p.equal("tags", p.tags(stream), map[string]string{})
		}},
		{"retention goes up to a week and down again", func(p *probe) {
			stream := p.stream(1)
			p.must(p.retain(stream, 168), "increase retention")
			p.equal("retention", p.retention(stream), 168)
			_, err := p.DecreaseStreamRetentionPeriod(p.ctx, &kinesis.DecreaseStreamRetentionPeriodInput{
				StreamName: &stream, RetentionPeriodHours: aws.Int32(24),
			})
			p.must(err, "decrease retention")
			p.equal("retention", p.retention(stream), 24)
		}},
		{"retention goes up to a year", func(p *probe) {
			stream := p.stream(1)
			p.must(p.retain(stream, 8760), "increase retention")
			p.equal("retention", p.retention(stream), 8760)
		}},
		{"retention is not increased to less than it is", func(p *probe) {
			stream := p.stream(1)
			p.must(p.retain(stream, 72), "increase retention")
			p.active(stream)
			p.refused(p.retain(stream, 48), invalid)
		}},
		{"retention is at least a day", func(p *probe) {
			stream := p.stream(1)
			_, err := p.DecreaseStreamRetentionPeriod(p.ctx, &kinesis.DecreaseStreamRetentionPeriodInput{
				StreamName: &stream, RetentionPeriodHours: aws.Int32(23),
			})
			p.refused(err, invalid, validation)
		}},
		{"encryption is switched on and off", func(p *probe) {
			stream := p.stream(1)
			key := aws.String("alias/aws/kinesis")
			_, err := p.StartStreamEncryption(p.ctx, &kinesis.StartStreamEncryptionInput{
				StreamName: &stream, EncryptionType: types.EncryptionTypeKms, KeyId: key,
			})
			p.must(err, "start encryption")
			description := p.active(stream)
			p.equal("encryption", description.EncryptionType, types.EncryptionTypeKms)
			p.equal("key", aws.ToString(description.KeyId), *key)
			_, err = p.StopStreamEncryption(p.ctx, &kinesis.StopStreamEncryptionInput{
				StreamName: &stream, EncryptionType: types.EncryptionTypeKms, KeyId: key,
			})
			p.must(err, "stop encryption")
			p.equal("encryption", p.active(stream).EncryptionType, types.EncryptionTypeNone)
		}},
		{"metrics by shard are switched on and off", func(p *probe) {
			stream := p.stream(1)
			names := []types.MetricsName{types.MetricsNameIncomingBytes}
			on, err := p.EnableEnhancedMonitoring(p.ctx, &kinesis.EnableEnhancedMonitoringInput{StreamName: &stream, ShardLevelMetrics: names})
			p.must(err, "enable monitoring")
			p.equal("metrics", on.DesiredShardLevelMetrics, names)
			p.active(stream)
			_, err = p.DisableEnhancedMonitoring(p.ctx, &kinesis.DisableEnhancedMonitoringInput{StreamName: &stream, ShardLevelMetrics: names})
			p.must(err, "disable monitoring")
		}},
		{"the mode of a stream changes", func(p *probe) {
			stream := p.stream(1)
			_, err := p.UpdateStreamMode(p.ctx, &kinesis.UpdateStreamModeInput{
				StreamARN: p.active(stream).StreamARN, StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand},
			})
			p.must(err, "update stream mode")
			p.equal("mode", p.active(stream).StreamModeDetails.StreamMode, types.StreamModeOnDemand)
		}},
		{"a policy is kept, returned and deleted", func(p *probe) {
			arn := p.active(p.stream(1)).StreamARN
			policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},` +
				`"Action":["kinesis:DescribeStreamSummary","kinesis:ListShards"],"Resource":"` + aws.ToString(arn) + `"}]}`
			_, err := p.PutResourcePolicy(p.ctx, &kinesis.PutResourcePolicyInput{ResourceARN: arn, Policy: &policy})
			p.must(err, "put policy")
			out, err := p.GetResourcePolicy(p.ctx, &kinesis.GetResourcePolicyInput{ResourceARN: arn})
			p.must(err, "get policy")
			p.equal("policy", aws.ToString(out.Policy), policy)
			_, err = p.DeleteResourcePolicy(p.ctx, &kinesis.DeleteResourcePolicyInput{ResourceARN: arn})
			p.must(err, "delete policy")
		}},
		{"the size of records goes up to 10 MiB", func(p *probe) {
			stream := p.stream(1)
			_, err := p.UpdateMaxRecordSize(p.ctx, &kinesis.UpdateMaxRecordSizeInput{
				StreamARN: p.active(stream).StreamARN, MaxRecordSizeInKiB: aws.Int32(10240),
			})
			p.must(err, "update maximum record size")
			p.active(stream)
			data := make([]byte, 4<<20)
			_, err = p.PutRecord(p.ctx, &kinesis.PutRecordInput{StreamName: &stream, PartitionKey: aws.String("k"), Data: data})
			p.must(err, "put 4 MiB")
			got := p.read(p.iterator(stream, "shardId-000000000000", types.ShardIteratorTypeTrimHorizon), 1)
			if len(got) != 1 || len(got[0]) != len(data) {
				p.errorf("got %d records, want one of %d bytes", len(got), len(data))
			}
		}},
		{"DescribeLimits knows the limit and the open shards", func(p *probe) {
			p.stream(2)
			out, err := p.DescribeLimits(p.ctx, &kinesis.DescribeLimitsInput{})
			p.must(err, "describe limits")
			if limit, open := aws.ToInt32(out.ShardLimit), aws.ToInt32(out.OpenShardCount); limit < open || open < 2 {
				p.errorf("limit %d, open %d; want at least 2 open and a limit above", limit, open)
			}
		}},
	}
}

func (p *probe) tags(stream string) map[string]string {
	out, err := p.ListTagsForStream(p.ctx, &kinesis.ListTagsForStreamInput{StreamName: &stream})
	p.must(err, "list tags")
	tags := map[string]string{}
	for _, tag := range out.Tags {
		tags[*tag.Key] = aws.ToString(tag.Value)
	}
	return tags
}

func (p *probe) retain(stream string, hours int32) error {
	_, err := p.IncreaseStreamRetentionPeriod(p.ctx, &kinesis.IncreaseStreamRetentionPeriodInput{
		StreamName: &stream, RetentionPeriodHours: &hours,
	})
	return err
}

func (p *probe) retention(stream string) int32 {
	return aws.ToInt32(p.active(stream).RetentionPeriodHours)
}
