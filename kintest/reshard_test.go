package kintest_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/kintest"
)

func (e engine) split(shard int, key string) {
	e.t.Helper()
	e.do("SplitShard", &kinesis.SplitShardInput{StreamName: new(orders), ShardToSplit: new(idOf(shard)), NewStartingHashKey: &key})
}

func (e engine) merge(shard, adjacent int) {
	e.t.Helper()
	e.do("MergeShards", &kinesis.MergeShardsInput{StreamName: new(orders), ShardToMerge: new(idOf(shard)), AdjacentShardToMerge: new(idOf(adjacent))})
}

func TestSplitAndMergeKeepFamilyAndOrder(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		middle := "170141183460469231731687303715884105728"
		e.put(orders, "k", "a")
		e.split(0, middle)
		e.put(orders, "k", "b")
		e.merge(2, 1) // ParentShardId is the one that was named first
		e.put(orders, "k", "c")

		shards := e.shards(orders, nil)
		if got := names(shards); got != "0 1 2 3" {
			e.t.Fatalf("shards = %s, want 0 1 2 3", got)
		}
		if sh := shards[1]; *sh.ParentShardId != idOf(0) || sh.AdjacentParentShardId != nil ||
			*sh.HashKeyRange.StartingHashKey != "0" || *sh.HashKeyRange.EndingHashKey != "170141183460469231731687303715884105727" {
			e.t.Errorf("first child = %s %v", *sh.ParentShardId, *sh.HashKeyRange)
		}
		if sh := shards[3]; *sh.ParentShardId != idOf(2) || *sh.AdjacentParentShardId != idOf(1) ||
			*sh.HashKeyRange.EndingHashKey != hashkey.Max().String() {
			e.t.Errorf("merged child = %s %s", *sh.ParentShardId, *sh.AdjacentParentShardId)
		}
		e.checkSequenceRanges(shards)
		var got []byte
		for _, r := range e.Records(orders) {
			got = append(got, r.Data...)
		}
		if string(got) != "abc" {
			e.t.Errorf("records in the order of shards = %q, want abc", got)
		}
	})
}

// checkSequenceRanges checks that parents end before their children begin, and that
// all records lie within the range of their shard.
func (e engine) checkSequenceRanges(shards []types.Shard) {
	e.t.Helper()
	byID := map[string]types.Shard{}
	for _, sh := range shards {
		byID[*sh.ShardId] = sh
	}
	for _, sh := range shards {
		for _, parent := range []*string{sh.ParentShardId, sh.AdjacentParentShardId} {
			if parent == nil {
				continue
			}
			p := byID[*parent]
			if e.sequence(p.SequenceNumberRange.EndingSequenceNumber).Compare(e.sequence(sh.SequenceNumberRange.StartingSequenceNumber)) >= 0 {
				e.t.Errorf("%s begins before its parent %s ends", *sh.ShardId, *parent)
			}
		}
	}
	for _, r := range e.Records(orders) {
		seqs := byID[r.ShardID].SequenceNumberRange
		n := e.sequence(&r.SequenceNumber)
		if n.Compare(e.sequence(seqs.StartingSequenceNumber)) <= 0 ||
			seqs.EndingSequenceNumber != nil && n.Compare(e.sequence(seqs.EndingSequenceNumber)) >= 0 {
			e.t.Errorf("record %s is outside of %s", r.SequenceNumber, r.ShardID)
		}
	}
}

