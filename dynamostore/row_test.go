package dynamostore_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kinstream/kin/dynamostore"
	"github.com/kinstream/kin/lease"
)

// TestRowsRoundTrip writes rows with all kinds of values through one store and reads them by
// another one.
func TestRowsRoundTrip(t *testing.T) {
	t.Parallel()
	f := newFake()
	store := open(t, f)
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(texts ...string) string { return texts[random.IntN(len(texts))] }
	at := func() time.Time {
		if random.IntN(3) == 0 {
			return time.Time{}
		}
		return time.Unix(random.Int64N(1<<33), random.Int64N(1e9)).UTC()
	}
	for i := range 300 {
		w := lease.Worker{
			ID: fmt.Sprint("w", i), Beat: random.Int64N(math.MaxInt64), Capacity: random.IntN(3), Draining: random.IntN(2) == 0,
			Seen: random.Int64(), TTL: time.Duration(random.Int64N(1 << 40)), Build: pick("", "v1.2.3", "é#%/"), JoinedAt: at(),
		}
		for range random.IntN(3) {
			w.Streams = append(w.Streams, pick(streamARN, "é", "a#b%23"))
		}
		if err := store.Join(t.Context(), group, w); err != nil {
			t.Fatal(err)
		}
		s := lease.Stream{
			ARN: fmt.Sprint("arn#", i), CreatedAt: at(), Seeded: random.IntN(2) == 0, Revision: 1,
			Start: lease.Checkpoint(pick("TRIM_HORIZON", "", "AT_TIMESTAMP:2026-01-02T03:04:05.123456789Z")),
		}
		if _, err := store.PutStream(t.Context(), group, s); err != nil {
			t.Fatal(err)
		}
		l := lease.Lease{
			Key:       lease.Key{Stream: pick(streamARN, "a#b", "#", "%"), Shard: fmt.Sprint(pick("shardId-", "#", "%", "%23#", "é"), i)},
			HashStart: pick("", "0"), HashEnd: pick("", "340282366920938463463374607431768211455"),
			Owner: pick("", "web-1-k3x9", "é"), Epoch: random.Int64(), Pin: pick("", "web-2"), Load: random.IntN(12),
			Checkpoint: lease.Checkpoint(pick("TRIM_HORIZON", "SHARD_END", "AFTER_SEQUENCE_NUMBER:496001:7", "")), CheckpointAt: at(),
		}
		for range random.IntN(3) {
			l.Parents = append(l.Parents, pick("shardId-000000000001", "#"))
		}
		result := update(t, store, lease.Create(l))[0]
		snapshot := load(t, open(t, f))
		if got := find(snapshot.Workers, func(r lease.Worker) bool { return r.ID == w.ID }); !reflect.DeepEqual(got, w) {
			t.Fatalf("worker = %+v, want %+v", got, w)
		}
		if got := find(snapshot.Streams, func(r lease.Stream) bool { return r.ARN == s.ARN }); got != s {
			t.Fatalf("stream = %+v, want %+v", got, s)
		}
		l.Revision, l.CheckpointAt = 1, l.CheckpointAt.Truncate(time.Millisecond)
		if got := find(snapshot.Leases, func(r lease.Lease) bool { return r.Key == l.Key }); !reflect.DeepEqual(got, l) || !reflect.DeepEqual(result.Lease, l) {
			t.Fatalf("lease = %+v, as written %+v, want %+v", got, result.Lease, l)
		}
	}
}

func find[T any](rows []T, is func(T) bool) T {
	for _, r := range rows {
		if is(r) {
			return r
		}
	}
	var none T
	return none
}

func TestRowsThatCanNotBeUnderstood(t *testing.T) {
	t.Parallel()
	leaseRow := rowKey{group + "/lease", "lease#" + streamARN + "#shardId-000000000000"}
	workerRow := rowKey{group + "/group", "worker#web-1-k3x9"}
	tests := map[string]struct {
		row   rowKey
		name  string
		value any
	}{
		"an epoch that is text":         {leaseRow, "epoch", "one"},
		"a revision of nothing":         {leaseRow, "revision", 0},
		"parents that are text":         {leaseRow, "parents", "shardId-1"},
		"an owner that is a number":     {leaseRow, "owner", 7},
		"a time that is none":           {leaseRow, "saved", "yesterday"},
		"a TTL without a unit":          {workerRow, "ttl", "10"},
		"a beat that is text":           {workerRow, "beat", "7"},
		"a version that is text":        {rowKey{group + "/group", "version"}, "version", "7"},
		"a stream that starts nowhere":  {rowKey{group + "/lease", "stream#" + streamARN}, "start", 1},
		"a worker that drains somewhat": {workerRow, "draining", "a little"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			store, _ := seed(t, f, 1)
			f.edit(func(rows map[rowKey]item) { set(rows[test.row], test.name, test.value) })
			_, err := store.Load(t.Context(), group)
			want := "row " + test.row.part + " " + test.row.row + ": attribute " + test.name
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Load: error %v, want one that says %q", err, want)
			}
		})
	}
	t.Run("a lease without a shard", func(t *testing.T) {
		t.Parallel()
		f := newFake()
		store, _ := seed(t, f, 1)
		f.edit(func(rows map[rowKey]item) {
			i := maps.Clone(rows[leaseRow])
			set(i, "row", "lease#orders")
			rows[rowKey{leaseRow.part, "lease#orders"}] = i
		})
		if _, err := store.Load(t.Context(), group); err == nil || !strings.Contains(err.Error(), "no shard in the key") {
			t.Errorf("Load: error %v, want one about the key", err)
		}
	})
}

// FuzzRow reads rows with any attributes: they are read or refused, and what was read is
// written as it was.
func FuzzRow(f *testing.F) {
	f.Add("lease#a#b", "epoch", "7", uint8(1))
	f.Add("lease#a#b", "parents", "x", uint8(2))
	f.Add("lease#a%23", "saved", "2026-01-02T03:04:05Z", uint8(0))
	f.Add("worker#w", "ttl", "10s", uint8(0))
	f.Add("stream#s", "created", "0000-01-01T00:00:00+24:00", uint8(0))
	f.Add("version", "version", "1e3", uint8(1))
	f.Fuzz(func(t *testing.T, row, name, value string, kind uint8) {
		var v types.AttributeValue
		switch kind % 6 {
		case 0:
			v = &types.AttributeValueMemberS{Value: value}
		case 1:
			v = &types.AttributeValueMemberN{Value: value}
		case 2:
			v = &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberS{Value: value}}}
		case 3:
			v = &types.AttributeValueMemberBOOL{Value: true}
		case 4:
			v = &types.AttributeValueMemberNULL{Value: true}
		default:
			v = &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberN{Value: value}}}
		}
		i := item{}
		set(i, "part", "p")
		set(i, "revision", 1)
		i[name] = v
		set(i, "row", row)
		s, err := dynamostore.Decode(i)
		if err != nil {
			return
		}
		for _, l := range s.Leases {
			if again, err := dynamostore.Decode(dynamostore.Encode(group, l)); err != nil || !again.Leases[0].Equal(l) {
				t.Errorf("%+v came back as %+v (%v)", l, again, err)
			}
		}
	})
}
