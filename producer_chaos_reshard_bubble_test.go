package kin_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// newPutHistory is a history without any record.
func newPutHistory(cfg kin.ProducerConfig) *putHistory {
	return &putHistory{cfg: cfg, answers: map[string]answered{}, refused: map[string]bool{}, keyOf: map[string]string{}}
}

// TestProducerThroughLargeReshards goes from 4 shards to 64 and to 2 and back under load. A reader by KCL's rule misses nothing
// that was said to be stored, and everything is.
func TestProducerThroughLargeReshards(t *testing.T) {
	t.Parallel()
	for name, cfg := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, 4, func(c *kintest.Config) { c.Limits = kintest.ServiceLimits() })
				defer s.Inject(kintest.Fault{Operation: "PutRecords", Delay: 20 * time.Millisecond})()
				cfg.RecordTTL, cfg.Linger = -1, 30*time.Millisecond
				p := newProducer(t, client(s), cfg)
				h := newPutHistory(cfg)
				var wg sync.WaitGroup
				for g := range 3 {
					wg.Go(func() {
						for i := range 8000 { // in forty seconds
							h.put(p, kin.UserRecord{PartitionKey: fmt.Sprintf("g%d-k%d", g, i%97), Data: fmt.Appendf(nil, "g%d-%d", g, i)})
							if i%10 == 0 {
								time.Sleep(50 * time.Millisecond) // in a bubble
							}
						}
					})
				}
				for _, shards := range []int{64, 2, 16, 4} {
					time.Sleep(8 * time.Second) // in a bubble
					if err := s.Reshard("orders", shards); err != nil {
						t.Error(err)
					}
				}
				wg.Wait()
				mustClose(t, p)
				h.reads = readByKCL(t, s, "orders")
				if stored, _ := h.check(t); stored != len(h.ids) {
					t.Errorf("stored = %d of %d, want all", stored, len(h.ids))
				}
				if got := len(p.Stats().Streams[0].Shards); got != 4 {
					t.Errorf("shards known at the end = %d, want 4", got)
				}
			})
		})
	}
}

// TestProducerKeepsAHotKeyInOrderThroughReshards puts records of one key, as fast as they are taken, while its shard is
// split and merged again and again.
func TestProducerKeepsAHotKeyInOrderThroughReshards(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]kin.ProducerConfig{
		"by shard":         {Aggregation: kin.AggregateByShard, Ordered: true},
		"by partition key": {Aggregation: kin.AggregateByPartitionKey, Ordered: true},
		"alone":            {Ordered: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := atLimits(t, 2)
				stopRefusing := refuseSome(s, 0.05)
				defer stopRefusing()
				cfg.RecordTTL, cfg.MaxBufferedBytes = -1, 4<<20
				p := newProducer(t, client(s), cfg)
				f := startFlood(t, 500, [][]string{{"hot"}}, p)
				l := newLedger(t, s, 1)
				stopReading := l.watch()
				for i := range 8 {
					time.Sleep(3 * time.Second) // in a bubble
					if err := s.Reshard("orders", []int{4, 1, 3, 2}[i%4]); err != nil {
						t.Error(err)
					}
				}
				time.Sleep(time.Second) // in a bubble
				f.stop()
				mustClose(t, p)
				stopReading()
				stored, failed := f.check(l)
				if failed > 0 || l.disorder > 0 || stored < 500 {
					t.Errorf("stored %d, not stored %d, out of order %d, want all in order", stored, failed, l.disorder)
				}
				t.Logf("stored %d, of them %d again", stored, l.again)
			})
		})
	}
}

// TestProducerOutlivesItsStream deletes the stream under load, and makes one of that name with other shards a while later. What was
// put while there was none is answered, and what is put afterwards is read by everybody.
func TestProducerOutlivesItsStream(t *testing.T) {
	t.Parallel()
	for name, cfg := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, 4)
				cfg.Linger = 20 * time.Millisecond
				p := newProducer(t, client(s), cfg)
				h := newPutHistory(cfg)
				put := func(phase string, n int) {
					for i := range n {
						h.put(p, kin.UserRecord{PartitionKey: fmt.Sprint("k", i%50), Data: fmt.Appendf(nil, "%s-%d", phase, i)})
						if i%10 == 0 {
							time.Sleep(20 * time.Millisecond) // in a bubble
						}
					}
				}
				put("before", 500)
				if err := s.DeleteStream("orders"); err != nil {
					t.Fatal(err)
				}
				put("without", 500)
				if err := p.Flush(t.Context()); err != nil {
					t.Error(err)
				}
				lost, all := h.answers, len(h.ids)
				if len(lost) != all {
					t.Errorf("answers = %d, want %d", len(lost), all)
				}
				if err := s.CreateStream("orders", 7); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Second) // in a bubble
				h = newPutHistory(cfg)
				put("after", 1000)
				mustClose(t, p)
				h.reads = readByKCL(t, s, "orders")
				if stored, _ := h.check(t); stored != 1000 {
					t.Errorf("stored in the new stream = %d, want all 1000", stored)
				}
			})
		})
	}
}