func TestReshardingRefuses(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 3)
		e.split(0, "1000")
		split := func(id, key string) *kinesis.SplitShardInput {
			return &kinesis.SplitShardInput{StreamName: new(orders), ShardToSplit: &id, NewStartingHashKey: &key}
		}
		merge := func(a, b int) *kinesis.MergeShardsInput {
			return &kinesis.MergeShardsInput{StreamName: new(orders), ShardToMerge: new(idOf(a)), AdjacentShardToMerge: new(idOf(b))}
		}
		closed := "Shard shardId-000000000000 in stream orders under account 000000000000 has already been merged or split, and thus is not eligible for merging or splitting."
		for _, c := range []struct {
			op            string
			in            any
			code, message string
		}{
			{"SplitShard", split(idOf(0), "500"), "InvalidArgumentException", closed},
			{"MergeShards", merge(0, 1), "InvalidArgumentException", closed},
			{"SplitShard", split(idOf(77), "500"), "ResourceNotFoundException", "Could not find shard shardId-000000000077 in stream orders under account 000000000000."},
			{"SplitShard", split("x-y", "500"), "ResourceNotFoundException", "Could not find shard x-y in stream orders under account 000000000000."},
			{"SplitShard", split(idOf(3), "5000"), "InvalidArgumentException", "NewStartingHashKey 5000 used in SplitShard() on shard shardId-000000000003 in stream orders under account 000000000000 " +
				"is not both greater than one plus the shard's StartingHashKey 0 and less than the shard's EndingHashKey 999."},
			{"SplitShard", split(idOf(3), "1"), "InvalidArgumentException", "is not both greater than one plus"},
			{"SplitShard", split(idOf(3), "999"), "InvalidArgumentException", "is not both greater than one plus"},
			{"SplitShard", split(idOf(3), "340282366920938463463374607431768211456"), "InvalidArgumentException", "is not both greater than one plus"},
			{"SplitShard", split(idOf(3), "01"), "ValidationException", "at 'newStartingHashKey' failed"},
			{"MergeShards", merge(1, 3), "InvalidArgumentException", "Shards shardId-000000000001 and shardId-000000000003 in stream orders under account 000000000000 are not an adjacent pair of shards eligible for merging"},
			{"MergeShards", merge(1, 1), "InvalidArgumentException", "not an adjacent pair"},
		} {
			e.fails(c.op, c.in, c.code, c.message)
		}
		e.split(3, "2")
		e.split(4, "1002")
	})
}

func TestEndOfShardNamesTheChildren(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 1)
		it := e.from(orders, idOf(0), types.ShardIteratorTypeTrimHorizon)
		e.put(orders, "k", "a")
		e.split(0, "1000")
		page := e.get(it)
		e.wantTexts("last page", page.Records, "a")
		if page.NextShardIterator != "" || len(page.ChildShards) != 2 || page.MillisBehindLatest != 0 {
			e.t.Fatalf("next = %q, %d children, %d ms behind; want the end with two", page.NextShardIterator, len(page.ChildShards), page.MillisBehindLatest)
		}
		child := page.ChildShards[1]
		if *child.ShardId != idOf(2) || !slices.Equal(child.ParentShards, []string{idOf(0)}) || *child.HashKeyRange.StartingHashKey != "1000" {
			e.t.Errorf("second child = %s of %v from %s", *child.ShardId, child.ParentShards, *child.HashKeyRange.StartingHashKey)
		}
		e.merge(1, 2)
		for _, shard := range []int{1, 2} {
			page := e.get(e.from(orders, idOf(shard), types.ShardIteratorTypeLatest))
			if len(page.ChildShards) != 1 || !slices.Equal(page.ChildShards[0].ParentShards, []string{idOf(1), idOf(2)}) {
				e.t.Errorf("children of %d = %v, want one with both parents", shard, page.ChildShards)
			}
		}
		open := e.get(e.from(orders, idOf(3), types.ShardIteratorTypeTrimHorizon))
		if open.NextShardIterator == "" || open.ChildShards != nil {
			e.t.Error("an open shard ended")
		}
	})
}

func TestUpdateShardCountKeepsTheKeysCovered(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{StateDelay: time.Second}, func(e engine) {
		e.create(orders, 2)
		for i, target := range []int32{4, 8, 5, 3, 2, 3, 2, 1, 2} {
			before := int32(len(e.shards(orders, &types.ShardFilter{Type: "AT_LATEST"})))
			out := run[kinesis.UpdateShardCountOutput](e, "UpdateShardCount",
				&kinesis.UpdateShardCountInput{StreamName: new(orders), TargetShardCount: &target, ScalingType: "UNIFORM_SCALING"})
			if *out.CurrentShardCount != before || *out.TargetShardCount != target {
				e.t.Errorf("from %d to %d shards, want from %d to %d", *out.CurrentShardCount, *out.TargetShardCount, before, target)
			}
			e.put(orders, strconv.Itoa(i), "x")
			e.settle(orders)
			e.wantEven(int(target))
		}
		e.checkSequenceRanges(e.shards(orders, nil))
		update := func(n int32) *kinesis.UpdateShardCountInput {
			return &kinesis.UpdateShardCountInput{StreamName: new(orders), TargetShardCount: &n, ScalingType: "UNIFORM_SCALING"}
		}
		e.fails("UpdateShardCount", update(5), "InvalidArgumentException", "from 2 to 5 shards")
		e.fails("UpdateShardCount", update(0), "ValidationException", "at 'targetShardCount' failed to satisfy constraint: Member must have value greater than or equal to 1")
	})
}

