package discover_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/discover"
	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

// BenchmarkTenThousandShards is one listing of a large stream, and what follows from it.
func BenchmarkTenThousandShards(b *testing.B) {
	var listing []topology.Shard
	var leases []lease.Lease
	for i, keys := range hashkey.Even(10_000) {
		s := topology.Shard{ID: fmt.Sprintf("shardId-%012d", i), Range: keys}
		listing = append(listing, s)
		leases = append(leases, lease.Lease{
			Key: lease.Key{Stream: arn, Shard: s.ID}, HashStart: keys.Start.String(), HashEnd: keys.End.String(),
			Checkpoint: "AFTER_SEQUENCE_NUMBER:7", Revision: 1,
		})
	}
	for _, bm := range []struct {
		name string
		rows []lease.Lease
		want int
	}{{"all have leases", leases, 0}, {"none has one", nil, 10_000}, {"half of them have", leases[:5000], 5000}} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var m discover.Memory
				m.List(time.Second, seeded, bm.rows, discover.Listing{Shards: listing})
				if got := len(m.Plan(seeded, bm.rows).Create); got != bm.want {
					b.Fatalf("%d leases to create, want %d", got, bm.want)
				}
			}
		})
	}
	b.Run("ready", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			discover.Ready(leases)
		}
	})
}
