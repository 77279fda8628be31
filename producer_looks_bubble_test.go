package kin_test

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// slowViews is a client whose looks at streams take half a second, or as long as took says.
type slowViews struct {
	scriptedPuts

	took time.Duration

	mu      sync.Mutex
	begun   time.Time
	looks   []time.Duration // since then
	streams map[string]int  // looks at each
	out     int
	maxOut  int
}

func (c *slowViews) ListShards(context.Context, *kinesis.ListShardsInput, ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	return &kinesis.ListShardsOutput{Shards: []types.Shard{{
		ShardId:      new("shardId-000000000000"),
		HashKeyRange: &types.HashKeyRange{StartingHashKey: new(lowest), EndingHashKey: new(highest)},
	}}}, nil
}

func (c *slowViews) DescribeStreamSummary(_ context.Context, in *kinesis.DescribeStreamSummaryInput, _ ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error) {
	c.mu.Lock()
	c.looks = append(c.looks, time.Since(c.begun))
	c.streams[*in.StreamName]++
	c.out++
	c.maxOut = max(c.maxOut, c.out)
	c.mu.Unlock()
	time.Sleep(cmp.Or(c.took, 500*time.Millisecond)) // in a bubble
	c.mu.Lock()
	c.out--
	c.mu.Unlock()
	return &kinesis.DescribeStreamSummaryOutput{StreamDescriptionSummary: &types.StreamDescriptionSummary{}}, nil
}

// most returns the most looks that began within a second, from a moment on.
func (c *slowViews) most(from time.Duration) (most int) {
	for i, first := range c.looks {
		n := 0
		for _, at := range c.looks[i:] {
			if at < first+time.Second {
				n++
			}
		}
		if first >= from {
			most = max(most, n)
		}
	}
	return most
}

func TestProducerLooksAtManyStreamsBitByBit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const streams = 500
		client := &slowViews{begun: time.Now(), streams: map[string]int{}}
		p := newProducer(t, client, kin.ProducerConfig{})
		l := newPutLog(t, p)
		for i := range streams {
			rec := kin.UserRecord{Stream: fmt.Sprint("stream-", i), PartitionKey: fmt.Sprint("k", i)}
			if err := p.PutAsync(t.Context(), rec, l.callback(rec.PartitionKey)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(45 * time.Second) // in a bubble
		client.mu.Lock()
		if len(client.streams) != streams || client.maxOut > 8 {
			t.Errorf("looks at %d streams, %d at a time, want %d, and 8 at most", len(client.streams), client.maxOut, streams)
		}
		if most := client.most(2 * time.Second); most > 16 {
			t.Errorf("looks in a second = %d, want 16 at most", most)
		}
		client.mu.Unlock()
		time.Sleep(10 * time.Minute) // in a bubble
		client.mu.Lock()
		for name, n := range client.streams {
			if n < 10 || n > 12 {
				t.Errorf("looks at %s = %d, want one a minute, and a few more", name, n)
			}
		}
		if most := client.most(5 * time.Minute); most > 16 {
			t.Errorf("looks in a second, later = %d, want 16 at most", most)
		}
		client.mu.Unlock()
		for i := range streams {
			if a := l.of(fmt.Sprint("k", i)); a.err != nil || a.after > time.Second {
				t.Errorf("answer to %d = %+v, want stored soon, whatever is known of its stream", i, a)
			}
		}
		mustClose(t, p)
	})
}

// TestProducerSavesUpNoLooks has nothing to look at for long, and then many streams at once.
func TestProducerSavesUpNoLooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := &slowViews{took: 10 * time.Millisecond, begun: time.Now(), streams: map[string]int{}}
		p := newProducer(t, client, kin.ProducerConfig{})
		l := newPutLog(t, p)
		put := func(i int) {
			rec := kin.UserRecord{Stream: fmt.Sprint("stream-", i), PartitionKey: fmt.Sprint("k", i)}
			if err := p.PutAsync(t.Context(), rec, l.callback(rec.PartitionKey)); err != nil {
				t.Fatal(err)
			}
		}
		put(0)
		time.Sleep(10 * time.Minute) // in a bubble
		from := time.Since(client.begun)
		for i := range 200 {
			put(i + 1)
		}
		time.Sleep(time.Second) // in a bubble
		client.mu.Lock()
		if most := client.most(from); most < 16 || most > 33 {
			t.Errorf("looks in the first second = %d, want 16 at once, and then 16 a second", most)
		}
		client.mu.Unlock()
		mustClose(t, p)
	})
}

