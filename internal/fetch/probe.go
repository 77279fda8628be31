package fetch

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// Probe finds out whether the service answers, by the calls that read a shard: at its tip, so that
// hardly anything comes. The error is nil if it does, whatever it says.
func Probe(ctx context.Context, caller Caller, client Client, stream Stream, shard string) error {
	out, err := Call(ctx, caller, "GetShardIterator", client.GetShardIterator, &kinesis.GetShardIteratorInput{
		StreamName: stream.Name, StreamARN: stream.ARN, ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeLatest,
	})
	if err == nil {
		_, err = Call(ctx, caller, "GetRecords", client.GetRecords, &kinesis.GetRecordsInput{
			ShardIterator: out.ShardIterator, StreamARN: stream.ARN, Limit: new(int32(1)),
		})
	}
	if err != nil && Answered(err) {
		return nil
	}
	return err
}
