package kintest

import (
	"regexp"
	"strings"
	"sync"
)

// shape is what the service's model demands of a value.
type shape struct {
	min, max int    // of a number's value, or of the length of a text, list or map; max 0: no bound
	pattern  string // of a text, as messages show it
	enum     string // the allowed values, as messages show them
	element  string // shape of a list's elements or a map's keys
	value    string // shape of a map's values
	members  string // of a structure, as in operationMembers

	number   bool
	compiled *regexp.Regexp
	allowed  map[string]bool
	fields   []member
}

// member is one member of a structure.
type member struct {
	name, shape string
	required    bool
}

// operationMembers has the members of the inputs of the cold operations, in the order of the
// service's model: name, colon and shape if it is not the name, exclamation mark
// if it is required.
var operationMembers = map[string]string{
	"AddTagsToStream":               "StreamName Tags:TagMap! StreamARN StreamId",
	"CreateStream":                  "StreamName! ShardCount:Positive StreamModeDetails Tags:TagMap WarmThroughputMiBps:Natural MaxRecordSizeInKiB RecordDistributionStrategy",
	"DecreaseStreamRetentionPeriod": "StreamName RetentionPeriodHours:Any! StreamARN StreamId",
	"DeleteResourcePolicy":          "ResourceARN! StreamId",
	"DeleteStream":                  "StreamName StreamARN StreamId",
	"DeregisterStreamConsumer":      "StreamARN ConsumerName ConsumerARN StreamId",
	"DescribeAccountSettings":       "",
	"DescribeLimits":                "",
	"DescribeStream":                "StreamName Limit:Page ExclusiveStartShardId:ShardId StreamARN StreamId",
	"DescribeStreamConsumer":        "StreamARN ConsumerName ConsumerARN StreamId",
	"DescribeStreamSummary":         "StreamName StreamARN StreamId",
	"DisableEnhancedMonitoring":     "StreamName ShardLevelMetrics! StreamARN StreamId",
	"EnableEnhancedMonitoring":      "StreamName ShardLevelMetrics! StreamARN StreamId",
	"GetResourcePolicy":             "ResourceARN! StreamId",
	"GetShardIterator":              "StreamName ShardId! ShardIteratorType! StartingSequenceNumber:SequenceNumber StreamARN StreamId",
	"IncreaseStreamRetentionPeriod": "StreamName RetentionPeriodHours:Any! StreamARN StreamId",
	"ListShards":                    "StreamName NextToken ExclusiveStartShardId:ShardId MaxResults:Page ShardFilter StreamARN StreamId",
	"ListStreamConsumers":           "StreamARN! NextToken MaxResults:Page StreamId",
	"ListStreams":                   "Limit:Page ExclusiveStartStreamName:StreamName NextToken",
	"ListTagsForResource":           "ResourceARN! StreamId",
	"ListTagsForStream":             "StreamName ExclusiveStartTagKey:TagKey Limit:TagPage StreamARN StreamId",
	"MergeShards":                   "StreamName ShardToMerge:ShardId! AdjacentShardToMerge:ShardId! StreamARN StreamId",
	"PutResourcePolicy":             "ResourceARN! StreamId Policy:Any!",
	"RegisterStreamConsumer":        "StreamARN! ConsumerName! StreamId Tags:TagMap",
	"RemoveTagsFromStream":          "StreamName TagKeys! StreamARN StreamId",
	"SplitShard":                    "StreamName ShardToSplit:ShardId! NewStartingHashKey:HashKey! StreamARN StreamId",
	"StartStreamEncryption":         "StreamName EncryptionType! KeyId! StreamARN StreamId",
	"StopStreamEncryption":          "StreamName EncryptionType! KeyId! StreamARN StreamId",
	"SubscribeToShard":              "ConsumerARN! StreamId ShardId! StartingPosition!",
	"TagResource":                   "Tags:TagMap! ResourceARN! StreamId",
	"UntagResource":                 "TagKeys! ResourceARN! StreamId",
	"UpdateAccountSettings":         "MinimumThroughputBillingCommitment!",
	"UpdateMaxRecordSize":           "StreamARN StreamId MaxRecordSizeInKiB!",
	"UpdateShardCount":              "StreamName TargetShardCount:Positive! ScalingType! StreamARN StreamId",
	"UpdateStreamMode":              "StreamARN! StreamId StreamModeDetails! WarmThroughputMiBps:Natural",
	"UpdateStreamWarmThroughput":    "StreamARN StreamName StreamId WarmThroughputMiBps:Natural!",

	"UpdateStreamRecordDistributionStrategy": "StreamARN! StreamId RecordDistributionStrategy!",
}

