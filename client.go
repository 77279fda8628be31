package kin

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// ReadClient is what a [Reader] calls. [*kinesis.Client] implements it.
type ReadClient interface {
	ListShards(context.Context, *kinesis.ListShardsInput, ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error)
	GetShardIterator(context.Context, *kinesis.GetShardIteratorInput, ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error)
	GetRecords(context.Context, *kinesis.GetRecordsInput, ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error)
}

// ConsumeClient is what a [Consumer] calls. [*kinesis.Client] implements it.
type ConsumeClient interface {
	ReadClient
	DescribeStreamSummary(context.Context, *kinesis.DescribeStreamSummaryInput, ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error)
}

// PutClient is what a [Producer] calls. [*kinesis.Client] implements it. The input
// belongs to the producer, which uses its memory again after the call has returned.
type PutClient interface {
	PutRecords(context.Context, *kinesis.PutRecordsInput, ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error)
}

// noClient says whether a client is nil, or a [*kinesis.Client] that is.
func noClient(client any) bool { return client == nil || client == any((*kinesis.Client)(nil)) }