// wantEven checks that the open shards of the stream have equal widths.
func (e engine) wantEven(n int) {
	e.t.Helper()
	var got, want []string
	for _, sh := range e.Shards(orders) {
		if sh.Open {
			got = append(got, sh.StartingHashKey+"-"+sh.EndingHashKey)
		}
	}
	for _, r := range hashkey.Even(n) {
		want = append(want, r.String())
	}
	slices.Sort(got)
	slices.Sort(want)
	wantList(e.t, "open ranges", got, want...)
}

func TestReshardFromAnyLayoutToAnyOther(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		if err := e.CreateStream(orders, 5); err != nil {
			e.t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(7, 7))
		for range 30 {
			open := slices.DeleteFunc(e.Shards(orders), func(s kintest.ShardInfo) bool { return !s.Open })
			if _, err := e.SplitShard(orders, open[r.IntN(len(open))].ID); err != nil {
				e.t.Fatal(err)
			}
			n := 1 + r.IntN(40)
			if err := e.Reshard(orders, n); err != nil {
				e.t.Fatal(err)
			}
			e.wantEven(n)
		}
		e.checkSequenceRanges(e.shards(orders, nil))
	})
}

func TestListShardsFilters(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 2) // 0, 1
		created := time.Now()
		e.pass(10 * time.Hour)
		e.split(0, "1000") // 2, 3
		splitAt := time.Now()
		e.pass(10 * time.Hour)
		e.merge(3, 1) // 4
		e.pass(time.Hour)
		at := func(t time.Time) *time.Time { return &t }
		type filter = types.ShardFilter
		want := func(f *filter, want string) {
			e.t.Helper()
			if got := names(e.shards(orders, f)); got != want {
				e.t.Errorf("filter %+v: shards %s, want %s", f, got, want)
			}
		}
		want(nil, "0 1 2 3 4")
		want(&filter{Type: "FROM_TRIM_HORIZON"}, "0 1 2 3 4")
		want(&filter{Type: "AT_TRIM_HORIZON"}, "0 1")
		want(&filter{Type: "AT_LATEST"}, "2 4")
		want(&filter{Type: "AFTER_SHARD_ID", ShardId: new(idOf(2))}, "3 4")
		want(&filter{Type: "AT_TIMESTAMP", Timestamp: at(created.Add(-time.Hour))}, "0 1")
		want(&filter{Type: "AT_TIMESTAMP", Timestamp: at(created)}, "0 1")
		want(&filter{Type: "AT_TIMESTAMP", Timestamp: at(splitAt)}, "1 2 3")
		want(&filter{Type: "AT_TIMESTAMP", Timestamp: at(splitAt.Add(-time.Millisecond))}, "0 1")
		want(&filter{Type: "AT_TIMESTAMP", Timestamp: at(time.Now())}, "2 4")
		want(&filter{Type: "FROM_TIMESTAMP", Timestamp: at(splitAt)}, "0 1 2 3 4")
		want(&filter{Type: "FROM_TIMESTAMP", Timestamp: at(splitAt.Add(time.Millisecond))}, "1 2 3 4")
		want(&filter{Type: "FROM_TIMESTAMP", Timestamp: at(created)}, "0 1 2 3 4")

		e.pass(13*time.Hour + time.Minute) // the split is 24 h and a minute ago
		want(nil, "1 2 3 4")
		want(&filter{Type: "AT_TRIM_HORIZON"}, "1 2 3")
		want(&filter{Type: "AT_TIMESTAMP", Timestamp: at(created)}, "1 2 3")
		e.fails("GetShardIterator", &kinesis.GetShardIteratorInput{StreamName: new(orders), ShardId: new(idOf(0)), ShardIteratorType: "TRIM_HORIZON"},
			"ResourceNotFoundException", "Shard shardId-000000000000 in stream orders under account 000000000000 does not exist")

		list := func(f filter) *kinesis.ListShardsInput {
			return &kinesis.ListShardsInput{StreamName: new(orders), ShardFilter: &f}
		}
		e.fails("ListShards", list(filter{Type: "AT_TIMESTAMP"}), "InvalidArgumentException", "Timestamp must be provided")
		e.fails("ListShards", list(filter{Type: "AFTER_SHARD_ID"}), "InvalidArgumentException", "ShardId must be provided")
		e.fails("ListShards", list(filter{Type: "FROM_TIMESTAMP", Timestamp: at(time.Now().Add(time.Minute))}), "InvalidArgumentException", "future")
		e.fails("ListShards", list(filter{Type: "SOMETIMES"}), "ValidationException", "at 'shardFilter.type' failed to satisfy constraint: Member must satisfy enum value set")
		e.fails("ListShards", list(filter{}), "ValidationException", "Value null at 'shardFilter.type' failed to satisfy constraint: Member must not be null")
	})
}

