package kintest_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/kintest/internal/proto"
)

// Calls that meet the deletion of their stream half way get the same answer as
// those that come after it.
func TestDeletionUnderLoadIsNotFound(t *testing.T) {
	t.Parallel()
	s, err := kintest.NewServer(kintest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	e := engine{t, s}
	var stop atomic.Bool
	var running sync.WaitGroup
	load := func(call func() error) {
		running.Go(func() {
			for !stop.Load() {
				err := call()
				if got, ok := errors.AsType[*kintest.APIError](err); err != nil && (!ok || got.Code != "ResourceNotFoundException") {
					t.Errorf("error = %v, want ResourceNotFoundException or none", err)
					return
				}
			}
		})
	}
	load(func() error { return s.PutRecord(record(orders, "k", "x"), &proto.PutRecordReply{}) })
	load(func() error {
		in := proto.PutRecordsRequest{StreamName: new(orders), HasRecords: true, Records: []proto.PutEntry{entry("a", "a"), entry("b", "b")}}
		return s.PutRecords(&in, &proto.PutRecordsReply{})
	})
	load(func() error {
		in := kinesis.GetShardIteratorInput{StreamName: new(orders), ShardId: new(idOf(0)), ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
		out, err := s.Run("GetShardIterator", &in)
		if err != nil {
			return err
		}
		var page proto.GetRecordsReply
		err = s.GetRecords(&proto.GetRecordsRequest{ShardIterator: out.(*kinesis.GetShardIteratorOutput).ShardIterator}, &page)
		if err == nil && page.NextShardIterator == "" {
			t.Error("the end of a shard that was never closed")
		}
		return err
	})
	for range 3000 {
		if err := s.CreateStream(orders, 1); err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteStream(orders); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
	running.Wait()
	if stats := e.Stats(); stats != (kintest.Stats{}) {
		t.Errorf("stats in the end = %+v, want nothing", stats)
	}
}
