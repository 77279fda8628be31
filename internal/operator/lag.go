package operator

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/lease"
)

// LagClient is what [Lags] calls. [*kinesis.Client] implements it.
type LagClient interface {
	GetShardIterator(context.Context, *kinesis.GetShardIteratorInput, ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error)
	GetRecords(context.Context, *kinesis.GetRecordsInput, ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error)
}

// Lag is how far a group is behind in one shard.
type Lag struct {
	// Behind is the age of the oldest record that is not done, or how far behind the tip the
	// service says that the checkpoint is. 0 means that all is done, and -1 that it is not
	// known.
	Behind time.Duration

	// Err is why it is not known.
	Err error
}

// Lags asks the service for each lease what comes after its checkpoint, a few at a time. Each costs
// one of the 5 calls that a shard allows in a second, of which its readers have so much
// less. A record in hand counts as not done, and so does the rest of an aggregated one as done.
func Lags(ctx context.Context, client LagClient, leases []lease.Lease) []Lag {
	const atOnce = 8
	lags := make([]Lag, len(leases))
	next := make(chan int)
	var asking sync.WaitGroup
	for range min(atOnce, len(leases)) {
		asking.Go(func() { // ends when next is closed
			for i := range next {
				behind, err := lag(ctx, client, leases[i])
				if err != nil {
					behind = -1
				}
				lags[i] = Lag{behind, err}
			}
		})
	}
	for i := range leases {
		next <- i
	}
	close(next)
	asking.Wait()
	return lags
}

func lag(ctx context.Context, client LagClient, l lease.Lease) (time.Duration, error) {
	if l.Finished() {
		return 0, nil
	}
	in, err := IteratorInput(l)
	if err != nil {
		return 0, err
	}
	iterator, err := client.GetShardIterator(ctx, in)
	if err != nil {
		return 0, err
	}
	out, err := client.GetRecords(ctx, &kinesis.GetRecordsInput{
		StreamARN: &l.Stream, ShardIterator: iterator.ShardIterator, Limit: new(int32(1)),
	})
	if err != nil {
		return 0, err
	}
	behind := time.Duration(0)
	if out.MillisBehindLatest != nil {
		behind = time.Duration(*out.MillisBehindLatest) * time.Millisecond
	} else if len(out.Records) == 0 {
		return 0, fmt.Errorf("the service did not say how far %s is behind", l.Shard)
	}
	if len(out.Records) > 0 && out.Records[0].ApproximateArrivalTimestamp != nil {
		// The service counts from the record that it gave us, which is not done either.
		now := serverNow(fetch.ServerTime(out.ResultMetadata))
		behind = max(behind, now.Sub(*out.Records[0].ApproximateArrivalTimestamp), time.Millisecond)
	}
	return behind, nil
}

// serverNow is the time by the clock of the service. Its answers say it in whole seconds, so
// our own clock is taken while the two agree.
func serverNow(said time.Time) time.Time {
	now := time.Now()
	if said.IsZero() || now.Sub(said).Abs() < 2*time.Second {
		return now
	}
	return said
}

// IteratorInput is the request for the iterator at which the next owner of a lease would begin.
func IteratorInput(l lease.Lease) (*kinesis.GetShardIteratorInput, error) {
	in := &kinesis.GetShardIteratorInput{StreamARN: &l.Stream, ShardId: &l.Shard}
	kind, arg, _ := strings.Cut(string(l.Checkpoint), ":")
	in.ShardIteratorType = types.ShardIteratorType(kind)
	switch in.ShardIteratorType {
	case types.ShardIteratorTypeTrimHorizon:
	case types.ShardIteratorTypeAtTimestamp:
		at, err := time.Parse(time.RFC3339Nano, arg)
		if err != nil {
			return nil, fmt.Errorf("checkpoint %q: %w", l.Checkpoint, err)
		}
		in.Timestamp = &at
	case types.ShardIteratorTypeAtSequenceNumber, types.ShardIteratorTypeAfterSequenceNumber:
		sequence, _, _ := strings.Cut(arg, ":")
		in.StartingSequenceNumber = &sequence
	default:
		return nil, fmt.Errorf("checkpoint %q is no position in a shard", l.Checkpoint)
	}
	return in, nil
}
