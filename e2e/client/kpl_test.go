package client_test

import (
	"bytes"
	"cmp"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/aggregate"
	"github.com/kinstream/kin/e2e/server"
)

// all returns the Kinesis records of all shards, parents before children.
func (u *setup) all(t *testing.T) []types.Record {
	t.Helper()
	out, err := u.ListShards(u.ctx, &kinesis.ListShardsInput{StreamName: &u.stream})
	if err != nil {
		t.Fatal(err)
	}
	var all []types.Record
	for _, shard := range out.Shards {
		all = append(all, u.getShard(t, u.Client, *shard.ShardId)...)
	}
	return all
}

// TestReaderReadsWhatTheKPLPuts has the KPL, and then a Producer, put the same records. Both find the same shards for them
// and pack user records into the same bytes, and the Reader gets what KCL gets.
func TestReaderReadsWhatTheKPLPuts(t *testing.T) {
	t.Parallel()
	u := newSetup(t, server.Kintest().Start(t), 3)
	put := packable("both", 4_000)
	k := u.startKPL(t)
	k.put(t, put)
	results := k.close(t)
	read, byKCL := u.readByReader(t, nil), u.readByKCL(t)
	checkKPL(t, "both", read, put, results)
	if !sameUserRecords(read, byKCL) {
		t.Errorf("KCL reads %d user records, not the same as the Reader's %d", len(byKCL), len(read))
	}
	checkSubs(t, read)
	checkBytes(t, u.all(t))

	producer := u.producer(t, func(cfg *kin.ProducerConfig) { cfg.Aggregation = kin.AggregateByShard })
	u.waitPacking(t, producer, kin.AggregateByShard)
	for i, at := range putAll(t, u, producer, put, nil) {
		if at.ShardID != results[i].shard {
			t.Errorf("record %d: the Producer puts it into %s, the KPL into %s", i, at.ShardID, results[i].shard)
		}
	}
}

// TestKPLAndProducerShareAStream has both put side by side while shards are split and merged. What both say is true, and
// neither KCL nor the Reader, with KCL's rule, misses a record of either.
func TestKPLAndProducerShareAStream(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server.Server) {
		u := newSetup(t, s, 2)
		ours, theirs := packable("ours", share(s, 4_000)), packable("theirs", share(s, 4_000))
		k := u.startKPL(t)
		producer := u.producer(t, func(cfg *kin.ProducerConfig) { cfg.Aggregation = kin.AggregateByShard })
		u.waitPacking(t, producer, kin.AggregateByShard)
		outcomes := putAll(t, u, producer, ours, map[int]func(){
			len(ours) / 4: func() {
				quarter := len(theirs) / 4
				for i, change := range []func(testing.TB){u.split, u.merge, u.split} {
					k.put(t, theirs[i*quarter:(i+1)*quarter])
					change(t)
				}
				k.put(t, theirs[3*quarter:])
			},
		})
		results := k.close(t)
		t.Logf("attempts of the KPL that failed: %v", failures(results))
		byKCL := u.readByKCL(t)
		byReader := u.readByReader(t, func(cfg *kin.ReaderConfig) { cfg.WhenOutOfRange = kin.DropOutOfRange })
		checkSubs(t, byKCL)
		for _, read := range [][]userRecord{byKCL, byReader} {
			checkRead(t, "ours", read, ours, outcomes)
			checkKPL(t, "theirs", read, theirs, results)
		}
	})
}

func sameUserRecords(a, b []userRecord) bool {
	order := func(x, y userRecord) int {
		return cmp.Or(cmp.Compare(x.shard, y.shard), x.seq.Compare(y.seq), cmp.Compare(x.sub, y.sub))
	}
	slices.SortFunc(a, order)
	slices.SortFunc(b, order)
	return slices.EqualFunc(a, b, func(x, y userRecord) bool { return reflect.DeepEqual(x, y) })
}

// failures counts the attempts that failed by their codes.
func failures(results []kplResult) map[string]int {
	counts := map[string]int{}
	for _, r := range results {
		for code := range strings.SplitSeq(r.failed, ",") {
			counts[code]++
		}
	}
	delete(counts, none)
	return counts
}

