package kin_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/aggregate"
	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/kintest"
)

// readable is a user record in the stream.
type readable struct {
	id      string // its data
	key     string
	shard   string
	seq     string
	sub     int
	dropped bool // by consumers that keep KCL's rule
}

// compareSequences compares sequence numbers.
func compareSequences(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// readByKCL reads all that is in a stream by KCL's rule: an aggregated record of which one user record
// does not belong to the shard that it is in is dropped as a whole. Records come in the order of their numbers,
// which is that of acceptance for each key, also from shard to shard.
func readByKCL(tb testing.TB, s *kintest.Server, stream string) (all []readable) {
	tb.Helper()
	ranges := map[string]hashkey.Range{}
	for _, shard := range s.Shards(stream) {
		start, err1 := hashkey.Parse(shard.StartingHashKey)
		end, err2 := hashkey.Parse(shard.EndingHashKey)
		if err := errors.Join(err1, err2); err != nil {
			tb.Fatal(err)
		}
		ranges[shard.ID] = hashkey.Range{Start: start, End: end}
	}
	for _, r := range s.Records(stream) {
		packed, ok := aggregate.Parse(r.Data)
		if !ok {
			all = append(all, readable{id: string(r.Data), key: r.PartitionKey, shard: r.ShardID, seq: r.SequenceNumber})
			continue
		}
		first, dropped := len(all), false
		for user, err := range packed.Records() {
			if err != nil {
				tb.Fatalf("user record in %s: %v", r.SequenceNumber, err)
			}
			all = append(all, readable{id: string(user.Data), key: user.PartitionKey, shard: r.ShardID, seq: r.SequenceNumber, sub: user.Index})
			hash, err := hashkey.Parse(user.ExplicitHashKey)
			if user.ExplicitHashKey == "" {
				hash, err = hashkey.Of(user.PartitionKey), nil
			}
			dropped = dropped || err != nil || !ranges[r.ShardID].Contains(hash)
		}
		for i := range all[first:] {
			all[first+i].dropped = dropped
		}
	}
	slices.SortStableFunc(all, func(a, b readable) int { return cmp.Or(compareSequences(a.seq, b.seq), cmp.Compare(a.sub, b.sub)) })
	return all
}

// putHistory is a producer that puts while everything goes wrong, and what it was told.
type putHistory struct {
	cfg   kin.ProducerConfig
	lies  bool // answers may name other shards than those that took the records
	reads []readable

	mu      sync.Mutex
	answers map[string]answered // by the data of records
	refused map[string]bool
	ids     []string // in the order in which they were put, for each key
	keyOf   map[string]string
}

func (h *putHistory) put(p *kin.Producer, rec kin.UserRecord) {
	id := string(rec.Data)
	h.mu.Lock()
	h.ids = append(h.ids, id)
	h.keyOf[id] = rec.PartitionKey + "/" + rec.ExplicitHashKey
	h.mu.Unlock()
	err := p.PutAsync(context.Background(), rec, func(result kin.PutResult, err error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.answers[id] = answered{result: result, err: err, times: h.answers[id].times + 1}
	})
	if err != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.refused[id] = true
	}
}

// check holds the answers against what can be read.
func (h *putHistory) check(tb testing.TB) (stored, moved int) {
	tb.Helper()
	places := map[string][]readable{}
	for _, r := range h.reads {
		places[r.id] = append(places[r.id], r)
	}
	for _, id := range h.ids {
		answer, at := h.answers[id], places[id]
		if h.refused[id] {
			if answer.times != 0 || len(at) != 0 {
				tb.Errorf("%s was not accepted, and answered %d times, and is there %d times", id, answer.times, len(at))
			}
			continue
		}
		if answer.times != 1 {
			tb.Errorf("%s: answers = %d, want 1", id, answer.times)
			continue
		}
		if e, failed := errors.AsType[*kin.PutError](answer.err); failed {
			if !e.Ambiguous && len(at) > 0 {
				tb.Errorf("%s: there %d times, reported as not stored: %v", id, len(at), e)
			}
			continue
		}
		stored++
		if answer.result.MaybeDuplicate {
			moved++
		} else if len(at) != 1 {
			tb.Errorf("%s: there %d times, reported as stored once", id, len(at))
		}
		if !slices.ContainsFunc(at, func(r readable) bool {
			return !r.dropped && r.seq == string(answer.result.SequenceNumber) && r.sub == answer.result.SubSequence &&
				(h.lies || r.shard == string(answer.result.ShardID))
		}) {
			tb.Errorf("%s: reported at %+v, where no consumer by KCL's rule reads it: %+v", id, answer.result, at)
		}
	}
	if h.cfg.Ordered {
		h.checkOrder(tb)
	}
	return stored, moved
}

// checkOrder wants the first occurrences of the records of each key in the order of acceptance.
func (h *putHistory) checkOrder(tb testing.TB) {
	tb.Helper()
	want, seen := map[string][]string{}, map[string]bool{}
	got := map[string][]string{}
	for _, r := range h.reads {
		if !r.dropped && !seen[r.id] {
			seen[r.id] = true
			got[h.keyOf[r.id]] = append(got[h.keyOf[r.id]], r.id)
		}
	}
	for _, id := range h.ids {
		if seen[id] {
			want[h.keyOf[id]] = append(want[h.keyOf[id]], id)
		}
	}
	for key := range want {
		if !slices.Equal(got[key], want[key]) {
			tb.Errorf("records of %s are out of order:\ngot  %v\nwant %v", key, got[key], want[key])
		}
	}
}

