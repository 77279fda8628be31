package kintest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/kintest"
)

func TestDirectAPIDoesNotWait(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{StateDelay: time.Hour, Limits: kintest.Limits{WriteRecordsPerSecond: 1}}, func(e engine) {
		if err := e.CreateStream(orders, 1); err != nil {
			e.t.Fatal(err)
		}
		placed, err := e.Put(orders, "key", []byte("a"))
		if err != nil || placed.ShardID != idOf(0) || !placed.ArrivalTime.Equal(time.Now()) || placed.PartitionKey != "key" || string(placed.Data) != "a" {
			e.t.Errorf("put = %+v, %v", placed, err)
		}
		children, err := e.SplitShard(orders, idOf(0))
		if err != nil || children != [2]string{idOf(1), idOf(2)} {
			e.t.Errorf("split = %v, %v", children, err)
		}
		if got, want := e.ShardFor(orders, "key"), e.put(orders, "key", "b").ShardID; got != want {
			e.t.Errorf("ShardFor = %s, but the record went to %s", got, want)
		}
		child, err := e.MergeShards(orders, idOf(1), idOf(2))
		if err != nil || child != idOf(3) {
			e.t.Errorf("merge = %s, %v", child, err)
		}
		infos := e.Shards(orders)
		if len(infos) != 4 || infos[0].Open || !infos[3].Open || infos[0].Records != 1 || infos[0].Bytes != 4 || infos[0].Closed.IsZero() {
			e.t.Errorf("shards = %+v", infos)
		}
		wantList(e.t, "parents of the merged shard", infos[3].Parents, idOf(1), idOf(2))
		if stats := e.Stats(); stats.Streams != 1 || stats.OpenShards != 1 || stats.Shards != 4 || stats.Records != 2 || stats.Bytes != 8 {
			e.t.Errorf("stats = %+v", stats)
		}
		if err := e.DeleteStream(orders); err != nil {
			e.t.Error(err)
		}
		if e.Records(orders) != nil || e.Shards(orders) != nil || e.ShardFor(orders, "key") != "" {
			e.t.Error("the stream is still there after its deletion")
		}
	})
}

func TestDirectAPIRefuses(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		if err := e.CreateStream(orders, 2); err != nil {
			e.t.Fatal(err)
		}
		if _, err := e.SplitShard(orders, idOf(0)); err != nil {
			e.t.Fatal(err)
		}
		_, unknownStream := e.Put("other", "k", nil)
		_, closedShard := e.SplitShard(orders, idOf(0))
		_, notAdjacent := e.MergeShards(orders, idOf(2), idOf(2))
		_, noKey := e.Put(orders, "", nil)
		for what, c := range map[string]struct {
			err  error
			want string
		}{
			"same name":       {e.CreateStream(orders, 1), "kintest: create stream orders: ResourceInUseException: Stream orders under account 000000000000 already exists."},
			"bad name":        {e.CreateStream("a b", 1), `kintest: create stream "a b": a name has`},
			"no shards":       {e.CreateStream("none", 0), "kintest: create stream none: 0 shards, want 1 to 10000"},
			"unknown stream":  {unknownStream, "kintest: put other: ResourceNotFoundException"},
			"closed shard":    {closedShard, "kintest: split shard orders: InvalidArgumentException: Shard shardId-000000000000"},
			"not adjacent":    {notAdjacent, "kintest: merge shards orders: InvalidArgumentException"},
			"no partition":    {noKey, "kintest: put orders: ValidationException"},
			"too many shards": {e.Reshard(orders, 10001), "kintest: reshard orders: 10001 shards"},
			"deleting twice":  {e.DeleteStream("gone"), "kintest: delete stream gone: ResourceNotFoundException"},
		} {
			if c.err == nil || !strings.HasPrefix(c.err.Error(), c.want) {
				e.t.Errorf("%s: error %v, want %s...", what, c.err, c.want)
			}
		}
	})
}

func TestManyStreamsAndShards(t *testing.T) {
	t.Parallel()
	bubble(t, kintest.Config{}, func(e engine) {
		for i := range 1000 {
			if err := e.CreateStream(strings.Repeat("s", 1+i%50)+string(rune('a'+i/50)), 1); err != nil {
				e.t.Fatal(err)
			}
		}
		if err := e.CreateStream(orders, 10_000); err != nil {
			e.t.Fatal(err)
		}
		if err := e.Reshard(orders, 5000); err != nil {
			e.t.Fatal(err)
		}
		if err := e.Reshard(orders, 10_000); err != nil {
			e.t.Fatal(err)
		}
		e.wantEven(10_000)
		if stats := e.Stats(); stats.Streams != 1001 || stats.OpenShards != 11_000 || stats.Shards != 1000+10_000+5000+10_000 {
			e.t.Errorf("stats = %+v", stats)
		}
		out := run[kinesis.ListShardsOutput](e, "ListShards", &kinesis.ListShardsInput{StreamName: new(orders)})
		if len(out.Shards) != 1000 || out.NextToken == nil {
			e.t.Errorf("first page of ListShards has %d shards, token %v", len(out.Shards), out.NextToken != nil)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for want, config := range map[string]kintest.Config{
		`kintest: Config.Account ("12") must have 12 digits`:                   {Account: "12"},
		"kintest: Config.StateDelay (-1s) must not be negative":                {StateDelay: -time.Second},
		"kintest: Config.MaxBytes (-1) must not be negative":                   {MaxBytes: -1},
		"kintest: Config.IteratorTTL (-1ns) must not be negative":              {IteratorTTL: -1},
		"kintest: Config.Limits.ReadCallsPerSecond (-5) must not be negative":  {Limits: kintest.Limits{ReadCallsPerSecond: -5}},
		"kintest: Config.TakeoverAfter (-2ns) must not be negative":            {TakeoverAfter: -2},
		"kintest: Config.Limits.WriteBytesPerSecond (-1) must not be negative": {Limits: kintest.Limits{WriteBytesPerSecond: -1}},
	} {
		if _, err := kintest.NewServer(config); err == nil || err.Error() != want {
			t.Errorf("NewServer error = %v, want %s", err, want)
		}
	}
}
