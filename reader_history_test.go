package kin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/aggregate"
	"github.com/kinstream/kin/kintest"
)

// TestReaderHistory puts keyed records, plain and aggregated, while shards are split
// and merged and calls fail, and reads them in runs that end at random moments and
// are resumed from Positions: by the same reader, or by a new one from JSON. Every
// record must come exactly once, and those of a key in the order in which they were put.
func TestReaderHistory(t *testing.T) {
	t.Parallel()
	seeds := []uint64{1, 2, 3, 4, 5, 6, 7, rand.Uint64()}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newHistory(t, seed).run() })
		})
	}
}

const historyKeys = 12

type history struct {
	t      *testing.T
	server *kintest.Server
	seed   uint64

	put  [historyKeys]int // how many records of each key were put
	done atomic.Bool      // nothing more is put

	read  [historyKeys]int // the number that each key expects next
	total int
	runs  int
}

func newHistory(t *testing.T, seed uint64) *history {
	return &history{t: t, seed: seed, server: serve(t, 1+int(seed%3))}
}

func (h *history) run() {
	var world sync.WaitGroup
	defer world.Wait()
	world.Go(func() { h.produce(rand.New(rand.NewPCG(h.seed, 1))) })
	world.Go(func() { h.disturb(rand.New(rand.NewPCG(h.seed, 2))) })
	h.inject()

	rng := rand.New(rand.NewPCG(h.seed, 3))
	positions := map[kin.ShardID]kin.Position(nil)
	var r *kin.Reader
	for h.runs = 0; ; h.runs++ {
		last := h.done.Load() // before the run: it sees everything then
		if r == nil || rng.IntN(2) == 0 {
			r = newReader(h.t, client(h.server), func(cfg *kin.ReaderConfig) {
				cfg.Positions = positions
				cfg.MaxRecords = 1 + rng.IntN(20)
				cfg.StartTimeout = -1
				if h.runs > 0 && rng.IntN(2) == 0 {
					cfg.From = kin.Latest() // must not matter once there are positions
				}
				if last {
					cfg.Until = kin.AtTip()
				}
			})
		} else if last {
			r = nil
			continue
		}
		ended := h.readRun(r, rng, last)
		positions = h.roundTrip(r.Positions())
		if last && ended {
			break
		}
	}
	for key, n := range h.put {
		if h.read[key] != n {
			h.t.Errorf("read %d records of key %d in %d runs, want %d", h.read[key], key, h.runs, n)
		}
	}
	h.t.Logf("%d records in %d runs over %d shards, %d faults", h.total, h.runs, len(h.server.Shards("orders")), h.server.FaultHits())
}

// readRun reads a random number of records, or for a random time, and reports
// whether the sequence ended by itself.
func (h *history) readRun(r *kin.Reader, rng *rand.Rand, last bool) (ended bool) {
	ctx, cancel := context.WithCancel(h.t.Context())
	defer cancel()
	limit := 1 + rng.IntN(60)
	if last {
		limit = 1 << 30
	} else {
		defer time.AfterFunc(time.Duration(1+rng.IntN(20_000))*time.Millisecond, cancel).Stop()
	}
	slow := rng.IntN(4) == 0
	for rec, err := range r.Records(ctx) {
		if err != nil {
			if ctx.Err() == nil {
				h.t.Fatalf("run %d: %v", h.runs, err)
			}
			return false
		}
		if limit--; limit < 0 {
			return false // this record counts as not read
		}
		h.check(rec)
		if slow {
			time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
		}
	}
	return true
}

func (h *history) check(rec kin.Record) {
	var key, n int
	if _, err := fmt.Sscanf(string(rec.Data), "%d:%d", &key, &n); err != nil {
		h.t.Fatalf("record %q: %v", rec.Data, err)
	}
	if want := fmt.Sprint("key ", key); rec.PartitionKey != want {
		h.t.Fatalf("record %q has partition key %q, want %q", rec.Data, rec.PartitionKey, want)
	}
	if want := h.read[key]; n != want {
		h.t.Fatalf("run %d: key %d: read number %d from %s at %v, want number %d", h.runs, key, n, rec.ShardID, rec.Position(), want)
	}
	h.read[key]++
	h.total++
}

