package client_test

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/e2e/server"
)

func (u *setup) producer(t *testing.T, change func(*kin.ProducerConfig)) *kin.Producer {
	t.Helper()
	cfg := kin.ProducerConfig{Stream: u.stream}
	if change != nil {
		change(&cfg)
	}
	p, err := kin.NewProducer(u.Client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// place is where a record is in the stream.
type place struct {
	shard kin.ShardID
	seq   kin.SequenceNumber
}

// TestProducerAnswersForEachRecord puts records in all ways, and finds each once
// and where its result says.
func TestProducerAnswersForEachRecord(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server.Server) {
		u := newSetup(t, s, 3)
		records := share(s, 10_000)
		producer := u.producer(t, nil)
		var mu sync.Mutex // guards places
		places := map[place]string{}
		note := func(data string) func(kin.PutResult, error) {
			return func(r kin.PutResult, err error) {
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("put %s: %v", data, err)
					return
				}
				places[place{r.ShardID, r.SequenceNumber}] = data
			}
		}
		for i := range records {
			data := strconv.Itoa(i)
			record := kin.UserRecord{PartitionKey: fmt.Sprintf("key %d ☃", i%100), Data: []byte(data)}
			if i%(records/10) == 0 {
				r, err := producer.Put(u.ctx, record)
				note(data)(r, err)
			} else if err := producer.PutAsync(u.ctx, record, note(data)); err != nil {
				t.Fatalf("put %s: %v", data, err)
			}
			if i == records/2 {
				if err := producer.Flush(u.ctx); err != nil {
					t.Fatalf("flush: %v", err)
				}
				mu.Lock()
				if len(places) != i+1 {
					t.Errorf("after Flush %d records have an answer, want %d", len(places), i+1)
				}
				mu.Unlock()
			}
		}
		if err := producer.Close(u.ctx); err != nil {
			t.Fatalf("close: %v", err)
		}
		if len(places) != records {
			t.Errorf("%d records have a place of their own, want %d", len(places), records)
		}
		for r, err := range u.untilTip(t).Records(u.ctx) {
			if err != nil {
				t.Fatal(err)
			}
			at := place{r.ShardID, r.SequenceNumber}
			if want, ok := places[at]; !ok || want != string(r.Data) {
				t.Errorf("record %v has data %q, want %q", at, r.Data, want)
			}
			delete(places, at)
		}
		if len(places) != 0 {
			t.Errorf("%d records were not found where their results say", len(places))
		}
	})
}

// TestProducerSurvivesAReshard puts while shards are split and merged.
func TestProducerSurvivesAReshard(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server.Server) {
		u := newSetup(t, s, 2)
		records := share(s, 10_000)
		producer := u.producer(t, func(cfg *kin.ProducerConfig) { cfg.MaxBatchRecords = 50 })
		var resharding sync.WaitGroup
		for i := range records {
			if i == records/4 {
				resharding.Go(func() {
					u.split(t)
					u.merge(t)
				})
			}
			record := kin.UserRecord{PartitionKey: strconv.Itoa(i), Data: []byte(strconv.Itoa(i))}
			err := producer.PutAsync(u.ctx, record, func(_ kin.PutResult, err error) {
				if err != nil {
					t.Errorf("put: %v", err)
				}
			})
			if err != nil {
				t.Fatalf("put: %v", err)
			}
		}
		if err := producer.Close(u.ctx); err != nil {
			t.Fatalf("close: %v", err)
		}
		resharding.Wait()
		seen := map[string]int{}
		for r, err := range u.untilTip(t).Records(u.ctx) {
			if err != nil {
				t.Fatal(err)
			}
			seen[string(r.Data)]++
		}
		for i := range records {
			if n := seen[strconv.Itoa(i)]; n != 1 {
				t.Errorf("record %d was read %d times, want once", i, n)
			}
		}
	})
}

// TestProducerSaysWhatIsWrong is about a stream that does not exist.
func TestProducerSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server.Server) {
		u := newSetup(t, s, 1)
		producer := u.producer(t, func(cfg *kin.ProducerConfig) { cfg.Stream = "nowhere" })
		_, err := producer.Put(u.ctx, kin.UserRecord{PartitionKey: "k", Data: []byte("x")})
		failed, ok := errors.AsType[*kin.PutError](err)
		if !ok || failed.Ambiguous {
			t.Errorf("got %v, want a PutError that is not ambiguous", err)
		}
		if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
			t.Errorf("got %v, want a ResourceNotFoundException in its chain", err)
		}
		_ = producer.Close(u.ctx)
	})
}
