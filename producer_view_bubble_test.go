package kin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/aggregate"
	"github.com/kinstream/kin/kintest"
)

// aggregates counts the aggregated and the other Kinesis records in a stream.
func aggregates(s *kintest.Server, stream string) (packed, alone int) {
	for _, r := range s.Records(stream) {
		if aggregate.Is(r.Data) {
			packed++
		} else {
			alone++
		}
	}
	return packed, alone
}

// shout puts n small records of many keys, without waiting for the answers.
func shout(l *putLog, prefix string, n int) {
	l.put(10, numbered(prefix, n)...)
}

// logBuffer is a log in memory.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// lines returns the lines that have a text in them.
func (b *logBuffer) lines(with string) (lines []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for line := range strings.Lines(b.buf.String()) {
		if strings.Contains(line, with) {
			lines = append(lines, line)
		}
	}
	return lines
}

func (b *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func TestProducerAggregates(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		aggregation kin.Aggregation
		keys        int // distinct
		most        int // Kinesis records
	}{
		"by shard":         {kin.AggregateByShard, 2000, 4},
		"by partition key": {kin.AggregateByPartitionKey, 10, 10},
		"not by partition key if each has its own": {kin.AggregateByPartitionKey, 2000, 2000},
		"not without being asked":                  {kin.NoAggregation, 10, 2000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, 4)
				p := newProducer(t, client(s), kin.ProducerConfig{Aggregation: tt.aggregation})
				l := newPutLog(t, p)
				shout(l, "first", 1)
				time.Sleep(time.Second) // the stream is known then
				before := len(s.Records("orders"))
				for i := range 2000 {
					rec := kin.UserRecord{PartitionKey: fmt.Sprint("k", i%tt.keys), Data: fmt.Append(nil, i)}
					if i%3 == 0 && tt.aggregation == kin.AggregateByShard {
						rec.ExplicitHashKey = highest // not the shard of its partition key
					}
					if err := p.PutAsync(t.Context(), rec, l.callback(fmt.Sprint(i))); err != nil {
						t.Fatal(err)
					}
				}
				mustClose(t, p)
				if n := len(s.Records("orders")) - before; n > tt.most || n < tt.most/2 {
					t.Errorf("Kinesis records = %d, want up to %d", n, tt.most)
				}
				at := map[string]string{}
				for _, r := range readByKCL(t, s, "orders") {
					at[r.id] = fmt.Sprint(r.shard, r.seq, r.sub, r.dropped)
				}
				for i := range 2000 {
					a := l.of(fmt.Sprint(i))
					want := fmt.Sprint(a.result.ShardID, a.result.SequenceNumber, a.result.SubSequence, false)
					if a.err != nil || a.result.MaybeDuplicate || at[fmt.Sprint(i)] != want {
						t.Fatalf("record %d: %+v, %v, is at %s, want %s, once", i, a.result, a.err, at[fmt.Sprint(i)], want)
					}
				}
			})
		})
	}
}

func TestProducerWithoutPermissions(t *testing.T) {
	t.Parallel()
	for action, mapped := range map[string]bool{"ListShards": false, "DescribeStreamSummary": true} {
		for _, aggregation := range []kin.Aggregation{kin.NoAggregation, kin.AggregateByShard} {
			t.Run(fmt.Sprint(action, " with aggregation ", aggregation), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := serve(t, 4)
					allow := s.Inject(kintest.Fault{Operation: action, Error: "AccessDeniedException"})
					defer allow()
					var log logBuffer
					p := newProducer(t, client(s), kin.ProducerConfig{Aggregation: aggregation, Logger: log.logger()})
					l := newPutLog(t, p)
					for i := range 200 {
						shout(l, fmt.Sprint("r", i, "-"), 20)
						time.Sleep(time.Second)
					}
					if packed, alone := aggregates(s, "orders"); packed != 0 || alone < 3900 {
						t.Errorf("aggregates = %d, others = %d, want none aggregated of 4000", packed, alone)
					}
					at := p.Stats().Streams[0]
					if at.Mapped != mapped || at.ViewErr == nil || !strings.Contains(at.ViewErr.Error(), "AccessDenied") {
						t.Errorf("mapped = %v, because of %v, want %v, because of AccessDenied", at.Mapped, at.ViewErr, mapped)
					}
					if lines := log.lines("kinesis:" + action); len(lines) != 1 {
						t.Errorf("lines in the log = %q, want one that names the action", lines)
					}
					if n := s.CallCount(action); n > 10 {
						t.Errorf("calls in 200 s = %d, want one a minute", n)
					}
					allow() // it is found out by itself
					time.Sleep(2 * time.Minute)
					shout(l, "late", 1000)
					mustClose(t, p)
					packed, _ := aggregates(s, "orders")
					if want := aggregation == kin.AggregateByShard; (packed > 0) != want {
						t.Errorf("aggregates after the permission = %d, want some: %v", packed, want)
					}
					l.of("late999")
				})
			})
		}
	}
}

