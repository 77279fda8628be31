package kintest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/kintest/internal/proto"
	"github.com/kinstream/kin/kintest/internal/seqnum"
)

// TestNothingIsLostWhileShardsChange puts, reads and reshards at the same time, and
// then accounts for every record: read once, in the order of its key, with numbers
// that grow along the family of shards.
func TestNothingIsLostWhileShardsChange(t *testing.T) {
	t.Parallel()
	s, err := kintest.NewServer(kintest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	e := engine{t, s}
	if err := s.CreateStream(orders, 3); err != nil {
		t.Fatal(err)
	}
	const writers, keys, batches = 4, 5, 150
	var writing, resharding sync.WaitGroup
	var written, changes atomic.Int64
	var done atomic.Bool
	for w := range writers {
		writing.Go(func() { written.Add(writeInOrder(e, w, keys, batches, &changes)) })
	}
	resharding.Go(func() {
		r := rand.New(rand.NewPCG(1, 2))
		for !done.Load() {
			reshardAtRandom(e, r)
			changes.Add(1)
		}
	})
	var reader familyReader
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		reader.read(e, []string{idOf(0), idOf(1), idOf(2)}, &done)
	}()
	writing.Wait()
	done.Store(true)
	resharding.Wait()
	<-reading
	reader.check(t, written.Load())
	e.checkSequenceRanges(allShards(e))
}

// allShards is ListShards without a bound.
func allShards(e engine) (all []types.Shard) {
	after := &types.ShardFilter{Type: types.ShardFilterTypeFromTrimHorizon}
	for {
		page := e.shards(orders, after)
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		after = &types.ShardFilter{Type: types.ShardFilterTypeAfterShardId, ShardId: page[len(page)-1].ShardId}
	}
}

// writeInOrder puts numbered records for some keys, by both operations, until there
// were enough batches and changes of the shards. A key is one writer's, so that its
// order is known.
func writeInOrder(e engine, w, keys, batches int, changes *atomic.Int64) (n int64) {
	next := make([]int, keys)
	text := func(k int) (key, data string) {
		key = fmt.Sprintf("w%d-k%d", w, k)
		next[k]++
		n++
		return key, fmt.Sprintf("%s %d", key, next[k])
	}
	for b := 0; b < batches || changes.Load() < 20; b++ {
		if b%3 == 0 {
			key, data := text(b % keys)
			e.put(orders, key, data)
			continue
		}
		in := proto.PutRecordsRequest{StreamName: new(orders), HasRecords: true}
		for i := range 40 {
			in.Records = append(in.Records, entry(text(i%keys)))
		}
		var out proto.PutRecordsReply
		if err := e.PutRecords(&in, &out); err != nil || out.Failed > 0 {
			e.t.Errorf("PutRecords: %d failed, %v", out.Failed, err)
		}
	}
	return n
}

// reshardAtRandom makes one change of the shards.
func reshardAtRandom(e engine, r *rand.Rand) {
	open := slices.DeleteFunc(e.Shards(orders), func(s kintest.ShardInfo) bool { return !s.Open })
	var err error
	switch {
	case len(open) > 12:
		err = e.Reshard(orders, 2)
	case len(open) == 1 || r.IntN(3) > 0:
		_, err = e.SplitShard(orders, open[r.IntN(len(open))].ID)
	default:
		err = e.Reshard(orders, 1+r.IntN(12))
	}
	if err != nil {
		e.t.Errorf("reshard: %v", err)
	}
}

// familyReader reads shards and then their children.
type familyReader struct {
	mu   sync.Mutex
	data map[string][]string      // key -> data in the order of reading
	last map[string]seqnum.Number // key -> number of the last record
	bad  []string
	wg   sync.WaitGroup
	seen map[string]int // child -> parents that ended
}

func (f *familyReader) begin() {
	f.data, f.last, f.seen = map[string][]string{}, map[string]seqnum.Number{}, map[string]int{}
}

func (f *familyReader) read(e engine, shards []string, done *atomic.Bool) {
	f.begin()
	for _, id := range shards {
		f.wg.Go(func() { f.shard(e, id, done) })
	}
	f.wg.Wait()
}

// shard reads one shard to its end, or until everything is written and nothing is left.
func (f *familyReader) shard(e engine, id string, done *atomic.Bool) {
	it := e.from(orders, id, types.ShardIteratorTypeTrimHorizon)
	for {
		last := done.Load()
		page := e.get(it)
		f.note(&page)
		if page.NextShardIterator == "" {
			for _, child := range page.ChildShards {
				if f.ready(&child) {
					f.wg.Go(func() { f.shard(e, *child.ShardId, done) })
				}
			}
			return
		}
		if it = page.NextShardIterator; last && len(page.Records) == 0 {
			// An open shard that is at rest; one that was closed meanwhile goes on.
			if e.get(it).ChildShards == nil {
				return
			}
		}
	}
}

// ready counts the parents of a child that were read.
func (f *familyReader) ready(child *types.ChildShard) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen[*child.ShardId]++
	return f.seen[*child.ShardId] == len(child.ParentShards)
}

func (f *familyReader) note(page *proto.GetRecordsReply) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range page.Records {
		key := string(r.Key)
		if r.Seq.Compare(f.last[key]) <= 0 {
			f.bad = append(f.bad, fmt.Sprintf("%s has number %s after %s", r.Data, r.Seq, f.last[key]))
		}
		f.last[key] = r.Seq
		f.data[key] = append(f.data[key], string(r.Data))
	}
}

func (f *familyReader) check(t *testing.T, written int64) {
	t.Helper()
	read := 0
	for key, all := range f.data {
		for i, data := range all {
			if want := fmt.Sprintf("%s %d", key, i+1); data != want {
				t.Errorf("record %d of %s = %q, want %q", i, key, data, want)
				break
			}
		}
		read += len(all)
	}
	if int64(read) != written {
		t.Errorf("%d records read, %d written", read, written)
	}
	if len(f.bad) > 0 {
		t.Errorf("%d numbers out of order: %s", len(f.bad), strings.Join(f.bad[:min(3, len(f.bad))], "; "))
	}
}
