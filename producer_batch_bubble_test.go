package kin_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
)

func TestProducerBatches(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cfg   kin.ProducerConfig
		data  int
		keys  []string
		want  []int         // records of each call
		after time.Duration // when the last call began
	}{
		"sends 500 records at once":            {kin.ProducerConfig{}, 10, numbered("k", 500), []int{500}, 0},
		"sends the rest after the linger":      {kin.ProducerConfig{}, 10, numbered("k", 1100), []int{500, 500, 100}, 10 * time.Millisecond},
		"lets one record wait for the linger":  {kin.ProducerConfig{Linger: time.Second}, 10, numbered("k", 1), []int{1}, time.Second},
		"counts the bytes of data and of keys": {kin.ProducerConfig{MaxRecordBytes: 1 << 10, MaxBatchBytes: 1 << 10}, 254, numbered("kk", 10), []int{3, 3, 3, 1}, 10 * time.Millisecond},
		"fills a call to the last byte":        {kin.ProducerConfig{MaxRecordBytes: 1 << 10, MaxBatchBytes: 1 << 10}, 253, numbered("kk", 8), []int{4, 4}, 0},
		"obeys a lower count":                  {kin.ProducerConfig{MaxBatchRecords: 2}, 1, numbered("k", 4), []int{2, 2}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				client := &scriptedPuts{}
				p := newProducer(t, client, tt.cfg)
				l := newPutLog(t, p)
				l.put(tt.data, tt.keys...)
				time.Sleep(time.Minute)
				synctest.Wait()
				sizes := client.sizes()
				slices.SortFunc(sizes, func(a, b int) int { return b - a })
				if !slices.Equal(sizes, tt.want) {
					t.Errorf("records of each call = %v, want %v", sizes, tt.want)
				}
				var last time.Duration
				for _, c := range client.seen() {
					last = max(last, c.at.Sub(begun))
				}
				if last != tt.after {
					t.Errorf("last call after %v, want %v", last, tt.after)
				}
				for _, key := range tt.keys {
					a := l.of(key)
					if want := (kin.PutResult{ShardID: "shardId-000000000000", SequenceNumber: kin.SequenceNumber("seq-" + key), Attempts: 1}); a.err != nil || a.result != want {
						t.Errorf("answer to %s = %+v, %v, want %+v", key, a.result, a.err, want)
					}
				}
				mustClose(t, p)
			})
		})
	}
}

func TestProducerKeepsSeveralCallsInFlightAndFillsTheNextMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := &scriptedPuts{answer: func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
			time.Sleep(time.Second)
			return allStored(in), nil
		}}
		p := newProducer(t, client, kin.ProducerConfig{MaxInFlight: 2, Linger: -1})
		l := newPutLog(t, p)
		for _, key := range numbered("k", 22) {
			l.put(1, key)
			time.Sleep(time.Millisecond)
		}
		mustClose(t, p)
		if got, want := client.sizes(), []int{1, 1, 20}; !slices.Equal(got, want) {
			t.Errorf("records of each call = %v, want %v", got, want)
		}
		if client.maxOut != 2 {
			t.Errorf("calls in flight = %d, want 2", client.maxOut)
		}
	})
}
