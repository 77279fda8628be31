package kin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/kintest"
)

// TestProducerOutlivesGoroutinesThatEnd lets what the user supplies end its goroutine, as a FailNow of a
// test does: every record is answered nevertheless, and Close ends.
func TestProducerOutlivesGoroutinesThatEnd(t *testing.T) {
	t.Parallel()
	end := func() { runtime.Goexit() }
	for name, test := range map[string]struct {
		answer    putAnswer
		hooks     kin.ProducerHooks
		stored    bool
		ambiguous bool
	}{
		"the client": {ambiguous: true, answer: func(context.Context, int, *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
			end()
			return nil, nil
		}},
		"the hook of calls": {stored: true, hooks: kin.ProducerHooks{Called: func(kin.PutCallInfo) { end() }}},
		"the hook of failures": {
			answer: func(_ context.Context, _ int, _ *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
				return nil, &types.ResourceNotFoundException{}
			},
			hooks: kin.ProducerHooks{Failed: func(*kin.PutError) { end() }},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newProducer(t, &scriptedPuts{answer: test.answer}, kin.ProducerConfig{Hooks: test.hooks})
				log := newPutLog(t, p)
				log.put(10, "a", "b")
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				_, err := p.Put(ctx, kin.UserRecord{PartitionKey: "c"})
				if err := p.Close(ctx); err != nil {
					t.Errorf("Close = %v, want nil", err)
				}
				if errors.Is(err, context.DeadlineExceeded) || (err == nil) != test.stored {
					t.Errorf("Put = %v, want an answer, stored: %v", err, test.stored)
				}
				for _, key := range []string{"a", "b"} {
					if err := log.of(key).err; (err == nil) != test.stored || err != nil && putError(t, err).Ambiguous != test.ambiguous {
						t.Errorf("answer to %s = %v, want stored: %v, ambiguous: %v", key, err, test.stored, test.ambiguous)
					}
				}
			})
		})
	}
}

// endsOnce is a client whose first listing ends its goroutine.
type endsOnce struct {
	*kinesis.Client
	listings *atomic.Int32
}

func (c endsOnce) ListShards(ctx context.Context, in *kinesis.ListShardsInput, options ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	if c.listings.Add(1) == 1 {
		runtime.Goexit()
	}
	return c.Client.ListShards(ctx, in, options...)
}

// TestProducerLooksAgain after a look at a stream that did not return.
func TestProducerLooksAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := endsOnce{client(serve(t, 1)), new(atomic.Int32)}
		p := newProducer(t, c, kin.ProducerConfig{})
		if _, err := p.Put(t.Context(), testRecord("a")); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Second) // in a bubble
		if n := c.listings.Load(); n < 2 {
			t.Errorf("listings = %d, want another one after the first", n)
		}
		mustClose(t, p)
	})
}

// TestProducerLeavesTheInputToItsClient has a client that still looks at what it got when the call is over,
// as one does that gives up on a slow call and leaves it running.
func TestProducerLeavesTheInputToItsClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var kept []*kinesis.PutRecordsInput
		c := &scriptedPuts{answer: func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
			kept = append(kept, in)
			return allStored(in), nil
		}}
		p := newProducer(t, c, kin.ProducerConfig{MaxInFlight: 1})
		for i := range 3 {
			rec := kin.UserRecord{PartitionKey: fmt.Sprintf("k%d", i), ExplicitHashKey: fmt.Sprint(i)}
			if _, err := p.Put(t.Context(), rec); err != nil {
				t.Error(err)
			}
		}
		mustClose(t, p)
		for i, in := range kept {
			e := in.Records[0]
			if got, want := *e.PartitionKey+*e.ExplicitHashKey, fmt.Sprintf("k%d%d", i, i); got != want {
				t.Errorf("keys of call %d after it = %q, want %q", i, got, want)
			}
		}
	})
}

// TestProducerSharesCallsBetweenStreams has many streams of which two that stand side by side have records.
func TestProducerSharesCallsBetweenStreams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := map[string]int{}
		c := &scriptedPuts{answer: func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
			calls[*in.StreamName]++
			time.Sleep(100 * time.Millisecond) // in a bubble
			return allStored(in), nil
		}}
		p := newProducer(t, c, kin.ProducerConfig{MaxInFlight: 1, MaxBatchRecords: 1})
		log := newPutLog(t, p)
		put := func(stream, key string) {
			rec := kin.UserRecord{Stream: stream, PartitionKey: key}
			if err := p.PutAsync(t.Context(), rec, log.callback(key)); err != nil {
				t.Error(err)
			}
		}
		for i := range 300 {
			put(fmt.Sprint("stream", i), fmt.Sprint("first", i))
		}
		if err := p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		clear(calls)
		for i := range 100 {
			put("stream7", fmt.Sprint("a", i))
			put("stream8", fmt.Sprint("b", i))
		}
		time.Sleep(10 * time.Second) // in a bubble
		synctest.Wait()
		if a, b := calls["stream7"], calls["stream8"]; a < 40 || b < 40 {
			t.Errorf("calls of two streams that share them = %d, %d, want about 50 each", a, b)
		}
		mustClose(t, p)
	})
}