// reshard splits and merges shards at random until the context ends.
func reshard(ctx context.Context, s *kintest.Server, r *rand.Rand, every time.Duration) {
	for ctx.Err() == nil {
		time.Sleep(time.Duration(float64(every) * r.ExpFloat64())) // in a bubble
		var open []kintest.ShardInfo
		for _, shard := range s.Shards("orders") {
			if shard.Open {
				open = append(open, shard)
			}
		}
		slices.SortFunc(open, func(a, b kintest.ShardInfo) int { return compareSequences(a.StartingHashKey, b.StartingHashKey) })
		at := r.IntN(len(open))
		if len(open) > 2 && r.IntN(2) == 0 {
			at = min(at, len(open)-2)
			_, _ = s.MergeShards("orders", open[at].ID, open[at+1].ID) // what can't be done is not done
		} else {
			_, _ = s.SplitShard("orders", open[at].ID)
		}
	}
}

// historyFaults are what goes wrong in histories, besides reshards.
func historyFaults(r *rand.Rand, lies bool) (faults []kintest.Fault) {
	for _, name := range []string{
		"throttled records", "records that failed inside", "records that failed when stored", "a throttled call", "an internal failure when stored",
		"a connection cut before", "a connection cut when stored", "a connection cut in the answer", "expired credentials",
	} {
		fault := putFaults[name]
		fault.Operation, fault.Probability, fault.Seed = "PutRecords", 0.02, r.Uint64()
		faults = append(faults, fault)
	}
	for _, op := range []string{"ListShards", "DescribeStreamSummary"} {
		faults = append(faults, kintest.Fault{Operation: op, Error: "LimitExceededException", Probability: 0.3, Seed: r.Uint64()})
	}
	if lies {
		faults = append(faults, kintest.Fault{
			Operation: "PutRecords", Probability: 0.05, Seed: r.Uint64(),
			ShardID: func(string) string { return "shardId-000000001000" }, // none that there is
		})
	}
	return faults
}

// runHistory lets a producer live through one.
func runHistory(t *testing.T, cfg kin.ProducerConfig, seed uint64) (stored, moved int) {
	t.Helper()
	return runHistoryWith(t, cfg, seed, func(c *kinesis.Client) kin.PutClient { return c })
}

// runHistoryWith is runHistory with a client between the producer and the true one.
func runHistoryWith(t *testing.T, cfg kin.ProducerConfig, seed uint64, between func(*kinesis.Client) kin.PutClient) (stored, moved int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	s := serve(t, 1+r.IntN(6))
	lies := r.IntN(2) == 0
	for _, fault := range historyFaults(r, lies) {
		defer s.Inject(fault)()
	}
	cfg.RecordTTL = time.Duration(20+r.IntN(60)) * time.Second
	cfg.CallTimeout = 3 * time.Second
	cfg.Linger = time.Duration(1+r.IntN(200)) * time.Millisecond
	cfg.MaxInFlight = 1 + r.IntN(8)
	p := newProducer(t, between(client(s)), cfg)
	h := &putHistory{cfg: cfg, lies: lies, answers: map[string]answered{}, refused: map[string]bool{}, keyOf: map[string]string{}}
	ctx, cancel := context.WithCancel(t.Context())
	var wg, resharding sync.WaitGroup
	resharding.Go(func() { reshard(ctx, s, rand.New(rand.NewPCG(seed, 2)), 4*time.Second) })
	for g := range 4 {
		mine := rand.New(rand.NewPCG(seed, uint64(g)+3))
		wg.Go(func() {
			for i := range 300 {
				rec := kin.UserRecord{PartitionKey: fmt.Sprintf("g%d-k%d", g, mine.IntN(12)), Data: fmt.Appendf(nil, "g%d-%d", g, i)}
				if mine.IntN(10) == 0 {
					rec.ExplicitHashKey = hashkey.Key{Hi: mine.Uint64() &^ (1<<61 - 1)}.String()
				}
				h.put(p, rec)
				if mine.IntN(3) == 0 {
					time.Sleep(time.Duration(mine.IntN(300)) * time.Millisecond)
				}
			}
		})
	}
	wg.Wait()
	if r.IntN(3) == 0 {
		impatient, stop := context.WithTimeout(t.Context(), time.Duration(r.IntN(3000))*time.Millisecond)
		defer stop()
		_ = p.Close(impatient) // the history says whether its answers are right
	}
	_ = p.Close(t.Context())
	cancel()
	resharding.Wait()
	h.reads = readByKCL(t, s, "orders")
	return h.check(t)
}

// TestProducerHistories puts through reshards, throttling, failures, failures after success and answers
// that name wrong shards, closes at any moment, and holds every answer against what a consumer by KCL's
// rule reads.
func TestProducerHistories(t *testing.T) {
	t.Parallel()
	for name, aggregation := range map[string]kin.Aggregation{
		"alone": kin.NoAggregation, "by shard": kin.AggregateByShard, "by partition key": kin.AggregateByPartitionKey,
	} {
		for _, ordered := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, ordered %v", name, ordered), func(t *testing.T) {
				t.Parallel()
				total, again := 0, 0
				for range 8 {
					seed := rand.Uint64()
					synctest.Test(t, func(t *testing.T) {
						stored, moved := runHistory(t, kin.ProducerConfig{Aggregation: aggregation, Ordered: ordered}, seed)
						total, again = total+stored, again+moved
					})
					if t.Failed() {
						t.Fatalf("seed %d", seed)
					}
				}
				t.Logf("stored %d, of them %d perhaps more than once", total, again)
				if total < 8*300*4/2 {
					t.Errorf("stored = %d, want at least half", total)
				}
			})
		}
	}
}
