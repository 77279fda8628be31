package cli

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/internal/fetch"
)

// sdkGet reads a stream as one does with the SDK alone: a loop for each shard.
type sdkGet struct {
	client *kinesis.Client
	ref    streamRef
	begin  func(in *kinesis.GetShardIteratorInput)
	toTip  bool          // stop where a shard has no more, as a Reader does: at an empty answer
	pause  time.Duration // between two calls for a shard
	meter  *getMeter
	lags   []atomic.Int64 // of the shards
}

// sdkBegin returns what fills in a request for the place where to begin.
func sdkBegin(from kin.Position, at time.Time) func(*kinesis.GetShardIteratorInput) {
	return func(in *kinesis.GetShardIteratorInput) {
		switch from {
		case kin.TrimHorizon():
			in.ShardIteratorType = types.ShardIteratorTypeTrimHorizon
		case kin.Latest():
			in.ShardIteratorType = types.ShardIteratorTypeLatest
		default:
			in.ShardIteratorType, in.Timestamp = types.ShardIteratorTypeAtTimestamp, &at
		}
	}
}

func (a *app) benchGetSDK(ctx context.Context, client *kinesis.Client, stream string, from kin.Position, o benchGetOptions, now time.Time) (benchGetResult, error) {
	at, _ := parseTime(o.from, now) // what is none is not used
	s := &sdkGet{client: client, ref: refTo(stream), begin: sdkBegin(from, at), toTip: from != kin.Latest(), pause: 200 * time.Millisecond}
	if a.readsFast(o.pace) {
		s.pause = 0
	}
	limited, cancel := context.WithTimeout(ctx, o.duration)
	defer cancel()
	shards, err := listShards(limited, client, stream)
	if err != nil {
		return benchGetResult{Client: clientSDK}, err
	}
	s.lags = make([]atomic.Int64, len(shards))
	s.meter = newGetMeter(!s.toTip)
	stop := a.startGetView(s.meter)
	err = s.all(limited, shards)
	r, err := s.meter.result(ctx, limited, clientSDK, err)
	stop()
	r.LagMillis = new(int64(0))
	for i := range s.lags {
		*r.LagMillis = max(*r.LagMillis, s.lags[i].Load())
	}
	return r, err
}

// all reads all shards side by side.
func (s *sdkGet) all(ctx context.Context, shards []types.Shard) error {
	var wg sync.WaitGroup
	errs := make([]error, len(shards))
	for i := range shards {
		wg.Go(func() { errs[i] = s.shard(ctx, shards[i].ShardId, &s.lags[i]) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (s *sdkGet) shard(ctx context.Context, id *string, lag *atomic.Int64) error {
	const whenEmpty = 20 * time.Millisecond
	in := &kinesis.GetShardIteratorInput{StreamName: s.ref.name, StreamARN: s.ref.arn, ShardId: id}
	s.begin(in)
	start, err := s.client.GetShardIterator(ctx, in)
	if err != nil {
		return err
	}
	for iterator := start.ShardIterator; iterator != nil; {
		out, err := s.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: iterator, StreamARN: s.ref.arn, Limit: new(int32(10_000))})
		if _, throttled := errors.AsType[*types.ProvisionedThroughputExceededException](err); throttled {
			if err := fetch.Sleep(ctx, time.Second); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		bytes := 0
		for i := range out.Records {
			bytes += len(out.Records[i].Data)
		}
		s.meter.saw(len(out.Records), bytes)
		lag.Store(aws.ToInt64(out.MillisBehindLatest))
		if iterator = out.NextShardIterator; s.toTip && lag.Load() == 0 && len(out.Records) == 0 {
			return nil
		}
		pause := s.pause
		if len(out.Records) == 0 {
			pause = max(pause, whenEmpty)
		}
		if err := fetch.Sleep(ctx, pause); err != nil {
			return err
		}
	}
	return nil
}
