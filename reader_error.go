package kin

import (
	"errors"
	"net"
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
	switch code := fetch.Code(err); {
	case code == "ResourceNotFoundException":
		return "check the name of the stream, the region and the account"
	case strings.HasPrefix(code, "KMS"):
		return "the stream is encrypted: the caller needs kms:Decrypt, and the key must be enabled"
	case strings.HasPrefix(code, "AccessDenied"), code == "OptInRequired":
		return "the caller needs kinesis:ListShards, kinesis:GetShardIterator and kinesis:GetRecords on the stream"
	case strings.HasPrefix(code, "ExpiredToken"):
		return "the credentials have expired"
	case code == "UnrecognizedClientException", code == "InvalidClientTokenId", code == "IncompleteSignature",
		code == "InvalidSignatureException", code == "SignatureDoesNotMatch", strings.HasPrefix(code, "MissingAuthenticationToken"):
		return "check the credentials, the region and the clock of this machine"
	case code == "InvalidArgumentException" && err.Op == "GetShardIterator":
		return "the position may belong to another shard or stream, or lie in the future"
	case code == "UnknownOperationException":
		return "the endpoint does not know this operation: is it Kinesis Data Streams?"
	case code != "":
		return ""
	}
	return hintWithoutCode(err)
}

// hintWithoutCode says what may help against an error that the service has not named.
func hintWithoutCode(err *fetch.Error) string {
	if dns, ok := errors.AsType[*net.DNSError](err.Err); ok && dns.IsNotFound {
		return "no such host: check the region and the endpoint"
	}
	if _, ok := errors.AsType[*net.OpError](err.Err); ok {
		return "check the endpoint and the network"
	}
	switch text := strings.ToLower(err.Err.Error()); {
	case strings.Contains(text, "region"):
		return "set a region, for example with AWS_REGION"
	case strings.Contains(text, "credentials"):
		return "no credentials were found"
	case strings.Contains(text, "deserialization"), err.Class == fetch.Terminal:
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
	// Not AsType: smithy.APIError is an interface that has Error.
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() != "" {
		return strings.TrimSuffix(api.ErrorCode()+": "+api.ErrorMessage(), ": ")
	}
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		err = op.Err
	}
	return err.Error()
}
