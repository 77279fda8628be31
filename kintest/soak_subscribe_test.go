package kintest_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/kintest/internal/proto"
)

// TestSubscribersSeeEveryRecordWhileShardsChange does what the other soak does with
// subscriptions: they are only woken, they never look by themselves, so that a
// wake-up that gets lost hangs the test.
func TestSubscribersSeeEveryRecordWhileShardsChange(t *testing.T) {
	t.Parallel()
	s, err := kintest.NewServer(kintest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	e := engine{t, s}
	if err := s.CreateStream(orders, 2); err != nil {
		t.Fatal(err)
	}
	f := familySubscriber{arn: e.registerAt("billing"), news: make(chan int, 1)}
	f.begin()
	for shard := range 2 {
		f.wg.Go(func() { f.shard(e, idOf(shard)) })
	}
	const writers = 3
	var written, changes atomic.Int64
	var done atomic.Bool
	var writing, resharding sync.WaitGroup
	for w := range writers {
		writing.Go(func() { written.Add(writeInOrder(e, w, 4, 60, &changes)) })
	}
	resharding.Go(func() {
		r := rand.New(rand.NewPCG(3, 4))
		for !done.Load() {
			reshardAtRandom(e, r)
			changes.Add(1)
		}
	})
	writing.Wait()
	done.Store(true)
	resharding.Wait()
	for f.count() < int(written.Load()) {
		<-f.news
	}
	f.over.Store(true)
	if err := s.DeleteStream(orders); err != nil {
		t.Fatal(err)
	}
	f.wg.Wait()
	f.check(t, written.Load())
}

// familySubscriber is a familyReader that subscribes.
type familySubscriber struct {
	familyReader
	arn  *string
	news chan int    // has one if there were records
	over atomic.Bool // the stream is going
}

// shard subscribes to a shard until it ends, and then to its children.
func (f *familySubscriber) shard(e engine, id string) {
	in := subscribeTo(f.arn, 0, horizon)
	in.ShardId = &id
	b, err := e.Subscribe(in)
	if err != nil {
		if !f.over.Load() {
			e.t.Errorf("subscribe to %s: %v", id, err)
		}
		return
	}
	defer b.Close()
	for {
		event := b.Next(50, 2000)
		f.note(&proto.GetRecordsReply{Records: event.Records})
		if len(event.Records) > 0 {
			select {
			case f.news <- 1:
			default:
			}
		}
		for _, child := range event.ChildShards {
			if f.ready(&child) {
				f.wg.Go(func() { f.shard(e, *child.ShardId) })
			}
		}
		if event.End {
			return
		}
		if event.More {
			continue
		}
		select {
		case <-event.Wake:
		case <-b.Done():
			return
		}
	}
}

// count is how many records were read so far.
func (f *familyReader) count() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, all := range f.data {
		n += len(all)
	}
	return n
}