// shapeTable has the shapes that demand something.
var shapeTable = map[string]shape{
	"Any":                {},
	"ConsumerARN":        {min: 1, max: 2048, pattern: `^(arn):aws.*:kinesis:.*:\d{12}:.*stream\/[a-zA-Z0-9_.-]+\/consumer\/[a-zA-Z0-9_.-]+:[0-9]+`},
	"ConsumerName":       {min: 1, max: 128, pattern: `[a-zA-Z0-9_.-]+`},
	"EncryptionType":     {enum: "NONE, KMS"},
	"HashKey":            {pattern: `^(0|([1-9]\d{0,38}))$`},
	"KeyId":              {min: 1, max: 2048},
	"MaxRecordSizeInKiB": {number: true, min: 1024, max: 10240},
	"MetricsName": {enum: "IncomingBytes, IncomingRecords, OutgoingBytes, OutgoingRecords, " +
		"WriteProvisionedThroughputExceeded, ReadProvisionedThroughputExceeded, IteratorAgeMilliseconds, ALL"},
	"MinimumThroughputBillingCommitment": {members: "Status:CommitmentStatus!"},
	"CommitmentStatus":                   {enum: "ENABLED, DISABLED"},
	"Natural":                            {number: true, min: 0},
	"NextToken":                          {min: 1, max: 1048576},
	"Page":                               {number: true, min: 1, max: 10000},
	"Positive":                           {number: true, min: 1},
	"RecordDistributionStrategy":         {enum: "AUTO, USER_PARTITION_KEY"},
	"ResourceARN":                        {min: 1, max: 2048, pattern: `arn:aws.*:kinesis:.*:\d{12}:.*(stream|channel|queue)/\S+`},
	"ScalingType":                        {enum: "UNIFORM_SCALING"},
	"SequenceNumber":                     {pattern: `^(0|([1-9]\d{0,128}))$`},
	"ShardFilter":                        {members: "Type:ShardFilterType! ShardId"},
	"ShardFilterType":                    {enum: "AFTER_SHARD_ID, AT_TRIM_HORIZON, FROM_TRIM_HORIZON, AT_LATEST, AT_TIMESTAMP, FROM_TIMESTAMP"},
	"ShardId":                            {min: 1, max: 128, pattern: `[a-zA-Z0-9_.-]+`},
	"ShardIteratorType":                  {enum: "AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON"},
	"ShardLevelMetrics":                  {min: 1, max: 7, element: "MetricsName"},
	"StartingPosition":                   {members: "Type:ShardIteratorType! SequenceNumber"},
	"StreamARN":                          {min: 1, max: 2048, pattern: `arn:aws.*:kinesis:.*:\d{12}:stream/\S+`},
	"StreamId":                           {min: 1, max: 24, pattern: `[a-z0-9]{20}-[a-z0-9]{3}`},
	"StreamMode":                         {enum: "PROVISIONED, ON_DEMAND"},
	"StreamModeDetails":                  {members: "StreamMode!"},
	"StreamName":                         {min: 1, max: 128, pattern: `[a-zA-Z0-9_.-]+`},
	"TagKey":                             {min: 1, max: 128},
	"TagKeys":                            {min: 1, max: 50, element: "TagKey"},
	"TagMap":                             {min: 1, max: 200, element: "TagKey", value: "TagValue"},
	"TagPage":                            {number: true, min: 1, max: 50},
	"TagValue":                           {max: 256},
}

// model is the two tables, ready for use.
type model struct {
	operations map[string][]member
	shapes     map[string]*shape
}

// theModel is made when it is first needed.
var theModel = sync.OnceValue(func() *model {
	m := &model{operations: make(map[string][]member), shapes: make(map[string]*shape)}
	for name, text := range operationMembers {
		m.operations[name] = parseMembers(text)
	}
	for name, sh := range shapeTable {
		if sh.pattern != "" {
			sh.compiled = regexp.MustCompile("^(?:" + sh.pattern + ")$")
		}
		if sh.enum != "" {
			sh.allowed = make(map[string]bool)
			for value := range strings.SplitSeq(sh.enum, ", ") {
				sh.allowed[value] = true
			}
		}
		sh.fields = parseMembers(sh.members)
		m.shapes[name] = &sh
	}
	return m
})

func parseMembers(text string) []member {
	var out []member
	for field := range strings.FieldsSeq(text) {
		name, required := strings.CutSuffix(field, "!")
		name, shape, other := strings.Cut(name, ":")
		if !other {
			shape = name
		}
		out = append(out, member{name, shape, required})
	}
	return out
}
