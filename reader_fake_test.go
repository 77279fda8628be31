package kin_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/internal/hashkey"
)

// fakeStream is a stream in memory that misbehaves as tests ask. It is what tests
// use that need a server worse than kintest is willing to be. Its sequence numbers
// count from 1000, and its times are those of the bubble.
type fakeStream struct {
	pageOfRecords int  // records per answer at most; 0: what was asked for
	pageOfShards  int  // shards per page of a listing; 0: all
	lagAlwaysZero bool // as some servers do
	noChildShards bool // as some servers do
	emptyBefore   bool // a closed shard gives an empty answer with a lag of 0 first

	// fault is asked before each call. While reading, change it by setFault.
	fault func(op, shard string) error

	// tellChildren changes what the end of a shard tells.
	tellChildren func(id string, children []types.ChildShard)

	// hide keeps a shard out of listings.
	hide func(id string) bool

	// late is called before a listing is answered that shows what was there before.
	late func()

	mu     sync.Mutex
	shards []*fakeShard
	next   int
	calls  map[string]int
	times  map[string][]time.Time // of GetRecords, by shard
}

type fakeShard struct {
	types.Shard
	records   []types.Record
	trimmed   bool
	gaveEmpty bool
}

func newFakeStream(shards int) *fakeStream {
	f := &fakeStream{next: 1000, calls: map[string]int{}, times: map[string][]time.Time{}}
	for _, keys := range hashkey.Even(shards) {
		f.add(keys)
	}
	return f
}

func (f *fakeStream) add(keys hashkey.Range, parents ...*fakeShard) {
	s := &fakeShard{Shard: types.Shard{
		ShardId:             new(fmt.Sprintf("shardId-%012d", len(f.shards))),
		HashKeyRange:        &types.HashKeyRange{StartingHashKey: new(keys.Start.String()), EndingHashKey: new(keys.End.String())},
		SequenceNumberRange: &types.SequenceNumberRange{StartingSequenceNumber: new(f.sequence())},
	}}
	for i, p := range parents {
		p.SequenceNumberRange.EndingSequenceNumber = new(f.sequence())
		if i == 0 {
			s.ParentShardId = p.ShardId
		} else {
			s.AdjacentParentShardId = p.ShardId
		}
	}
	f.shards = append(f.shards, s)
}

func (f *fakeStream) sequence() string {
	f.next++
	return strconv.Itoa(f.next)
}

func (f *fakeStream) keys(s *fakeShard) hashkey.Range {
	start, _ := hashkey.Parse(*s.HashKeyRange.StartingHashKey)
	end, _ := hashkey.Parse(*s.HashKeyRange.EndingHashKey)
	return hashkey.Range{Start: start, End: end}
}

// put puts records with these data into a shard, all with the partition key "key".
func (f *fakeStream) put(shard int, data ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range data {
		f.shards[shard].records = append(f.shards[shard].records, types.Record{
			Data: []byte(d), PartitionKey: new("key"), SequenceNumber: new(f.sequence()), ApproximateArrivalTimestamp: new(time.Now()),
		})
	}
}

func (f *fakeStream) split(shard int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	parent := f.shards[shard]
	keys := f.keys(parent)
	middle, _ := keys.Middle()
	low, high, _ := keys.Split(middle)
	f.add(low, parent)
	f.add(high, parent)
}

func (f *fakeStream) merge(shard, adjacent int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, b := f.shards[shard], f.shards[adjacent]
	keys, ok := f.keys(a).Merge(f.keys(b))
	if !ok {
		panic("not adjacent")
	}
	f.add(keys, a, b)
}

// trim takes a shard away, as the service does when its last record is too old.
func (f *fakeStream) trim(shard int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shards[shard].trimmed = true
}

