package kin_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// TestExplainNamesTheTrueLimit has producers that are held up by one thing each, and asks them.
func TestExplainNamesTheTrueLimit(t *testing.T) {
	t.Parallel()
	slow := func(s *kintest.Server) {
		s.Inject(kintest.Fault{Operation: "PutRecords", Delay: 200 * time.Millisecond})
	}
	for name, test := range map[string]struct {
		cfg    kin.ProducerConfig
		size   int
		keys   int // feeders, one for each shard; 0: all
		change func(s *kintest.Server)
		want   kin.Limit
	}{
		"shards":                            {size: 10_000, want: kin.LimitShards},
		"shards that throttle some":         {size: 10_000, want: kin.LimitShards, change: func(s *kintest.Server) { refuseSome(s, 0.05) }},
		"shards, aggregated":                {size: 1000, want: kin.LimitShards, cfg: kin.ProducerConfig{Aggregation: kin.AggregateByShard}},
		"shards, in order":                  {size: 1000, want: kin.LimitShards, cfg: kin.ProducerConfig{Aggregation: kin.AggregateByShard, Ordered: true}},
		"records a second":                  {size: 50, want: kin.LimitRecords},
		"one hot shard":                     {size: 10_000, keys: 1, want: kin.LimitPartitionKeys},
		"connections":                       {size: 10_000, want: kin.LimitConnections, change: slow, cfg: kin.ProducerConfig{MaxInFlight: 1, MaxBatchRecords: 50}},
		"order, one record in a round trip": {size: 100, want: kin.LimitOrder, change: slow, cfg: kin.ProducerConfig{Ordered: true}},
		"an endpoint that fails": {size: 100, want: kin.LimitEndpoint, change: func(s *kintest.Server) {
			s.Inject(kintest.Fault{Operation: "PutRecords", Status: 503})
		}},
		"an endpoint that hangs": {size: 100, want: kin.LimitEndpoint, change: func(s *kintest.Server) {
			s.Inject(kintest.Fault{Operation: "PutRecords", Hang: true})
		}},
		"a buffer that is small for the round trip": {size: 10_000, want: kin.LimitBuffer, change: slow, cfg: kin.ProducerConfig{
			MaxBufferedBytes: 100_000, MaxRecordBytes: 20_000, Linger: time.Millisecond,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := atLimits(t, 4)
				test.cfg.RecordTTL = -1
				p := newProducer(t, client(s), test.cfg)
				if test.change != nil {
					test.change(s)
				}
				keys := keysOfShards(t, s, 5)
				if test.keys > 0 {
					keys = keys[:test.keys]
				}
				f := startFlood(t, test.size, keys, p)
				time.Sleep(20 * time.Second) // in a bubble
				before := p.Stats()
				time.Sleep(20 * time.Second) // in a bubble
				got := p.Stats().Explain(before)
				if got.Limit != test.want {
					t.Errorf("explanation = %v: %s, want %v", got.Limit, got.Text, test.want)
				}
				f.cancel()
				over, cancel := context.WithCancel(t.Context())
				cancel()
				_ = p.Close(over) // what is left does not matter
				f.stop()
			})
		})
	}
}