// again is a client that makes a call once more when it fails, unknown to the producer.
type again struct{ *kinesis.Client }

func (c again) PutRecords(ctx context.Context, in *kinesis.PutRecordsInput, options ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
	out, err := c.Client.PutRecords(ctx, in, options...)
	if err != nil {
		out, err = c.Client.PutRecords(ctx, in, options...)
	}
	return out, err
}

// TestProducerDoubtsClientsThatTryAgain: their first attempt may have stored the records, whatever
// becomes of the second one.
func TestProducerDoubtsClientsThatTryAgain(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]kintest.Fault{
		"and succeed":     {},
		"and are refused": {Error: "ResourceNotFoundException"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, 1)
				s.Inject(kintest.Fault{Operation: "PutRecords", Status: http.StatusGatewayTimeout, AfterCommit: true, Times: 1})
				if second.Error != "" {
					second.Operation, second.Skip, second.Times = "PutRecords", 1, 1
					s.Inject(second)
				}
				p := newProducer(t, again{client(s)}, kin.ProducerConfig{})
				result, err := p.Put(t.Context(), testRecord("a"))
				if e, failed := errors.AsType[*kin.PutError](err); failed && !e.Ambiguous || !failed && !result.MaybeDuplicate {
					t.Errorf("Put = %+v, %v, want a doubt: it is there %d times", result, err, len(s.Records("orders")))
				}
				mustClose(t, p)
			})
		})
	}
	t.Run("and find no connection", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 1)
			s.Inject(kintest.Fault{Operation: "PutRecords", Status: http.StatusGatewayTimeout, AfterCommit: true, Times: 1})
			calls := 0
			inner := client(s)
			cut := func(o *kinesis.Options) {
				working := o.HTTPClient
				o.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
					if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "PutRecords") {
						return working.Do(r)
					}
					if calls++; calls == 2 {
						return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
					}
					return working.Do(r)
				})
			}
			p := newProducer(t, again{inner}, kin.ProducerConfig{SDKOptions: []func(*kinesis.Options){cut}})
			result, err := p.Put(t.Context(), testRecord("a"))
			if err != nil || !result.MaybeDuplicate {
				t.Errorf("Put = %+v, %v, want a possible duplicate: it is there %d times", result, err, len(s.Records("orders")))
			}
			mustClose(t, p)
		})
	})
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

// TestProducerRemembersTheLimitOfAStream has a permission that goes away for a while: the stream
// still takes what it took.
func TestProducerRemembersTheLimitOfAStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := kintest.New(t)
		c := client(s)
		in := &kinesis.CreateStreamInput{StreamName: new("orders"), ShardCount: new(int32(1)), MaxRecordSizeInKiB: new(int32(4096))}
		if _, err := c.CreateStream(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // in a bubble
		p := newProducer(t, c, kin.ProducerConfig{})
		if _, err := p.Put(t.Context(), testRecord("first")); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		defer s.Inject(kintest.Fault{Operation: "DescribeStreamSummary", Error: "AccessDeniedException"})()
		time.Sleep(2 * time.Minute) // in a bubble: it asks again
		if _, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "large", Data: make([]byte, 3<<20)}); err != nil {
			t.Errorf("Put of 3 MiB = %v, want nil: the stream takes 4 MiB", err)
		}
		mustClose(t, p)
	})
}

// TestProducerSurvivesLongTimes: durations that mean for ever do not overflow.
func TestProducerSurvivesLongTimes(t *testing.T) {
	t.Parallel()
	const forever = time.Duration(math.MaxInt64)
	for name, cfg := range map[string]kin.ProducerConfig{
		"linger":     {Linger: forever},
		"almost":     {Linger: forever - time.Second, RecordTTL: forever - 1},
		"record TTL": {RecordTTL: forever - time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &scriptedPuts{}
				p := newProducer(t, c, cfg)
				log := newPutLog(t, p)
				log.put(1, "first")
				time.Sleep(time.Minute) // in a bubble: the clock of the producer runs
				log.put(1, "second")
				time.Sleep(time.Hour)
				synctest.Wait()
				if cfg.Linger != 0 && len(c.seen()) != 0 {
					t.Errorf("calls = %v, want none before Flush", c.sizes())
				}
				if err := p.Flush(t.Context()); err != nil {
					t.Error(err)
				}
				for _, key := range []string{"first", "second"} {
					if err := log.of(key).err; err != nil {
						t.Errorf("answer to %s = %v, want it stored", key, err)
					}
				}
				mustClose(t, p)
			})
		})
	}
}

