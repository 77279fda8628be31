package stores_test

import (
	"fmt"
	"testing"

	"github.com/kinstream/kin/e2e/server"
	"github.com/kinstream/kin/lease"
)

// BenchmarkDynamoStore measures single calls, and batches of changes, of a group of 100 shards
// and 10 workers.
func BenchmarkDynamoStore(b *testing.B) {
	for _, kind := range server.DynamoDBKinds() {
		b.Run(kind.Name, func(b *testing.B) {
			store := dynamoStore(b, kind.Start(b), "bench")
			rows, members := realRows(b, store, costGroup, 100, 10)
			run := func(name string, f func() error) {
				b.Run(name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if err := f(); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			run("Beat", func() error { _, err := store.Beat(b.Context(), costGroup, members[0]); return err })
			run("Poll", func() error { _, err := store.Poll(b.Context(), costGroup); return err })
			run("Load", func() error { _, err := store.Load(b.Context(), costGroup); return err })
			for _, n := range []int{1, 10, 100} {
				run(fmt.Sprint("Update", n), func() error {
					changes := make([]lease.Change, n)
					for i := range changes {
						changes[i] = lease.Set(rows[i], rows[i])
					}
					results, err := store.Update(b.Context(), costGroup, changes)
					for i, r := range results {
						if !r.Made {
							return fmt.Errorf("change %d was refused", i)
						}
						rows[i] = r.Lease
					}
					return err
				})
			}
		})
	}
}