func TestProducerSaysWhyItDoesNotKnowAStream(t *testing.T) {
	t.Parallel()
	for op, mapped := range map[string]bool{"ListShards": false, "DescribeStreamSummary": true} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 2)
			cure := s.Inject(kintest.Fault{Operation: op, Error: "InternalFailure"})
			defer cure()
			p := newProducer(t, client(s), kin.ProducerConfig{})
			l := newPutLog(t, p)
			shout(l, "r", 10)
			time.Sleep(time.Minute)
			if at := p.Stats().Streams[0]; at.Mapped != mapped || at.ViewErr == nil || !strings.Contains(at.ViewErr.Error(), "InternalFailure") {
				t.Errorf("%s fails: mapped = %v, because of %v, want %v, because of InternalFailure", op, at.Mapped, at.ViewErr, mapped)
			}
			cure()
			time.Sleep(time.Minute)
			if at := p.Stats().Streams[0]; !at.Mapped || at.ViewErr != nil {
				t.Errorf("%s works again: mapped = %v, because of %v, want true, and no reason", op, at.Mapped, at.ViewErr)
			}
			mustClose(t, p)
			if at := p.Stats().Streams[0]; at.ViewErr != nil {
				t.Errorf("ViewErr after Close = %v, want nil", at.ViewErr)
			}
		})
	}
}

func TestProducerLearnsWhatItCan(t *testing.T) {
	t.Parallel()

	t.Run("the shards, while the stream can't be described", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 4)
			p := newProducer(t, client(s), kin.ProducerConfig{Aggregation: kin.AggregateByShard})
			l := newPutLog(t, p)
			shout(l, "known", 100)
			time.Sleep(time.Second)
			defer s.Inject(kintest.Fault{Operation: "DescribeStreamSummary", Error: "InternalFailure"})()
			if err := s.Reshard("orders", 7); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Minute)
			shout(l, "later", 1000)
			mustClose(t, p)
			at := p.Stats().Streams[0]
			if len(at.Shards) != 7 || at.Aggregation != kin.AggregateByShard || at.Repeated != 0 {
				t.Errorf("shards = %d, aggregation = %v, put twice = %d, want 7, AggregateByShard, 0", len(at.Shards), at.Aggregation, at.Repeated)
			}
		})
	})

	t.Run("not for ever that the stream chooses its shards by key", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 4)
			p := newProducer(t, client(s), kin.ProducerConfig{Aggregation: kin.AggregateByPartitionKey})
			l := newPutLog(t, p)
			shout(l, "known", 100)
			time.Sleep(time.Second)
			heal := s.Inject(kintest.Fault{Operation: "DescribeStreamSummary", Error: "InternalFailure"})
			time.Sleep(8 * time.Minute)
			if at := p.Stats().Streams[0]; at.Aggregation != kin.NoAggregation {
				t.Errorf("aggregation after minutes = %v, want NoAggregation", at.Aggregation)
			}
			heal()
			time.Sleep(2 * time.Minute)
			if at := p.Stats().Streams[0]; at.Aggregation != kin.AggregateByPartitionKey {
				t.Errorf("aggregation when it is known again = %v, want AggregateByPartitionKey", at.Aggregation)
			}
			mustClose(t, p)
		})
	})

	t.Run("who chooses the shards, while they can't be listed", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := kintest.New(t)
			arn, c := onDemand(t, s, "orders")
			p := newProducer(t, client(s), kin.ProducerConfig{Aggregation: kin.AggregateByPartitionKey})
			l := newPutLog(t, p)
			shout(l, "known", 100)
			time.Sleep(time.Second)
			defer s.Inject(kintest.Fault{Operation: "ListShards", Error: "InternalFailure"})()
			distribute(t, c, arn, types.RecordDistributionStrategyAuto)
			time.Sleep(2 * time.Minute)
			if at := p.Stats().Streams[0]; !at.Auto || at.Aggregation != kin.NoAggregation {
				t.Errorf("auto = %v, aggregation = %v, want true, NoAggregation", at.Auto, at.Aggregation)
			}
			if n := s.CallCount("ListShards"); n > 15 {
				t.Errorf("calls in two minutes = %d, want less and less often", n)
			}
			mustClose(t, p)
		})
	})
}

