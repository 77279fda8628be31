package cli

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/fetch"
)

// sdkPut puts generated records as one does with the SDK alone: goroutines that fill calls and
// put again what was refused.
type sdkPut struct {
	client    *kinesis.Client
	ref       streamRef
	meter     *putMeter
	perSecond float64
	giveUp    time.Duration

	mu     sync.Mutex // guards the fields below
	source *loadSource
	pace   *loadPace
}

func newSDKPut(client *kinesis.Client, stream string, plan loadPlan, flags *producerFlags) *sdkPut {
	return &sdkPut{
		client: client, ref: refTo(stream), meter: &putMeter{}, perSecond: plan.perSecond, giveUp: flags.giveUp,
		source: newLoadSource(plan.size, plan.keys),
	}
}

func (s *sdkPut) figures() putFigures { return s.meter.figures(s.source.run) }

// all puts records for a duration and returns when all are answered. The meter has begun.
func (s *sdkPut) all(ctx context.Context, duration time.Duration, goroutines int) error {
	putting, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s.meter.fatal = stop
	limited, cancel := context.WithTimeout(putting, duration)
	defer cancel()
	s.pace = newLoadPace(s.perSecond, s.meter.start)
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() { // ends with limited, or when its last records are answered
			for limited.Err() == nil {
				batch, wait := s.fill()
				if len(batch) > 0 {
					s.put(putting, batch)
				} else if fetch.Sleep(limited, wait) != nil {
					return
				}
			}
		})
	}
	<-limited.Done()
	s.meter.end()
	wg.Wait()
	if fatal := context.Cause(putting); fatal != nil && ctx.Err() == nil {
		return fatal
	}
	return nil
}

// sdkRecord is a record on its way.
type sdkRecord struct {
	types.PutRecordsRequestEntry

	n    int64
	made time.Time
}

// fill makes the records of a call: as many as are due, or says how long to wait for the next.
func (s *sdkPut) fill() (batch []sdkRecord, wait time.Duration) {
	const most, mostBytes = 500, 5 << 20
	s.mu.Lock()
	defer s.mu.Unlock()
	for bytes := 0; len(batch) < most; {
		if bytes += s.source.size + len(s.source.keys.names[0]); bytes > mostBytes && len(batch) > 0 {
			break
		}
		made, wait := s.pace.next(time.Now())
		if wait > 0 {
			return batch, wait
		}
		rec := s.source.next(made)
		batch = append(batch, sdkRecord{types.PutRecordsRequestEntry{Data: rec.Data, PartitionKey: &rec.PartitionKey}, s.source.n, made})
	}
	return batch, 0
}

// put puts records until each is stored, or it is time to give up.
func (s *sdkPut) put(ctx context.Context, batch []sdkRecord) {
	s.meter.made.Add(int64(len(batch)))
	pause, end := 100*time.Millisecond, time.Now().Add(s.giveUp)
	for {
		failed, cause := s.call(ctx, batch)
		if len(failed) == 0 {
			return
		}
		var lasting error
		switch {
		case cause != nil:
			lasting = cause
		case time.Now().After(end):
			lasting = errThrottled
		case fetch.Sleep(ctx, pause) != nil:
			lasting = context.Cause(ctx)
		}
		if lasting != nil {
			for i := range failed {
				s.meter.answered(failed[i].n, s.source.size, failed[i].made, lasting)
			}
			return
		}
		batch, pause = failed, min(2*pause, 2*time.Second)
	}
}

// errThrottled is what a record is answered with that was refused until it was given up.
var errThrottled = &types.ProvisionedThroughputExceededException{Message: new("refused until it was given up")}

// call makes one call and returns the records that are to be put again, or that failed for a cause.
func (s *sdkPut) call(ctx context.Context, batch []sdkRecord) (failed []sdkRecord, cause error) {
	in := &kinesis.PutRecordsInput{StreamName: s.ref.name, StreamARN: s.ref.arn, Records: make([]types.PutRecordsRequestEntry, len(batch))}
	for i := range batch {
		in.Records[i] = batch[i].PutRecordsRequestEntry
	}
	// A call that is out is waited for, so that it is known what became of its records.
	out, err := s.client.PutRecords(context.WithoutCancel(ctx), in)
	s.meter.calls.Add(1)
	s.meter.entries.Add(int64(len(batch)))
	if err == nil && len(out.Records) != len(batch) {
		err = errors.New("the answer has another number of records than the call")
	}
	if err != nil {
		if _, throttled := errors.AsType[*types.ProvisionedThroughputExceededException](err); throttled {
			s.meter.refused.Add(int64(len(batch)))
			return batch, nil
		}
		return batch, err
	}
	for i := range out.Records {
		switch code := aws.ToString(out.Records[i].ErrorCode); code {
		case "":
			s.meter.answered(batch[i].n, s.source.size, batch[i].made, nil)
		case "ProvisionedThroughputExceededException":
			s.meter.refused.Add(1)
			failed = append(failed, batch[i])
		default:
			failed = append(failed, batch[i])
		}
	}
	return failed, nil
}
