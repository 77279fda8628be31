package client_test

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/e2e/server"
)

// testTimeout bounds one test. The slowest server moves 1 MB a second, and programs of other languages take seconds to start
// where many things run.
const testTimeout = 4 * time.Minute

// setup is a stream on a server.
type setup struct {
	*kinesis.Client

	ctx    context.Context
	server *server.Server
	stream string
}

var streamCount atomic.Int64

// newSetup makes a stream of its own on the server.
func newSetup(t *testing.T, s *server.Server, shards int32) *setup {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	u := &setup{Client: s.Client(), ctx: ctx, server: s, stream: fmt.Sprintf("client-%d", streamCount.Add(1))}
	if _, err := u.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &u.stream, ShardCount: &shards}); err != nil {
		t.Fatalf("create stream: %v", err)
	}
	u.waitActive(t)
	return u
}

func (u *setup) waitActive(t testing.TB) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		out, err := u.DescribeStreamSummary(u.ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &u.stream})
		if err != nil {
			t.Errorf("describe stream: %v", err)
			return
		}
		if out.StreamDescriptionSummary.StreamStatus == types.StreamStatusActive {
			return
		}
		<-tick.C
	}
}

// open returns the open shards in the order of their ranges.
func (u *setup) open(t testing.TB) []types.Shard {
	t.Helper()
	out, err := u.ListShards(u.ctx, &kinesis.ListShardsInput{StreamName: &u.stream})
	if err != nil {
		t.Errorf("list shards: %v", err)
		return nil
	}
	shards := slices.DeleteFunc(out.Shards, func(s types.Shard) bool { return s.SequenceNumberRange.EndingSequenceNumber != nil })
	slices.SortFunc(shards, func(a, b types.Shard) int {
		return integer(a.HashKeyRange.StartingHashKey).Cmp(integer(b.HashKeyRange.StartingHashKey))
	})
	return shards
}

// split halves the first open shard.
func (u *setup) split(t testing.TB) {
	t.Helper()
	s := u.open(t)[0]
	middle := integer(s.HashKeyRange.StartingHashKey)
	middle.Add(middle, integer(s.HashKeyRange.EndingHashKey)).Rsh(middle, 1)
	_, err := u.SplitShard(u.ctx, &kinesis.SplitShardInput{
		StreamName: &u.stream, ShardToSplit: s.ShardId, NewStartingHashKey: aws.String(middle.String()),
	})
	if err != nil {
		t.Errorf("split shard: %v", err)
	}
	u.waitActive(t)
}

// merge merges the last two open shards.
func (u *setup) merge(t testing.TB) {
	t.Helper()
	open := u.open(t)
	left, right := open[len(open)-2], open[len(open)-1]
	_, err := u.MergeShards(u.ctx, &kinesis.MergeShardsInput{
		StreamName: &u.stream, ShardToMerge: left.ShardId, AdjacentShardToMerge: right.ShardId,
	})
	if err != nil {
		t.Errorf("merge shards: %v", err)
	}
	u.waitActive(t)
}

func integer(decimal *string) *big.Int {
	n, ok := new(big.Int).SetString(aws.ToString(decimal), 10)
	if !ok {
		return new(big.Int)
	}
	return n
}

// reader returns a Reader without the service's pace, which local servers do not ask for.
func (u *setup) reader(t *testing.T, change func(*kin.ReaderConfig)) *kin.Reader {
	t.Helper()
	cfg := kin.ReaderConfig{
		Stream: u.stream, MaxCallsPerSecond: -1, MaxBytesPerSecond: -1,
		MinIdleWait: 10 * time.Millisecond, MaxIdleWait: 50 * time.Millisecond, ListEvery: time.Second,
	}
	if change != nil {
		change(&cfg)
	}
	r, err := kin.NewReader(u.Client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// untilTip is for a Reader that stops at the tip.
func (u *setup) untilTip(t *testing.T) *kin.Reader {
	t.Helper()
	return u.reader(t, func(cfg *kin.ReaderConfig) { cfg.Until = kin.AtTip() })
}

// onEach runs a test against a server of each kind.
func onEach(t *testing.T, test func(t *testing.T, s *server.Server)) {
	t.Helper()
	for _, kind := range server.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			test(t, kind.Start(t))
		})
	}
}

// share is how many records a test uses: all of them where the server is fast.
func share(s *server.Server, records int) int {
	if s.Name == server.KinesisLocal().Name {
		return records / 10
	}
	return records
}