func (h *history) roundTrip(positions map[kin.ShardID]kin.Position) map[kin.ShardID]kin.Position {
	text, err := json.Marshal(positions)
	must(h.t, 0, err)
	var back map[kin.ShardID]kin.Position
	must(h.t, 0, json.Unmarshal(text, &back))
	return back
}

// produce puts records, some of them several to an aggregated record.
func (h *history) produce(rng *rand.Rand) {
	defer h.done.Store(true)
	for range 400 {
		key := rng.IntN(historyKeys)
		next := func() string {
			h.put[key]++
			return fmt.Sprintf("%d:%d", key, h.put[key]-1)
		}
		name := fmt.Sprint("key ", key)
		data := []byte(next())
		if rng.IntN(3) == 0 {
			var b aggregate.Builder
			b.Add(aggregate.UserRecord{PartitionKey: name, Data: data})
			for range 1 + rng.IntN(8) {
				b.Add(aggregate.UserRecord{PartitionKey: name, Data: []byte(next())})
			}
			data = b.Pack(nil).Data
		}
		if _, err := h.server.Put("orders", name, data); err != nil {
			h.t.Error(err)
			return
		}
		if rng.IntN(3) == 0 {
			time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond)
		}
	}
}

// disturb reshards and expires iterators for as long as records are put.
func (h *history) disturb(rng *rand.Rand) {
	for !h.done.Load() {
		time.Sleep(time.Duration(rng.IntN(8000)) * time.Millisecond)
		var open []kintest.ShardInfo
		for _, s := range h.server.Shards("orders") {
			if s.Open {
				open = append(open, s)
			}
		}
		i := rng.IntN(len(open))
		switch rng.IntN(5) {
		case 0, 1:
			if len(open) < 8 {
				_, _ = h.server.SplitShard("orders", open[i].ID)
			}
		case 2:
			// Most pairs are not adjacent, and that is an error.
			for _, other := range open {
				if _, err := h.server.MergeShards("orders", open[i].ID, other.ID); err == nil {
					break
				}
			}
		case 3:
			h.server.ExpireIterators("orders")
		case 4:
			_ = h.server.Reshard("orders", 1+rng.IntN(5))
		}
	}
}

// inject makes calls fail in all ways.
func (h *history) inject() {
	for i, f := range []kintest.Fault{
		{Operation: "GetRecords", Error: "ProvisionedThroughputExceededException", Probability: 0.05},
		{Operation: "GetShardIterator", Error: "ProvisionedThroughputExceededException", Probability: 0.05},
		{Error: "InternalFailureException", Probability: 0.03},
		{Cut: kintest.CutBefore, Probability: 0.03},
		{Cut: kintest.CutMidBody, Probability: 0.03},
		{Operation: "GetRecords", Empty: true, Probability: 0.05},
		{Operation: "GetRecords", Hang: true, Probability: 0.003},
		{Delay: 700 * time.Millisecond, Probability: 0.05},
	} {
		f.Seed = h.seed*100 + uint64(i)
		h.server.Inject(f)
	}
}

// BenchmarkReaderPositions measures what asking for positions costs.
func BenchmarkReaderPositions(b *testing.B) {
	positions := map[kin.ShardID]kin.Position{}
	for i := range 1000 {
		positions[shardID(i)] = kin.AfterSequence(kin.SequenceNumber(strings.Repeat("4", 56)))
	}
	r := newReader(b, newFakeStream(1), func(cfg *kin.ReaderConfig) { cfg.Positions = positions })
	b.ReportAllocs()
	for b.Loop() {
		if len(r.Positions()) != 1000 {
			b.Fatal("positions are missing")
		}
	}
}