// checkKPL compares what a consumer read with what the KPL put and with what it said. Nothing is checked about order, which
// the KPL does not keep, not even inside an aggregate.
func checkKPL(t *testing.T, name string, got []userRecord, put []kin.UserRecord, results []kplResult) {
	t.Helper()
	placed, packed := make([]bool, len(put)), 0
	for _, r := range got {
		if !strings.HasPrefix(r.key, name+" ") {
			continue
		}
		i, at := number(t, r.data), place{r.shard, r.seq}
		want := put[i]
		hashKey := want.ExplicitHashKey
		if !r.packed {
			hashKey = ""
		} else {
			packed++
		}
		if r.key != want.PartitionKey || r.hashKey != hashKey || !bytes.Equal(r.data, want.Data) {
			t.Errorf("record %d was read with key %q, hash key %q, %d bytes; want %q, %q, %d",
				i, r.key, r.hashKey, len(r.data), want.PartitionKey, hashKey, len(want.Data))
		}
		if results[i].place == at {
			placed[i] = true
		}
	}
	for i, ok := range placed {
		if !ok {
			t.Errorf("record %d was not read where the KPL put it: %+v", i, results[i])
		}
	}
	if packed == 0 { // how many are depends on how fast the machine is
		t.Error("the KPL packed nothing")
	}
}

// checkSubs says that user records are numbered inside of their Kinesis records, without gaps.
func checkSubs(t *testing.T, got []userRecord) {
	t.Helper()
	next := map[place]int{}
	for _, r := range got {
		at := place{r.shard, r.seq}
		if r.sub != next[at] {
			t.Errorf("%s %s: sub-sequence number %d, want %d", r.shard, r.seq, r.sub, next[at])
		}
		next[at]++
	}
}

// checkBytes unpacks every aggregate and packs its user records again, which gives the same bytes.
func checkBytes(t *testing.T, records []types.Record) {
	t.Helper()
	var builder aggregate.Builder
	packed := 0
	for _, record := range records {
		parsed, ok := aggregate.Parse(record.Data)
		if !ok {
			continue
		}
		builder.Reset()
		for r, err := range parsed.Records() {
			if err != nil {
				t.Fatal(err)
			}
			builder.Add(r)
		}
		if again := builder.Pack(nil); !bytes.Equal(again.Data, record.Data) {
			t.Errorf("%s: an aggregate of %d bytes has %d bytes, or others, when it is packed again",
				*record.SequenceNumber, len(record.Data), len(again.Data))
		}
		packed++
	}
	if packed == 0 {
		t.Error("there is no aggregate in the stream")
	}
}

// TestReaderReadsWhatPythonPuts has the library for Python pack records and put them into one shard, since it looks at none.
func TestReaderReadsWhatPythonPuts(t *testing.T) {
	t.Parallel()
	u := newSetup(t, server.Kintest().Start(t), 1)
	put := slices.DeleteFunc(packable("python", 4_000), func(r kin.UserRecord) bool { return len(r.Data) > 50_000 })
	u.putByPython(t, put)
	read, byKCL := u.readByReader(t, nil), u.readByKCL(t)
	if !sameUserRecords(read, byKCL) {
		t.Errorf("KCL reads %d user records, not the same as the Reader's %d", len(byKCL), len(read))
	}
	checkSubs(t, read)
	checkBytes(t, u.all(t))
	if len(read) != len(put) {
		t.Fatalf("read %d records, want %d", len(read), len(put))
	}
	for i, r := range read {
		want := put[i]
		if r.key != want.PartitionKey || r.hashKey != want.ExplicitHashKey || !bytes.Equal(r.data, want.Data) || !r.packed {
			t.Errorf("record %d was read with key %q, hash key %q, %d bytes, packed: %t; want %q, %q, %d, true",
				i, r.key, r.hashKey, len(r.data), r.packed, want.PartitionKey, want.ExplicitHashKey, len(want.Data))
		}
	}
}
