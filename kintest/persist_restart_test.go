package kintest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/kintest/internal/proto"
)

func TestSequenceNumbersGoOn(t *testing.T) {
	t.Parallel()

	t.Run("after_a_restart", func(t *testing.T) {
		t.Parallel()
		config := kintest.Config{Dir: t.TempDir()}
		session(t, config, func(e engine) { e.create(orders, 1) })
		var last proto.PutRecordReply
		for round := range 4 {
			session(t, config, func(e engine) {
				for i := range 3 {
					r := e.put(orders, "k", fmt.Sprint(round, i))
					if r.Seq.Compare(last.Seq) <= 0 {
						t.Errorf("round %d: number %s is not above %s", round, r.Seq, last.Seq)
					}
					last = r
				}
			})
		}
		session(t, config, func(e engine) {
			got := e.get(e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon))
			e.wantTexts("all", got.Records, "0 0 0 1 0 2 1 0 1 1 1 2 2 0 2 1 2 2 3 0 3 1 3 2")
		})
	})

	t.Run("above_those_that_were_seen_and_lost", func(t *testing.T) {
		t.Parallel()
		config := kintest.Config{Dir: t.TempDir()}
		session(t, config, func(e engine) { e.create(orders, 1) })
		var seen []kintest.Placed
		for range 3 {
			session(t, config, func(e engine) {
				e.LoseRecords()
				in := record(orders, "k", "lost")
				wantInternalFailure(t, e.PutRecord(in, &proto.PutRecordReply{}), "not written")
				for _, r := range e.Records(orders) {
					for _, other := range seen {
						if r.SequenceNumber <= other.SequenceNumber {
							t.Errorf("number %s, but %s was given before", r.SequenceNumber, other.SequenceNumber)
						}
					}
					seen = append(seen, r)
				}
			})
		}
		if len(seen) != 3 {
			t.Fatalf("%d records seen, want 3", len(seen))
		}
	})
}

func wantInternalFailure(t *testing.T, err error, message string) {
	t.Helper()
	failure, ok := errors.AsType[*kintest.APIError](err)
	if !ok || failure.Code != "InternalFailureException" || failure.Status != 500 || !strings.Contains(failure.Message, message) {
		t.Errorf("error = %v, want an InternalFailureException with %q", err, message)
	}
}

func TestRecordsAreNeverWithoutTheirShard(t *testing.T) {
	t.Parallel()
	config := kintest.Config{Dir: t.TempDir()}
	session(t, config, func(e engine) {
		e.LoseStates()
		e.create(orders, 1)
		e.put(orders, "k", "one")
		if _, err := e.SplitShard(orders, idOf(0)); err != nil {
			t.Fatal(err)
		}
		e.put(orders, "k", "two")
		if err := e.DeleteStream(orders); err != nil {
			t.Fatal(err)
		}
		e.create(orders, 2) // the deletion is not written: the younger stream counts
		e.put(orders, "k", "three")
	})
	session(t, config, func(e engine) {
		records := e.Records(orders)
		if len(records) != 1 || string(records[0].Data) != "three" || len(e.Shards(orders)) != 2 {
			t.Errorf("records %v in %d shards, want the one of the younger stream in 2", records, len(e.Shards(orders)))
		}
	})
}

func TestClosedShardsEndAfterARestart(t *testing.T) {
	t.Parallel()
	config := kintest.Config{Dir: t.TempDir()}
	session(t, config, func(e engine) {
		e.create(orders, 1)
		e.put(orders, "k", "one")
		if _, err := e.SplitShard(orders, idOf(0)); err != nil {
			t.Fatal(err)
		}
	})
	session(t, config, func(e engine) {
		got := e.get(e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon))
		e.wantTexts("closed shard", got.Records, "one")
		if got.NextShardIterator != "" || len(got.ChildShards) != 2 {
			t.Errorf("next iterator %q, children %v; want no iterator and two children", got.NextShardIterator, got.ChildShards)
		}
	})
}

func TestIteratorsOutliveARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := kintest.Config{Dir: t.TempDir()}
		var horizon, tip, other string
		session(t, config, func(e engine) {
			e.create(orders, 1)
			e.create("other", 1)
			other = e.from("other", idOf(0), types.ShardIteratorTypeLatest)
			e.put(orders, "k", "one")
			horizon = e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)
			tip = e.get(horizon).NextShardIterator
			if err := e.DeleteStream("other"); err != nil {
				t.Fatal(err)
			}
		})
		session(t, config, func(e engine) {
			e.create("other", 1)
			e.put(orders, "k", "two")
			e.wantTexts("horizon", e.get(horizon).Records, "one two")
			e.wantTexts("tip", e.get(tip).Records, "two")
			e.getFails(other, "InvalidArgumentException", "Invalid ShardIterator.")
			time.Sleep(5*time.Minute + time.Second)
			e.getFails(tip, "ExpiredIteratorException", "Iterator expired")
		})
	})
}
