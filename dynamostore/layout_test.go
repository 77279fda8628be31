package dynamostore_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kinstream/kin/lease"
)

// TestLayout holds rows to the attributes that they are stored with: other versions read them.
func TestLayout(t *testing.T) {
	t.Parallel()
	f := newFake()
	store := open(t, f)
	at := time.Date(2026, 11, 21, 12, 34, 56, 123_456_789, time.UTC)
	full := lease.Worker{
		ID: "web-1-k3x9", Beat: 3, Streams: []string{streamARN}, Capacity: 7, Draining: true, Seen: 2, TTL: 10 * time.Second,
		Build: "v1.2.3", JoinedAt: at,
	}
	for _, w := range []lease.Worker{full, {ID: "web-2-q71c"}} {
		if err := store.Join(t.Context(), group, w); err != nil {
			t.Fatal(err)
		}
	}
	stream := lease.Stream{ARN: streamARN, CreatedAt: at, Start: "AT_TIMESTAMP:2026-01-02T03:04:05Z", Seeded: true, Revision: 1}
	if _, err := store.PutStream(t.Context(), group, stream); err != nil {
		t.Fatal(err)
	}
	l := testLease(1)
	l.Parents, l.HashStart, l.HashEnd = []string{"shardId-000000000000"}, "0", "340282366920938463463374607431768211455"
	l.Checkpoint, l.CheckpointAt, l.Pin, l.Load = "AFTER_SEQUENCE_NUMBER:49:2", at, "web-2-q71c", 5
	row := update(t, store, lease.Create(l), lease.Create(lease.Lease{Key: lease.Key{Stream: streamARN, Shard: "shardId-000000000002"}}))[0].Lease
	f.edit(func(rows map[rowKey]item) { delete(rows[rowKey{"groups", group}], "created") }) // the time of now
	compareRows(t, f, `
billing/group version: version=3
billing/group worker#web-1-k3x9: beat=3 build="v1.2.3" capacity=7 draining=true joined="2026-11-21T12:34:56.123456789Z" seen=2 streams=["`+streamARN+`"] ttl="10s"
billing/group worker#web-2-q71c: beat=0 seen=0
billing/lease lease#`+streamARN+`#shardId-000000000001: checkpoint="AFTER_SEQUENCE_NUMBER:49:2" epoch=1 from="0" load=5 owner="web-1-k3x9" parents=["shardId-000000000000"] pin="web-2-q71c" revision=1 saved="2026-11-21T12:34:56.123Z" to="340282366920938463463374607431768211455"
billing/lease lease#`+streamARN+`#shardId-000000000002: epoch=0 revision=1
billing/lease stream#`+streamARN+`: created="2026-11-21T12:34:56.123456789Z" revision=1 seeded=true start="AT_TIMESTAMP:2026-01-02T03:04:05Z"
groups billing:
`)

	update(t, store, lease.Set(row, lease.Lease{Key: row.Key, Epoch: 2})) // what is empty goes
	if err := store.Drain(t.Context(), group, full.ID, false); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Beat(t.Context(), group, lease.Worker{ID: full.ID}); err != nil {
		t.Fatal(err)
	}
	if gone, err := store.Forget(t.Context(), group, "web-2-q71c", 0); err != nil || !gone {
		t.Fatalf("Forget = %t, %v", gone, err)
	}
	compareRows(t, f, `
billing/group version: version=6
billing/group worker#web-1-k3x9: beat=4 build="v1.2.3" joined="2026-11-21T12:34:56.123456789Z" seen=0 ttl="10s"
billing/lease lease#`+streamARN+`#shardId-000000000001: epoch=2 revision=2
billing/lease lease#`+streamARN+`#shardId-000000000002: epoch=0 revision=1
billing/lease stream#`+streamARN+`: created="2026-11-21T12:34:56.123456789Z" revision=1 seeded=true start="AT_TIMESTAMP:2026-01-02T03:04:05Z"
groups billing:
`)
}

// compareRows compares all rows with text, one line for each.
func compareRows(t *testing.T, f *fake, want string) {
	t.Helper()
	var lines []string
	f.edit(func(rows map[rowKey]item) {
		for k, i := range rows {
			var line strings.Builder
			line.WriteString(k.part + " " + k.row + ":")
			for _, name := range slices.Sorted(maps.Keys(i)) {
				if name != "part" && name != "row" {
					line.WriteString(" " + name + "=" + show(i[name]))
				}
			}
			lines = append(lines, line.String())
		}
	})
	slices.Sort(lines)
	if got := strings.Join(lines, "\n"); got != strings.TrimSpace(want) {
		t.Errorf("rows:\n%s\nwant:\n%s", got, strings.TrimSpace(want))
	}
}

func show(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return fmt.Sprintf("%q", v.Value)
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(v.Value)
	case *types.AttributeValueMemberL:
		var texts []string
		for _, e := range v.Value {
			texts = append(texts, show(e))
		}
		return "[" + strings.Join(texts, " ") + "]"
	default:
		return fmt.Sprintf("%T", v)
	}
}