// TestProducerTakesTheLargestRecordIntoTheSmallestBuffer: a record that is legal finds room when nothing else
// is there.
func TestProducerTakesTheLargestRecordIntoTheSmallestBuffer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProducer(t, &scriptedPuts{}, kin.ProducerConfig{MaxRecordBytes: 1 << 20, MaxBufferedBytes: 1<<20 + 192, WhenFull: kin.FailWhenFull})
		rec := kin.UserRecord{PartitionKey: "k", ExplicitHashKey: highest, Data: bytes.Repeat([]byte("x"), 1<<20-1)}
		if _, err := p.Put(t.Context(), rec); err != nil {
			t.Errorf("Put = %v, want nil", err)
		}
		mustClose(t, p)
	})
}

// TestProducerSendsWhenPutsWaitForRoom has a buffer that is smaller than what Linger would gather.
func TestProducerSendsWhenPutsWaitForRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProducer(t, &scriptedPuts{}, kin.ProducerConfig{MaxRecordBytes: 1000, MaxBufferedBytes: 20_000, Linger: time.Minute, RecordTTL: time.Hour})
		log := newPutLog(t, p)
		log.put(900, numbered("k", 200)...)
		log.putTo(lowest, 900, numbered("same shard", 200)...)
		if took := time.Since(log.begun); took > time.Second {
			t.Errorf("400 records through a buffer for 18 took %v, want no waiting for Linger", took)
		}
		mustClose(t, p)
	})
}

// TestProducerBoundsWhatSlowCallbacksHold: answered records count until their callbacks have returned.
func TestProducerBoundsWhatSlowCallbacksHold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		callback func(end <-chan struct{})
		most     int // records on top of the bound after 10 seconds
	}{
		"slow ones":           {func(<-chan struct{}) { time.Sleep(50 * time.Millisecond) }, 1}, // in a bubble
		"ones that never end": {func(end <-chan struct{}) { <-end }, 101},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const size, bound = 1000, 10_000
				c := &scriptedPuts{answer: func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
					time.Sleep(time.Millisecond) // in a bubble
					return allStored(in), nil
				}}
				p := newProducer(t, c, kin.ProducerConfig{MaxRecordBytes: size, MaxBufferedBytes: bound, Linger: -1})
				end := make(chan struct{})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				highest := 0
				for ctx.Err() == nil {
					rec := kin.UserRecord{PartitionKey: "k", Data: make([]byte, size-1)}
					_ = p.PutAsync(ctx, rec, func(kin.PutResult, error) { test.callback(end) })
					highest = max(highest, p.Stats().BufferedBytes)
				}
				close(end)
				mustClose(t, p)
				if most := bound + test.most*(size+192); highest > most {
					t.Errorf("held = %d bytes, want at most %d", highest, most)
				}
			})
		})
	}
}

// TestProducerOfAStreamThatIsMadeAnew deletes the stream under a producer, and makes one of its name with other
// shards, which have the names of the old ones.
func TestProducerOfAStreamThatIsMadeAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, 2)
		c := client(s)
		p := newProducer(t, c, kin.ProducerConfig{Aggregation: kin.AggregateByShard, DescribeEvery: time.Hour})
		log := newPutLog(t, p)
		log.put(10, "first")
		time.Sleep(5 * time.Second) // in a bubble
		if _, err := c.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: new("orders")}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		log.put(10, "nobody")
		time.Sleep(time.Second)
		if err := s.CreateStream("orders", 3); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		h := &putHistory{answers: map[string]answered{}, refused: map[string]bool{}, keyOf: map[string]string{}}
		for i := range 50 { // the first of each part of the keys is in shard 0 of both
			rec := kin.UserRecord{PartitionKey: "k", ExplicitHashKey: hashkey.Key{Hi: uint64(i) << 57}.String(), Data: fmt.Append(nil, i)}
			h.put(p, rec)
		}
		mustClose(t, p)
		h.reads = readByKCL(t, s, "orders")
		h.check(t)
	})
}
