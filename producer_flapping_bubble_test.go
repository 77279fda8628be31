package kin_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
)

// flapping is a client whose listings and descriptions are wrong in every way: stale, cut short, in no
// order, with overlaps, and sometimes of a stream whose shards the service chooses.
type flapping struct {
	*kinesis.Client

	mu     sync.Mutex
	random *rand.Rand
	stale  *kinesis.ListShardsOutput
}

func (f *flapping) ListShards(ctx context.Context, in *kinesis.ListShardsInput, options ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	out, err := f.Client.ListShards(ctx, in, options...)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		return out, err
	}
	if f.stale == nil || f.random.IntN(6) == 0 {
		f.stale = out
	}
	if f.random.IntN(2) == 0 {
		out = f.stale // also for long
	}
	shards := append([]types.Shard{}, out.Shards...)
	f.random.Shuffle(len(shards), func(i, j int) { shards[i], shards[j] = shards[j], shards[i] })
	switch f.random.IntN(5) {
	case 0:
		shards = shards[:f.random.IntN(len(shards)+1)]
	case 1:
		shards = append(shards, f.stale.Shards...)
	}
	return &kinesis.ListShardsOutput{Shards: shards}, nil
}

func (f *flapping) DescribeStreamSummary(ctx context.Context, in *kinesis.DescribeStreamSummaryInput, options ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error) {
	out, err := f.Client.DescribeStreamSummary(ctx, in, options...)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil && f.random.IntN(4) == 0 {
		out.StreamDescriptionSummary.RecordDistributionStrategy = types.RecordDistributionStrategyAuto
	}
	return out, err
}

// TestProducerHistoriesOfFlappingViews is TestProducerHistories with views of the stream that are wrong for
// most of the time.
func TestProducerHistoriesOfFlappingViews(t *testing.T) {
	t.Parallel()
	for name, aggregation := range map[string]kin.Aggregation{
		"alone": kin.NoAggregation, "by shard": kin.AggregateByShard, "by partition key": kin.AggregateByPartitionKey,
	} {
		for _, ordered := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, ordered %v", name, ordered), func(t *testing.T) {
				t.Parallel()
				total := 0
				for range flappingHistories {
					seed := rand.Uint64()
					synctest.Test(t, func(t *testing.T) {
						cfg := kin.ProducerConfig{Aggregation: aggregation, Ordered: ordered, DescribeEvery: 2 * time.Second}
						stored, _ := runHistoryWith(t, cfg, seed, func(c *kinesis.Client) kin.PutClient {
							return &flapping{Client: c, random: rand.New(rand.NewPCG(seed, 7))}
						})
						total += stored
					})
					if t.Failed() {
						t.Fatalf("seed %d", seed)
					}
				}
				if total == 0 {
					t.Error("nothing was stored")
				}
			})
		}
	}
}

const flappingHistories = 2