func TestProducerForgetsAStreamThatIsGoneWhenItLooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := client(serve(t, 2))
		p := newProducer(t, c, kin.ProducerConfig{Aggregation: kin.AggregateByShard})
		newPutLog(t, p).put(10, "k")
		time.Sleep(5 * time.Second) // in a bubble
		if stream := p.Stats().Streams[0]; !stream.Mapped || stream.Aggregation != kin.AggregateByShard {
			t.Errorf("mapped: %v, aggregating %v, want the shards known", stream.Mapped, stream.Aggregation)
		}
		if _, err := c.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: new("orders")}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute) // in a bubble; nothing is put
		if stream := p.Stats().Streams[0]; stream.Mapped || stream.Aggregation != kin.NoAggregation {
			t.Errorf("mapped: %v, aggregating %v, want nothing known of a stream that is gone", stream.Mapped, stream.Aggregation)
		}
		mustClose(t, p)
	})
}

// TestProducerServesStreamsInTurns has two streams with more records than calls carry.
func TestProducerServesStreamsInTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // of calls
		calls := map[string]int{}
		client := &scriptedPuts{answer: func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
			time.Sleep(10 * time.Millisecond) // in a bubble
			mu.Lock()
			defer mu.Unlock()
			calls[*in.StreamName]++
			return allStored(in), nil
		}}
		p := newProducer(t, client, kin.ProducerConfig{MaxInFlight: 1, MaxBatchRecords: 10})
		for i := range 3000 {
			rec := kin.UserRecord{Stream: fmt.Sprint("stream-", i%3), PartitionKey: "k"}
			if i >= 900 {
				rec.Stream = "stream-0" // has the most
			}
			if err := p.PutAsync(t.Context(), rec, func(kin.PutResult, error) {}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(605 * time.Millisecond) // in a bubble
		mu.Lock()
		for name, n := range calls {
			if n < 18 || n > 22 {
				t.Errorf("calls for %s = %d, want a third of 60: all are %v", name, n, calls)
			}
		}
		mu.Unlock()
		mustClose(t, p)
	})
}

func TestProducerAggregatesInShortRuns(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault    kintest.Fault
		entries  int
		within   time.Duration
		mostWait time.Duration
	}{
		"when looks take a while":      {kintest.Fault{Operation: "ListShards", Delay: 300 * time.Millisecond}, 2, 0, 300 * time.Millisecond},
		"not when looks take too long": {kintest.Fault{Operation: "ListShards", Delay: time.Minute}, 3000, 0, 500 * time.Millisecond},
		"not when looks are refused":   {kintest.Fault{Operation: "DescribeStreamSummary", Error: "AccessDeniedException"}, 3000, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, 2)
				defer s.Inject(tt.fault)()
				p := newProducer(t, client(s), kin.ProducerConfig{Aggregation: kin.AggregateByShard, ShardRecordsPerSecond: -1})
				l := newPutLog(t, p)
				l.put(10, numbered("k", 3000)...)
				begun := time.Now()
				mustClose(t, p)
				if took := time.Since(begun); took > tt.mostWait {
					t.Errorf("Close took %v, want %v", took, tt.mostWait)
				}
				stats := p.Stats().Streams[0]
				if stats.Stored != 3000 || int(stats.Entries) < tt.entries || int(stats.Entries) > tt.entries+6 {
					t.Errorf("stored %d user records in %d, want 3000 in about %d", stats.Stored, stats.Entries, tt.entries)
				}
			})
		})
	}
}

func TestProducerPacesFromTheFirstRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, 2, func(cfg *kintest.Config) { cfg.Limits = kintest.ServiceLimits() })
		defer s.Inject(kintest.Fault{Operation: "ListShards", Delay: 300 * time.Millisecond})()
		p := newProducer(t, client(s), kin.ProducerConfig{})
		l := newPutLog(t, p)
		l.put(10, numbered("k", 5000)...)
		mustClose(t, p)
		if stats := p.Stats().Streams[0]; stats.Stored != 5000 || stats.Throttled > 0 {
			t.Errorf("stored %d of 5000, throttled %d, want none", stats.Stored, stats.Throttled)
		}
	})
}
