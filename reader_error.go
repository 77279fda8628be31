package kin

import (
	"errors"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/kinstream/kin/internal/fetch"
)

// shardError returns the ShardError of an error of package fetch.
func (r *Reader) shardError(shard ShardID, err error) *ShardError {
	return newShardError(r.cfg.Stream, shard, err)
}

func newShardError(stream string, shard ShardID, err error) *ShardError {
	e := &ShardError{Op: "GetRecords", Stream: stream, Shard: shard, Err: err}
	if f, ok := errors.AsType[*fetch.Error](err); ok {
		e.Op, e.Hint = f.Op, hint(f)
	}
	return e
}

// hint says what may help against err.
func hint(err *fetch.Error) string {
	code := fetch.Code(err)
	if code == "InvalidArgumentException" && err.Op == "GetShardIterator" {
		return "the position may belong to another shard or stream, or lie in the future"
	}
	needed := permissions{stream: "kinesis:ListShards, kinesis:GetShardIterator and kinesis:GetRecords", key: "kms:Decrypt"}
	if err.Op == "DescribeStreamSummary" {
		needed.stream = "kinesis:DescribeStreamSummary beside kinesis:ListShards, kinesis:GetShardIterator and kinesis:GetRecords"
	}
	common := commonHint(code, err.Err, needed)
	if common != "" || code != "" {
		return common
	}
	if err.Class == fetch.Terminal || strings.Contains(strings.ToLower(err.Err.Error()), "deserialization") {
		return "what answers at the endpoint may not be Kinesis"
	}
	return ""
}

// causeText is the text of a cause without the request IDs and nestings of the SDK,
// which can still be had by errors.As.
func causeText(err error) string {
	if f, ok := errors.AsType[*fetch.Error](err); ok {
		text := causeText(f.Err)
		if f.After > 0 {
			return f.GaveUp() + ": " + text
		}
		return text
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() != "" {
		return strings.TrimSuffix(api.ErrorCode()+": "+api.ErrorMessage(), ": ")
	}
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		err = op.Err
	}
	return err.Error()
}
