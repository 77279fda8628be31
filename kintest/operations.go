package kintest

import (
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// operations returns the cold operations by name; see [operation] for those that
// are not among them.
var operations = sync.OnceValue(func() map[string]operation {
	table := []operation{
		act("AddTagsToStream", addTagsToStream),
		act("CreateStream", createStream),
		act("DecreaseStreamRetentionPeriod", decreaseStreamRetentionPeriod),
		act("DeleteResourcePolicy", deleteResourcePolicy),
		act("DeleteStream", deleteStream),
		act("DeregisterStreamConsumer", deregisterStreamConsumer),
		answer("DescribeAccountSettings", describeAccountSettings),
		answer("DescribeLimits", describeLimits),
		answer("DescribeStream", describeStream),
		answer("DescribeStreamConsumer", describeStreamConsumer),
		answer("DescribeStreamSummary", describeStreamSummary),
		answer("DisableEnhancedMonitoring", disableEnhancedMonitoring),
		answer("EnableEnhancedMonitoring", enableEnhancedMonitoring),
		answer("GetResourcePolicy", getResourcePolicy),
		answer("GetShardIterator", getShardIterator),
		act("IncreaseStreamRetentionPeriod", increaseStreamRetentionPeriod),
		answer("ListShards", listShards),
		answer("ListStreamConsumers", listStreamConsumers),
		answer("ListStreams", listStreams),
		answer("ListTagsForResource", listTagsForResource),
		answer("ListTagsForStream", listTagsForStream),
		act("MergeShards", mergeShards),
		act("PutResourcePolicy", putResourcePolicy),
		answer("RegisterStreamConsumer", registerStreamConsumer),
		act("RemoveTagsFromStream", removeTagsFromStream),
		act("SplitShard", splitShard),
		act("StartStreamEncryption", startStreamEncryption),
		act("StopStreamEncryption", stopStreamEncryption),
		act("TagResource", tagResource),
		act("UntagResource", untagResource),
		answer("UpdateAccountSettings", updateAccountSettings),
		act("UpdateMaxRecordSize", updateMaxRecordSize),
		answer("UpdateShardCount", updateShardCount),
		act("UpdateStreamMode", updateStreamMode),
		act("UpdateStreamRecordDistributionStrategy", updateStreamRecordDistributionStrategy),
		answer("UpdateStreamWarmThroughput", updateStreamWarmThroughput),

		refuse[kinesis.CreateChannelInput]("CreateChannel"),
		refuse[kinesis.DeleteChannelInput]("DeleteChannel"),
		refuse[kinesis.DescribeChannelInput]("DescribeChannel"),
		refuse[kinesis.ListChannelsInput]("ListChannels"),
		refuse[kinesis.UpdateChannelInput]("UpdateChannel"),
	}
	byName := make(map[string]operation, len(table))
	for _, op := range table {
		byName[op.name] = op
	}
	return byName
})