func TestListShardsPages(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		e.create(orders, 10)
		for i := range 10 {
			if _, err := e.SplitShard(orders, idOf(i)); err != nil {
				e.t.Fatal(err)
			}
		}
		in := kinesis.ListShardsInput{StreamName: new(orders), MaxResults: new(int32(4)), ShardFilter: &types.ShardFilter{Type: "AT_LATEST"}}
		var got []types.Shard
		var sizes []int
		var token *string
		for {
			out := run[kinesis.ListShardsOutput](e, "ListShards", &in)
			got = append(got, out.Shards...)
			sizes = append(sizes, len(out.Shards))
			if out.NextToken == nil {
				break
			}
			token = out.NextToken
			in = kinesis.ListShardsInput{NextToken: token, MaxResults: new(int32(7))}
		}
		if want := "10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29"; names(got) != want {
			e.t.Errorf("open shards = %s, want %s", names(got), want)
		}
		wantList(e.t, "shards per page", sizes, 4, 7, 7, 2)

		type input = kinesis.ListShardsInput
		for _, c := range []struct {
			in      input
			message string
		}{
			{input{}, "Either NextToken or StreamName should be provided."},
			{input{NextToken: token, StreamName: new(orders)}, "NextToken and StreamName cannot be provided together."},
			{input{NextToken: token, ExclusiveStartShardId: new(idOf(1))}, "NextToken and ExclusiveStartShardId cannot be provided together."},
			{input{NextToken: token, ShardFilter: &types.ShardFilter{Type: "AT_LATEST"}}, "NextToken and ShardFilter cannot be provided together."},
			{input{NextToken: token, StreamCreationTimestamp: new(time.Now())}, "NextToken and StreamCreationTimestamp cannot be provided together."},
			{input{NextToken: new("garbage")}, "Invalid NextToken."},
			{input{NextToken: new(*token + "AAAA")}, "Invalid NextToken."},
		} {
			e.fails("ListShards", &c.in, "InvalidArgumentException", c.message)
		}
		e.pass(300*time.Second + time.Millisecond)
		e.fails("ListShards", &input{NextToken: token}, "ExpiredNextTokenException", "NextToken expired.")

		created := e.summary(orders).StreamCreationTimestamp
		run[kinesis.ListShardsOutput](e, "ListShards", &input{StreamName: new(orders), StreamCreationTimestamp: created})
		e.fails("ListShards", &input{StreamName: new(orders), StreamCreationTimestamp: new(created.Add(time.Hour))}, "ResourceNotFoundException", "not found")
		d := run[kinesis.DescribeStreamOutput](e, "DescribeStream", &kinesis.DescribeStreamInput{StreamName: new(orders), Limit: new(int32(3)), ExclusiveStartShardId: new(idOf(25))})
		if got := names(d.StreamDescription.Shards); got != "26 27 28" || !*d.StreamDescription.HasMoreShards {
			e.t.Errorf("DescribeStream after 25, at most 3 = %s, more %v", got, *d.StreamDescription.HasMoreShards)
		}
	})
}
