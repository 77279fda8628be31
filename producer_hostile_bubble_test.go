package kin_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
)

// firstHangs answers the first call after 9 seconds.
func firstHangs(_ context.Context, n int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
	if n == 0 {
		time.Sleep(9 * time.Second) // in a bubble
	}
	return allStored(in), nil
}

// behindALargeRecord is a producer with a large record that waits for the end of a call, which takes 9 seconds.
func behindALargeRecord(t *testing.T, calls int, linger time.Duration) *putLog {
	t.Helper()
	p := newProducer(t, &scriptedPuts{answer: firstHangs}, kin.ProducerConfig{
		MaxInFlight: calls, MaxBatchRecords: 40, MaxRecordBytes: 90_000, MaxBufferedBytes: 100_000, Linger: linger,
	})
	l := newPutLog(t, p)
	l.putTo(lowest, 800, numbered("a", 40)...)
	synctest.Wait()
	go l.put(89_000, "large")
	synctest.Wait()
	return l
}

func TestProducerHoldsUpPutsBehindALargeRecordForAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := behindALargeRecord(t, 1, -1)
		for _, key := range numbered("b", 20) {
			begun := time.Now()
			l.put(1000, key)
			synctest.Wait()
			if waited := time.Since(begun); waited > 251*time.Millisecond {
				t.Errorf("the Put of %s waited for %v, want 250ms at most", key, waited)
			}
		}
		time.Sleep(10 * time.Second) // in a bubble: it is in
		mustClose(t, l.p)
	})
}

func TestProducerSendsWhatIsInTheWayOfALargeRecordInAnyStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := behindALargeRecord(t, 3, time.Hour)
		for _, key := range numbered("b", 12) {
			if err := l.p.PutAsync(t.Context(), kin.UserRecord{Stream: "other", PartitionKey: key, Data: make([]byte, 1000)}, l.callback(key)); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
		for _, key := range numbered("c", 4) {
			l.put(1000, key)
			synctest.Wait()
		}
		time.Sleep(time.Second) // in a bubble
		synctest.Wait()
		if a := l.of("b0"); a.err != nil || a.after > time.Second {
			t.Errorf("answer = %v after %v, want the record stored at once", a.err, a.after)
		}
		time.Sleep(10 * time.Second) // in a bubble: it is in
		mustClose(t, l.p)
	})
}

// endless is a client whose listings of shards have no last page.
type endless struct {
	*scriptedPuts
	pages atomic.Int64
}

func (e *endless) ListShards(context.Context, *kinesis.ListShardsInput, ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	page := e.pages.Add(1)
	time.Sleep(time.Millisecond) // in a bubble
	whole := &types.HashKeyRange{StartingHashKey: new(lowest), EndingHashKey: new(highest)}
	shard := types.Shard{ShardId: new(fmt.Sprint("shard", page)), HashKeyRange: whole}
	return &kinesis.ListShardsOutput{NextToken: new(fmt.Sprint("token", page)), Shards: []types.Shard{shard}}, nil
}

func TestProducerEndsListingsThatDoNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &endless{scriptedPuts: &scriptedPuts{}}
		p := newProducer(t, c, kin.ProducerConfig{})
		if _, err := p.Put(t.Context(), testRecord("a")); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute) // in a bubble
		if pages := c.pages.Load(); pages > 20_000 {
			t.Errorf("pages = %d in a minute, want the listing given up, and made anew after a while", pages)
		}
		mustClose(t, p)
		if err := p.Stats().Streams[0].ViewErr; err == nil {
			t.Error("nothing says why the shards are not known")
		}
	})
}
