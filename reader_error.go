package kin

import (
	"errors"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/kinstream/kin/internal/fetch"
)

// shardError returns the ShardError of an error of package fetch.
func (r *Reader) shardError(shard ShardID, err error) *ShardError {
	e := &ShardError{Op: "GetRecords", Stream: r.cfg.Stream, Shard: shard, Err: err}
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
	common := commonHint(code, err.Err, permissions{
		stream: "kinesis:ListShards, kinesis:GetShardIterator and kinesis:GetRecords", key: "kms:Decrypt",
	})
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
