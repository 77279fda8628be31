package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/e2e/server"
)

// TestReaderFollowsAStreamThatIsResharded reads while records are put and shards
// are split and merged.
func TestReaderFollowsAStreamThatIsResharded(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server.Server) {
		u := newSetup(t, s, 2)
		records := share(s, 20_000)
		var loading sync.WaitGroup
		loading.Go(func() {
			u.load(t, records, map[int]func(){
				records / 4: func() {
					u.split(t)
					u.merge(t)
					u.split(t)
				},
			})
		})
		if !s.LiveReads {
			loading.Wait()
		}
		got := newAccount()
		for r, err := range u.reader(t, nil).Records(u.ctx) {
			if err != nil {
				t.Errorf("after %d records: %v", got.read, err)
				break
			}
			if got.add(t, r); got.read >= records {
				break
			}
		}
		loading.Wait()
		// What is left over now would be doubles, or records of nobody.
		for r, err := range u.untilTip(t).Records(u.ctx) {
			if err != nil {
				t.Fatal(err)
			}
			if r.SequenceNumber.Compare(got.last[r.ShardID]) > 0 {
				t.Errorf("record %s of %s was not read before", r.SequenceNumber, r.ShardID)
			}
		}
		got.check(t, records)
	})
}

// TestReaderResumes reads a stream in several sittings, with a reshard in between,
// from positions that were kept as JSON.
func TestReaderResumes(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server.Server) {
		u := newSetup(t, s, 2)
		records := share(s, 10_000)
		u.load(t, records/2, nil)
		got, kept := newAccount(), []byte("{}")
		sit := func(most int) {
			var positions map[kin.ShardID]kin.Position
			if err := json.Unmarshal(kept, &positions); err != nil {
				t.Fatal(err)
			}
			reader := u.reader(t, func(cfg *kin.ReaderConfig) {
				cfg.Positions = positions
				cfg.Until = kin.AtTip()
				cfg.MaxRecords = 97
			})
			before := got.read
			for r, err := range reader.Records(u.ctx) {
				if err != nil {
					t.Fatalf("after %d records: %v", got.read, err)
				}
				if got.read-before == most {
					break // r does not count, for its body was not finished
				}
				got.add(t, r)
			}
			var err error
			if kept, err = json.Marshal(reader.Positions()); err != nil {
				t.Fatal(err)
			}
		}
		sit(records / 5)
		u.split(t)
		sit(records / 5)
		u.merge(t)
		sit(records)
		got.check(t, records/2)

		// Numbers of keys start at 0 again, as load counts them; so does the account.
		clear(got.next)
		u.load(t, records/2, nil)
		sit(records / 5)
		sit(records)
		got.check(t, records/2*2)
		sit(1)
		got.check(t, records/2*2)
	})
}

// TestReaderBeginsWhereItIsTold reads one shard from each kind of position.
func TestReaderBeginsWhereItIsTold(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server.Server) {
		u := newSetup(t, s, 1)
		u.load(t, 200, nil)
		from := func(p kin.Position) []kin.Record {
			t.Helper()
			var records []kin.Record
			reader := u.reader(t, func(cfg *kin.ReaderConfig) {
				cfg.Shard, cfg.From, cfg.Until = "shardId-000000000000", p, kin.AtTip()
			})
			for r, err := range reader.Records(u.ctx) {
				if err != nil {
					t.Fatalf("from %s: %v", p, err)
				}
				records = append(records, r)
			}
			return records
		}
		all := from(kin.TrimHorizon())
		if len(all) != 200 {
			t.Fatalf("read %d records, want 200", len(all))
		}
		middle := all[100]
		for _, c := range []struct {
			from kin.Position
			want int
		}{
			{kin.Latest(), 0},
			{kin.AtSequence(middle.SequenceNumber), 100},
			{kin.AfterSequence(middle.SequenceNumber), 99},
			{middle.Position(), 99},
			{kin.AtTimestamp(time.Now().Add(-time.Hour)), 200},
		} {
			if got := from(c.from); len(got) != c.want {
				t.Errorf("from %s: read %d records, want %d", c.from, len(got), c.want)
			}
		}
	})
}

// TestReaderAndProducerTakeAnARN names the stream by its ARN, where a server can.
func TestReaderAndProducerTakeAnARN(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server.Server) {
		if !s.StreamARN {
			return // asked by package conformance
		}
		u := newSetup(t, s, 1)
		summary, err := u.DescribeStreamSummary(u.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &u.stream})
		if err != nil {
			t.Fatal(err)
		}
		u.stream = aws.ToString(summary.StreamDescriptionSummary.StreamARN)
		producer := u.producer(t, nil)
		if _, err := producer.Put(u.ctx, kin.UserRecord{PartitionKey: "k", Data: []byte("by ARN")}); err != nil {
			t.Fatal(err)
		}
		if err := producer.Close(u.ctx); err != nil {
			t.Fatal(err)
		}
		var got []string
		for r, err := range u.untilTip(t).Records(u.ctx) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(r.Data))
		}
		if len(got) != 1 || got[0] != "by ARN" {
			t.Errorf("read %q, want the record that was put", got)
		}
	})
}

// TestReaderSaysWhatIsWrong is about streams and shards that do not exist.
func TestReaderSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server.Server) {
		u := newSetup(t, s, 1)
		for _, c := range []struct {
			name   string
			change func(*kin.ReaderConfig)
		}{
			{"a stream that does not exist", func(cfg *kin.ReaderConfig) { cfg.Stream = "nowhere" }},
			{"a shard that does not exist", func(cfg *kin.ReaderConfig) { cfg.Shard = "shardId-000000000099" }},
		} {
			ctx, cancel := context.WithTimeout(u.ctx, 20*time.Second)
			var got error
			for r, err := range u.reader(t, c.change).Records(ctx) {
				if got = err; err == nil {
					t.Errorf("%s: read a record: %v", c.name, r)
				}
			}
			cancel()
			if _, ok := errors.AsType[*kin.ShardError](got); !ok || errors.Is(got, context.DeadlineExceeded) {
				t.Errorf("%s: got %v, want it to say so", c.name, got)
			}
		}
	})
}
