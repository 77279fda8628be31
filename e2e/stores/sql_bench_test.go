package stores_test

import (
	"testing"
	"time"

	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/memstore"
)

// BenchmarkStores measures the calls of workers, one after the other, in a group of 10 workers
// with 1,000 leases. Stores in DynamoDB are measured by what they cost: see
// BenchmarkDynamoStore.
func BenchmarkStores(b *testing.B) {
	stores := map[string]func(b *testing.B) lease.Store{
		"memory": func(*testing.B) lease.Store { return memstore.New() },
	}
	for name, start := range databases() {
		stores[name] = func(b *testing.B) lease.Store {
			store := start(b).open(b)
			if err := store.CreateTables(b.Context()); err != nil {
				b.Fatal(err)
			}
			return store
		}
	}
	for _, name := range []string{"memory", "SQLite", "SQLite without any setting", "PostgreSQL", "MariaDB"} {
		b.Run(name, func(b *testing.B) { benchmarkStore(b, stores[name](b)) })
	}
}

func benchmarkStore(b *testing.B, store lease.Store) {
	g := newBenchGroup(b, store)
	b.Run("Beat", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := store.Beat(b.Context(), "g", benchWorker(3)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Poll", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := store.Poll(b.Context(), "g"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Checkpoint", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			g.update(b, 1, func(l *lease.Lease) {
				l.Checkpoint, l.CheckpointAt = "AFTER_SEQUENCE_NUMBER:49590338271490256608559692538361571095921575989136588898", time.Now()
			})
		}
	})
	b.Run("Take1", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			g.update(b, 1, func(l *lease.Lease) { l.Epoch++ })
		}
	})
	b.Run("Take100", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			g.update(b, 100, func(l *lease.Lease) { l.Epoch++ })
		}
	})
	b.Run("Load1000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if s, err := store.Load(b.Context(), "g"); err != nil || len(s.Leases) != benchLeases {
				b.Fatal(len(s.Leases), err)
			}
		}
	})
}

const benchLeases = 1000

// benchGroup is a group of 10 workers with 1,000 leases, and what is stored of them.
type benchGroup struct {
	store  lease.Store
	leases []lease.Lease
}

func benchWorker(i int) lease.Worker {
	return lease.Worker{
		ID: "ip-10-0-0-" + string(rune('0'+i)) + ".ec2.internal-5f3a9c21b7", Streams: []string{"arn:aws:kinesis:us-east-1:123456789012:stream/orders"},
		TTL: 10 * time.Second, Build: "v1.0.0", JoinedAt: time.Now(),
	}
}

func newBenchGroup(b *testing.B, store lease.Store) *benchGroup {
	for i := range 10 {
		if err := store.Join(b.Context(), "g", benchWorker(i)); err != nil {
			b.Fatal(err)
		}
	}
	g := &benchGroup{store: store}
	var changes []lease.Change
	for i := range benchLeases {
		changes = append(changes, lease.Create(lease.Lease{
			Key:       lease.Key{Stream: benchWorker(0).Streams[0], Shard: "shardId-00000000" + string([]byte{byte('0' + i/1000), byte('0' + i/100%10), byte('0' + i/10%10), byte('0' + i%10)})},
			HashStart: "0", HashEnd: "340282366920938463463374607431768211455", Owner: benchWorker(i % 10).ID, Checkpoint: lease.TrimHorizon,
		}))
	}
	results, err := store.Update(b.Context(), "g", changes)
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range results {
		g.leases = append(g.leases, r.Lease)
	}
	return g
}

// update changes the first n leases, which are the last ones after that.
func (g *benchGroup) update(b *testing.B, n int, set func(*lease.Lease)) {
	changes := make([]lease.Change, n)
	for i, l := range g.leases[:n] {
		next := l
		set(&next)
		changes[i] = lease.Set(l, next)
	}
	results, err := g.store.Update(b.Context(), "g", changes)
	if err != nil {
		b.Fatal(err)
	}
	g.leases = g.leases[n:]
	for _, r := range results {
		if !r.Made {
			b.Fatal("a change was refused")
		}
		g.leases = append(g.leases, r.Lease)
	}
}
