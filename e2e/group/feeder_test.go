//go:build unix

package group_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/aggregate"
	"github.com/kinstream/kin/e2e/group/trace"
)

// feeder puts records into a stream until it is stopped. The records of a key are numbered, and
// put one after the other: the next one when the one before has been acknowledged. Some are
// packed into aggregated records. One call is in flight at a time, since some servers lose
// records at the tip when there are more.
type feeder struct {
	client *kinesis.Client
	stream string
	keys   int           // of them, a quarter gets records in each call
	every  time.Duration // from call to call
	clock  trace.Clock
	acked  func(trace.Entry)

	stopped context.CancelFunc
	running sync.WaitGroup
	failed  error // why there are records without an answer; to be read after stop
	counts  []int
}

// packed is one entry of a call.
type packed struct {
	key     int
	records []trace.Record
	entry   types.PutRecordsRequestEntry
	unclear bool // an earlier attempt may have been stored
}

// start feeds until stop, and at the latest until ctx ends.
func (f *feeder) start(ctx context.Context) {
	feeding, stopped := context.WithCancel(ctx)
	f.stopped = stopped
	f.counts = make([]int, f.keys)
	f.running.Go(func() { f.failed = f.run(ctx, feeding) })
}

// stop ends the feeding when what is in flight has been acknowledged.
func (f *feeder) stop() {
	f.stopped()
	f.running.Wait()
}

func (f *feeder) run(ctx, feeding context.Context) error {
	tick := time.NewTicker(f.every)
	defer tick.Stop()
	for round := 0; ; round++ {
		select {
		case <-feeding.Done():
			return nil
		case <-tick.C:
		}
		if err := f.put(ctx, f.pack(round), tick); err != nil {
			return err
		}
	}
}

// pack makes the entries of a call: one for each key of a quarter, with 1 to 3 user records.
func (f *feeder) pack(round int) []packed {
	var call []packed
	for key := round % 4; key < f.keys; key += 4 {
		p := packed{key: key}
		name := fmt.Sprintf("%s-%d", f.stream, key)
		var builder aggregate.Builder
		for i := range 1 + (round/4+key)%3 {
			count := f.counts[key] + i
			p.records = append(p.records, trace.Record{Sub: i, Key: name, Count: count})
			builder.Add(aggregate.UserRecord{PartitionKey: name, Data: fmt.Appendf(nil, "%-50d", count)})
		}
		p.entry = types.PutRecordsRequestEntry{PartitionKey: aws.String(name), Data: builder.Pack(nil).Data}
		call = append(call, p)
	}
	return call
}

// put puts the entries until all are acknowledged, at the feeder's pace.
func (f *feeder) put(ctx context.Context, call []packed, tick *time.Ticker) error {
	for {
		in := &kinesis.PutRecordsInput{StreamName: &f.stream}
		for _, p := range call {
			in.Records = append(in.Records, p.entry)
		}
		// A server that stands still must not stop the feeder for longer than it does.
		limited, cancel := context.WithTimeout(ctx, 5*time.Second)
		out, err := f.client.PutRecords(limited, in)
		cancel()
		if err != nil {
			for i := range call {
				call[i].unclear = true
			}
		} else {
			call = f.answered(call, out)
		}
		if len(call) == 0 {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%d records of %s were not acknowledged: %w", len(call), f.stream, err)
		}
		<-tick.C
	}
}

// answered notes what was acknowledged and returns the rest.
func (f *feeder) answered(call []packed, out *kinesis.PutRecordsOutput) (rest []packed) {
	at, wall := f.clock.Now()
	for i, r := range out.Records {
		p := call[i]
		if r.ErrorCode != nil {
			rest = append(rest, p)
			continue
		}
		for j := range p.records {
			p.records[j].Seq = aws.ToString(r.SequenceNumber)
		}
		f.counts[p.key] += len(p.records)
		f.acked(trace.Entry{
			Kind: trace.Put, At: at, Wall: wall, Stream: f.stream, Shard: aws.ToString(r.ShardId),
			Unclear: p.unclear, Records: p.records,
		})
	}
	return rest
}