func (f *fakeStream) count(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

// begin counts a call, and fails it if the test says so.
func (f *fakeStream) begin(ctx context.Context, op, shard string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f.mu.Lock()
	f.calls[op]++
	if op == "GetRecords" {
		f.times[shard] = append(f.times[shard], time.Now())
	}
	fault := f.fault
	f.mu.Unlock()
	if fault != nil {
		return fault(op, shard)
	}
	return nil
}

func (f *fakeStream) setFault(fault func(op, shard string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

func (f *fakeStream) ListShards(ctx context.Context, in *kinesis.ListShardsInput, _ ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	if err := f.begin(ctx, "ListShards", ""); err != nil {
		return nil, err
	}
	if f.late != nil {
		defer f.late()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []types.Shard
	for _, s := range f.shards {
		if !s.trimmed && (f.hide == nil || !f.hide(*s.ShardId)) {
			c := s.Shard
			c.SequenceNumberRange = new(*s.SequenceNumberRange)
			all = append(all, c)
		}
	}
	first := 0
	if in.NextToken != nil {
		first, _ = strconv.Atoi(*in.NextToken)
	}
	out := &kinesis.ListShardsOutput{Shards: all[min(first, len(all)):]}
	if f.pageOfShards > 0 && len(out.Shards) > f.pageOfShards {
		out.Shards = out.Shards[:f.pageOfShards]
		out.NextToken = new(strconv.Itoa(first + f.pageOfShards))
	}
	return out, nil
}

func (f *fakeStream) DescribeStreamSummary(ctx context.Context, _ *kinesis.DescribeStreamSummaryInput, _ ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error) {
	if err := f.begin(ctx, "DescribeStreamSummary", ""); err != nil {
		return nil, err
	}
	return &kinesis.DescribeStreamSummaryOutput{StreamDescriptionSummary: &types.StreamDescriptionSummary{
		StreamARN: new("arn:aws:kinesis:us-east-1:000000000000:stream/orders"), StreamCreationTimestamp: new(time.Unix(1_700_000_000, 0)),
	}}, nil
}

func (f *fakeStream) find(id string) (*fakeShard, error) {
	for _, s := range f.shards {
		if *s.ShardId == id && !s.trimmed {
			return s, nil
		}
	}
	return nil, &types.ResourceNotFoundException{Message: new("Shard " + id + " in stream orders under account 000000000000 does not exist")}
}

// GetShardIterator answers with the shard and the index of the next record.
func (f *fakeStream) GetShardIterator(ctx context.Context, in *kinesis.GetShardIteratorInput, _ ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
	if err := f.begin(ctx, "GetShardIterator", *in.ShardId); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s, err := f.find(*in.ShardId)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(s.records, func(r types.Record) bool {
		switch in.ShardIteratorType {
		case types.ShardIteratorTypeTrimHorizon:
			return true
		case types.ShardIteratorTypeAtTimestamp:
			return !r.ApproximateArrivalTimestamp.Before(*in.Timestamp)
		case types.ShardIteratorTypeAtSequenceNumber:
			return number(*r.SequenceNumber) >= number(*in.StartingSequenceNumber)
		case types.ShardIteratorTypeAfterSequenceNumber:
			return number(*r.SequenceNumber) > number(*in.StartingSequenceNumber)
		case types.ShardIteratorTypeLatest:
		}
		return false
	})
	if at < 0 {
		at = len(s.records)
	}
	return &kinesis.GetShardIteratorOutput{ShardIterator: new(fmt.Sprintf("%s/%d", *in.ShardId, at))}, nil
}

func (f *fakeStream) GetRecords(ctx context.Context, in *kinesis.GetRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	id, index, _ := strings.Cut(*in.ShardIterator, "/")
	if err := f.begin(ctx, "GetRecords", id); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s, err := f.find(id)
	if err != nil {
		return nil, err
	}
	if f.emptyBefore && s.SequenceNumberRange.EndingSequenceNumber != nil && !s.gaveEmpty {
		s.gaveEmpty = true
		return &kinesis.GetRecordsOutput{MillisBehindLatest: new(int64(0)), NextShardIterator: in.ShardIterator}, nil
	}
	at, _ := strconv.Atoi(index)
	limit := int(*in.Limit)
	if f.pageOfRecords > 0 {
		limit = min(limit, f.pageOfRecords)
	}
	records := s.records[at:min(at+limit, len(s.records))]
	at += len(records)
	out := &kinesis.GetRecordsOutput{
		Records: slices.Clone(records), MillisBehindLatest: new(int64(0)), NextShardIterator: new(fmt.Sprintf("%s/%d", id, at)),
	}
	if at < len(s.records) && !f.lagAlwaysZero {
		out.MillisBehindLatest = new(1 + time.Since(*s.records[at].ApproximateArrivalTimestamp).Milliseconds())
	}
	if at == len(s.records) && s.SequenceNumberRange.EndingSequenceNumber != nil {
		out.NextShardIterator = nil
		if !f.noChildShards {
			out.ChildShards = f.children(id)
		}
	}
	return out, nil
}

func (f *fakeStream) children(id string) []types.ChildShard {
	var children []types.ChildShard
	for _, c := range f.shards {
		var parents []string
		for _, p := range []*string{c.ParentShardId, c.AdjacentParentShardId} {
			if p != nil {
				parents = append(parents, *p)
			}
		}
		if slices.Contains(parents, id) {
			children = append(children, types.ChildShard{ShardId: c.ShardId, ParentShards: parents, HashKeyRange: c.HashKeyRange})
		}
	}
	if f.tellChildren != nil {
		f.tellChildren(id, children)
	}
	return children
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

// shardID is the ID of the shard with that number.
func shardID(n int) kin.ShardID { return kin.ShardID(fmt.Sprintf("shardId-%012d", n)) }

func newReader(t testing.TB, client kin.ReadClient, configure ...func(*kin.ReaderConfig)) *kin.Reader {
	t.Helper()
	cfg := kin.ReaderConfig{Stream: "orders"}
	for _, c := range configure {
		c(&cfg)
	}
	r, err := kin.NewReader(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// toTip is a configuration that reads what is there.
func toTip(cfg *kin.ReaderConfig) { cfg.Until = kin.AtTip() }

// read returns the data of up to n records. n < 0 means all until the sequence ends.
// The last one counts as read, because the loop ends in the body of the one after
// it, or after a time without one.
func read(t testing.TB, r *kin.Reader, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	var data []string
	for rec, err := range r.Records(ctx) {
		if len(data) == n {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, string(rec.Data))
	}
	return data
}

func wants(t testing.TB, got []string, want string) {
	t.Helper()
	if text := strings.Join(got, " "); text != want {
		t.Fatalf("read %q, want %q", text, want)
	}
}