// onDemand makes an on-demand stream, of which the service may choose the shards.
func onDemand(t *testing.T, s *kintest.Server, name string) (arn string, c *kinesis.Client) {
	t.Helper()
	c = client(s)
	mode := &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}
	if _, err := c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: &name, StreamModeDetails: mode}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute) // in a bubble
	out, err := c.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return *out.StreamDescriptionSummary.StreamARN, c
}

func distribute(t *testing.T, c *kinesis.Client, arn string, strategy types.RecordDistributionStrategy) {
	t.Helper()
	in := &kinesis.UpdateStreamRecordDistributionStrategyInput{StreamARN: &arn, RecordDistributionStrategy: strategy}
	if _, err := c.UpdateStreamRecordDistributionStrategy(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func TestProducerOfAStreamWhoseShardsTheServiceChooses(t *testing.T) {
	t.Parallel()

	t.Run("stops aggregating while it runs, and begins again", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := kintest.New(t)
			arn, c := onDemand(t, s, "auto")
			var maps []kin.MapInfo
			p := newProducer(t, c, kin.ProducerConfig{
				Stream: "auto", Aggregation: kin.AggregateByShard,
				Hooks: kin.ProducerHooks{MapChanged: func(i kin.MapInfo) { maps = append(maps, i) }},
			})
			l := newPutLog(t, p)
			var packed [3]int
			for phase, strategy := range []types.RecordDistributionStrategy{"USER_PARTITION_KEY", "AUTO", "USER_PARTITION_KEY"} {
				distribute(t, c, arn, strategy)
				for i := range 90 {
					if i == 80 { // a minute was enough to find out
						packed[phase], _ = aggregates(s, "auto")
					}
					shout(l, fmt.Sprint(phase, "-", i, "-"), 40)
					time.Sleep(time.Second)
				}
				after, _ := aggregates(s, "auto")
				packed[phase] = after - packed[phase]
			}
			mustClose(t, p)
			if packed[0] == 0 || packed[1] != 0 || packed[2] == 0 {
				t.Errorf("aggregates in the ends of the phases = %v, want some, none, some", packed)
			}
			if len(maps) != 3 || maps[0].Auto || !maps[0].Aggregating || len(maps[0].Shards) != 4 || !maps[1].Auto || maps[1].Aggregating || maps[2].Auto {
				t.Errorf("map changed = %+v, want known, auto, known again", maps)
			}
			for i := range 90 {
				for _, key := range numbered(fmt.Sprint("1-", i, "-"), 40) {
					if a := l.of(key); a.err != nil {
						t.Fatalf("%s: %v, want stored", key, a.err)
					}
				}
			}
		})
	})

	t.Run("says that there is no order", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := kintest.New(t)
			arn, c := onDemand(t, s, "auto")
			distribute(t, c, arn, types.RecordDistributionStrategyAuto)
			var log logBuffer
			p := newProducer(t, c, kin.ProducerConfig{Stream: "auto", Ordered: true, Logger: log.logger()})
			// The first one is accepted: nobody knows yet.
			for range 2 {
				_, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "k"})
				if e := putError(t, err); !errors.Is(err, kin.ErrUnordered) || e.Ambiguous {
					t.Errorf("Put = %v (%s), want ErrUnordered, not ambiguous", err, describe(e))
				}
				time.Sleep(time.Second)
			}
			mustClose(t, p)
			if lines := log.lines("no order"); len(lines) != 1 {
				t.Errorf("lines in the log = %q, want one", lines)
			}
		})
	})
}

func TestProducerTakesWhatTheStreamTakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := kintest.New(t)
		c := client(s)
		for name, kib := range map[string]int32{"small": 1 << 10, "large": 4 << 10} {
			in := &kinesis.CreateStreamInput{StreamName: &name, ShardCount: new(int32(1)), MaxRecordSizeInKiB: &kib}
			if _, err := c.CreateStream(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		p := newProducer(t, c, kin.ProducerConfig{})
		put := func(stream string, bytes int) error {
			_, err := p.Put(t.Context(), kin.UserRecord{Stream: stream, PartitionKey: "k", Data: make([]byte, bytes-1)})
			return err
		}
		for range 2 { // the first time the limit is not known when the record is accepted
			for stream, limit := range map[string]int{"small": 1 << 20, "large": 4 << 20} {
				if err := put(stream, limit); err != nil {
					t.Errorf("%s: %d bytes: %v, want stored", stream, limit, err)
				}
				err := put(stream, limit+1)
				if e := putError(t, err); !errors.Is(err, kin.ErrInvalidRecord) || e.Ambiguous || !strings.Contains(err.Error(), fmt.Sprintf("in bytes (%d)", limit)) {
					t.Errorf("%s: %d bytes: %v, want ErrInvalidRecord that names the limit", stream, limit+1, err)
				}
			}
		}
		mustClose(t, p)
		late := newProducer(t, c, kin.ProducerConfig{Stream: "small", Linger: time.Second})
		_, err := late.Put(t.Context(), kin.UserRecord{PartitionKey: "k", Data: make([]byte, 1<<20)})
		if !errors.Is(err, kin.ErrInvalidRecord) || s.CallCount("PutRecords") != 4 {
			t.Errorf("Put before the limit was known = %v after %d calls, want ErrInvalidRecord without one", err, s.CallCount("PutRecords")-4)
		}
		mustClose(t, late)
		defer s.Inject(kintest.Fault{Operation: "DescribeStreamSummary", Error: "AccessDeniedException"})()
		told := newProducer(t, c, kin.ProducerConfig{Stream: "large", MaxRecordBytes: 3 << 20})
		for range 2 {
			if _, err := told.Put(t.Context(), kin.UserRecord{PartitionKey: "k", Data: make([]byte, 3<<20-1)}); err != nil {
				t.Errorf("3 MiB, as configured, into a stream that can't be described: %v, want stored", err)
			}
		}
		mustClose(t, told)
	})
}

func TestProducerOfManyStreams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := kintest.New(t)
		names := numbered("stream", 20)
		for _, name := range names {
			if err := s.CreateStream(name, 2); err != nil {
				t.Fatal(err)
			}
		}
		p, err := kin.NewProducer(client(s), kin.ProducerConfig{MaxInFlight: 3, Aggregation: kin.AggregateByShard})
		if err != nil {
			t.Fatal(err)
		}
		l := newPutLog(t, p)
		for i := range 100 {
			for _, name := range names {
				key := fmt.Sprint(name, "-", i)
				if err := p.PutAsync(t.Context(), kin.UserRecord{Stream: name, PartitionKey: key, Data: []byte(key)}, l.callback(key)); err != nil {
					t.Fatal(err)
				}
			}
		}
		nowhere := kin.UserRecord{Stream: "nowhere", PartitionKey: "k"}
		if _, err := p.Put(t.Context(), nowhere); putError(t, err).Record.Stream != "nowhere" || putError(t, err).Code != "ResourceNotFoundException" {
			t.Errorf("Put into a stream that is not there = %v, want that of the service", err)
		}
		for stream, text := range map[string]string{"": "UserRecord.Stream is empty", "a b": "UserRecord.Stream (\"a b\")"} {
			_, err := p.Put(t.Context(), kin.UserRecord{Stream: stream, PartitionKey: "k"})
			if !errors.Is(err, kin.ErrInvalidRecord) || !strings.Contains(err.Error(), text) {
				t.Errorf("Put into %q = %v, want ErrInvalidRecord with %q", stream, err, text)
			}
		}
		stats := p.Stats()
		mustClose(t, p)
		for _, name := range names {
			for _, r := range readByKCL(t, s, name) {
				if !strings.HasPrefix(r.id, name+"-") {
					t.Errorf("%s is in %s", r.id, name)
				}
			}
			if got := len(readByKCL(t, s, name)); got != 100 {
				t.Errorf("records in %s = %d, want 100", name, got)
			}
		}
		if len(stats.Streams) != 21 {
			t.Errorf("streams = %d, want 21", len(stats.Streams))
		}
		if p.Close(context.Background()) != nil {
			t.Error("Close again, want nil")
		}
	})
}
